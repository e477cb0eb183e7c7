"""Patterns whose time grows with the text and with nothing else, whatever the text is (RE2).

A gate is a set of patterns that passes over a text once, at some gigabytes a second, and says which of them occur.
"""

from collections.abc import Callable, Mapping

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
        self._match = together.Match
        self._names = list(patterns)

    def occurring(self, text: bytes) -> list[str]:
        """The names of the patterns that occur somewhere."""
        found = self._match(text)
        return [self._names[index] for index in found] if found else []


def finder(pattern: bytes) -> Find:
    """What finds a pattern without groups."""
    search = re2.compile(pattern, _options()).search

    def find(text: bytes, start: int) -> tuple[int, int] | None:
        found = search(text, start)
        return None if found is None else found.span()

    return find


def group_finder(pattern: bytes) -> Find:
    """What finds a pattern with one group, and tells the place of the group."""
    options = _options()
    options.never_capture = False
    search = re2.compile(pattern, options).search

    def find(text: bytes, start: int) -> tuple[int, int] | None:
        found = search(text, start)
        return None if found is None else found.span(1)

    return find


def _options() -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    options.max_mem = MEMORY_BYTES
    return options
