"""Markup that cannot be broken out of: `tag` makes elements, everything else is text.

A plain `str` is escaped wherever it is put in; only `Html` is not, and only this package makes it. Characters that
nobody could see, that turn the direction of writing, or that HTML cannot hold are shown by their number; texts are
cut before anything else is done with them.
"""

import html
from collections.abc import Iterable

LONGEST = 2000
"""Characters of a value that is shown, unless said otherwise."""
_VOID = frozenset(("input", "meta", "br", "hr", "line", "path", "rect", "circle"))


class Html(str):
    """Markup. Made by `tag` and `joined` alone."""

    __slots__ = ()


Part = Html | str | int | float | None


def tag(name: str, /, *parts: Part, **attributes: str | int | float | bool | None) -> Html:
    """An element. `class_` becomes class, `data_key` data-key; an attribute that is None or False is left out, one
    that is True has no value. Children that are None are left out."""
    said = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID and not parts:
        return Html(f"<{name}{said}>" if name in ("input", "meta", "br", "hr") else f"<{name}{said}/>")
    return Html(f"<{name}{said}>{joined(parts)}</{name}>")


def joined(parts: Iterable[Part]) -> Html:
    """Several parts one behind the other."""
    return Html("".join(part if isinstance(part, Html) else _part(part) for part in parts))


def text(value: object, most: int = LONGEST) -> Html:
    """A value as text: cut, made visible, escaped."""
    return Html(html.escape(visible(value, most)))


def visible(value: object, most: int = LONGEST) -> str:
    """A value as characters that can all be seen, at most `most` of the value's own."""
    told = str(value)
    if len(told) > most:
        told = f"{told[:most]}… ({len(told):,} characters)"
    return told.replace("\r\n", "\n").translate(_SEEN)


def _part(part: str | int | float | None) -> str:
    return "" if part is None else html.escape(visible(part))


def _attribute(key: str, value: str | int | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    # A list of points is long, and ours: it is made of numbers.
    told = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f' {name}="{html.escape(told.translate(_SEEN))}"'


def _seen() -> dict[int, str]:
    """What is shown in place of what cannot be seen, by code point."""
    controls = {c: chr(0x2400 + c) for c in range(32) if c not in (9, 10)} | {0x7F: "\u2421"}
    hidden = (
        *range(0x80, 0xA0), 0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810),
        *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0x3164, 0xFEFF, 0xFFA0,
        *range(0xFFF0, 0xFFFC), *range(0xE0000, 0xE0080),
    )  # fmt: skip
    shown = {c: f"[U+{c:04X}]" for c in hidden}
    broken = dict.fromkeys((*range(0xD800, 0xE000), 0xFFFE, 0xFFFF), "\ufffd")
    return controls | shown | broken


_SEEN = _seen()
