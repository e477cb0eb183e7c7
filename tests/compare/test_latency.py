"""Whether a target is slower."""

import random

from shadowtap.compare.latency import KEPT, Pairs, compare_latency, quantile_ratio
from shadowtap.ledger import Latency


def pairs(count: int, factor: float, *, seed: int = 1, spread: float = 0.6) -> Pairs:
    """Requests of very different cost, answered by two servers with their own unrest."""
    draw, found = random.Random(seed), Pairs()
    for _ in range(count):
        cost = draw.lognormvariate(16, 1.5)
        found.record(
            int(cost * draw.lognormvariate(0, spread)), int(cost * draw.lognormvariate(0, spread) * factor)
        )
    return found


def test_a_slower_target_is_found_among_requests_of_very_different_cost() -> None:
    slow = pairs(400, 1.5).compared()
    assert slow.verdict == "slower"
    assert slow.ratio is not None
    assert 1.3 < slow.ratio < 1.75
    assert slow.chance < 0.001
    assert pairs(400, 0.6).compared().verdict == "faster"


def test_equal_targets_are_not_slower_by_chance() -> None:
    verdicts = [pairs(300, 1.0, seed=seed).compared(tests=50).verdict for seed in range(50)]
    assert verdicts.count("same") == 50


def test_a_certain_but_small_difference_does_not_count() -> None:
    small = pairs(1000, 1.05, spread=0.02).compared()
    assert small.chance < 1e-6
    assert small.verdict == "same"


def test_few_pairs_say_nothing() -> None:
    assert pairs(20, 5.0).compared().verdict == "too few"


def test_one_very_slow_answer_does_not_count() -> None:
    found = pairs(200, 1.0)
    found.record(1_000_000, 60_000_000_000)
    assert found.compared().verdict == "same"


def test_memory_is_bounded_and_spread_over_the_run() -> None:
    found = Pairs()
    for n in range(20 * KEPT):
        found.record(n, n)
    assert KEPT // 2 <= len(found.kept) <= KEPT
    assert found.kept[0][0] < 64
    assert found.kept[-1][0] > 20 * KEPT - 64
    assert found.compared().count == 20 * KEPT


def test_endpoints_share_the_limit() -> None:
    found = compare_latency(
        [("GET /a", pairs(300, 1.6)), ("GET /b", pairs(300, 1.0, seed=4)), ("GET /c", pairs(3, 9.0))]
    )
    assert {name: result.verdict for name, result in found.items()} == {
        "GET /a": "slower",
        "GET /b": "same",
        "GET /c": "too few",
    }


def latency(values: list[int]) -> Latency:
    found = Latency()
    for value in values:
        found.record(value)
    return found


def test_quantiles_are_compared_with_bounds() -> None:
    draw = random.Random(2)
    before = latency([int(draw.lognormvariate(16, 0.5)) for _ in range(2000)])
    after = latency([int(draw.lognormvariate(16, 0.5) * 1.5) for _ in range(2000)])
    ratio = quantile_ratio(before, after, 0.5)
    assert ratio.ratio is not None
    assert 1 < ratio.low <= ratio.ratio <= ratio.high
    assert ratio.low < 1.5 < ratio.high
    assert quantile_ratio(Latency(), after, 0.5).ratio is None
    assert quantile_ratio(before, after, 0.99).needed == 368
