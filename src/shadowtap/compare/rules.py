"""What the user has said about noise, and what is noise by default. Frozen and ready to use.

    ignore      places that are not compared                        "body.took_ms", "GET /users/{id} header x-cell"
    unordered   arrays whose order means nothing                    "body.items", "**"
    tolerance   how far numbers may be apart                        {"body.price": "0.01", "**.score": "1%"}
    classes     two values of one class are alike                   uuid, hash, token (default), timestamp

Differences that a rule explains are not dropped; they stand in the verdict as noise, under the rule's name.
"""

import math
from collections.abc import Iterable, Mapping

import msgspec

from shadowtap.compare.header_names import IGNORED, PRESENCE
from shadowtap.compare.places import Pattern
from shadowtap.compare.values import ValueClass
from shadowtap.errors import UsageError

DEFAULT_CLASSES = frozenset((ValueClass.UUID, ValueClass.HASH, ValueClass.TOKEN))
CLOCK_TOLERANCE_S = 5.0
"""How far a time may be from where the delay of the replay puts it: work on both sides, and clocks that disagree."""
LIMIT_BYTES = 1 << 20
"""Octets of a body, decoded, that are compared by their structure: 0.2 s for the worst of bodies."""


class Tolerance(msgspec.Struct, frozen=True):
    """Numbers at these places may differ by `absolute`, or by `relative` (a share of the larger one)."""

    pattern: Pattern
    absolute: float
    relative: float

    def covers(self, production: float, target: float) -> bool:
        """Whether the two are near enough."""
        if math.isinf(production) or math.isinf(target):
            return False
        allowed = max(self.absolute, self.relative * max(abs(production), abs(target)))
        return abs(production - target) <= allowed


class Rules(msgspec.Struct, frozen=True):
    """All fixed rules. `shared_state` says that the target uses production's own data, so that every write
    happens twice there."""

    ignore: tuple[Pattern, ...] = ()
    unordered: tuple[Pattern, ...] = ()
    tolerance: tuple[Tolerance, ...] = ()
    classes: frozenset[ValueClass] = DEFAULT_CLASSES
    ignored_headers: frozenset[str] = IGNORED
    presence_headers: frozenset[str] = PRESENCE
    clock_tolerance_s: float = CLOCK_TOLERANCE_S
    shared_state: bool = False
    limit_bytes: int = LIMIT_BYTES


def make_rules(
    *,
    ignore: Iterable[str] = (),
    unordered: Iterable[str] = (),
    tolerance: Mapping[str, str | float] | None = None,
    classes: Iterable[str] | None = None,
    ignore_headers: Iterable[str] = (),
    compare_headers: Iterable[str] = (),
    clock_tolerance_s: float = CLOCK_TOLERANCE_S,
    shared_state: bool = False,
    limit_bytes: int = LIMIT_BYTES,
) -> Rules:
    """Rules from texts, as they stand in a configuration. `compare_headers` are headers that are compared although
    they are ignored by default. Raises `UsageError` for what cannot be read."""
    added, removed = ({name.lower() for name in names} for names in (ignore_headers, compare_headers))
    return Rules(
        ignore=tuple(map(Pattern.parse, ignore)),
        unordered=tuple(map(Pattern.parse, unordered)),
        tolerance=tuple(_tolerance(place, text) for place, text in (tolerance or {}).items()),
        classes=DEFAULT_CLASSES if classes is None else frozenset(map(_value_class, classes)),
        ignored_headers=frozenset((IGNORED | added) - removed),
        presence_headers=frozenset(PRESENCE - removed),
        clock_tolerance_s=clock_tolerance_s,
        shared_state=shared_state,
        limit_bytes=limit_bytes,
    )


def _tolerance(place: str, text: str | float) -> Tolerance:
    share = isinstance(text, str) and text.strip().endswith("%")
    try:
        number = float(str(text).strip().rstrip("%"))
    except ValueError:
        number = -1.0
    if not 0 <= number < math.inf:
        raise UsageError(f"tolerance {text!r} of {place}: write a number such as 0.01, or a share such as 1%")
    return Tolerance(Pattern.parse(place), 0.0 if share else number, number / 100 if share else 0.0)


def _value_class(name: str) -> ValueClass:
    try:
        return ValueClass(name)
    except ValueError:
        raise UsageError(f"no value class {name!r}: choose from {', '.join(ValueClass)}") from None
