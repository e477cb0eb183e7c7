"""What the demo stands on: in the shop's next version every regression is found, and nothing that is noise."""

import os

import pytest

from demo.feeding import Feed
from shadowtap.compare import Condition, State
from shadowtap.compare.sessions import Rebinder
from shadowtap.demo.regressions import ALL, FOUND, SLOWER, Regression

MANY = int(os.environ.get("SHADOWTAP_COMPARE_REQUESTS", "3000"))


def found(feed: Feed) -> set[tuple[str, str, str]]:
    """The places that are reported."""
    (result,) = feed.comparison.result()
    return {row.group.place for row in result.summary.rows if not row.rule}


@pytest.mark.parametrize("seed", [1, 2] if MANY > 3000 else [1])
def test_every_regression_is_found_and_no_noise_reported(seed):
    feed = Feed(seed, ALL, rebinder=Rebinder()).run(4000)
    assert found(feed) == set(FOUND.values())
    (result,) = feed.comparison.result()
    assert result.figures.slower == [SLOWER]
    assert result.summary.compared == 4000
    (judgement,) = feed.comparison.judge(Condition("mismatch > 0.1%"))
    assert judgement.state is State.FAILED


@pytest.mark.parametrize("regression", Regression)
def test_one_regression_alone_is_the_one_that_is_found(regression):
    feed = Feed(7, frozenset([regression]), rebinder=Rebinder()).run(1000)
    assert found(feed) == ({FOUND[regression]} if regression in FOUND else set())
    (result,) = feed.comparison.result()
    assert result.figures.slower == ([] if regression in FOUND else [SLOWER])


def test_identical_versions_do_not_differ():
    feed = Feed(5, rebinder=Rebinder()).run(MANY)
    assert found(feed) == set()
    (result,) = feed.comparison.result()
    assert (result.summary.compared, result.summary.mismatched) == (MANY, 0)
    assert result.figures.slower == []
    assert sum(result.summary.noise.values()) > MANY / 2
    (judgement,) = feed.comparison.judge(Condition("mismatch > 0.1% or errors > 0.1% or p99 > 1.5x"))
    assert judgement.state is State.PASSED


def test_without_rebinding_no_log_in_lasts_at_the_target_and_with_it_all_do():
    accounts = {
        rebinder is not None: [
            (production, target)
            for _, path, production, target in Feed(3, rebinder=rebinder).run(1000).statuses
            if path in (b"/account", b"/orders") and production < 300
        ]
        for rebinder in (None, Rebinder())
    }
    assert accounts[False]
    assert {target for _, target in accounts[False]} == {401}
    assert all(production == target for production, target in accounts[True])
