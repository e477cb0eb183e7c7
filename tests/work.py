"""Counts what a function does, so that a test can say how work grows and needs no clock.

`calls` are calls of Python functions and of those written in C; every turn of a loop that matters makes some. `octets`
are those that the patterns of the masking went through, RE2's and Python's, from where a search began to the end of
what it found. Work is the same in every run and on every machine. What is not seen: how often Python's `re` tries
again at one place.
"""

import re
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any, Self

from shadowtap.masking.linear import Gate, finder

_FIND = finder(b"x").__code__
_OCCURRING = Gate.occurring.__code__
_COUNTED = "shadowtap.masking"


class Work:
    """What has been done in a `with`; not for more than one thread."""

    def __init__(self) -> None:
        self.calls = 0
        self.octets = 0
        self._replaced: list[tuple[dict[Any, Any], Any, Any]] = []

    def __enter__(self) -> Self:
        for name, module in list(sys.modules.items()):
            if name.startswith(_COUNTED):
                self._replace(vars(module))
        sys.setprofile(self._saw)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        for names, name, pattern in self._replaced:
            names[name] = pattern

    def _replace(self, names: dict[Any, Any]) -> None:
        for name, value in list(names.items()):
            if isinstance(value, re.Pattern):
                self._replaced.append((names, name, value))
                names[name] = Counted(value, self)
            elif type(value) is dict and not str(name).startswith("__"):
                self._replace(value)

    def _saw(self, frame: FrameType, event: str, arg: Any) -> None:
        if event.endswith("call"):
            self.calls += 1
        elif event == "return" and frame.f_code is _FIND:
            text, start = frame.f_locals["text"], frame.f_locals["start"]
            self.octets += (len(text) if arg is None else arg[1]) - start
        elif event == "return" and frame.f_code is _OCCURRING:
            self.octets += len(frame.f_locals["text"])

    def grew(self, before: "Work", times: int, *, calls: int, octets: int) -> bool:
        """Whether it is more than so many times what it was before, and so much for what does not grow."""
        return self.calls > times * before.calls + calls or self.octets > times * before.octets + octets


class Counted:
    """A pattern of `re` that says how far it went."""

    def __init__(self, pattern: re.Pattern[Any], work: Work) -> None:
        self._pattern, self._work = pattern, work

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pattern, name)

    def search(self, text: Any, start: int = 0, *end: int) -> re.Match[Any] | None:
        """As the pattern's own."""
        found = self._pattern.search(text, start, *end)
        self._work.octets += (min([len(text), *end]) if found is None else found.end()) - start
        return found

    def match(self, text: Any, start: int = 0, *end: int) -> re.Match[Any] | None:
        """As the pattern's own."""
        found = self._pattern.match(text, start, *end)
        self._work.octets += 0 if found is None else found.end() - start
        return found

    def finditer(self, text: Any, start: int = 0, *end: int) -> Iterator[re.Match[Any]]:
        """As the pattern's own."""
        for found in self._pattern.finditer(text, start, *end):
            self._work.octets += found.end() - start
            start = found.end()
            yield found
        self._work.octets += min([len(text), *end]) - start

    def sub(self, by: Any, text: Any, *count: int) -> Any:
        """As the pattern's own."""
        self._work.octets += len(text)
        return self._pattern.sub(by, text, *count)

    def split(self, text: Any, *most: int) -> list[Any]:
        """As the pattern's own."""
        self._work.octets += len(text)
        return self._pattern.split(text, *most)

    def findall(self, text: Any, *places: int) -> list[Any]:
        """As the pattern's own."""
        self._work.octets += len(text)
        return self._pattern.findall(text, *places)
