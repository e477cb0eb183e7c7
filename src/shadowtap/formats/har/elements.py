"""The elements of one array in a JSON document that comes in pieces, cut out without reading the rest.

HAR's entries are nearly all of a document, and a document may be larger than memory. An object ends where its
braces are balanced, outside strings; whatever is wrong within it is for whoever decodes it.
"""

import re

ELEMENT_LIMIT_BYTES = 256 << 20
"""Octets of an element: a body of 64 MiB in base64 for request and answer each, with room."""

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]|"(?:[^"\\]++|\\.)*+\\?\Z', re.DOTALL)
"""A string, a bracket, or a string whose end has not come."""
_BETWEEN = re.compile(rb"[ \t\r\n,]*+")
_GROWTH = 1.5
"""A string whose end has not come is looked at again when there is so much more, so that its length costs
little."""


class Elements:
    """The objects in the array called `name`. `done` when the array has ended; `broken` says what is wrong, or is
    empty: then nothing more is found."""

    def __init__(self, name: bytes, *, limit_bytes: int = ELEMENT_LIMIT_BYTES) -> None:
        self.done = False
        self.broken = ""
        self._begin = re.compile(rb'"' + re.escape(name) + rb'"\s*+:\s*+\[')
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()
        self._begun = False
        self._depth = 0
        self._at = 0
        self._needed = 0

    def feed(self, data: bytes, *, last: bool = False) -> list[bytes]:
        """The elements that these octets complete."""
        if self.done or self.broken:
            return []
        self._buffer += data
        if len(self._buffer) < self._needed and not last:
            return []
        if not self._begun and not self._find_begin():
            return []
        return self._cut()

    def finish(self) -> list[bytes]:
        """The document has ended."""
        found = self.feed(b"", last=True)
        if not self.done and not self.broken:
            self.broken = "the document ends early" if self._begun else "there are no entries in it"
        return found

    def _find_begin(self) -> bool:
        begin = self._begin.search(self._buffer)
        if begin is None:
            if len(self._buffer) > self._limit_bytes:
                self.broken = "there are no entries in its beginning"
            return False
        del self._buffer[: begin.end()]
        self._begun = True
        return True

    def _cut(self) -> list[bytes]:
        found: list[bytes] = []
        buffer, start = self._buffer, 0
        while not self.broken:
            if not self._depth:
                start = self._at = _BETWEEN.match(buffer, self._at).end()  # type: ignore[union-attr]
                if start == len(buffer) or self._is_over(buffer[start]):
                    break
            token = _TOKEN.search(buffer, self._at)
            if token is None or (token.end() == len(buffer) and token[0][:1] == b'"'):
                self._at = len(buffer) if token is None else token.start()
                break
            self._at = token.end()
            self._depth += (token[0] in (b"{", b"[")) - (token[0] in (b"}", b"]"))
            if not self._depth:
                found.append(bytes(memoryview(buffer)[start : self._at]))
        del buffer[:start]
        self._at -= start
        self._needed = int(len(buffer) * _GROWTH)
        if len(buffer) > self._limit_bytes:
            self.broken = f"an entry has more than {self._limit_bytes} bytes"
        return found

    def _is_over(self, octet: int) -> bool:
        if octet == ord("]"):
            self.done = True
        elif octet != ord("{"):
            self.broken = "among the entries is something that is none"
        return self.done or bool(self.broken)
