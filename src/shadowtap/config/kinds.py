"""What a setting may be: its type, its bounds, and how it reads in a configuration file or in text.

The description of a kind is what an error message says was expected.
"""

from collections.abc import Callable
from typing import Annotated, Any, get_args

import msgspec
from msgspec import Meta

from shadowtap.config import units
from shadowtap.config.rates import Rate, parse_rate
from shadowtap.errors import UsageError

Seconds = Annotated[float, Meta(gt=0, lt=1e9, description='a duration such as "30s", "500ms" or "5m"')]
Wait = Annotated[float, Meta(ge=0, lt=1e9, description='a duration such as "5s", "100ms" or 0')]
Size = Annotated[int, Meta(gt=0, lt=1 << 50, description='a size such as "64MiB" or "10MB"')]
Share = Annotated[float, Meta(ge=0, le=1, description='a share such as "1%" or 0.01')]
Count = Annotated[int, Meta(ge=1, le=10_000_000, description="a whole number from 1 on")]
Whole = Annotated[int, Meta(ge=0, le=10_000_000, description="a whole number from 0 on")]
Port = Annotated[int, Meta(ge=1, le=65535, description="a port number from 1 to 65535")]
Switch = Annotated[bool, Meta(description="true or false")]
Text = Annotated[str, Meta(min_length=1, description="text in quotes")]

_UNITS: dict[Any, Callable[[str], object]] = {
    Seconds: units.parse_duration,
    Wait: units.parse_duration,
    Size: units.parse_size,
    Share: units.parse_share,
    Rate: parse_rate,
}


def from_toml(kind: Any, value: object, where: str) -> Any:
    """A TOML value as a setting of this kind; UsageError says `where` and what is expected."""
    try:
        reader = _UNITS.get(kind)
        return msgspec.convert(reader(value) if reader and isinstance(value, str) else value, kind)
    except (ArithmeticError, ValueError, msgspec.ValidationError):
        raise UsageError(f"{where}: expected {expected(kind)}, not {_shown(value)}") from None


def from_text(kind: Any, text: str, where: str) -> Any:
    """Text from a command line or a URL as a setting of this kind; UsageError as above."""
    bare = get_args(kind)[0]
    reader = _UNITS.get(kind) or _BARE.get(bare, str)
    try:
        return msgspec.convert(reader(text), kind)
    except (ArithmeticError, ValueError, msgspec.ValidationError):
        what = "yes or no" if bare is bool else expected(kind).replace(" in quotes", "").replace('"', "")
        raise UsageError(f'{where}: expected {what}, not "{text}"') from None


def expected(kind: Any) -> str:
    """What a setting of this kind looks like, in words."""
    meta = get_args(kind)[1]
    return str(meta.description)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)


_BARE: dict[Any, Callable[[str], object]] = {int: _whole, bool: units.parse_switch}


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    return str(value).lower() if isinstance(value, bool) else str(value)
