"""Durations, sizes and shares as people write them.

A number alone is in seconds, in bytes, or between 0 and 1. Sizes tell decimal units from binary ones and refuse a
bare `M`, which means one thing to some readers and another to the rest. Each function raises ValueError for
anything else.
"""

import math
import re

from shadowtap.units import BYTES, DURATION_UNITS, NANOSECONDS

_SWITCH = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
_PIECE = re.compile(rf"{_NUMBER} ?({DURATION_UNITS})")
_DURATION = re.compile(rf"{_PIECE.pattern}(?: ?{_PIECE.pattern})*")
_SIZE = re.compile(rf"{_NUMBER} ?([a-z]*)")


def parse_duration(text: str) -> float:
    """Seconds: "30s", "500ms", "1m 30s", or a number alone."""
    text = text.strip().lower()
    if re.fullmatch(_NUMBER, text):
        return float(text)
    if not _DURATION.fullmatch(text):
        raise ValueError(text)
    return math.fsum(float(number) * NANOSECONDS[unit] for number, unit in _PIECE.findall(text)) / 1e9


def parse_size(text: str) -> int:
    """Bytes: "64MiB", "10 MB", "512 B", or a number alone."""
    found = _SIZE.fullmatch(text.strip().lower())
    if not found or found[2] not in BYTES:
        raise ValueError(text)
    unit = BYTES[found[2]]
    return int(found[1]) * unit if found[1].isdigit() else round(float(found[1]) * unit)


def parse_share(text: str) -> float:
    """A share between 0 and 1: "1%" or "0.01"."""
    share = float(text.removesuffix("%"))
    return share / 100 if text.endswith("%") else share


def parse_switch(text: str) -> bool:
    """Yes or no."""
    try:
        return _SWITCH[text.lower()]
    except KeyError:
        raise ValueError(text) from None
