"""The table of connections: segments find their stream, streams hand out events.

Fast path: a segment with payload that is exactly the next one becomes a `Chunk` at once. All else (SYN, FIN, RST,
holes, retransmissions, cut segments) takes the careful road below it.

Acknowledgements without payload matter only where a hole is watched, so a batch without watched connections skips
them all in one mask. A hole is given up, as a `Gap`, when the peer has acked past it and the reorder window has
gone by since it was noticed; without any ack (one direction missing) after `UNACKED_WINDOWS` windows; in any case
after `HOLE_LIMIT_NS`; and when the flow ends. A RST ends the flow one window later, for what was reordered past it.

Closed connections stay in the table for `LINGER_NS` as tombstones, so that a late copy of a segment is not taken
for a connection joined mid-stream, which would replay its request twice. Where the SYN of a connection that uses
ports again was lost, its segments lie far from where the old one stood in both directions: then the old one ends,
unless it was alive a moment ago.
"""

import struct
from collections import deque
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from shadowtap.events import (
    Address,
    Closed,
    Endpoint,
    Flow,
    FlowEvent,
    Gap,
    How,
    Opened,
    SegmentRows,
    Segments,
)
from shadowtap.events.flows import Chunk, chunk_of
from shadowtap.flows.stream import Piece, Stream
from shadowtap.ledger import FlowCounters
from shadowtap.serial import MASK, distance

FIN, SYN, RST, ACK = 1, 2, 4, 16
_EVENTFUL = FIN | SYN | RST

LINGER_NS = 10_000_000_000
"""How long a closed connection is remembered: far more than a mirror delays, far less than a port rests."""
HOLE_LIMIT_NS = 15_000_000_000
"""The longest a hole may wait for a retransmission; a sender's fifth attempt comes after about 6 s."""
UNACKED_WINDOWS = 10
"""Without acks to go by, a hole waits this many reorder windows."""
FARTHEST = 1 << 30
"""A segment farther than this from where its stream stands (the largest TCP window, RFC 7323) is not of it."""
NEAR = 1 << 26
"""A connection's own segments, late copies and all, lie nearer than this to where it stands."""
RESET_NEAR = 1 << 24
"""A RST farther than this from where its stream stands is not believed (RFC 5961, section 3)."""
QUIET_NS = 1_000_000_000
"""A connection that had a segment of its own within this time does not give way to segments that are not."""
LATE_SYN = 1 << 16
"""A SYN whose stream was first seen at most this many octets ahead came late and opens nothing."""
MAX_PIECES = 8192
"""Pieces that may wait behind one hole: a window of 8 MiB in segments of 1 KiB."""
_SWEEP = 512
"""Connections looked at for idleness in one call of `advance`."""


class _Connection:
    __slots__ = ("dead", "first", "key", "last_ns", "number", "opened_ns", "reset_ns", "streams", "watched")

    def __init__(self, key: bytes, number: int, time_ns: int) -> None:
        self.key = key
        self.number = number
        self.streams = (Stream(), Stream())
        self.first = [-1, -1]
        self.opened_ns = time_ns
        self.last_ns = time_ns
        self.reset_ns = 0
        self.dead = False
        self.watched = False


class Flows:
    """Reassembles the streams of all connections.

    `reorder_window_ns` is how long a segment may come after a later one; `idle_ns` how long a silent connection
    is kept; `connections` and `buffer_bytes` how many are kept and how much may wait behind holes before the
    least recently used give way. Flows are numbered from `first_number`.
    """

    def __init__(
        self,
        *,
        reorder_window_ns: int = 100_000_000,
        idle_ns: int = 300_000_000_000,
        connections: int = 200_000,
        buffer_bytes: int = 128 << 20,
        first_number: int = 0,
        counters: FlowCounters | None = None,
    ) -> None:
        self.counters = counters if counters is not None else FlowCounters()
        self._window_ns = reorder_window_ns
        self._idle_ns = idle_ns
        self._limit = connections
        self._limit_bytes = buffer_bytes
        self._table: dict[bytes, _Connection] = {}
        self._watched: dict[int, _Connection] = {}
        self._tombs: deque[tuple[int, _Connection]] = deque()
        self._round: deque[_Connection] = deque()
        self._numbers = first_number
        self._events: list[FlowEvent] = []

    def feed(self, segments: Segments | SegmentRows) -> list[FlowEvent]:
        """The events that a batch of segments brings about, in order."""
        events = self._events
        table, octets = self._table, 0
        for key, direction, seq, ack, flags, data, missing, time_ns in segments.rows(
            acks=bool(self._watched)
        ):
            octets += len(data)
            connection = table.get(key)
            if connection is not None:
                stream = connection.streams[direction]
                if seq == stream.next and data and stream.plain and not flags & _EVENTFUL and not missing:
                    connection.last_ns = time_ns
                    stream.next = end = (seq + len(data)) & MASK
                    events.append(chunk_of(connection.number, direction, data, time_ns, end, ack))
                    peer = connection.streams[1 - direction]
                    if ack != peer.next:
                        self._note_ack(connection, 1 - direction, ack, flags, time_ns)
                    continue
            piece = Piece(seq, data, missing, time_ns, ack if flags & ACK else -1)
            self._carefully(connection, key, direction, flags, piece)
        self.counters.payload_bytes += octets
        self._events = []
        return events

    def advance(self, now_ns: int) -> list[FlowEvent]:
        """What the passing of time brings about: holes given up, idle connections closed, tombstones gone."""
        for connection in list(self._watched.values()):
            self._look_after(connection, now_ns)
        while self._tombs and (now_ns - self._tombs[0][0] >= LINGER_NS or len(self._tombs) > self._limit):
            dead = self._tombs.popleft()[1]
            if self._table.get(dead.key) is dead:
                del self._table[dead.key]
        if len(self._round) > 2 * self.counters.open_now + _SWEEP:
            self._round = deque(connection for connection in self._round if not connection.dead)
        for _ in range(min(_SWEEP, len(self._round))):
            connection = self._round.popleft()
            if connection.dead:
                continue
            if now_ns - connection.last_ns >= self._idle_ns:
                self._close(connection, How.IDLE, now_ns)
            else:
                self._round.append(connection)
        if self.counters.open_now > self._limit:
            self.evict(self.counters.open_now - self._limit * 9 // 10, now_ns)
        if self.counters.buffered_bytes > self._limit_bytes:
            self._shrink(now_ns)
        events, self._events = self._events, []
        return events

    def evict(self, count: int, now_ns: int) -> None:
        """Close the `count` least recently used connections; the events come with the next `advance`."""
        alive = sorted((c for c in self._table.values() if not c.dead), key=lambda c: c.last_ns)
        for connection in alive[:count]:
            self._close(connection, How.EVICTED, now_ns)

    def finish(self, now_ns: int) -> list[FlowEvent]:
        """Close every connection, giving up all holes: the capture has ended."""
        for connection in list(self._table.values()):
            if not connection.dead:
                self._close(connection, How.END, max(connection.last_ns, 0) or now_ns)
        self._table.clear()
        self._tombs.clear()
        self._round.clear()
        events, self._events = self._events, []
        return events

    # -- the careful road ------------------------------------------------------------------------------------

    def _carefully(
        self, connection: _Connection | None, key: bytes, direction: int, flags: int, piece: Piece
    ) -> None:
        connection = self._connection_for(connection, key, direction, flags, piece)
        if connection is None:
            return
        connection.last_ns = piece.time_ns
        stream, peer = connection.streams[direction], connection.streams[1 - direction]
        if flags & SYN:
            piece = Piece((piece.seq + 1) & MASK, piece.data, piece.missing, piece.time_ns, piece.ack)
            if stream.next < 0:
                stream.isn = piece.seq
                self._start(connection, direction, piece.seq)
            if flags & ACK and peer.next < 0 and not peer.closed:
                peer.isn = piece.ack
                self._start(connection, 1 - direction, piece.ack)
        if (piece.data or piece.missing) and not flags & RST:
            if stream.next < 0:
                connection.first[direction] = piece.seq
                stream.start(piece.seq)
            self._take(connection, direction, piece)
        if flags & FIN and stream.fin < 0 and (stream.next >= 0 or peer.isn < 0):  # none before the SYN, ACK
            self._take_fin(connection, direction, piece)
        if flags & RST and not connection.dead:
            self._take_reset(connection, stream, piece)
        if piece.ack >= 0 and not connection.dead:
            self._note_ack(connection, 1 - direction, piece.ack, flags, piece.time_ns)

    def _connection_for(
        self, connection: _Connection | None, key: bytes, direction: int, flags: int, piece: Piece
    ) -> _Connection | None:
        """The connection that a segment belongs to: the one in the table, a new one, or none at all."""
        if connection is not None:
            if flags & SYN and not flags & RST:
                if not self._is_new_syn(connection, direction, piece.seq):
                    return None if connection.dead else connection
                self._close(connection, How.REUSED, piece.time_ns)
            elif not self._is_elsewhere(connection, direction, piece):
                if connection.dead and piece.data:
                    self.counters.retransmitted += 1
                return None if connection.dead else connection
            elif connection.dead or piece.time_ns - connection.last_ns >= QUIET_NS:
                self._close(connection, How.REUSED, piece.time_ns)
            else:
                self.counters.outside_window += 1
                return None
        if flags & RST or not (flags & SYN or piece.data or piece.missing):
            return None
        return self._open(key, direction, flags, piece)

    def _is_new_syn(self, connection: _Connection, direction: int, seq: int) -> bool:
        stream, start = connection.streams[direction], (seq + 1) & MASK
        if stream.isn >= 0:
            return stream.isn != start
        if stream.next < 0:
            return connection.dead
        return not 0 <= distance(max(connection.first[direction], 0), start) <= LATE_SYN

    def _is_elsewhere(self, connection: _Connection, direction: int, piece: Piece) -> bool:
        """Whether payload lies so far from where both streams stand that it is none of this connection's."""
        stream, peer = connection.streams[direction], connection.streams[1 - direction]
        return (
            bool(piece.data)
            and stream.next >= 0
            and not -NEAR < distance(piece.seq, stream.next) < NEAR
            and (piece.ack < 0 or peer.next < 0 or not -NEAR < distance(piece.ack, peer.next) < NEAR)
        )

    def _open(self, key: bytes, direction: int, flags: int, piece: Piece) -> _Connection:
        number = self._numbers
        self._numbers += 1
        connection = _Connection(key, number, piece.time_ns)
        self._table[key] = connection
        self._round.append(connection)
        initiator = None
        if flags & SYN:
            initiator = 1 - direction if flags & ACK else direction
        else:
            self.counters.joined += 1
        self.counters.opened += 1
        self.counters.open_now += 1
        self._events.append(Opened(_flow(key, number, initiator)))
        return connection

    def _start(self, connection: _Connection, direction: int, seq: int) -> None:
        stream = connection.streams[direction]
        stream.start(seq)
        if stream.fin >= 0:
            self._drain(connection, direction)

    def _take(self, connection: _Connection, direction: int, piece: Piece) -> None:
        stream = connection.streams[direction]
        if stream.closed:
            self.counters.retransmitted += 1
            return
        ahead = distance(piece.seq, stream.next)
        if not -FARTHEST < ahead < FARTHEST:
            self.counters.outside_window += 1
            return
        if ahead < 0:
            trimmed = stream.trimmed(piece, ahead)
            if trimmed is None:
                self.counters.retransmitted += 1
                return
            piece, ahead = trimmed, 0
        if ahead > 0:
            self.counters.buffered_bytes += stream.wait(piece)
            self.counters.reordered += 1
            self._watch(connection, stream, piece.time_ns)
            if len(stream.pending) > MAX_PIECES:
                self._give_up_one(connection, direction, piece.time_ns)
            return
        if stream.pending and not piece.missing:  # where it overlaps what waits, that came first
            self.counters.buffered_bytes += stream.wait(piece)
        else:
            self._deliver(connection, direction, piece)
        self._drain(connection, direction)

    def _deliver(self, connection: _Connection, direction: int, piece: Piece) -> None:
        stream = connection.streams[direction]
        number, time_ns = connection.number, piece.time_ns
        if piece.data:
            stream.next = (stream.next + len(piece.data)) & MASK
            self._events.append(Chunk(number, direction, piece.data, time_ns, stream.next, piece.ack))
        if piece.missing:
            self._skip(connection, direction, (stream.next + piece.missing) & MASK, time_ns, True)

    def _skip(self, connection: _Connection, direction: int, to: int, time_ns: int, cut: bool) -> None:
        stream = connection.streams[direction]
        length = distance(to, stream.next)
        if length <= 0:
            return
        stream.next = to
        self.counters.gaps += 1
        self.counters.gap_bytes += length
        self._events.append(Gap(connection.number, direction, length, time_ns, to, cut))

    def _drain(self, connection: _Connection, direction: int) -> None:
        stream = connection.streams[direction]
        while (piece := stream.pop_in_order()) is not None:
            self.counters.buffered_bytes -= len(piece.data)
            ahead = distance(piece.seq, stream.next)
            trimmed = stream.trimmed(piece, ahead) if ahead < 0 else piece
            if trimmed is not None:
                self._deliver(connection, direction, trimmed)
        if not stream.pending:
            stream.plain = not stream.closed and stream.fin < 0
        if stream.fin >= 0 and distance(stream.fin, stream.next) <= 0:
            self._end(connection, direction, How.FIN, connection.last_ns)

    def _take_fin(self, connection: _Connection, direction: int, piece: Piece) -> None:
        stream = connection.streams[direction]
        if stream.next < 0:  # the octets before it may only be late
            stream.fin = piece.end()
            self._watch(connection, stream, piece.time_ns)
        elif -FARTHEST < distance(piece.end(), stream.next) < FARTHEST and not stream.closed:
            stream.fin = piece.end()
            stream.plain = False
            self._drain(connection, direction)
            if not stream.closed:
                self._watch(connection, stream, piece.time_ns)

    def _take_reset(self, connection: _Connection, stream: Stream, piece: Piece) -> None:
        if stream.next >= 0 and not -RESET_NEAR < distance(piece.seq, stream.next) < RESET_NEAR:
            self.counters.outside_window += 1
        elif not connection.reset_ns:
            connection.reset_ns = piece.time_ns
            connection.watched = True
            self._watched[connection.number] = connection

    def _note_ack(self, connection: _Connection, direction: int, ack: int, flags: int, time_ns: int) -> None:
        """`ack` acknowledges the stream of `direction`: remember it, and watch the hole that it may show."""
        stream = connection.streams[direction]
        if stream.next < 0 or stream.closed or not flags & ACK:
            return
        if stream.fin >= 0 and distance(ack, stream.fin) == 1:
            ack = stream.fin  # the FIN's own number
        beyond = distance(ack, stream.next)
        if 0 < beyond < FARTHEST and (stream.fin < 0 or distance(ack, stream.fin) <= 0):
            if stream.acked < 0 or distance(ack, stream.acked) > 0:
                stream.acked = ack
            self._watch(connection, stream, time_ns)
        elif stream.pending and stream.acked < 0:
            stream.acked = ack  # there is a peer, and it still waits for the hole to be filled

    # -- time ------------------------------------------------------------------------------------------------

    def _watch(self, connection: _Connection, stream: Stream, time_ns: int) -> None:
        if not stream.hole_ns or stream.hole_at != stream.next:
            stream.hole_ns, stream.hole_at = time_ns, stream.next
        if not connection.watched:
            connection.watched = True
            self._watched[connection.number] = connection

    def _look_after(self, connection: _Connection, now_ns: int) -> None:
        if connection.reset_ns and now_ns - connection.reset_ns >= self._window_ns:
            self._close(connection, How.RESET, now_ns)
            return
        waits = bool(connection.reset_ns)
        for direction in (0, 1):
            waits |= self._give_up_holes(connection, direction, now_ns)
            if connection.dead:
                return
        if not waits:
            connection.watched = False
            del self._watched[connection.number]

    def _give_up_holes(self, connection: _Connection, direction: int, now_ns: int) -> bool:
        """Give up the holes of a stream that are due; whether one still waits."""
        stream = connection.streams[direction]
        if stream.next < 0 <= stream.fin:
            if now_ns - stream.hole_ns < self._window_ns:
                return True
            self._start(connection, direction, stream.fin)
        while not stream.closed and stream.next >= 0:
            end = stream.hole_end()
            if end == stream.next:
                break
            age = now_ns - stream.hole_ns
            patience = HOLE_LIMIT_NS
            if stream.acked_past(end):
                patience = self._window_ns
            elif stream.acked < 0:
                patience = self._window_ns * UNACKED_WINDOWS
            if age < patience:
                return True
            self._give_up_one(connection, direction, now_ns)
            stream.hole_at = stream.next
            stream.hole_ns = stream.pending[0].time_ns if stream.pending else now_ns
        stream.hole_ns, stream.acked = 0, -1
        return False

    def _give_up_one(self, connection: _Connection, direction: int, now_ns: int) -> None:
        self._skip(connection, direction, connection.streams[direction].hole_end(), now_ns, False)
        self._drain(connection, direction)

    def _shrink(self, now_ns: int) -> None:
        """Too much waits behind holes: give up the oldest ones until a tenth of the budget is free again."""
        waiting = [
            (s.hole_ns, c, d) for c in self._watched.values() for d, s in enumerate(c.streams) if s.pending
        ]
        for _, connection, direction in sorted(waiting, key=lambda entry: entry[0]):
            while connection.streams[direction].pending:
                self._give_up_one(connection, direction, now_ns)
            if self.counters.buffered_bytes <= self._limit_bytes * 9 // 10:
                return

    # -- ends ------------------------------------------------------------------------------------------------

    def _end(self, connection: _Connection, direction: int, how: How, time_ns: int) -> None:
        stream = connection.streams[direction]
        if stream.closed:
            return
        stream.closed, stream.plain = True, False
        self.counters.outside_window += len(stream.pending)
        self.counters.buffered_bytes -= stream.forget()
        self._events.append(Closed(connection.number, direction, how, time_ns))
        if connection.streams[1 - direction].closed:
            self._bury(connection, how, time_ns)

    def _close(self, connection: _Connection, how: How, time_ns: int) -> None:
        """End both directions; what waits behind a hole is handed out behind a `Gap`."""
        if connection.dead:
            if how is How.REUSED:
                self._table.pop(connection.key, None)
            return
        for direction, stream in enumerate(connection.streams):
            while not stream.closed and stream.next >= 0 and stream.hole_end() != stream.next:
                self._give_up_one(connection, direction, time_ns)
        for direction in (0, 1):
            self._end(connection, direction, How.RESET if connection.reset_ns else how, time_ns)
        if how is not How.RESET:
            self._table.pop(connection.key, None)

    def _bury(self, connection: _Connection, how: How, time_ns: int) -> None:
        connection.dead = True
        connection.watched = False
        self._watched.pop(connection.number, None)
        self._tombs.append((time_ns, connection))
        self.counters.closed[how] += 1
        self.counters.open_now -= 1


def _flow(key: bytes, number: int, initiator: int | None) -> Flow:
    a_hi, a_lo, b_hi, b_lo, tail = struct.unpack("=5Q", key)
    version = 6 if tail >> 25 & 1 else 4
    a = Endpoint(_address(version, a_hi, a_lo), tail >> 48)
    b = Endpoint(_address(version, b_hi, b_lo), tail >> 32 & 0xFFFF)
    return Flow(number, a, b, tail & 0xFFFFFF if tail >> 24 & 1 else None, initiator)


@lru_cache(maxsize=10_000)
def _address(version: int, hi: int, lo: int) -> Address:
    return IPv6Address(hi << 64 | lo) if version == 6 else IPv4Address(lo)
