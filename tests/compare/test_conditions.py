"""Conditions: failed, passed, or too few to tell."""

import random

import pytest

from shadowtap.compare.conditions import Condition, Figures, State
from shadowtap.expression import ExpressionError
from shadowtap.ledger import Latency


def figures(
    mismatched: int = 0,
    compared: int = 5000,
    *,
    factor: float = 1.0,
    timed: int = 5000,
    unanswered: int = 0,
    slower: tuple[str, ...] = (),
) -> Figures:
    draw, before, after = random.Random(1), Latency(), Latency()
    for _ in range(timed):
        before.record(int(draw.lognormvariate(16, 0.4)))
        after.record(int(draw.lognormvariate(16, 0.4) * factor))
    shares = {
        "mismatch": (mismatched, compared),
        "unanswered": (unanswered, compared),
        "errors": (0, compared),
    }
    return Figures(shares, before, after, list(slower))


def state(text: str, **more: object) -> State:
    return Condition(text).judge("t", figures(**more)).state  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mismatched", "compared", "expected"),
    [
        (0, 5000, State.PASSED),
        (0, 3000, State.PASSED),
        (0, 2999, State.TOO_FEW),
        (0, 0, State.TOO_FEW),
        (4, 5000, State.PASSED),
        (6, 5000, State.FAILED),
        (30, 200, State.FAILED),
        (1, 200, State.TOO_FEW),
        (20, 20, State.TOO_FEW),
    ],
)
def test_shares(mismatched: int, compared: int, expected: State) -> None:
    assert state("mismatch > 0.1%", mismatched=mismatched, compared=compared) is expected


def test_none_at_all() -> None:
    assert state("mismatch > 0", mismatched=0, compared=200) is State.PASSED
    assert state("mismatch > 0", mismatched=1, compared=200) is State.FAILED
    assert state("mismatch > 0", mismatched=0, compared=50) is State.TOO_FEW


def test_latency_as_a_factor_and_as_a_duration() -> None:
    assert state("p99 > 1.2x") is State.PASSED
    assert state("p99 > 1.2x", factor=2.0) is State.FAILED
    assert state("p99 > 1.2x", factor=2.0, timed=300) is State.TOO_FEW
    assert state("p50 > 1.2x", factor=2.0, timed=300) is State.FAILED
    assert state("p50 > 20ms") is State.PASSED
    assert state("p50 > 1ms") is State.FAILED


def test_a_ratio_that_may_be_chance_is_not_told() -> None:
    judgement = Condition("p99 > 0.95x").judge("t", figures(factor=1.1, timed=400))
    assert judgement.state is State.TOO_FEW
    assert "the interval holds 1x" in judgement.reasons[0]


def test_and_or_not() -> None:
    few = {"compared": 200, "mismatched": 1}
    assert state("mismatch > 0.1% or p99 > 1.2x", factor=2.0, **few) is State.FAILED
    assert state("mismatch > 0.1% or p99 > 1.2x", **few) is State.TOO_FEW
    assert state("mismatch > 0.1% and p99 > 1.2x", **few) is State.PASSED
    assert state("mismatch > 0.1% and p99 > 1.2x", factor=2.0, **few) is State.TOO_FEW
    assert state("not (p99 > 1.2x)") is State.FAILED
    assert state("not mismatch > 0.1%", **few) is State.TOO_FEW


def test_every_failing_part_is_a_reason() -> None:
    judgement = Condition("mismatch > 0.1% or missing > 1% or p50 > 1.2x or slower > 0").judge(
        "t", figures(mismatched=50, unanswered=100, factor=2.0, slower=("GET /a",))
    )
    assert [reason.split(":")[0] for reason in judgement.reasons] == ["mismatch", "missing", "p50", "slower"]
    assert judgement.reasons[0] == "mismatch: 1.000% (50 of 5,000), beyond > 0.1%"
    assert judgement.reasons[3] == "slower: 1 endpoints: GET /a"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("mismatsch > 1%", "mismatch"),
        ("mismatch > 1.2x", "share"),
        ("p99 > 5%", "factor"),
        ("p99 ~ 5", "compare"),
        ("mismatch == 0", "compare"),
        ("mismatch >", "value"),
        ("", "empty"),
        ("mismatch > 1% or", "expected"),
        ("slower > 10%", "number"),
    ],
)
def test_what_cannot_be_understood_is_refused(text: str, word: str) -> None:
    with pytest.raises(ExpressionError, match=word):
        Condition(text)
