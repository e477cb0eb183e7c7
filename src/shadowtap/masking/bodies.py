"""What bodies say, masked. What cannot be read as text is not let through: a marker comes in its place, with a
stand-in of the octets, their number and their type, so that two equal bodies are still equal.

A body is read as text when its octets are such, whatever its type says: text has no control characters, and what is
not declared as text is UTF-8. UTF-16 and UTF-32 are read as what they are. Every other charset in use has ASCII where
ASCII has it; one that has not is not let through.
"""

import re
from codecs import lookup
from functools import lru_cache

from shadowtap.masking.memory import Memory
from shadowtap.masking.multipart import parts_of
from shadowtap.masking.names import Names, Place
from shadowtap.masking.spans import Masked, Span, masked_with, moved
from shadowtap.masking.standins import StandIns
from shadowtap.masking.texts import Kind, Texts
from shadowtap.masking.values import Values

_TEXT = bytes(octet for octet in range(256) if octet >= 32 or octet in b"\a\b\t\n\v\f\r\x1b\x1e")
_TEXT_TYPE = re.compile(
    r"text/.*|.*\+(?:json|xml)|application/(?:.*json.*|.*xml.*|.*javascript|.*ecmascript|.*yaml|graphql|sql|toml"
    r"|x-www-form-urlencoded)"
)
_WIDE = re.compile(r"utf-?(?:16|32)")
_LIKE_ASCII = re.compile(
    r"ascii|utf-8|iso8859-|cp(?:437|7\d\d|8(?!75)\d\d|9\d\d|125\d|1361)\b|mac-|koi8-|gb|big5|euc_|shift_jis|johab|tis-620"
)
Body = tuple[str, str | None, bytes]
"""Media type, charset, octets."""
MEMORY_BYTES = 16 << 20
"""Of bodies that were seen lately, and what became of them."""
_MARKER = re.compile(rb"(?:masked-[0-9a-f]{12}|\*\*\*) \([0-9]+ bytes of [^()\r\n]{1,80}\)")


class Bodies:
    """Masks what bodies say, up to `limit_bytes` of it."""

    __slots__ = ("_known", "_last", "_limit_bytes", "_names", "_stand_ins", "_texts", "_values")

    def __init__(
        self, names: Names, texts: Texts, values: Values, stand_ins: StandIns, limit_bytes: int
    ) -> None:
        self._names = names
        self._texts = texts
        self._values = values
        self._stand_ins = stand_ins
        self._limit_bytes = limit_bytes
        self._known: Memory[Body, Masked] = Memory(MEMORY_BYTES)
        self._last: tuple[Body, Masked] = ("", None, b""), (b"", ())  # comparing is quicker than looking up

    def masked(self, media_type: str, charset: str | None, octets: bytes) -> Masked:
        """What a body says as it may be kept; media type and charset in lower case."""
        key = media_type, charset, octets
        last, masked = self._last
        if key != last:
            masked = self._known.get(key) or self._remembered(key)
            self._last = key, masked
        return masked if masked[1] else (octets, ())

    def _remembered(self, body: Body) -> Masked:
        octets = body[2]
        masked = self._masked(*body)
        size = len(octets) if masked[0] is octets else len(octets) + len(masked[0])
        self._known.put(body, masked, size)
        return masked

    def _masked(self, media_type: str, charset: str | None, octets: bytes) -> Masked:
        if not octets:
            return octets, ()
        if len(octets) > self._limit_bytes:
            return self.dropped(media_type, octets, "body_too_large")
        codec = _codec(charset)
        if codec is None:
            return self.dropped(media_type, octets, "body_unreadable")
        if codec:
            return self._wide(media_type, codec, octets)
        if media_type.startswith("multipart/"):
            spans = self._multipart(octets)
            if spans is not None:
                return masked_with(octets, spans)
        if not is_text(media_type, octets):
            return self.dropped(media_type, octets, "body_binary")
        return masked_with(octets, self._texts.find(octets, _kind(media_type)))

    def dropped(self, media_type: str, octets: bytes, kind: str) -> Masked:
        """The marker that comes in the place of octets which cannot be read."""
        if _MARKER.fullmatch(octets):
            return octets, ()
        return self._marker(media_type, octets), (kind,)

    def _marker(self, media_type: str, octets: bytes) -> bytes:
        known_type = re.sub(r"[^a-z0-9/.+-]", "", media_type)[:80] or "no type"
        return b"%b (%d bytes of %b)" % (self._stand_ins.opaque(octets), len(octets), known_type.encode())

    def _wide(self, media_type: str, codec: str, octets: bytes) -> Masked:
        try:
            text = octets.decode(codec).encode()
        except UnicodeError:
            return self.dropped(media_type, octets, "body_unreadable")
        masked, kinds = self.masked(media_type, None, text)
        return (masked.decode().encode(codec), kinds) if kinds else (octets, ())

    def _multipart(self, octets: bytes) -> list[Span] | None:
        """The secrets of all parts; None where there are no parts to be found."""
        parts = parts_of(octets)
        if parts is None:
            return None
        spans: list[Span] = []
        for part in parts:
            spans += moved(self._texts.find(octets[part.head : part.body], Kind.HEADER), part.head)
            spans += self._part(
                octets[part.body : part.end], part.body, part.name, part.media_type, part.coded
            )
        return spans

    def _part(self, body: bytes, at: int, name: bytes, media_type: str, coded: bool) -> list[Span]:
        if name and self._names.is_secret(Place.PARAMETER, name):
            stand_in, kind = self._values.of(body, "field")
            return [Span(at, at + len(body), stand_in, kind)] if kind else []
        if (coded or not is_text(media_type, body)) and not _MARKER.fullmatch(body):
            return [Span(at, at + len(body), self._marker(media_type, body), "body_binary")] if body else []
        return moved(self._texts.find(body, _kind(media_type)), at)


def is_text(media_type: str, octets: bytes) -> bool:
    """Whether these octets can be read as text in UTF-8 or a charset like ASCII."""
    if octets.translate(None, _TEXT):
        return False
    if octets.isascii() or _TEXT_TYPE.fullmatch(media_type):
        return True
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def _kind(media_type: str) -> Kind:
    if media_type == "application/x-www-form-urlencoded":
        return Kind.FORM
    return Kind.PLAIN if media_type in ("", "text/plain", "text/csv") else Kind.MARKUP


@lru_cache(maxsize=256)
def _codec(charset: str | None) -> str | None:
    """How to read a charset: the codec that makes text of it, "" for one like ASCII, None for one that is unknown."""
    if charset is None:
        return ""
    try:
        name = lookup(charset).name
    except (LookupError, ValueError):
        return None
    if _WIDE.match(name):
        return name
    return "" if _LIKE_ASCII.match(name) else None
