"""Records of GoReplay's format as bytes: one record, and the stream of them in a file.

There is no escaping, so a payload that holds the separator cannot be written: what follows it would be read as a
record of its own, perhaps as a request that nobody ever sent. Reading one, the rest of it is a record with a
malformed head.

Times. GoReplay 1 wrote the two numbers of a replayed answer the wrong way round, and older versions only a
duration for answers. A number below 10^15 (11 days after 1970, in nanoseconds) is no time of an answer, so they
can be told apart; an answer without a time has time 0.
"""

import re
from collections import Counter
from enum import IntEnum
from typing import NamedTuple

SEPARATOR = "\n🐵🙈🙉\n".encode()
HEAD_LIMIT_BYTES = 1024
"""Octets of a head line; GoReplay's have less than 80."""
RECORD_LIMIT_BYTES = 65 << 20
"""Octets of a record: a body of 64 MiB, as everywhere in shadowtap, and its head."""
MALFORMED, TOO_LARGE = "malformed_record", "too_large"

_HEAD = re.compile(rb"([123]) ([^ \n]{1,256}) (-?[0-9]{1,19})(?: (-?[0-9]{1,19}))?(?: [^\n]*)?\r?\n")
_SMALLEST_TIME = 10**15
_TOO_LATE, _TOO_LONG = 1 << 62, 1 << 60
"""Nanoseconds: the year 2116, and 36 years. Sums of those below fit into 64 bits."""


class Kind(IntEnum):
    """What a record holds."""

    REQUEST = 1
    RESPONSE = 2
    REPLAYED = 3


class Record(NamedTuple):
    """One message. `id` is what a request has in common with its answers. `time_ns` is when its first packet was
    seen or, of a replayed answer, when its request was sent; `latency_ns` how long it took, or -1. Files of
    GoReplay 2 and ours give the duration of the message's own packets, and for a replayed answer the round
    trip."""

    kind: Kind
    id: bytes
    time_ns: int
    latency_ns: int
    payload: bytes


def encode(record: Record) -> bytes:
    """Head line and payload, without separator."""
    kind, name, time_ns, latency_ns, payload = record
    if latency_ns < 0:
        return b"%d %b %d\n%b" % (kind, name, time_ns, payload)
    return b"%d %b %d %d\n%b" % (kind, name, time_ns, latency_ns, payload)


def parse(data: bytes) -> Record | None:
    """The record that these octets are, without separator; None where the head line is malformed, or what it says of
    time impossible."""
    head = _HEAD.match(data, 0, HEAD_LIMIT_BYTES)
    if head is None:
        return None
    kind, name, first, second = head.groups()
    time_ns, latency_ns = int(first), -1 if second is None else int(second)
    if kind != b"1" and time_ns < _SMALLEST_TIME:
        if latency_ns < 0:
            time_ns, latency_ns = 0, time_ns
        elif latency_ns >= _SMALLEST_TIME:
            time_ns, latency_ns = latency_ns, time_ns
    if time_ns >= _TOO_LATE or latency_ns >= _TOO_LONG:
        return None
    return Record(Kind(kind[0] - 48), name, max(time_ns, 0), max(latency_ns, -1), data[head.end() :])


class Splitter:
    """Cuts a stream into records. Holds one record at most; a record that is longer than `limit_bytes` is passed
    over.

    `lost` counts what is no record, by reason.
    """

    __slots__ = ("_buffer", "_limit_bytes", "_passing_over", "_searched", "lost")

    def __init__(self, *, limit_bytes: int = RECORD_LIMIT_BYTES) -> None:
        self.lost: Counter[str] = Counter()
        self._buffer = bytearray()
        self._searched = 0
        self._passing_over = False
        self._limit_bytes = limit_bytes

    @property
    def held_bytes(self) -> int:
        """Octets of a record whose end has not come."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Record]:
        """The records that these octets complete."""
        found: list[Record] = []
        buffer, begin = self._buffer, 0
        buffer += data
        while (end := buffer.find(SEPARATOR, max(begin, self._searched))) >= 0:
            self._take(bytes(memoryview(buffer)[begin:end]), found)
            begin = self._searched = end + len(SEPARATOR)
        del buffer[:begin]
        if len(buffer) > self._limit_bytes or (self._passing_over and not found):
            self._passing_over = True
            del buffer[: -len(SEPARATOR)]
        self._searched = max(len(buffer) - len(SEPARATOR) + 1, 0)
        return found

    def finish(self) -> list[Record]:
        """The last record, which may lack its separator, or have but a part of it."""
        found: list[Record] = []
        rest = bytes(self._buffer)
        for length in range(len(SEPARATOR) - 1, 1, -1):
            if rest.endswith(SEPARATOR[:length]):
                rest = rest[:-length]
                break
        self._buffer.clear()
        self._searched = 0
        if rest.strip() or self._passing_over:
            self._take(rest, found)
        return found

    def _take(self, data: bytes, found: list[Record]) -> None:
        if self._passing_over or len(data) > self._limit_bytes:
            self._passing_over = False
            self.lost[TOO_LARGE] += 1
            return
        if data.startswith(SEPARATOR[1:]):
            data = data[len(SEPARATOR) - 1 :]  # a separator that no record stands in front of
        record = parse(data)
        if record is not None:
            found.append(record)
        elif data.strip():
            self.lost[MALFORMED] += 1
