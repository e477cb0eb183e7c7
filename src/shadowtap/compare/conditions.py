"""Conditions on a run, such as `mismatch > 0.1% or p99 > 1.2x`, and whether there is enough to say.

    mismatch            share of the answers compared that have a difference which is not noise
    status_mismatch, header_mismatch, body_mismatch     of those, by where the difference is
    unanswered          share of the replayed requests that the target gave no answer to (also called `missing`)
    errors              share of the answers compared where only the target's status is 5xx
    skipped             share of the answers that could not be compared
    p50, p90, p99       of the latency: how many times production's (`1.2x`), or how long (`250ms`)
    slower              how many endpoints are slower, by the test in `latency`

A condition can be true, false, or not yet to be told. A share counts as above its limit when it was found above it
in enough answers, or when even its lower bound (Wilson, 95 %) is; as within it when it was found within it in enough
answers, which are 3 / limit: of 3,000 answers without a mismatch one can say, at 95 %, that fewer than 0.1 %
mismatch. A quantile's ratio counts as above its limit when it is, and its interval lies above 1. Too few answers are
never a pass.
"""

import operator
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

import msgspec

from shadowtap.compare.latency import QUANTILES, quantile_ratio
from shadowtap.compare.statistics import least_sample, wilson
from shadowtap.expression import DURATION, FACTOR, PLAIN, SHARE, ExpressionError
from shadowtap.expression.kinds import Number
from shadowtap.expression.parser import parse_tree
from shadowtap.expression.tree import Node, Not, Operator, Or, Test, Word, tests
from shadowtap.ledger import Latency

LEAST_ANSWERS = 100
"""Answers below which nothing is said but that there are too few."""
SHARES = (
    "mismatch",
    "status_mismatch",
    "header_mismatch",
    "body_mismatch",
    "unanswered",
    "errors",
    "skipped",
)
_ALIASES = {"missing": "unanswered"}
_COMPARE: dict[Operator, Callable[[float, float], bool]] = {
    Operator.MORE: operator.gt,
    Operator.AT_LEAST: operator.ge,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
}
_UPWARD = (Operator.MORE, Operator.AT_LEAST)


class State(StrEnum):
    """What came out."""

    PASSED = "passed"
    FAILED = "failed"
    TOO_FEW = "too few"


class Figures(msgspec.Struct):
    """What a condition is about, of one target: counts as (hits, of how many), and the latencies."""

    shares: dict[str, tuple[int, int]]
    production: Latency
    latency: Latency
    slower: list[str]


class Judgement(msgspec.Struct, frozen=True):
    """The outcome of a condition for one target, with a reason for each comparison that decided it."""

    target: str
    condition: str
    state: State
    reasons: tuple[str, ...]


class _Told(NamedTuple):
    """True, False, or None where it cannot be told, and why."""

    holds: bool | None
    reasons: tuple[str, ...]


class Condition:
    """A condition under which a run has failed. Raises ExpressionError where the text cannot be understood."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tree = parse_tree(text)
        for test in tests(self._tree):
            _check(test, text)

    def judge(self, target: str, figures: Figures) -> Judgement:
        """Whether the target has failed."""
        told = _evaluate(self._tree, figures)
        if told.holds is None:
            return Judgement(target, self.text, State.TOO_FEW, told.reasons)
        return Judgement(target, self.text, State.FAILED if told.holds else State.PASSED, told.reasons)


def _check(test: Test, text: str) -> None:
    """Refuse what no run could ever answer."""
    name = str(test.name)
    if name not in (*SHARES, *QUANTILES, "missing", "slower"):
        known = ", ".join((*SHARES, *QUANTILES, "slower"))
        raise ExpressionError(
            f"no figure {name!r}; choose from {known}", text, test.name.start, test.name.end
        )
    if test.operator not in _COMPARE:
        raise ExpressionError(
            f"compare {name} with <, <=, > or >=",
            text,
            test.name.start,
            test.words[-1].end if test.words else None,
        )
    _limit(name, test.words[0], text)


def _limit(name: str, word: Word, text: str) -> tuple[str, float]:
    """What kind of limit a value is, and its number."""
    kinds: dict[str, Number] = {"share": SHARE}
    if name in QUANTILES:
        kinds = {"factor": FACTOR, "duration": DURATION}
    elif name == "slower":
        kinds = {"count": PLAIN}
    for kind, number in kinds.items():
        try:
            return kind, float(number.read(word.text))
        except ValueError:
            continue
    expected = " or ".join(number.expects for number in kinds.values())
    raise ExpressionError(f"{name} needs {expected}, not {word.text!r}", text, word.start, word.end)


def _evaluate(node: Node, figures: Figures) -> _Told:
    if isinstance(node, Test):
        return _test(node, figures)
    if isinstance(node, Not):
        inner = _evaluate(node.part, figures)
        return _Told(None if inner.holds is None else not inner.holds, inner.reasons)
    told = [_evaluate(part, figures) for part in node.parts]
    return _combined(told, deciding=isinstance(node, Or))


def _combined(told: list[_Told], *, deciding: bool) -> _Told:
    """`or` is decided by one True, `and` by one False; otherwise by what cannot be told."""
    for holds in (deciding, None, not deciding):
        reasons = tuple(reason for part in told if part.holds is holds for reason in part.reasons)
        if reasons:
            return _Told(holds, reasons)
    return _Told(not deciding, ())


def _test(test: Test, figures: Figures) -> _Told:
    name = str(test.name)
    kind, limit = _limit(name, test.words[0], str(test))
    if kind == "share":
        return _share(test, figures.shares.get(_ALIASES.get(name, name), (0, 0)), limit)
    if kind == "count":
        slow = len(figures.slower)
        named = f": {', '.join(figures.slower[:5])}" if slow else ""
        return _Told(_COMPARE[test.operator](slow, limit), (f"slower: {slow} endpoints{named}",))
    return _quantile(test, name, kind, limit, figures)


def _share(test: Test, counted: tuple[int, int], limit: float) -> _Told:
    hits, count = counted
    name, holds = str(test.name), _COMPARE[test.operator](hits / count if count else 0.0, limit)
    low, high = wilson(hits, count)
    text = f"{name}: {hits / count if count else 0:.3%} ({hits:,} of {count:,})"
    needed = least_sample(limit, LEAST_ANSWERS)
    beyond = low > limit or high < limit
    if count >= needed or (beyond and count >= LEAST_ANSWERS):
        return _Told(holds, (f"{text}, {'beyond' if holds else 'within'} {test.operator} {test.words[0]}",))
    return _Told(None, (f"{text}: at least {needed:,} answers are needed to tell {test}",))


def _quantile(test: Test, name: str, kind: str, limit: float, figures: Figures) -> _Told:
    found = quantile_ratio(figures.production, figures.latency, QUANTILES[name])
    if found.count < found.needed or found.ratio is None or found.target_ns is None:
        return _Told(None, (f"{name}: {found.count:,} answers, at least {found.needed:,} are needed",))
    ms = found.target_ns / 1e6
    if kind == "duration":
        holds = _COMPARE[test.operator](found.target_ns, limit)
        return _Told(holds, (f"{name}: {ms:.3g} ms",))
    text = f"{name}: {found.ratio:.2f}x production's ({found.low:.2f}x to {found.high:.2f}x), {ms:.3g} ms"
    holds = _COMPARE[test.operator](found.ratio, limit)
    if holds and test.operator in _UPWARD and found.low <= 1:
        return _Told(None, (f"{text}: the interval holds 1x, more answers are needed to tell",))
    return _Told(holds, (text,))
