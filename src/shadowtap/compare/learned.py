"""Places that change by themselves, learned with evidence: which of them are noise is decided by numbers.

Evidence comes from pairs of answers that ought to be the same: two of production's to equal safe requests, or
production's and those of a reference target that runs production's version. A place that differed in such pairs is
noise as long as it does not differ clearly more often at the target under test: a price that changes once in a while
is no excuse for a target whose price is always another one. Every rule has a name, its counts and an example, and
can be saved, edited and loaded (`noise_file`). A loaded rule goes on with its counts; one that is not enabled makes
nothing noise; one without counts, written by hand, always does.

Whether an element of an array is another one, missing or new depends on how two arrays happen to be aligned, so that
is one kind of evidence, `json_elements`. Where the elements themselves change, their order means nothing either.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeVar

import msgspec

from shadowtap.compare.statistics import wilson
from shadowtap.events import Difference

MAX_PLACES = 10_000
"""Places with evidence, at half a kilobyte each; further ones are counted in `overflowed` and stay differences."""
MAX_ENDPOINTS = 8192
MAX_INSIDE = 8
"""Places inside of an array or element that are remembered for its order."""
LEAST_DIFFERED = 2
"""Pairs that must have differed at a place before it is believed."""
MARGIN = 1.25
"""How much more often than among equal pairs a place may differ at the target."""

ELEMENTS = "json_elements"
"""The kind of evidence that an array has other elements."""
_OF_ELEMENTS = frozenset(("json_value", "json_missing", "json_extra"))

K = TypeVar("K")
Place = tuple[str, str, str]
"""Endpoint, kind and place of a difference."""


class Source(StrEnum):
    """Where evidence comes from."""

    PRODUCTION = "production"
    REFERENCE = "reference"


class NoiseRule(msgspec.Struct):
    """A place that was seen to change by itself: `differed` of `pairs` times; or written
    by hand."""

    endpoint: str
    kind: str
    where: str
    source: Source
    pairs: int = 0
    differed: int = 0
    enabled: bool = True
    example: tuple[str, str] = ("", "")
    by_hand: bool = False

    @property
    def place(self) -> Place:
        """What it is about."""
        return self.endpoint, self.kind, self.where

    @property
    def name(self) -> str:
        """What stands beside the noise in verdicts."""
        source = "learned" if self.source is Source.PRODUCTION else "reference"
        return f"{source}: {self.endpoint} {self.kind} {self.where}"


class Learned:
    """All that was learned. Ask `at(target)` for what is noise there."""

    def __init__(self, rules: Iterable[NoiseRule] = ()) -> None:
        self._rules: dict[tuple[Place, Source], NoiseRule] = {}
        self._pairs: dict[tuple[str, Source], int] = {}
        self._before: dict[tuple[Place, Source], int] = {}
        self._compared: dict[tuple[str, str], int] = {}
        self._differed: dict[tuple[str, Place], int] = {}
        self._inside: dict[Place, list[Place]] = {}
        """By the place of an order, the places whose changes say that it means nothing."""
        self.overflowed = 0
        for rule in rules:
            self._rules[rule.place, rule.source] = rule
            self._note_order(rule.place)
            self._before[rule.place, rule.source] = rule.pairs

    def pair(self, source: Source, endpoint: str, differences: Iterable[Difference]) -> None:
        """Two answers that ought to be the same, and in what they differ."""
        key = endpoint, source
        if key not in self._pairs and len(self._pairs) >= MAX_ENDPOINTS:
            self.overflowed += 1
            return
        self._pairs[key] = self._pairs.get(key, 0) + 1
        for place, difference in _places(endpoint, differences).items():
            rule = self._rules.get((place, source)) or self._add(place, source, difference)
            if rule is not None:
                rule.differed += 1

    def compared(self, target: str, endpoint: str, differences: Iterable[Difference]) -> None:
        """A target's answer, and in what it differs, learned noise included."""
        key = target, endpoint
        if key not in self._compared and len(self._compared) >= MAX_ENDPOINTS:
            self.overflowed += 1
            return
        self._compared[key] = self._compared.get(key, 0) + 1
        for place in _places(endpoint, differences):
            at = target, place
            if at in self._differed or len(self._differed) < MAX_PLACES:
                self._differed[at] = self._differed.get(at, 0) + 1
            else:
                self.overflowed += 1

    def at(self, target: str) -> "AtTarget":
        """What is noise at one target."""
        return AtTarget(self, target)

    def rules(self) -> list[NoiseRule]:
        """All rules with their counts of now, those with the most evidence first."""
        for (place, source), rule in self._rules.items():
            rule.pairs = self._all_pairs(place, source)
        return sorted(self._rules.values(), key=lambda rule: (-rule.differed, rule.place))

    def regroup(self, current: Callable[[str], str]) -> None:
        """Bring endpoints up to date, after templates have changed (`/shop/apple` is now `/shop/{name}`)."""
        rules, self._rules = self._rules, {}
        before, self._before = self._before, {}
        self._inside = {}
        for (place, source), rule in rules.items():
            rule.endpoint = current(place[0])
            self._note_order(rule.place)
            known = self._rules.setdefault((rule.place, source), rule)
            if known is not rule:
                known.differed += rule.differed
                known.enabled = known.enabled and rule.enabled
            key = rule.place, source
            self._before[key] = max(self._before.get(key, 0), before.get((place, source), 0))
        self._pairs = _summed(self._pairs, lambda key: (current(key[0]), key[1]))
        self._compared = _summed(self._compared, lambda key: (key[0], current(key[1])))
        self._differed = _summed(self._differed, lambda key: (key[0], (current(key[1][0]), *key[1][1:])))

    def rule_of(self, target: str, place: Place) -> str | None:
        """The name of the rule that makes a difference at this place noise, if there is one."""
        subject = _subject(place)
        for source in Source:
            for by in {place: None, subject: None, **dict.fromkeys(self._inside.get(place, ()))}:
                rule = self._rules.get((by, source))
                if rule is not None and rule.enabled and self._is_noise(target, subject, rule):
                    return rule.name
        return None

    def _is_noise(self, target: str, place: Place, rule: NoiseRule) -> bool:
        if rule.by_hand:
            return True
        if rule.differed < LEAST_DIFFERED:
            return False
        pairs = self._all_pairs(rule.place, rule.source)
        differed = self._differed.get((target, place), 0)
        compared = max(self._compared.get((target, place[0]), 0), differed)
        return wilson(differed, compared)[0] <= MARGIN * wilson(min(rule.differed, pairs), pairs)[1]

    def _all_pairs(self, place: Place, source: Source) -> int:
        return self._pairs.get((place[0], source), 0) + self._before.get((place, source), 0)

    def _add(self, place: Place, source: Source, difference: Difference) -> NoiseRule | None:
        if len(self._rules) >= MAX_PLACES:
            self.overflowed += 1
            return None
        rule = NoiseRule(*place, source, example=(difference.production, difference.target))
        self._rules[place, source] = rule
        self._note_order(place)
        return rule

    def _note_order(self, place: Place) -> None:
        order = _order_of(place)
        if order is not None:
            inside = self._inside.setdefault(order, [])
            if place not in inside and len(inside) < MAX_INSIDE:
                inside.append(place)


class AtTarget:
    """What was learned, asked for one target."""

    __slots__ = ("_learned", "_target")

    def __init__(self, learned: Learned, target: str) -> None:
        self._learned = learned
        self._target = target

    def rule_of(self, endpoint: str, kind: str, where: str) -> str | None:
        """The name of the rule that makes a difference at this place noise, if there is one."""
        return self._learned.rule_of(self._target, (endpoint, kind, where))


def _places(endpoint: str, differences: Iterable[Difference]) -> dict[Place, Difference]:
    """The places of which differences are evidence, each once."""
    found: dict[Place, Difference] = {}
    for difference in differences:
        found.setdefault(_subject((endpoint, difference.kind, difference.where)), difference)
    return found


def _subject(place: Place) -> Place:
    """What a difference is evidence of."""
    endpoint, kind, where = place
    return (endpoint, ELEMENTS, where) if kind in _OF_ELEMENTS and where.endswith("[]") else place


def _order_of(place: Place) -> Place | None:
    """The order that means nothing where this place changes."""
    endpoint, kind, where = place
    if kind in (ELEMENTS, *_OF_ELEMENTS):
        return (endpoint, "json_order", where[:-2]) if where.endswith("[]") else None
    if kind == "text_value":
        return endpoint, "text_order", where
    language, _, what = kind.partition("_")
    if language in ("html", "xml") and what != "order" and "[]" in where:
        return endpoint, f"{language}_order", where[: where.rindex("[]")].rpartition("/")[0]
    return None


def _summed(counts: dict[K, int], key: Callable[[K], K]) -> dict[K, int]:
    summed: dict[K, int] = {}
    for old, count in counts.items():
        new = key(old)
        summed[new] = summed.get(new, 0) + count
    return summed
