"""The demo, played for a moment: real packets, the real collector, a real target, and every regression found."""

import io

import pytest

from shadowtap.compare import State
from shadowtap.demo.regressions import FOUND, SLOWER, Regression
from shadowtap.demo.stage import found, moral, play, verdicts
from shadowtap.report.plain import PlainView


@pytest.fixture(scope="module")
def played():
    """Ten seconds of the demo, and what was shown."""
    stream = io.StringIO()
    return play(PlainView(stream, every_s=1), seconds=10, rate=150, seed=7), stream.getvalue()


def test_requests_arrive_and_the_account_adds_up(played):
    ledger = played[0].ledger
    assert ledger.imbalances() == []
    assert ledger.requests.seen > 1000
    assert ledger.requests.replayed > 0.95 * ledger.requests.seen
    (target,) = ledger.targets.values()
    assert target.answered == target.replayed
    assert target.failed == {}
    assert {200, 201, 204, 404} <= set(target.answers.statuses)
    assert {200, 201, 204, 404} <= set(ledger.production.statuses)


def test_every_regression_is_found_and_nothing_that_is_noise(played):
    comparison = played[0].comparison
    (result,) = comparison.result()
    assert {row.group.place for row in result.summary.rows if not row.rule} == set(FOUND.values())
    assert SLOWER in result.figures.slower
    assert found([result]) == dict.fromkeys(Regression, True)
    assert sum(result.summary.noise.values()) > 1000
    assert [judgement.state for judgement in verdicts(comparison)] == [State.FAILED]


def test_sessions_go_on_at_the_target(played):
    ledger = played[0].ledger
    (target,) = ledger.targets.values()
    assert target.sessions.requests > 100
    assert target.answers.statuses[201] >= ledger.production.statuses[201]


def test_production_takes_as_long_as_it_says(played):
    ledger = played[0].ledger
    assert 10e6 < ledger.production.latency.quantile(0.5) < 60e6


def test_there_is_something_to_see(played):
    (ledger, comparison, page), shown = played
    assert ledger.flows.reordered + ledger.flows.retransmitted > 0
    assert "from vxlan://127.0.0.1:" in shown
    assert "/s, " in shown
    assert page.startswith("<!doctype html>")
    assert all(regression in page for regression in ("weight_g", "cache-control", "GET /account"))
    told = moral(comparison.result(), "/tmp/report.html")
    assert told.count("  found ") == len(Regression)
    assert "\n  /tmp/report.html\n" in told
    assert max(map(len, told.splitlines())) <= 80
