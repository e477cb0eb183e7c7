"""One direction of a connection: what was delivered, what waits behind a hole, and how far the peer has acked.

`next` is the sequence number of the next octet to deliver, or -1 before anything is known of this direction.
`acked` is an acknowledgement of the peer that was seen while a hole was watched, -1 while none is.
While nothing waits and nothing ended, `plain` is True and the table delivers in-order segments without coming
here. Otherwise segments go through `take`, which cuts off what was delivered or already waits (the first copy of
an octet wins), and hands out whatever is now in order.

Pieces that wait are kept sorted and never overlap, so one bisection finds a new piece's place.
"""

from bisect import bisect_left
from collections.abc import Iterator

from shadowtap.events.value import Value
from shadowtap.serial import MASK, distance


class Piece(Value):
    """Payload from `seq` on; `missing` more octets behind it were sent and cut off by the capture."""

    __slots__ = __match_args__ = ("seq", "data", "missing", "time_ns", "ack")

    def __init__(self, seq: int, data: bytes, missing: int, time_ns: int, ack: int) -> None:
        self.seq = seq
        self.data = data
        self.missing = missing
        self.time_ns = time_ns
        self.ack = ack

    def end(self) -> int:
        """The number behind its last octet."""
        return (self.seq + len(self.data) + self.missing) & MASK

    def behind(self, cut: int) -> "Piece":
        """What is left of it without its first `cut` octets."""
        octets = self.data[cut:]
        missing = self.missing if cut <= len(self.data) else self.missing - (cut - len(self.data))
        return Piece((self.seq + cut) & MASK, octets, missing, self.time_ns, self.ack)


class Stream:
    """State of one direction. Sequence numbers are 32 bits; -1 stands for not known."""

    __slots__ = (
        "acked",
        "closed",
        "fin",
        "hole_at",
        "hole_ns",
        "isn",
        "next",
        "pending",
        "pending_bytes",
        "plain",
    )

    def __init__(self) -> None:
        self.next = -1
        self.isn = -1
        self.acked = -1
        self.fin = -1
        self.closed = False
        self.plain = False
        self.pending: list[Piece] = []
        self.pending_bytes = 0
        self.hole_ns = 0
        self.hole_at = -1

    def start(self, seq: int) -> None:
        """The first octet to come is number `seq`."""
        self.next = seq
        self.plain = True

    def trimmed(self, piece: Piece, ahead: int) -> Piece | None:
        """A piece that begins `-ahead` octets behind `next`, without the octets that were delivered."""
        return piece.behind(-ahead) if len(piece.data) + piece.missing + ahead > 0 else None

    def wait(self, piece: Piece) -> int:
        """Keep a piece that lies ahead, without the octets that wait already; how many octets were kept."""
        kept = 0
        for part in self._not_waiting(piece):
            at = bisect_left(self.pending, distance(part.seq, self.next), key=self._ahead)
            self.pending.insert(at, part)
            kept += len(part.data)
        self.pending_bytes += kept
        self.plain = False
        return kept

    def _ahead(self, piece: Piece) -> int:
        return distance(piece.seq, self.next)

    def _not_waiting(self, piece: Piece) -> Iterator[Piece]:
        begin = distance(piece.seq, self.next)
        end = begin + len(piece.data) + piece.missing
        at = bisect_left(self.pending, begin, key=self._ahead)
        if piece.missing:  # a cut piece is rare and cannot be split at will: keep it only where it is all new
            if not any(self._overlap(piece, old) for old in self.pending[max(at - 1, 0) : at + 1]):
                yield piece
            return
        at = max(at - 1, 0)
        data = piece.data
        while begin < end:
            old_begin, old_end = end, end
            if at < len(self.pending):
                old = self.pending[at]
                old_begin = self._ahead(old)
                old_end = old_begin + len(old.data) + old.missing
            at += 1
            if old_end <= begin:
                continue
            stop = min(old_begin, end)
            if stop > begin:
                seq = (self.next + begin) & MASK
                part = data[len(data) - (end - begin) : len(data) - (end - stop)]
                yield Piece(seq, part, 0, piece.time_ns, piece.ack)
            begin = max(begin, old_end)

    def _overlap(self, one: Piece, two: Piece) -> bool:
        return distance(one.seq, two.end()) < 0 and distance(two.seq, one.end()) < 0

    def pop_in_order(self) -> Piece | None:
        """The next waiting piece if it is due now."""
        if not self.pending or distance(self.pending[0].seq, self.next) > 0:
            return None
        piece = self.pending.pop(0)
        self.pending_bytes -= len(piece.data)
        return piece

    def forget(self) -> int:
        """Drop what waits behind the stream's end; how many octets that were."""
        dropped, self.pending_bytes = self.pending_bytes, 0
        self.pending.clear()
        return dropped

    def hole_end(self) -> int:
        """Where the hole in front of `next` ends: at the first waiting piece, where the peer has acked to, or at
        the FIN; `next` itself when there is no hole."""
        if self.pending:
            return self.pending[0].seq
        if self.acked >= 0 and distance(self.acked, self.next) > 0:
            return self.acked
        if self.fin >= 0 and distance(self.fin, self.next) > 0:
            return self.fin
        return self.next

    def acked_past(self, position: int) -> bool:
        """Whether the peer has acknowledged everything before `position`."""
        return self.acked >= 0 and distance(self.acked, position) >= 0
