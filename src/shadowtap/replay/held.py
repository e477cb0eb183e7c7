"""A target whose requests may have to wait for something before they are sent.

It takes requests within the same limits as any other target and counts them at once: from then on they are in flight.
Those of one production connection go one at a time, in order. When the turn of one comes, its `Holder` is asked for
the request to send; None means that it must wait, until `resume` says that it is worth asking again. Who has waited
for `wait_s` is asked for the last time, with `wait` off, and goes. Nobody else waits: also where connections are
pooled, only the requests of the same production connection stand behind it.

Nearly always a request need not wait and finds a connection of its own with nothing to do: it is sent on the spot,
and there is no turn to keep. The next one of its connection finds it under way, if it comes before the answer.

Requests go on in a later turn of the event loop, never from within a lane that is about to say what comes next.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any, Protocol

from shadowtap.events import Failure, Request
from shadowtap.ledger import TargetAccount
from shadowtap.replay.lane import Lane
from shadowtap.replay.target import Target


class Holder(Protocol):
    """Who holds requests back. `prepare` gives the request to send for one of production's, or None if it has to
    wait; with `wait` off it must not. `leave` gets those for which there is no room. The target sets `resume`, to be
    called with the number of a connection whose first request may go on."""

    resume: Callable[[int], None]

    def prepare(self, request: Request, *, wait: bool) -> Request | None: ...
    def leave(self, request: Request) -> None: ...


class _Turn:
    """The requests of one production connection: the one under way, as it was sent, and those behind it. `due` is
    when the first of these has waited long enough, 0 where it does not wait."""

    __slots__ = ("current", "due", "ended", "number", "queue")

    def __init__(self, number: int) -> None:
        self.number = number
        self.current: Request | None = None
        self.queue: deque[Request] = deque()
        self.due = 0.0
        self.ended = False


class HeldTarget(Target):
    """See above; the other arguments are those of `Target`. A turn that exists has a request under way, or waits, or
    is about to go on."""

    def __init__(self, account: TargetAccount, *, holder: Holder, wait_s: float, **options: Any) -> None:
        super().__init__(account, **options)
        self._holder = holder
        holder.resume = self.resume
        self._wait_s = wait_s
        self._turns: dict[int, _Turn] = {}
        self._stalled: dict[int, _Turn] = {}
        self._ready: list[_Turn] = []

    # -- requests ----------------------------------------------------------------------------------------------

    def offer(self, request: Request) -> bool:
        """As a target does; it is sent when its turn has come and it need not wait."""
        taken = super().offer(request)
        if not taken:
            self._holder.leave(request)
        return taken

    def _give(self, request: Request) -> None:
        number = request.connection.lane_number()
        turn = self._turns.get(number)
        if turn is not None:
            turn.queue.append(request)
            return
        lane = None if self._pool else self._lanes.get(number)
        if lane is not None and lane.current is None and lane.wire is not None and not lane.queue:
            made = self._holder.prepare(request, wait=True)
            if made is None:
                self._stall(self._new_turn(request))
                return
            if made is not request:
                self._held_bytes += _size(made) - _size(request)
            lane.push(made)
            return
        turn = self._new_turn(request)
        if lane is not None:
            turn.current = lane.current or (lane.queue[0] if lane.queue else None)
        if turn.current is None:
            self._advance(turn, wait=True)

    def _new_turn(self, request: Request) -> _Turn:
        number = request.connection.lane_number()
        turn = self._turns[number] = _Turn(number)
        turn.queue.append(request)
        return turn

    def _stall(self, turn: _Turn) -> None:
        turn.due = turn.due or monotonic() + self._wait_s
        self._stalled[turn.number] = turn

    def connection_ended(self, number: int) -> None:
        """Production's connection is closed: ours follows when all is answered."""
        turn = self._turns.get(number)
        if turn is None:
            super().connection_ended(number)
        else:
            turn.ended = True

    def resume(self, number: int) -> None:
        """What the first request of this connection waits for may be there."""
        turn = self._stalled.pop(number, None)
        if turn is not None:
            self._soon(turn)

    def tick(self, now: float) -> None:
        """Look at deadlines, also of those that wait."""
        super().tick(now)
        for turn in [turn for turn in self._stalled.values() if turn.due <= now]:
            del self._stalled[turn.number]
            self._advance(turn, wait=False)

    @property
    def waiting(self) -> int:
        """Connections whose next request waits."""
        return len(self._stalled)

    # -- turns -------------------------------------------------------------------------------------------------

    def _advance(self, turn: _Turn, *, wait: bool) -> None:
        request = turn.queue[0]
        made = self._holder.prepare(request, wait=wait)
        if made is None:
            self._stall(turn)
            return
        turn.queue.popleft()
        turn.due = 0.0
        turn.current = made
        self._held_bytes += _size(made) - _size(request)
        key = turn.number % self._pool if self._pool else turn.number
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(self, key)
        lane.push(made)

    def _soon(self, turn: _Turn) -> None:
        if not self._ready:
            asyncio.get_running_loop().call_soon(self._go_on)
        self._ready.append(turn)

    def _go_on(self) -> None:
        ready, self._ready = self._ready, []
        for turn in ready:
            if turn.current is not None or turn.number in self._stalled:
                continue
            if turn.queue:
                self._advance(turn, wait=turn.due == 0.0 or monotonic() < turn.due)
            elif self._turns.get(turn.number) is turn:
                del self._turns[turn.number]
                if turn.ended:
                    super().connection_ended(turn.number)

    def _over(self, request: Request) -> None:
        turn = self._turns.get(request.connection.lane_number())
        if turn is not None and turn.current is request:
            turn.current = None
            self._soon(turn)

    # -- outcomes ----------------------------------------------------------------------------------------------

    def answered(self, lane: Lane, request: Request, status: int, head: bytes, body: bytes) -> None:
        """A request has its answer: it is the next one's turn."""
        super().answered(lane, request, status, head, body)
        self._over(request)

    def failed(self, request: Request, failure: Failure, elapsed_ns: int = 0) -> None:
        """A request has no answer: it is the next one's turn."""
        super().failed(request, failure, elapsed_ns)
        self._over(request)

    def _fail_everything(self, failure: Failure, *, current: bool) -> None:
        for turn in list(self._turns.values()):
            waiting, turn.queue, turn.due = turn.queue, deque(), 0.0
            if self._stalled.pop(turn.number, None) is not None:
                self._soon(turn)
            for request in waiting:
                super().failed(request, failure)
        super()._fail_everything(failure, current=current)


def _size(request: Request) -> int:
    return len(request.head) + len(request.body)
