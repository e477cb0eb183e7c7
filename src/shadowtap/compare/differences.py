"""Collects the differences of one answer: named, put together by place, and parted from the noise.

Two hundred prices that differ in one list are one difference, `body.items[].price`, met two hundred times. Each
occurrence is judged by the fixed rules with its own values, so that one real difference among much noise stays.
"""

from typing import Protocol

import msgspec

from shadowtap.compare.expected import Circumstances, value_rule
from shadowtap.compare.places import Path, place
from shadowtap.events import Difference, replace

MAX_DIFFERENCES = 50
"""Different places of one answer that are listed, and as many of noise; the rest is only counted."""
MAX_OCCURRENCES = 5000
"""Occurrences that are looked at, at about 5 µs each; then the comparison of this answer ends."""
SHORT = 160
"""Characters of a value that are shown."""
_JUDGED = frozenset(
    f"{kind}_{what}"
    for kind, whats in {
        "header": ["value"], "json": ["value", "key"], "html": ["text", "attribute"], "xml": ["text", "attribute"],
        "text": ["value"], "form": ["value"],
    }.items()
    for what in whats
)  # fmt: skip
"""Kinds of differences between two values, which may be noise by what they are."""


class LearnedNoise(Protocol):
    """What was learned about places that change by themselves."""

    def rule_of(self, endpoint: str, kind: str, where: str) -> str | None:
        """The name of the rule that makes a difference at this place noise; None if it means something."""


class Differences:
    """The differences of one answer, while they are being found."""

    __slots__ = ("_found", "_given", "_learned", "_noisy", "_occurrences", "more")

    def __init__(self, given: Circumstances, learned: LearnedNoise | None = None) -> None:
        self._given = given
        self._learned = learned
        self._found: dict[tuple[str, str, str], Difference] = {}
        self._noisy = 0
        self._occurrences = 0
        self.more = 0

    @property
    def full(self) -> bool:
        """Whether looking on is not worth while: everything from here on would only be counted."""
        return self._occurrences >= MAX_OCCURRENCES

    @property
    def given(self) -> Circumstances:
        """What the differences are judged by."""
        return self._given

    def is_unordered(self, where: str) -> bool:
        """Whether the order of the elements at this place means nothing."""
        return any(p.covers(self._given.endpoint, where) for p in self._given.rules.unordered)

    def in_body(self, kind: str, path: Path, production: object, target: object, root: str = "body") -> None:
        """A difference at a path of the body; the values as they were parsed."""
        self.add(kind, place(path, root), production, target, path)

    def add(
        self,
        kind: str,
        where: str,
        production: object,
        target: object,
        path: Path = (),
        rule: str | None = None,
    ) -> None:
        """A difference at a place. `rule` is given where the one who found it knows already that it is noise."""
        self._occurrences += 1
        rule = (
            self._named_rule(where, kind) or rule or self._rule(kind, where, production, target, path) or ""
        )
        known = self._found.get((kind, where, rule))
        if known is not None:
            self._found[kind, where, rule] = replace(known, times=known.times + 1)
        elif (self._noisy if rule else len(self._found) - self._noisy) < MAX_DIFFERENCES:
            show = shown_typed if kind == "json_type" else shown
            self._found[kind, where, rule] = Difference(kind, where, show(production), show(target))
            self._noisy += bool(rule)
        elif not rule:
            self.more += 1

    def split(self) -> tuple[tuple[Difference, ...], tuple[tuple[Difference, str], ...]]:
        """The differences that mean something, and the noise with its rules."""
        real, noise = [], []
        for (_, _, fixed), difference in self._found.items():
            rule = fixed or self._learned_rule(difference)
            if rule:
                noise.append((difference, rule))
            else:
                real.append(difference)
        return tuple(real), tuple(noise)

    def _learned_rule(self, difference: Difference) -> str:
        if self._learned is None:
            return ""
        return self._learned.rule_of(self._given.endpoint, difference.kind, difference.where) or ""

    def _named_rule(self, where: str, kind: str) -> str | None:
        given = self._given
        for pattern in given.rules.ignore:
            if pattern.covers(given.endpoint, where) or pattern.covers(given.endpoint, f"{kind} {where}"):
                return f"ignore {pattern.text}"
        return None

    def _rule(self, kind: str, where: str, production: object, target: object, path: Path) -> str | None:
        if kind.endswith("_order"):
            return f"unordered {where}" if self.is_unordered(where) else None
        if kind not in _JUDGED:
            return None
        return self._tolerance(where, production, target) or value_rule(
            path or (where,), production, target, self._given
        )

    def _tolerance(self, where: str, production: object, target: object) -> str | None:
        if not self._given.rules.tolerance or isinstance(production, bool) or isinstance(target, bool):
            return None
        if not isinstance(production, int | float) or not isinstance(target, int | float):
            return None
        for rule in self._given.rules.tolerance:
            if rule.pattern.covers(self._given.endpoint, where) and rule.covers(production, target):
                return f"tolerance {rule.pattern.text}"
        return None


def shown(value: object) -> str:
    """A value as text for people, at most `SHORT` characters: texts as they are, everything else as JSON."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, list | dict):
        text = _json(value)
    elif value is None or isinstance(value, bool):
        text = "null" if value is None else str(value).lower()
    else:
        text = _number(value)
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"


def shown_typed(value: object) -> str:
    """The same, with texts in quotes: `"1"` beside `1`."""
    return shown(f'"{value[:SHORT]}"' if isinstance(value, str) else value)


def _number(value: object) -> str:
    try:
        return str(value)
    except ValueError:  # an int of more than 4,300 digits
        return "a very long number"


def _json(value: object) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (ValueError, TypeError, RecursionError, OverflowError, msgspec.MsgspecError):
        return f"{type(value).__name__} of {len(value)}" if isinstance(value, list | dict) else "?"
