"""Heads of messages, line by line. A line that holds no secret stays as it is, to the octet; lines repeat, so what
became of one is remembered."""

from shadowtap.masking.headers import Headers
from shadowtap.masking.memory import Memory
from shadowtap.masking.spans import Masked, masked_with
from shadowtap.masking.texts import Kind, Texts

CACHE_LIMIT = 4096
"""Lines that are remembered, each of at most 1 KiB: 8 MB at the most, with what became of them; as many
targets and start lines."""
CACHED_BYTES = 1024
MEMORY_BYTES = 4 << 20
"""Of whole heads without their first lines, and what became of them: a client sends much the same each time."""


class Heads:
    """Masks heads, trailers, and request targets."""

    __slots__ = ("_blocks", "_headers", "_lines", "_targets", "_texts", "_words")

    def __init__(self, headers: Headers, texts: Texts) -> None:
        self._headers = headers
        self._texts = texts
        self._blocks: Memory[bytes, Masked] = Memory(MEMORY_BYTES)
        self._lines: dict[bytes, Masked] = {}
        self._targets: dict[bytes, Masked] = {}
        self._words: dict[bytes, Masked] = {}

    def target(self, url: bytes) -> Masked:
        """A request target or another URL."""
        known = self._targets.get(url)
        if known is None:
            known = masked_with(url, self._texts.find(url, Kind.URL))
            _remember(self._targets, url, known)
        return known

    def text(self, text: bytes) -> Masked:
        """Words outside of any field, such as the reason of an answer."""
        known = self._words.get(text)
        if known is None:
            known = masked_with(text, self._texts.find(text, Kind.PLAIN))
            _remember(self._words, text, known)
        return known

    def fields(self, lines: bytes) -> Masked:
        """Header fields, each with its line end; trailers are such too."""
        known = self._blocks.get(lines)
        if known is None:
            known = self._fields(lines)
            size = len(lines) if known[0] is lines else len(lines) + len(known[0])
            self._blocks.put(lines, known, size)
        return known if known[1] else (lines, ())

    def _fields(self, lines: bytes) -> Masked:
        if b"\n " in lines or b"\n\t" in lines:
            return self._folded(lines)
        known = self._lines
        parts: list[bytes] = []
        kinds: tuple[str, ...] = ()
        for line in lines.split(b"\n"):
            found = known.get(line)
            if found is None:
                found = self._line(line)
                _remember(known, line, found)
            parts.append(found[0])
            if found[1]:
                kinds += found[1]
        return (b"\n".join(parts), kinds) if kinds else (lines, ())

    def _folded(self, lines: bytes) -> Masked:
        """Where fields go on in the next line (RFC 9112, section 5.2): one that holds a secret becomes one line."""
        fields: list[bytes] = []
        for line in lines.split(b"\n"):
            if line[:1] in (b" ", b"\t") and fields:
                fields[-1] += b"\n" + line
            else:
                fields.append(line)
        masked = [self._line(field) for field in fields]
        return b"\n".join([field for field, _ in masked]), tuple(
            [kind for _, some in masked for kind in some]
        )

    def _line(self, line: bytes) -> Masked:
        name, colon, value = line.partition(b":")
        if not colon:
            return masked_with(line, self._texts.find(line, Kind.PLAIN))
        bare = b" ".join([part.strip(b" \t\r") for part in value.split(b"\n")]).strip(b" ")
        masked, kinds = self._headers.masked(name.strip(b" \t"), bare)
        if not kinds:
            return line, ()
        lead = value[: len(value) - len(value.lstrip(b" \t"))]
        return b"".join((name, colon, lead, masked, b"\r" if value.endswith(b"\r") else b"")), kinds


def _remember(known: dict[bytes, Masked], key: bytes, masked: Masked) -> None:
    if len(key) <= CACHED_BYTES:
        if len(known) >= CACHE_LIMIT:
            known.clear()
        known[key] = masked
