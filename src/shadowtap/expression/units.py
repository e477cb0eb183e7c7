"""Kinds of numbers, by what is counted and in which units."""

import math
import re
from decimal import Decimal

from shadowtap.expression.kinds import Number
from shadowtap.units import BYTES, DURATION_UNITS, NANOSECONDS

_NUMBER = r"([0-9]{1,15}(?:\.[0-9]{1,15})?)"
_WHOLE = re.compile(r"[0-9]{1,18}")
_PLAIN = re.compile(_NUMBER)
_SIZE = re.compile(rf"{_NUMBER}([A-Za-z]*)")
_SHARE = re.compile(rf"{_NUMBER}(%?)")
_FACTOR = re.compile(rf"{_NUMBER}[xX]")
_PIECE = re.compile(rf"{_NUMBER}({DURATION_UNITS})")
_DURATION = re.compile(rf"(?:{_PIECE.pattern})+")


def _whole(word: str) -> int:
    return int(_match(_WHOLE, word)[0])


def _plain(word: str) -> float:
    return float(_match(_PLAIN, word)[0])


def _size(word: str) -> float:
    found = _match(_SIZE, word)
    unit = found[2].lower()
    if unit not in BYTES:
        raise ValueError(word)
    return float(found[1]) * BYTES[unit]


def _duration(word: str) -> float:
    if word == "0":
        return 0.0
    _match(_DURATION, word)
    return math.fsum(float(number) * NANOSECONDS[unit] for number, unit in _PIECE.findall(word))


def _share(word: str) -> float:
    found = _match(_SHARE, word)
    share = float(found[1]) / 100 if found[2] else float(found[1])
    if share > 1:
        raise ValueError(word)
    return share


def _factor(word: str) -> float:
    return float(_match(_FACTOR, word)[1])


def _match(pattern: re.Pattern[str], word: str) -> re.Match[str]:
    found = pattern.fullmatch(word)
    if found is None:
        raise ValueError(word)
    return found


def _shown(value: float, unit: str = "", digits: int = 3) -> str:
    return f"{Decimal(f'{value:.{digits}g}'):f}{unit}"


def _shown_size(value: float) -> str:
    if value < 1024:
        return _shown(value, "B", 4)
    power = min(int(math.log2(value)) // 10, 4)
    return _shown(value / 1024**power, f"{'KMGT'[power - 1]}iB")


def _shown_duration(ns: float) -> str:
    for unit in ("s", "ms", "us"):
        if ns >= NANOSECONDS[unit]:
            return _shown(ns / NANOSECONDS[unit], unit)
    return _shown(ns, "ns")


WHOLE = Number("a whole number", _whole, "{:.0f}".format)
PLAIN = Number("a number", _plain, lambda value: _shown(value, digits=6))
SIZE = Number("a size such as 10KiB or 2MB", _size, _shown_size)
"""In bytes. A bare M is refused: it means 10⁶ to some readers and 2²⁰ to others."""
DURATION = Number("a duration such as 500ms or 2s", _duration, _shown_duration)
"""In nanoseconds."""
SHARE = Number("a share such as 0.1% or 0.001", _share, lambda share: _shown(share * 100, "%"))
"""Between 0 and 1."""
FACTOR = Number("a factor such as 1.2x", _factor, lambda factor: _shown(factor, "x"))
"""How many times as much as something else, production's for the most part."""
