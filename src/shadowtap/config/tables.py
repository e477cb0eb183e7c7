"""One table of settings, checked key by key against the structure it fills."""

from collections.abc import Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from shadowtap.config.kinds import from_text, from_toml
from shadowtap.config.suggest import suggest
from shadowtap.errors import UsageError

Keys = Mapping[str, tuple[str, Any]]
"""The keys a table may have: for each the name of the field it sets, and the kind of value."""


def keys_of(structure: type[msgspec.Struct], *, without: tuple[str, ...] = ()) -> Keys:
    """The keys of a structure's fields; an optional field has the kind it has when it is given."""
    fields = msgspec.structs.fields(structure)
    return {f.encode_name: (f.name, _given(f.type)) for f in fields if f.name not in without}


def read_table(table: object, keys: Keys, file: str, path: str = "") -> dict[str, Any]:
    """The values of a TOML table by field name; UsageError names the file, the key and what is expected."""
    if not isinstance(table, dict):
        raise UsageError(f"{file}: {path}: expected a table, such as [{path}]")
    values = {}
    for key, value in table.items():
        where = f"{path}.{key}" if path else key
        if key not in keys:
            raise UsageError(f"{file}: {where}: unknown key; {suggest(key, keys)}")
        field, kind = keys[key]
        values[field] = from_toml(kind, value, f"{file}: {where}")
    return values


def read_options(options: Mapping[str, str], keys: Keys, where: str) -> dict[str, Any]:
    """The values of options that came as text, by field name; UsageError says `where`."""
    values = {}
    for key, text in options.items():
        if key not in keys:
            raise UsageError(f'{where}: unknown option "{key}"; {suggest(key, keys)}')
        field, kind = keys[key]
        values[field] = from_text(kind, text, f"{where}: {key}")
    return values


def _given(kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        return next(part for part in get_args(kind) if part is not type(None))
    return kind
