"""Heads and bodies together: a message stays a valid message.

Head and body keep their places, chunked framing and content coding stay, Content-Length is corrected. Digests of a
body that was changed (Content-MD5, RFC 9530) are removed, since they would be wrong and would confirm a guess. A body
whose coding cannot be undone loses its coding with its content.
"""

import re

from shadowtap.content import Reason, Unreadable, make_body, read_content, remove_field, set_field, values
from shadowtap.content.media import charset_of_bom
from shadowtap.http1 import payload
from shadowtap.masking.bodies import Bodies
from shadowtap.masking.heads import Heads
from shadowtap.masking.memory import Memory

_MARKS = b"\xef\xfe\xff\0"
"""How byte order marks begin."""
_DIGESTS = (b"content-md5", b"content-digest", b"digest", b"repr-digest")
_DIGEST = re.compile(rb"\n(?:content-md5|content-digest|digest|repr-digest)[ \t]*:", re.IGNORECASE)
_SIZE = re.compile(rb"([0-9a-fA-F]{1,15})\r?\n")
_DATA_END = re.compile(rb"\r?\n|\r\Z")
_CUT_SIZE = re.compile(rb"[0-9a-fA-F]{0,15}\r?")

MEMORY_BYTES = 4 << 20
"""Of heads that were seen lately, and what became of them."""

Described = tuple[str, str | None]
"""Media type and charset."""
Known = tuple[bytes, tuple[str, ...], Described | None]
"""A head as it may be kept, the kinds of what was masked, and what it says of a body that has no codings."""
Message = tuple[bytes, bytes, tuple[str, ...]]
"""Head, body, and the kinds of what was masked in them."""


class Messages:
    """Masks heads with their bodies."""

    __slots__ = ("_bodies", "_heads", "_known", "_limit_bytes")

    def __init__(self, heads: Heads, bodies: Bodies, limit_bytes: int) -> None:
        self._heads = heads
        self._bodies = bodies
        self._limit_bytes = limit_bytes
        self._known: Memory[tuple[bytes, bytes, bool, bool], Known] = Memory(MEMORY_BYTES)

    def masked(
        self, head: bytes, body: bytes, chunked: bool, *, target: bytes = b"", malformed: bool = False
    ) -> Message:
        """Head and body as they may be kept; the very same octets where there is nothing to mask. `target` is that of
        a request; a start line that is malformed is read as any text."""
        key = head, target, malformed, not body
        known = self._known.get(key)
        if known is None:
            shown, kinds = self._head(head, target, malformed)
            known = shown, kinds, _described(head) if body else None
            self._known.put(key, known, len(head) + len(shown) + len(target))
        shown, kinds, described = known
        shown = shown if kinds else head
        if not body:
            return shown, body, kinds
        if described is None or chunked or len(body) > self._limit_bytes:
            return self._coded(head, shown, body, chunked, kinds)
        media_type, charset = described
        if body[0] in _MARKS:
            charset = charset_of_bom(body) or charset
        data, found = self._bodies.masked(media_type, charset, body)
        if not found:
            return shown, body, kinds
        shown, body = make_body(_without_digests(shown), body, False, data)
        return shown, body, kinds + found

    def _coded(
        self, head: bytes, shown: bytes, body: bytes, chunked: bool, kinds: tuple[str, ...]
    ) -> Message:
        """A body under codings, or one that is too long; `shown` is the head as it may be kept so far."""
        content = read_content(head, body, chunked, limit_bytes=self._limit_bytes)
        if isinstance(content, Unreadable):
            octets = payload(body, chunked)
            named = values(head, b"content-type")
            media_type = named[0].partition(b";")[0].strip().lower().decode("latin-1") if named else ""
            kind = "body_too_large" if content.reason is Reason.TOO_LARGE else "body_unreadable"
            data, found = self._bodies.dropped(media_type, octets, kind)
            shown = _without_coding(shown, chunked) if found else shown
        else:
            data, found = self._bodies.masked(content.media_type, content.charset, content.data)
        if found:
            shown, body = make_body(_without_digests(shown), body, chunked, data)
        if chunked and not _is_plain(body):
            body, more = self._reframed(body)
            found += more
        return shown, body, kinds + found

    def _head(self, head: bytes, target: bytes, malformed: bool) -> tuple[bytes, tuple[str, ...]]:
        line, newline, rest = head.partition(b"\n")
        fields, kinds = self._heads.fields(rest)
        shown, in_line = self._heads.target(target) if target else (target, ())
        start = line.replace(target, shown, 1) if in_line else line
        if malformed or not target or target not in line:
            start, more = self._heads.text(start)
            in_line += more
        if not (kinds or in_line):
            return head, ()
        return start + newline + fields, in_line + kinds

    def _reframed(self, body: bytes) -> tuple[bytes, tuple[str, ...]]:
        """The octets of a chunked body in one chunk, without extensions, with masked trailers."""
        octets = payload(body, True)
        framed = make_body(b"", body, True, octets)[1]
        start = len(b"%x\r\n%b\r\n0\r\n" % (len(octets), octets)) if octets else len(b"0\r\n")
        trailers, kinds = self._heads.fields(framed[start:])
        return framed[:start] + trailers, kinds


def _is_plain(body: bytes) -> bool:
    """Whether a chunked body has no words in its framing: no extensions, no trailers, nothing that is no chunk."""
    at = 0
    while (size := _SIZE.match(body, at)) is not None:
        length = int(size[1], 16)
        if not length:
            return body[size.end() :] in (b"", b"\r", b"\n", b"\r\n")
        at = size.end() + length
        if at >= len(body):
            return True
        end = _DATA_END.match(body, at)
        if end is None:
            return False
        at = end.end()
    return _CUT_SIZE.fullmatch(body, at) is not None


def _described(head: bytes) -> Described | None:
    """Media type and charset of a body that stands there as it is; None where codings lie over it."""
    content = read_content(head, b"", False, limit_bytes=0)
    if isinstance(content, Unreadable) or content.codings:
        return None
    return content.media_type, content.charset


def _without_coding(head: bytes, chunked: bool) -> bytes:
    head = remove_field(head, b"content-encoding")
    if not values(head, b"transfer-encoding"):
        return head
    return (
        set_field(head, b"transfer-encoding", b"chunked")
        if chunked
        else remove_field(head, b"transfer-encoding")
    )


def _without_digests(head: bytes) -> bytes:
    if _DIGEST.search(head) is None:
        return head
    for name in _DIGESTS:
        head = remove_field(head, name)
    return head
