"""Patterns whose time grows with the text and with nothing else, whatever the text is (RE2).

A gate is a set of patterns that passes over a text once, at some gigabytes a second, and says which of them occur.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import re2

MEMORY_BYTES = 16 << 20
"""What RE2 may remember of one pattern; when it is full it begins anew, which costs time and no matches."""

Find = Callable[[bytes, int], tuple[int, int] | None]
"""The place of the first match from a position on."""


class Gate:
    """Named patterns, in any case of letters only where one says so with `(?i)`."""

    __slots__ = ("_match", "_names")

    def __init__(self, patterns: Mapping[str, bytes]) -> None:
        together = re2.Set.SearchSet(_options())
        for pattern in patterns.values():
            together.Add(pattern)
        together.Compile()
        self._match = together._set.Match  # the wrapper costs as much again as a short match
        self._names = list(patterns)

    def occurring(self, text: bytes) -> list[str]:
        """The names of the patterns that occur somewhere."""
        return [self._names[index] for index in self._match(text)]


@lru_cache(maxsize=16)
def gate(patterns: tuple[tuple[str, bytes], ...]) -> Gate:
    """The gate of these patterns; making one takes milliseconds, so maskers share them."""
    return Gate(dict(patterns))


def finder(pattern: bytes) -> Find:
    """What finds a pattern."""
    return _finder(pattern, 0)


@lru_cache(maxsize=16)
def group_finder(pattern: bytes) -> Find:
    """What finds a pattern with one group, and tells the place of the group."""
    return _finder(pattern, 1)


def _finder(pattern: bytes, group: int) -> Find:
    """The pattern is made when a text is searched with it for the first time: most are never needed, and each takes
    up to 3 ms."""
    match: Callable[..., Any] | None = None
    anywhere = re2._Anchor.UNANCHORED

    def find(text: bytes, start: int) -> tuple[int, int] | None:
        nonlocal match
        if match is None:
            match = _matcher(pattern, captures=group > 0)
        place: tuple[int, int] = match(anywhere, text, start, len(text))[group]
        return None if place[0] < 0 else place

    return find


def _matcher(pattern: bytes, *, captures: bool) -> Callable[..., Any]:
    options = _options()
    options.never_capture = not captures
    match: Callable[..., Any] = re2.compile(pattern, options)._regexp.Match  # search() costs as much again
    return match


def _options() -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    options.max_mem = MEMORY_BYTES
    return options
