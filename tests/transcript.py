"""TCP connections as transcripts: segments in the order of capture, and batches of them for `Flows`.

C, S = 0, 1                     the client's direction and the server's
Talk                            writes both sides of a connection with the right numbers
Segment                         one packet of it, to be lost, repeated, cut, moved or delayed by a test
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

import packets
from packets import ACK, CLIENT, FIN, PSH, RST, SERVER, SYN
from shadowtap.events import Endpoint, Segments

C, S = 0, 1
MS = 1_000_000
MASK = 0xFFFFFFFF


class Segment(NamedTuple):
    """A TCP segment. `missing` octets of its payload were cut off by the capture."""

    direction: int
    seq: int
    data: bytes = b""
    flags: int = ACK
    ack: int = 0
    missing: int = 0
    time_ns: int = 0
    connection: int = 0

    @property
    def end(self) -> int:
        """The sequence number behind its payload."""
        return (self.seq + len(self.data) + self.missing) & MASK


class Talk:
    """Writes down a connection: every segment has the sequence and acknowledgement numbers of a real one.

    Time moves by one millisecond a segment. `number` chooses the client's port.
    """

    def __init__(self, *, mss: int = 1448, starts: tuple[int, int] = (1000, 5000), number: int = 0) -> None:
        self.mss = mss
        self.number = number
        self.next = list(starts)
        self.time_ns = 1_000 * MS
        self.segments: list[Segment] = []

    def open(self) -> "Talk":
        """The handshake."""
        self.put(C, SYN)
        self.put(S, SYN | ACK)
        self.put(C, ACK)
        return self

    def say(self, direction: int, octets: bytes, *, acked: bool = True, flags: int = ACK) -> "Talk":
        """Octets in as many segments as it takes, and then an acknowledgement unless `acked` is False."""
        for begin in range(0, len(octets), self.mss):
            self.put(direction, flags | PSH, octets[begin : begin + self.mss])
        if acked:
            self.put(1 - direction, ACK)
        return self

    def close(self, *directions: int) -> "Talk":
        """A FIN from each of these sides (default: the client, then the server), and its acknowledgement."""
        for direction in directions or (C, S):
            self.put(direction, FIN | ACK)
            self.put(1 - direction, ACK)
        return self

    def reset(self, direction: int) -> "Talk":
        """One side breaks off."""
        self.put(direction, RST | ACK)
        return self

    def put(self, direction: int, flags: int, data: bytes = b"") -> Segment:
        """One segment; SYN and FIN take a sequence number."""
        ack = self.next[1 - direction] if flags & ACK else 0
        segment = Segment(direction, self.next[direction], data, flags, ack, 0, self.time_ns, self.number)
        self.next[direction] += len(data) + bool(flags & SYN) + bool(flags & FIN)
        self.next[direction] &= MASK
        self.time_ns += MS
        self.segments.append(segment)
        return segment


def columns(segments: Sequence[Segment]) -> Segments:
    """A batch for `Flows`, with the same key for both directions of a connection."""
    buffer = np.frombuffer(b"".join(segment.data for segment in segments) or b"\0", np.uint8)
    length = np.array([len(segment.data) for segment in segments], np.int64)
    keys = b"".join(_key(segment.connection) for segment in segments)

    def column(name: str) -> "np.ndarray":
        return np.array([getattr(segment, name) for segment in segments], np.int64)

    return Segments(
        buffer,
        np.frombuffer(keys, "V40"),
        np.array([segment.direction == S for segment in segments], np.bool_),
        column("seq"),
        column("ack"),
        column("flags"),
        (np.cumsum(length) - length).astype(np.int64),
        length,
        column("missing"),
        column("time_ns"),
    )


def _key(connection: int) -> bytes:
    client, server = ends(connection)
    tail = client.port << 48 | server.port << 32
    return struct.pack("=5Q", 0, int(client.address), 0, int(server.address), tail)


def ends(connection: int) -> tuple[Endpoint, Endpoint]:
    """Client and server of a connection."""
    return Endpoint(CLIENT.address, CLIENT.port + connection), SERVER


def frame(segment: Segment) -> bytes:
    """The segment as an Ethernet frame; what is missing is promised by its IP header, and not there."""
    both = ends(segment.connection)
    source, destination = (both[0], both[1]) if segment.direction == C else (both[1], both[0])
    octets = packets.tcp(
        segment.data, source, destination, seq=segment.seq, ack=segment.ack, flags=segment.flags
    )
    total = 20 + len(octets) + segment.missing
    return packets.ethernet(packets.ipv4(octets, str(source.address), str(destination.address), total=total))


def batches(segments: Iterable[Segment], size: int) -> Iterator[list[Segment]]:
    """The segments, so many at a time."""
    whole = list(segments)
    for begin in range(0, len(whole), size):
        yield whole[begin : begin + size]
