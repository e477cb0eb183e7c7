"""GoReplay's middleware protocol as bytes: a record in lower-case hex is a line.

The head line stands in front of the payload as in a file, and is hexed with it. There is no escaping, since there
is nothing to escape, and no separator.
"""

from binascii import Error, hexlify, unhexlify
from collections import Counter

from shadowtap.formats.gor import Record, encode, parse
from shadowtap.formats.gor.records import RECORD_LIMIT_BYTES

LINE_LIMIT_BYTES = 2 * RECORD_LIMIT_BYTES
"""Octets of a line: a record of the greatest size, in hex."""
NOT_HEX, TOO_LONG, MALFORMED = "not_hex", "too_long", "malformed_head"


def line_of(record: Record) -> bytes:
    """A record as a line, with its line end."""
    return hexlify(encode(record)) + b"\n"


class HexLines:
    """Reads lines that come in pieces. Holds one line at most; `lost` counts those that are no record, by
    reason."""

    __slots__ = ("_limit_bytes", "_parts", "_passing_over", "_size", "lost")

    def __init__(self, *, limit_bytes: int = LINE_LIMIT_BYTES) -> None:
        self.lost: Counter[str] = Counter()
        self._parts: list[bytes] = []
        self._size = 0
        self._passing_over = False
        self._limit_bytes = limit_bytes

    def feed(self, data: bytes) -> list[Record]:
        """The records that these octets complete."""
        found: list[Record] = []
        begin = 0
        while (end := data.find(b"\n", begin)) >= 0:
            self._keep(data[begin:end])
            self._take(found)
            begin = end + 1
        self._keep(data[begin:])
        return found

    def finish(self) -> list[Record]:
        """The last line, which may lack its line end."""
        found: list[Record] = []
        self._take(found)
        return found

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit_bytes:
            self._passing_over = True
            self._parts.clear()
        elif part:
            self._parts.append(part)

    def _take(self, found: list[Record]) -> None:
        line = b"".join(self._parts).rstrip(b"\r")
        if self._passing_over:
            self.lost[TOO_LONG] += 1
        elif line:
            self._decode(line, found)
        self._parts.clear()
        self._size = 0
        self._passing_over = False

    def _decode(self, line: bytes, found: list[Record]) -> None:
        try:
            record = parse(unhexlify(line))
        except Error:
            self.lost[NOT_HEX] += 1
            return
        if record is None:
            self.lost[MALFORMED] += 1
        else:
            found.append(record)
