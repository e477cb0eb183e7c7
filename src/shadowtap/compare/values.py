"""What kind of value a text is: a UUID, a hash, a token, a time. Two of a kind may differ and mean the same.

The classes are strict, because whatever they accept is not reported: two hashes have the same length, two tokens
nearly so. Times are no class by themselves; they are compared with the clocks of both answers (`expected.py`).
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from shadowtap.endpoints.segments import piece

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
_ERA = (946_684_800, 4_102_444_800)
"""Seconds since the epoch that are taken for a time: the years 2000 to 2099."""
_LONGEST = 512
"""Characters of a value that may have a class; longer ones are texts."""
_TOKEN_LENGTHS = 0.2
"""How much the lengths of two tokens may differ: a signed token holds a few varying claims."""

_ISO = re.compile(r"\d{4}-?\d\d-?\d\d(?:[T ]\d\d:?\d\d(?::?\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?\Z")
_HTTP_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w{0,6}, ?\d{1,2}[ -]\w{3}[ -]\d{2,4} \d\d:\d\d:\d\d"
)
_EPOCH = re.compile(r"\d{10}(?:\d{3}|\d{6}|\d{9})?(?:\.\d{1,9})?\Z")
_CLASSES = {"{uuid}": "uuid", "{hash}": "hash", "{token}": "token"}
_BASE64 = re.compile(r"[A-Za-z0-9+][A-Za-z0-9+/]{19,}={0,2}\Z")
"""Base64 with its slashes, of which a path has more."""
_NO_MARKS = {ord("/"): None, ord("+"): None, ord("="): None}


class ValueClass(StrEnum):
    """Kinds of values that are made up anew each time."""

    UUID = "uuid"
    HASH = "hash"
    TOKEN = "token"  # noqa: S105  not a password
    TIMESTAMP = "timestamp"


class Time(NamedTuple):
    """Nanoseconds since the epoch, and the resolution with which they were written, in nanoseconds."""

    ns: int
    resolution_ns: int


def class_of(text: str) -> ValueClass | None:
    """The class of a value; None for what is none of them."""
    if len(text) > _LONGEST or len(text) < 8:
        return None
    return _class_of(text)


def same_class(production: str, target: str) -> ValueClass | None:
    """The class that both values have; None where they are not of one kind or not of one size."""
    kind = class_of(production)
    if kind is None or class_of(target) is not kind:
        return None
    lengths = sorted((len(production), len(target)))
    if kind is ValueClass.TOKEN:
        return kind if lengths[1] - lengths[0] <= _TOKEN_LENGTHS * lengths[1] else None
    return kind if kind is ValueClass.TIMESTAMP or lengths[0] == lengths[1] else None


def time_of(value: object) -> Time | None:
    """The time that a value stands for: ISO 8601, an HTTP date, or seconds, milli-, micro- or nanoseconds since
    the epoch within this century. A time without a zone is read as UTC."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _epoch(value)
    if isinstance(value, str) and 8 <= len(value) <= 40:
        return _written_time(value)
    return None


def _epoch(number: float) -> Time | None:
    for unit in (1, 1_000, 1_000_000, SECOND_NS):
        if _ERA[0] <= number / unit <= _ERA[1]:
            return Time(
                int(number * (SECOND_NS // unit)), SECOND_NS // unit if isinstance(number, int) else 1
            )
    return None


@lru_cache(maxsize=1024)
def _written_time(text: str) -> Time | None:
    if not (text[0].isdigit() or text[0] in "MTWFS"):
        return None
    try:
        if _EPOCH.match(text):
            return _epoch(float(text) if "." in text else int(text))
        if _ISO.match(text):
            moment, resolution = datetime.fromisoformat(text), _resolution(text)
        elif _HTTP_DATE.match(text):
            moment, resolution = parsedate_to_datetime(text.replace("-", " ")), SECOND_NS
        else:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return Time((since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1000, resolution)


def _resolution(text: str) -> int:
    if len(text) <= 10:
        return DAY_NS
    return SECOND_NS if ":" not in text or text.count(":") > 1 else 60 * SECOND_NS


@lru_cache(maxsize=4096)
def _class_of(text: str) -> ValueClass | None:
    if time_of(text) is not None:
        return ValueClass.TIMESTAMP
    name = _CLASSES.get(piece(text))
    if name is not None:
        return ValueClass(name)
    if _BASE64.match(text) and text.count("/") <= len(text) / 12:
        return ValueClass.TOKEN if piece(text.translate(_NO_MARKS)) == "{token}" else None
    return None
