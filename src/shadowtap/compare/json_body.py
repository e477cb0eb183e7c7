"""JSON bodies: parsed whatever they hold, and compared by structure.

    json_missing, json_extra    a key, or an element of an array that has keys
    json_key                    a key that is an identifier has become another one of its kind
    json_type                   string, number, boolean, null, array, object
    json_value
    json_length                 an array has more or fewer elements
    json_order                  the same elements in another order: one difference, however many have moved

`1` and `1.0` are one number (RFC 8259 knows one kind), `true` and `1` are not. Of a key that is there twice the
last counts, as nearly all parsers have it. NaN and Infinity, which are no JSON, are read all the same.
"""

import json
import math
from typing import Any

import msgspec

from shadowtap.compare.align import align
from shadowtap.compare.differences import Differences
from shadowtap.compare.places import Path, key, place

MAX_DEPTH = 100
"""Levels that are compared one by one; what is deeper is one value. Below Python's own limit of calls."""
MAX_GONE = 5000
"""Keys of an object that are missing and looked at."""
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_NESTED = (dict, list)


class NotJson(Exception):  # noqa: N818  it is caught within this package
    """The text is no JSON, or too deep to be read."""


def parse_json(data: bytes, text: str | None = None) -> Any:
    """The value of a JSON text; of JSON Lines, where `text` is not one value, a list. Raises NotJson."""
    try:
        return _decode(data)
    except RecursionError:
        raise NotJson("deeper than can be read") from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        pass
    try:
        return json.loads(data.decode("utf-8", "replace") if text is None else text)
    except RecursionError:
        raise NotJson("deeper than can be read") from None
    except ValueError as error:
        raise NotJson(str(error)) from None


def parse_json_lines(data: bytes) -> list[Any]:
    """The values of JSON Lines (`application/x-ndjson`). Raises NotJson."""
    return [parse_json(line) for line in data.splitlines() if line.strip()]


def equal(production: Any, target: Any) -> bool:
    """Whether two parsed values say the same: as `==`, but `true` is not `1`. Raises RecursionError on depth."""
    if production != target:
        return False
    return _encode(production) == _encode(target) or _deep_equal(production, target)


def _same(value: Any, other: Any) -> bool:
    """As `equal`, quickly for what most members are."""
    if value != other:
        return False
    kind = type(value)
    if kind is str:
        return True
    if kind in _NESTED:
        return not value or _encode(value) == _encode(other) or _deep_equal(value, other)
    return (kind is bool) == (type(other) is bool)


def _deep_equal(production: Any, target: Any, depth: int = 0) -> bool:
    """For values that are `==`: whether no boolean stands for a number. It is much of what an answer costs that is
    equal but written differently, so texts are passed over."""
    if type(production) is dict:
        pairs = [(v, target[k]) for k, v in production.items() if type(v) is not str]
    elif type(production) is list:
        pairs = [(v, w) for v, w in zip(production, target, strict=True) if type(v) is not str]
    else:
        return (type(production) is bool) == (type(target) is bool)
    for value, other in pairs:
        kind = type(value)
        if kind in _NESTED:
            if depth < MAX_DEPTH and value and not _deep_equal(value, other, depth + 1):
                return False
        elif (kind is bool) != (type(other) is bool):
            return False
    return True


def compare_json(
    production: Any, target: Any, found: Differences, path: Path = (), root: str = "body"
) -> None:
    """Add the differences of two parsed values. Raises RecursionError where they are too deep."""
    if not equal(production, target):
        _walk(production, target, path, found, root)


def _walk(production: Any, target: Any, path: Path, found: Differences, root: str) -> None:
    if found.full:
        return
    kind = _kind(production)
    if kind != _kind(target):
        found.in_body("json_type", path, production, target, root)
    elif kind == "object" and len(path) < MAX_DEPTH:
        _objects(production, target, path, found, root)
    elif kind == "array" and len(path) < MAX_DEPTH:
        _arrays(production, target, path, found, root)
    elif kind in ("object", "array"):
        if not equal(production, target):
            found.in_body("json_value", path, f"a deep {kind}", f"another deep {kind}", root)
    elif production != target and not _both_nan(production, target):
        found.in_body("json_value", path, production, target, root)


def _objects(
    production: dict[str, Any], target: dict[str, Any], path: Path, found: Differences, root: str
) -> None:
    gone: dict[str, list[str]] = {}
    for name, value in production.items():
        if name in target:
            other = target[name]
            if not _same(value, other):
                _walk(value, other, (*path, name), found, root)
        elif len(gone) < MAX_GONE:
            gone.setdefault(key(name), []).append(name)
    for name, value in target.items():
        if name in production or found.full:
            continue
        renamed = gone.get(key(name), ())
        if renamed and "{" in key(name):
            before = renamed.pop(0)
            found.in_body("json_key", (*path, name), before, name, root)
            _walk(production[before], value, (*path, name), found, root)
        else:
            found.in_body("json_extra", (*path, name), "", value, root)
    for names in gone.values():
        for name in names if not found.full else ():
            found.in_body("json_missing", (*path, name), production[name], "", root)


def _arrays(production: list[Any], target: list[Any], path: Path, found: Differences, root: str) -> None:
    unordered = bool(found.given.rules.unordered) and found.is_unordered(place(path, root))
    aligned = align(production, target, unordered=unordered)
    if aligned.reordered:
        found.in_body("json_order", path, production, target, root)
    if len(production) != len(target):
        found.in_body("json_length", path, _elements(production), _elements(target), root)
    if len(production) == len(target) or (aligned.missing and aligned.extra):
        for index in aligned.missing:
            found.in_body("json_missing", (*path, index), production[index], "", root)
        for index in aligned.extra:
            found.in_body("json_extra", (*path, index), "", target[index], root)
    for mine, theirs in aligned.pairs:
        value, other = production[mine], target[theirs]
        if not _same(value, other):
            _walk(value, other, (*path, theirs), found, root)


def _elements(array: list[Any]) -> str:
    return f"{len(array)} element" + ("s" if len(array) != 1 else "")


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list) else "null"


def _both_nan(production: Any, target: Any) -> bool:
    return (
        isinstance(production, float)
        and isinstance(target, float)
        and math.isnan(production)
        and math.isnan(target)
    )
