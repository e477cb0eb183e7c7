"""Packets as columns: one buffer and a row a packet, and the TCP segments in them."""

from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]


class Link(IntEnum):
    """What a frame begins with: a LINKTYPE_ number (tcpdump.org/linktypes.html) or, below zero, an overlay
    whose outer headers the receiving socket has already removed."""

    VXLAN = -1
    GENEVE = -2
    NULL = 0
    ETHERNET = 1
    PPP = 9
    RAW_BSD = 12
    RAW_OPENBSD = 14
    RAW = 101
    C_HDLC = 104
    WLAN = 105
    LOOP = 108
    LINUX_SLL = 113
    RADIOTAP = 127
    IPV4 = 228
    IPV6 = 229
    NFLOG = 239
    LINUX_SLL2 = 276


class Frames:
    """A batch of packets: one buffer and a row per packet, in order of arrival.

    `buffer` is uint8; `start` the index of a frame's first byte in it; `captured` the bytes there are;
    `on_wire` the bytes there were; `time_ns` when it was captured. All columns are int64 of one length.
    The buffer may be reused by the source that made it: a frame is valid until the next one is asked for.
    `link` is a `Link` where it is known and the bare LINKTYPE_ number where it is not.
    """

    __slots__ = ("buffer", "captured", "link", "on_wire", "start", "time_ns")

    def __init__(
        self, buffer: Bytes, start: Ints, captured: Ints, on_wire: Ints, time_ns: Ints, link: int
    ) -> None:
        self.buffer = buffer
        self.start = start
        self.captured = captured
        self.on_wire = on_wire
        self.time_ns = time_ns
        self.link = link

    def __len__(self) -> int:
        return len(self.start)


class FlowKey(NamedTuple):
    """The five native 64-bit numbers of a `Segments.key`: `struct.unpack("=5Q", key)`.

    Addresses come in two halves, the upper one 0 for IPv4. `tail` is, from the top: port of the first endpoint
    (16 bits), port of the second (16), 6 unused, 1 for IPv6 (bit 25), 1 where there is a VNI (bit 24), VNI (24).
    The first endpoint is the one with the lower address, then the lower port.
    """

    a_hi: int
    a_lo: int
    b_hi: int
    b_lo: int
    tail: int


class Segments:
    """The TCP segments of a batch, in order of arrival; every column has one row a segment.

    `key` names the connection exactly: 40 bytes, the two endpoints in a fixed order, address family and VNI
    (see `FlowKey`). `reverse` is True where the segment goes from the second endpoint to the first.
    `start` and `length` delimit the payload in `buffer`; `missing` counts payload bytes that the sender sent
    in this segment and the capture cut off. `flags` are the TCP flags byte.
    """

    __slots__ = (
        "ack",
        "buffer",
        "flags",
        "key",
        "length",
        "missing",
        "reverse",
        "seq",
        "start",
        "time_ns",
    )

    def __init__(
        self,
        buffer: Bytes,
        key: NDArray[np.void],
        reverse: NDArray[np.bool_],
        seq: Ints,
        ack: Ints,
        flags: Ints,
        start: Ints,
        length: Ints,
        missing: Ints,
        time_ns: Ints,
    ) -> None:
        self.buffer = buffer
        self.key = key
        self.reverse = reverse
        self.seq = seq
        self.ack = ack
        self.flags = flags
        self.start = start
        self.length = length
        self.missing = missing
        self.time_ns = time_ns

    def __len__(self) -> int:
        return len(self.seq)

    def eventful(self) -> NDArray[np.bool_]:
        """Which segments do more than acknowledge."""
        eventful: NDArray[np.bool_] = (self.length > 0) | ((self.flags & _EVENTFUL) != 0) | (self.missing > 0)
        return eventful

    def rows(self, *, acks: bool) -> "Iterable[SegmentRow]":
        """Segment by segment; those that only acknowledge are left out unless `acks`."""
        kept = np.arange(len(self)) if acks else self.eventful().nonzero()[0]
        start = self.start[kept]
        octets = memoryview(self.buffer)  # type: ignore[arg-type]
        payload = zip(start.tolist(), (start + self.length[kept]).tolist(), strict=True)
        return zip(
            self.key[kept].tolist(),
            self.reverse.view(np.uint8)[kept].tolist(),
            self.seq[kept].tolist(),
            self.ack[kept].tolist(),
            self.flags[kept].tolist(),
            [bytes(octets[begin:end]) for begin, end in payload],
            self.missing[kept].tolist(),
            self.time_ns[kept].tolist(),
            strict=True,
        )


SegmentRow = tuple[bytes, int, int, int, int, bytes, int, int]
"""One segment: key, direction, seq, ack, flags, payload, missing, time_ns."""
_EVENTFUL = 0b111
"""The flags FIN, SYN and RST."""


class SegmentRows:
    """What `Segments` is, as rows. `rows` are those that do more than acknowledge; `every` gives them all, as long as
    the frames are valid."""

    __slots__ = ("_count", "_every", "_rows")

    def __init__(self, count: int, rows: list[SegmentRow], every: Callable[[], list[SegmentRow]]) -> None:
        self._count = count
        self._rows = rows
        self._every = every

    def __len__(self) -> int:
        return self._count

    def rows(self, *, acks: bool) -> list[SegmentRow]:
        """As `Segments.rows`."""
        return self._every() if acks else self._rows
