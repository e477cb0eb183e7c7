"""The demo, played for a moment: real packets, the real collector, a real target."""

import io

import pytest

from shadowtap.demo.stage import moral, play
from shadowtap.report.plain import PlainView


@pytest.fixture(scope="module")
def played():
    """Two seconds of the demo, and what was shown."""
    stream = io.StringIO()
    return play(PlainView(stream, every_s=1), seconds=2, rate=200, seed=7), stream.getvalue()


def test_requests_arrive_and_the_account_adds_up(played):
    ledger, _ = played
    assert ledger.imbalances() == []
    assert ledger.requests.seen > 100
    assert ledger.requests.replayed > 0.95 * ledger.requests.seen
    (target,) = ledger.targets.values()
    assert target.answered == target.replayed
    assert target.failed == {}
    assert {200, 404} <= set(target.answers.statuses)
    assert {200, 404} <= set(ledger.production.statuses)


def test_production_takes_as_long_as_it_says(played):
    ledger, _ = played
    assert 2e6 < ledger.production.latency.quantile(0.5) < 20e6


def test_there_is_something_to_see(played):
    ledger, shown = played
    assert ledger.flows.reordered + ledger.flows.retransmitted > 0
    assert "from vxlan://127.0.0.1:" in shown
    assert "/s, " in shown
    assert "large orders" in moral(ledger)
    assert max(map(len, moral(ledger).splitlines())) <= 80
