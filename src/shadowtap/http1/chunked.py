"""The chunked transfer coding (RFC 9112, section 7.1): where a body ends, and the body without its framing."""

import re

MAX_LINE = 16 * 1024
"""Octets of a chunk-size line with its extensions, or of one trailer line; no real sender comes near."""
MAX_TRAILERS = 64 * 1024
"""Octets of all trailer lines together."""

_SIZE = re.compile(rb"[ \t\f\v]*0*([0-9a-fA-F]{1,15})[ \t\f\v]*(?:;[^\n]*)?\r?\n?\Z")

_SIZE_LINE, _DATA, _DATA_END, _TRAILERS, DONE, BROKEN = range(6)


class ChunkScanner:
    """Finds the end of a chunked body that comes in pieces, without copying it.

    `state` is DONE behind the last line, BROKEN where the octets are not chunks. `trailers` tells whether there
    were trailer fields.
    """

    __slots__ = ("_line", "_trailer_bytes", "left", "state", "trailers")

    def __init__(self) -> None:
        self.state = _SIZE_LINE
        self.left = 0
        self.trailers = False
        self._line = b""
        self._trailer_bytes = 0

    def feed(self, data: bytes, pos: int) -> int:
        """Take octets from `pos` on; the position behind what belongs to the body."""
        size = len(data)
        while pos < size and self.state < DONE:
            if self.state == _DATA:
                step = min(self.left, size - pos)
                pos += step
                self.left -= step
                if not self.left:
                    self.state = _DATA_END
                continue
            newline = data.find(b"\n", pos, pos + MAX_LINE)
            if newline < 0:
                self._line += data[pos:]
                if len(self._line) > MAX_LINE:
                    self.state = BROKEN
                return size
            line = self._line + data[pos : newline + 1]
            self._line = b""
            pos = newline + 1
            self._take_line(line)
        return pos

    def skip(self, length: int) -> bool:
        """Pass over `length` lost octets; False where they may have held framing, so that the end is unknown."""
        if self.state != _DATA or length > self.left:
            return False
        self.left -= length
        if not self.left:
            self.state = _DATA_END
        return True

    def _take_line(self, line: bytes) -> None:
        empty = line in (b"\r\n", b"\n")
        if self.state == _DATA_END:
            self.state = _SIZE_LINE if empty else BROKEN
        elif self.state == _TRAILERS:
            self._trailer_bytes += len(line)
            if empty:
                self.state = DONE
            elif self._trailer_bytes > MAX_TRAILERS:
                self.state = BROKEN
            else:
                self.trailers = True
        else:
            size = _SIZE.match(line)
            if size is None:
                self.state = BROKEN
                return
            self.left = int(size[1], 16)
            self.state = _DATA if self.left else _TRAILERS


def payload(body: bytes, chunked: bool) -> bytes:
    """The octets of a body without chunked framing; as much as there is where the framing breaks off."""
    if not chunked:
        return body
    parts: list[bytes] = []
    pos = 0
    while True:
        newline = body.find(b"\n", pos)
        if newline < 0:
            break
        size = _SIZE.match(body[pos : newline + 1])
        if size is None:
            break
        length = int(size[1], 16)
        if not length:
            break
        parts.append(body[newline + 1 : newline + 1 + length])
        pos = body.find(b"\n", newline + 1 + length) + 1
        if not pos:
            break
    return b"".join(parts)
