"""How secrets and personal data are masked: the table [mask]. docs/masking.md says what is found and how it looks."""

from typing import Any

import msgspec

from shadowtap.config.kinds import Switch, Text
from shadowtap.config.tables import keys_of, read_table
from shadowtap.errors import UsageError
from shadowtap.masking import SHAPES

Names = tuple[str, ...]
_LISTS = ("fields", "keep", "shapes")


class MaskSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`live` masks what is replayed, too. Sinks are masked each for itself (`SinkSettings.mask`)."""

    live: Switch = False
    key_file: Text | None = None
    """What stand-ins are made with; None: a key of this run, so that they say nothing across runs."""
    fields: Names = ()
    keep: Names = ()
    shapes: Names = tuple(sorted(SHAPES))


def read_mask(table: object, file: str) -> MaskSettings:
    """The table of a TOML file, checked. UsageError names the file, the key and what is expected."""
    if not isinstance(table, dict):
        raise UsageError(f"{file}: mask: expected a table, such as [mask]")
    plain_keys = keys_of(MaskSettings, without=_LISTS)
    known = {**plain_keys, **{name: (name, Text) for name in _LISTS}}
    lists: dict[str, Any] = {
        name: _names(table[name], f"{file}: mask.{name}") for name in _LISTS if name in table
    }
    for shape in lists.get("shapes", ()):
        if shape not in SHAPES:
            there = ", ".join(f'"{name}"' for name in sorted(SHAPES))
            raise UsageError(f'{file}: mask.shapes: there is no shape "{shape}"; there are {there}')
    plain: dict[str, Any] = read_table({n: table[n] for n in table if n not in _LISTS}, known, file, "mask")
    return MaskSettings(**plain, **lists)


def _names(value: object, where: str) -> Names:
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, list) or not all(isinstance(name, str) and name for name in several):
        raise UsageError(f"{where}: expected names in quotes, as a list")
    return tuple(several)
