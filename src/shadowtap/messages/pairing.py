"""Which request an answer belongs to, once packets of its connection were lost.

Without loss the oldest request that waits is the one that is answered. After a loss the order alone misleads, and
one wrong guess would shift every later pair of the connection. Then the acknowledgement numbers tell (RFC 9293):
when an answer was sent the server had read its request, and when a request was sent the client had read nothing of
its answer. A client that waits for each answer has one request under way, so the latest that both rules allow is the
answered one; those before it were answered by what was lost. An answer that acknowledges octets of a hole behind that
request belongs to a request that fell into the hole.

Of a client that does not wait (pipelining) no such thing can be said: there the order holds up to the loss, and
answers behind it stay without a request. No pair is better than a wrong one.
"""

from collections.abc import Iterator, Sequence

from shadowtap.events import Request
from shadowtap.serial import distance

NONE, LOST, READING = -1, -2, -3
"""No request that can be named; one that was lost; the one that is being read."""
_UNSURE = -4

SHORTEST = 16
"""Octets of a hole below which no request can have been in it: a lost FIN makes a hole of one."""
MAX_HOLES = 16
"""Holes that are remembered; the oldest goes."""

Sent = tuple[Request, int, int]
"""A request, where in the client's stream it began, and how much of the server's stream the client had read then."""
Numbers = tuple[int, int]


class Losses:
    """What was lost of a connection, and what can be said all the same. `pipelined`: its client does not wait."""

    __slots__ = ("_answers_lost", "_holes", "_owed", "_unclaimed", "pipelined")

    def __init__(self, *, pipelined: bool) -> None:
        self.pipelined = pipelined
        self._holes: list[Numbers] = []
        self._answers_lost = False
        self._owed = -1
        self._unclaimed = 0

    def lose_requests(self, begin: int, end: int, *, surely: bool) -> None:
        """Octets of the client are lost; `surely` when a request began among them."""
        self._holes.append((begin, end))
        del self._holes[:-MAX_HOLES]
        if surely:
            self._owed = end

    def lose_answers(self) -> None:
        """Octets of the server are lost, and for all we know an answer began among them."""
        self._answers_lost = True
        self._owed = -1

    def are_over(self, begin: int) -> bool:
        """Whether the pair whose request began there shows that all is in order again."""
        return not self.pipelined and all(distance(at, begin) <= 0 for at, _ in self._holes)

    def find(self, waiting: Sequence[Sent], reading: Numbers | None, begin: int, ack: int) -> int:
        """Which request the answer that begins at `begin` belongs to: an index in `waiting`, or READING, or another
        number below zero. `ack` is how much of the client's stream the server had read; `reading` are the numbers of
        the request that is being read, as in `Sent`."""
        return self._judge(waiting, reading, begin, ack)[0]

    def answered(self, waiting: Sequence[Sent], reading: Numbers | None, begin: int, ack: int) -> int:
        """As `find`, of a final answer that is complete: LOST is said once for each request that was lost."""
        found, self.pipelined = self._judge(waiting, reading, begin, ack)
        if found == LOST:
            self._owed = -1
            self._holes = [(at if distance(at, ack) > 0 else ack, end) for at, end in self._holes]
            self._holes = [(at, end) for at, end in self._holes if distance(end, at) > 0]
        elif found == _UNSURE:
            self._answers_lost = True
            self._unclaimed += 1
            if self._unclaimed <= len(waiting):
                return NONE
            self._unclaimed -= 1
            return LOST
        return found

    def _judge(
        self, waiting: Sequence[Sent], reading: Numbers | None, begin: int, ack: int
    ) -> tuple[int, bool]:
        """What `find` says, and whether the client turns out not to wait for answers."""
        if ack < 0:
            return 0 if waiting else NONE, self.pipelined
        if self.pipelined:
            return self._in_order(waiting, reading), True
        latest, since = NONE, 0
        for index, (sent, seen) in enumerate(_numbers(waiting, reading)):
            if distance(ack, sent) <= 0 or (seen >= 0 and distance(seen, begin) > 0):
                break
            latest, since = index, sent
        behind = (at for at, _ in self._holes if latest == NONE or distance(at, since) > 0)
        if any(distance(ack, at) >= SHORTEST for at in behind):
            if latest == NONE or self._answers_lost:
                return LOST, False
            was_hit = latest == len(waiting) or waiting[latest][0].fault is not None
            if not was_hit:  # it was sent before the one that was lost, and its answer has not come yet
                return self._in_order(waiting, reading), True
            return READING if latest == len(waiting) else latest, False
        if latest >= 0 and self._owed >= 0 and distance(since, self._owed) >= 0:
            return _UNSURE, True  # had the client waited, the answer to what was lost would have come before
        return READING if latest == len(waiting) else latest, False

    def _in_order(self, waiting: Sequence[Sent], reading: Numbers | None) -> int:
        for sent, _ in _numbers(waiting, reading):
            if self._answers_lost or any(distance(sent, at) >= 0 for at, _ in self._holes):
                return _UNSURE
            return 0 if waiting else READING
        return _UNSURE if self._holes else NONE


def _numbers(waiting: Sequence[Sent], reading: Numbers | None) -> Iterator[Numbers]:
    for _, sent, seen in waiting:
        yield sent, seen
    if reading is not None:
        yield reading
