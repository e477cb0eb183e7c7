"""Patterns with a replacement, in linear time (RE2, github.com/google/re2/wiki/Syntax).

A pattern is searched in octets and its first match is replaced; `^` and `$` tie it to the ends. In the replacement
`\\1` to `\\9` stand for the groups, `\\0` for the whole match, `\\\\` for a backslash.
"""

import re

import re2

from shadowtap.linear import SEARCHED_BYTES, compiled

_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)


class Replacement:
    """`pattern` → `replacement`. With `whole` the pattern has to match all of a text, in any case."""

    __slots__ = ("_anchor", "_compiled", "_parts")

    def __init__(self, pattern: str, replacement: str, *, whole: bool = False) -> None:
        """Raises ValueError, whose text says what is wrong."""
        self._compiled = compiled(pattern, fold=whole, captures=True)
        self._anchor = re2._Anchor.ANCHOR_BOTH if whole else re2._Anchor.UNANCHORED
        self._parts = _parts(replacement, self._compiled.groups)

    def __call__(self, text: bytes) -> bytes:
        """The text with its first match replaced; the same object where there is none."""
        size = len(text)
        if size > SEARCHED_BYTES:
            return text
        # Beneath `search`, which makes a match object with a generator and costs three times as much.
        spans: list[tuple[int, int]] = self._compiled._regexp.Match(self._anchor, text, 0, size)
        start, stop = spans[0]
        if start < 0:
            return text
        new = [
            text[slice(*spans[part])] if isinstance(part, int) and spans[part][0] >= 0 else part
            for part in self._parts
        ]
        return text[:start] + b"".join(part for part in new if isinstance(part, bytes)) + text[stop:]


def _parts(replacement: str, groups: int) -> tuple[bytes | int, ...]:
    parts: list[bytes | int] = []
    pos = 0
    for found in _ESCAPE.finditer(replacement):
        parts.append(replacement[pos : found.start()].encode())
        pos = found.end()
        if found[1] == "\\":
            parts.append(b"\\")
        elif not (found[1].isascii() and found[1].isdigit()):
            raise ValueError(
                f'"{found[0]}" in the replacement: write \\1 for a group and \\\\ for a backslash'
            )
        elif int(found[1]) > groups:
            raise ValueError(f"{found[0]} in the replacement: the pattern has no group {found[1]}")
        else:
            parts.append(int(found[1]))
    parts.append(replacement[pos:].encode())
    return tuple(part for part in parts if part != b"")
