"""Values as text: exact for machines, short and harmless for people.

Octets are text where they are UTF-8, and base64 behind `base64:` where they are not. What people read has units,
and no control characters: recorded bytes come from strangers, and a terminal obeys some of them.
"""

import base64
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from math import isfinite
from typing import Any

import msgspec

Cell = str | int | float | bool | list[Any] | dict[str, Any] | None

_DURATION = re.compile(r"(?:.*_)?(?:ms|ns)")
_INSTANT = re.compile(r"(?:request|response)_(?:time|end)_ns|sent_ns")
_UNITS = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (0.0, "ns"))


def plain(value: Any) -> Cell:
    """A value as JSON has it: integers and texts exact, times in RFC 3339, no number that JSON lacks."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, bytes):
        return _octets(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, timedelta):
        return f"{value.total_seconds()}s"
    return value.isoformat() if isinstance(value, date | clock) else str(value)


def text(value: Any) -> str:
    """A value as one field of CSV: empty for NULL, JSON for lists and structs."""
    cell = plain(value)
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    return msgspec.json.encode(cell).decode()


def human(column: str, kind: str) -> Callable[[Any], str]:
    """What people read of the values of a column, by its name and Arrow type."""
    number = kind.startswith(("int", "double", "float", "decimal"))
    if number and _INSTANT.fullmatch(column):
        return _instant
    if number and _DURATION.fullmatch(column):
        scale = 1e6 if column.endswith("ms") else 1.0
        return lambda value: "" if value is None else duration(float(value) * scale)
    if number:
        return _number
    if kind.startswith("timestamp"):
        return lambda value: (
            "" if value is None else f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}"
        )
    return lambda value: harmless(text(value))


def duration(ns: float) -> str:
    """Nanoseconds with three digits that mean something: 1.23 ms."""
    size, unit = next((size, unit) for size, unit in _UNITS if abs(ns) >= size)
    amount = ns / (size or 1)
    return f"{amount:.3g} {unit}" if abs(amount) < 1000 else f"{amount:.0f} {unit}"


def harmless(said: str) -> str:
    """Text that a terminal shows and does not obey."""
    if said.isprintable():
        return said
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in said)


def _number(value: Any) -> str:
    cell = plain(value)
    if isinstance(cell, float):
        return f"{cell:.4g}" if abs(cell) < 1e4 else f"{cell:.0f}"
    return text(cell)


def _instant(value: Any) -> str:
    if value is None:
        return ""
    seconds, ns = divmod(int(value), 1_000_000_000)
    moment = datetime(1970, 1, 1) + timedelta(seconds=seconds)
    return f"{moment.isoformat()}.{ns:09d}Z"


def _octets(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(value).decode()
