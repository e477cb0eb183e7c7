"""Other ways to write the same octets, undone: JSON's escapes, percent-encoding, character references.

A view is a text with one kind of escape undone. What is found in it is brought back to the place in the text as it
was written, so that all octets around it stay as they are.
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from html.entities import html5
from typing import NamedTuple
from urllib.parse import quote_from_bytes

from shadowtap.masking.spans import Span

CACHE_LIMIT = 4096
"""Escapes whose meaning is remembered, each of at most 32 octets."""

_JSON = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[\"'\\/bfnrt])"
)
_PERCENT = re.compile(rb"%[0-9a-fA-F]{2}")
_REFERENCE = re.compile(rb"&(?:#[xX]0{0,8}[0-9a-fA-F]{1,6}|#0{0,8}[0-9]{1,7}|[A-Za-z]{2,8}(?=;));?")
_SHORT = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


class View(NamedTuple):
    """One kind of escape: `gate` is how each begins, `undo` says what one means, `encode` writes a stand-in in its
    place."""

    name: str
    gate: bytes
    pattern: re.Pattern[bytes]
    undo: Callable[[bytes], bytes]
    encode: Callable[[bytes], bytes]
    known: dict[bytes, bytes]

    def decoded(self, text: bytes) -> bytes:
        """The text with these escapes undone; itself where it has none."""
        return self.pattern.sub(self._meaning, text)

    def back(self, text: bytes, spans: list[Span]) -> list[Span]:
        """Places in the decoded text as places in the text; what touches an escape takes all of it."""
        starts, ends, raw_ends = [], [0], [0]
        shift = 0
        for found in self.pattern.finditer(text):
            raw_start, raw_end = found.span()
            starts.append(raw_start - shift)
            ends.append(starts[-1] + len(self._meaning(found)))
            raw_ends.append(raw_end)
            shift = raw_end - ends[-1]

        def raw_start_of(at: int) -> int:
            last = bisect_right(ends, at) - 1
            if last < len(starts) and starts[last] < at:
                at = starts[last]
            return raw_ends[last] + at - ends[last]

        def raw_end_of(at: int) -> int:
            last = bisect_right(ends, at) - 1
            inside = last < len(starts) and starts[last] < at
            return raw_ends[last + 1] if inside else raw_ends[last] + at - ends[last]

        return [self._back(span, raw_start_of(span.start), raw_end_of(span.end)) for span in spans]

    def _back(self, span: Span, start: int, end: int) -> Span:
        """A span in its place; where no escape was in it, none is in the stand-in."""
        has_escape = end - start != span.end - span.start
        return Span(start, end, self.encode(span.stand_in) if has_escape else span.stand_in, span.kind)

    def _meaning(self, found: re.Match[bytes]) -> bytes:
        escape = found[0]
        meaning = self.known.get(escape)
        if meaning is None:
            if len(self.known) >= CACHE_LIMIT:
                self.known.clear()
            meaning = self.known[escape] = self.undo(escape)
        return meaning


def _same(stand_in: bytes) -> bytes:
    return stand_in


def _from_json(escape: bytes) -> bytes:
    digits = escape[2:6]
    if escape[1:2] == b"x":
        return bytes([int(digits, 16)])
    if escape[1:2] != b"u":
        return _SHORT.get(escape[1:], escape[1:])
    text = escape.decode("ascii").encode("latin-1").decode("unicode_escape")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _from_percent(escape: bytes) -> bytes:
    return bytes([int(escape[1:], 16)])


def _from_reference(escape: bytes) -> bytes:
    name = escape[1:].rstrip(b";")
    if not name.startswith(b"#"):
        return html5.get(name.decode("ascii") + ";", escape.decode("ascii")).encode()
    number = int(name[2:], 16) if name[1:2] in b"xX" else int(name[1:])
    return chr(number).encode("utf-8", "replace") if number < 0x110000 else escape


def _to_percent(stand_in: bytes) -> bytes:
    return quote_from_bytes(stand_in, safe="*:").encode("ascii")


JSON = View("json", rb"\\[\"'\\/bfnrtux]", _JSON, _from_json, _same, {})
PERCENT = View("percent", rb"%[0-9A-Fa-f][0-9A-Fa-f]", _PERCENT, _from_percent, _to_percent, {})
REFERENCE = View("reference", rb"&(?:#[0-9xX]|[A-Za-z]{2,8};)", _REFERENCE, _from_reference, _same, {})
VIEWS = (JSON, PERCENT, REFERENCE)


def plain(written: bytes) -> bytes:
    """A value without the escapes and quotes of the place where it stands: the same for the same value everywhere."""
    if b"\\" in written:
        written = JSON.decoded(written)
    if b"%" in written:
        written = PERCENT.decoded(written)
    if b"&" in written:
        written = REFERENCE.decoded(written)
    return written.strip(b" \t\r\n\"'")
