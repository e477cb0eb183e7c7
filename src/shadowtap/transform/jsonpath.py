"""Places in JSON texts, and texts changed there.

    path = "$" step { step }
    step = "." name | "['" text "']" | "[" index "]" | "[*]"

`name` has no dots, brackets, quotes, spaces or `=`; `[*]` means every element of a list. Values that are not named
keep their spelling, numbers digit for digit; the objects and lists on the way are written anew, without white space.

A text costs as many readings as the path has steps, each at C's speed and each of a part of the one before.
"""

import re
from collections.abc import Callable
from typing import Literal

import msgspec

MAX_STEPS = 32
"""Steps of a path: deeper than any interface goes."""

_STEP = re.compile(
    r"\.(?P<name>[^\s.\[\]'\"=]+)|\['(?P<text>[^']*)'\]|\[\"(?P<text2>[^\"]*)\"\]|\[(?P<index>\d{1,9})\]|(?P<all>\[\*\])"
)
_BOM = b"\xef\xbb\xbf"
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder(msgspec.Raw)
_encode = msgspec.json.encode

Step = str | int | None
"""A key, an index, or every element."""
Change = Callable[[msgspec.Raw | None], msgspec.Raw | Literal[False] | None]
"""What becomes of a value that is there or, as None, is not: a new one, False for none, None for no change."""


class JsonError(ValueError):
    """A text that is no JSON."""


def parse_path(text: str) -> tuple[Step, ...]:
    """The steps of a path. Raises ValueError, whose text says what is wrong."""
    if not text.startswith("$"):
        raise ValueError(f'a path begins with "$", such as $.user.id, not "{text}"')
    steps: list[Step] = []
    pos = 1
    while pos < len(text):
        found = _STEP.match(text, pos)
        if found is None:
            raise ValueError(
                f"a path such as $.user.id, $.items[*].price or $['a b'][0] was expected; \"{text[pos:]}\" is none"
            )
        name = found["name"] if found["name"] is not None else found["text"]
        name = name if name is not None else found["text2"]
        steps.append(name if name is not None else int(found["index"]) if found["index"] else None)
        pos = found.end()
    if not 0 < len(steps) <= MAX_STEPS:
        raise ValueError(f"a path names a place below $, at most {MAX_STEPS} steps deep, such as $.user.id")
    return tuple(steps)


def set_value(text: bytes, steps: tuple[Step, ...], value: msgspec.Raw) -> bytes:
    """The text with `value` (JSON) at the place; the same object where the place is not there, or has that value.
    An object gets the last key of the path if it lacks it; nothing else is made. Raises JsonError."""
    new = bytes(value)
    return _changed(text, steps, lambda old: None if old is not None and bytes(old) == new else value)


def remove_value(text: bytes, steps: tuple[Step, ...]) -> bytes:
    """The text without what is at the place; the same object where nothing is. Raises JsonError."""
    return _changed(text, steps, lambda old: None if old is None else False)


def _changed(text: bytes, steps: tuple[Step, ...], change: Change) -> bytes:
    mark = _BOM if text.startswith(_BOM) else b""
    try:
        new = _descend(text[len(mark) :], steps, 0, change)
        if new is None:
            _ANY.decode(text[len(mark) :])
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise JsonError(str(error)) from None
    return text if new is None else mark + bytes(new)


def _descend(text: bytes | msgspec.Raw, steps: tuple[Step, ...], at: int, change: Change) -> bytes | None:
    step = steps[at]
    opening = bytes(memoryview(text)[:64]).lstrip()[:1]
    if isinstance(step, str):
        return _in_object(_OBJECT.decode(text), steps, at, change) if opening == b"{" else None
    return _in_list(_LIST.decode(text), steps, at, change) if opening == b"[" else None


def _in_object(
    values: dict[str, msgspec.Raw], steps: tuple[Step, ...], at: int, change: Change
) -> bytes | None:
    key = steps[at]
    assert isinstance(key, str)
    old = values.get(key)
    new = _value(old, steps, at, change)
    if new is None:
        return None
    if new is False:
        del values[key]
    else:
        values[key] = new
    return _encode(values)


def _in_list(values: list[msgspec.Raw], steps: tuple[Step, ...], at: int, change: Change) -> bytes | None:
    step = steps[at]
    kept: list[msgspec.Raw] = []
    touched = False
    for n, old in enumerate(values):
        new = _value(old, steps, at, change) if step is None or step == n else None
        touched = touched or new is not None
        if new is None:
            kept.append(old)
        elif new is not False:
            kept.append(new)
    return _encode(kept) if touched else None


def _value(
    old: msgspec.Raw | None, steps: tuple[Step, ...], at: int, change: Change
) -> msgspec.Raw | Literal[False] | None:
    if at == len(steps) - 1:
        return change(old)
    if old is None:
        return None
    below = _descend(old, steps, at + 1, change)
    return None if below is None else msgspec.Raw(below)
