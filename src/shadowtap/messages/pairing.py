"""Which request an answer belongs to, once packets of its connection were lost.

Without loss the oldest request that waits is the one that is answered. After a loss the order alone misleads, and the
wrong guess would shift every later pair of the connection. Then the acknowledgement numbers tell (RFC 9293): an
answer was sent when the server had read its request, and its request when the client had read nothing of the answer.
A client that waits for each answer has one request under way, so the latest that both rules allow is the answered one;
those before it were answered by what was lost. An answer that acknowledges octets of a hole behind that request belongs
to a request that fell into the hole.

Of a client that does not wait (pipelining) no such thing can be said: there the order holds up to the loss, and answers
behind it stay without a request. No pair is better than a wrong one.
"""

from collections.abc import Iterator, Sequence

from shadowtap.events import Request
from shadowtap.serial import distance

NONE, LOST, READING = -1, -2, -3
"""No request that was seen; one that was lost; the one that is being read."""

SHORTEST = 16
"""Octets of a hole below which no request can have been in it: a lost FIN makes a hole of one."""
MAX_HOLES = 16
"""Holes that are remembered; the oldest goes."""

Sent = tuple[Request, int, int]
"""A request, where in the client's stream it began, and how much of the server's stream the client had read then."""


class Losses:
    """What was lost of a connection, and what can still be said. `pipelined`: its client does not wait for answers."""

    __slots__ = ("_answers_lost", "_holes", "_owed", "_unclaimed", "pipelined")

    def __init__(self, *, pipelined: bool = False) -> None:
        self.pipelined = pipelined
        self._holes: list[tuple[int, int]] = []
        self._answers_lost = False
        self._owed = False
        self._unclaimed = 0

    def lose_requests(self, begin: int, end: int, *, surely: bool) -> None:
        """Octets of the client are lost; `surely` when a request began among them."""
        self._holes.append((begin, end))
        del self._holes[:-MAX_HOLES]
        self._owed |= surely

    def lose_answers(self) -> None:
        """Octets of the server are lost, with the start of an answer among them for all we know."""
        self._answers_lost = True
        self._owed = False

    def find(self, waiting: Sequence[Sent], reading: tuple[int, int] | None, begin: int, ack: int) -> int:
        """The index in `waiting` of the request that the answer which begins at `begin` belongs to, or READING, LOST
        or NONE. `ack` is how much of the client's stream the server had read; `reading` are the numbers of the
        request that is being read."""
        if ack < 0:
            return 0 if waiting else NONE
        if self.pipelined:
            return self._in_order(waiting, reading)
        latest, since = NONE, -1
        for index, (sent, seen) in enumerate(_numbers(waiting, reading)):
            if distance(ack, sent) <= 0 or (seen >= 0 and distance(seen, begin) > 0):
                break
            latest, since = index, sent
        if any(distance(ack, at) >= SHORTEST and (since < 0 or distance(at, since) > 0) for at, _ in self._holes):
            own = 0 <= latest < len(waiting) and waiting[latest][0].fault is not None
            return latest if own and not self._answers_lost else LOST
        if latest >= 0 and self._owed:
            return LOST
        return READING if latest == len(waiting) else latest

    def answered(
        self, waiting: Sequence[Sent], reading: tuple[int, int] | None, begin: int, ack: int, *, final: bool
    ) -> int:
        """What `find` says, of an answer that is complete. LOST is said as often as requests were surely lost."""
        found = self.find(waiting, reading, begin, ack)
        if not final or found >= 0 or found == READING:
            return found
        if found == LOST and not self.pipelined:
            # What comes next belongs to requests behind the hole, unless the client turns out not to have waited.
            before = any(distance(ack, end) > 0 for _, end in self._holes) and bool(waiting)
            self.pipelined = self._owed and before and distance(ack, waiting[-1][1]) > 0
            self._owed = False
            if not self.pipelined:
                return LOST
        if self.pipelined:
            self._unclaimed += 1
            if self._unclaimed > len(waiting):
                self._unclaimed -= 1
                return LOST
            return NONE
        return found

    def _in_order(self, waiting: Sequence[Sent], reading: tuple[int, int] | None) -> int:
        for sent, _ in _numbers(waiting, reading):
            if self._answers_lost or any(distance(sent, at) >= 0 for at, _ in self._holes):
                return LOST
            return 0 if waiting else READING
        return LOST if self._holes else NONE


def _numbers(waiting: Sequence[Sent], reading: tuple[int, int] | None) -> Iterator[tuple[int, int]]:
    for _, sent, seen in waiting:
        yield sent, seen
    if reading is not None:
        yield reading
