"""Everything that is known of a request, joined: its fate, production's exchange, and what each target answered.

    began(request) ─► fated(request, fate, awaited) ─► outcome(…) per target ─► exchanged(exchange) ─► Observation

in any order behind the first; an `Observation` is emitted exactly once for each request, when nothing more will come.
Interim answers (1xx) end nothing. Requests are told apart by connection and index, since what is sent may be another
value than what production sent.

Where only a sample of the requests is wanted (`Sample`), those outside of it are not begun: they cost next to
nothing, and their outcomes are told to the sample alone.

Limits. At most `limit` requests and `limit_bytes` octets of them and their answers may be open, none longer than
`wait_s`: beyond these the oldest is emitted with what there is, and counted under the limit's name. What comes for it
afterwards is counted as late.
"""

from collections.abc import Callable
from typing import Protocol

from shadowtap.events.messages import Exchange, Request
from shadowtap.events.outcomes import Observation, Outcome
from shadowtap.ledger import ObservationCounters

OPEN = 50_000
"""Requests that may be open: five seconds of 10,000 a second."""
OPEN_BYTES = 256 << 20
"""Octets of these requests and their answers."""
WAIT_S = 120.0
"""Seconds until a request is emitted without what has not come: four times what a target may take by default."""
TOO_MANY, TOO_LARGE, TOO_LATE, RUN_ENDED = "too_many", "too_large", "too_late", "run_ended"

Key = tuple[int, int]
"""The number of a request's connection, and its index there."""


class Sample(Protocol):
    """Who wants observations, if not all. `takes` says of a request whether it shall be joined, `left` gets the
    outcomes of those that were not."""

    def takes(self, request: Request) -> bool: ...
    def left(self, outcome: Outcome) -> None: ...


_UNKNOWN = 1 << 20
"""Stands for how many outcomes a request has, until it is known."""


class _Open:
    """A request of which something is awaited; `awaited` outcomes, once its fate is known. `size` are the octets of
    what has come."""

    __slots__ = ("awaited", "due", "exchange", "fate", "outcomes", "request", "size")

    def __init__(self, request: Request, due: float, size: int) -> None:
        self.request = request
        self.due = due
        self.size = size
        self.fate = ""
        self.awaited = 0
        self.exchange: Exchange | None = None
        self.outcomes: tuple[Outcome, ...] = ()


class Joiner:
    """Joins; `emit` gets each observation, `sample` says of which requests. `now` are seconds of a
    clock that only grows, told by `tick`."""

    def __init__(
        self,
        emit: Callable[[Observation], None],
        counters: ObservationCounters,
        *,
        now: float,
        sample: Sample | None = None,
        limit: int = OPEN,
        limit_bytes: int = OPEN_BYTES,
        wait_s: float = WAIT_S,
    ) -> None:
        self.counters = counters
        self._emit = emit
        self._open: dict[Key, _Open] = {}
        self._sample = sample
        self._left: dict[Key, int] = {}
        """How much is still to come for requests that are not joined: it is not late."""
        self._limit, self._limit_bytes, self._wait_s = limit, limit_bytes, wait_s
        self._due = now + wait_s
        self._bytes = 0

    # -- what comes ------------------------------------------------------------------------------------------

    def began(self, request: Request) -> None:
        """A request has been seen; its fate will be told."""
        if self._sample is not None and not self._sample.takes(request):
            self._leave(request)
            return
        size = len(request.head) + len(request.body)
        opened = self._open
        opened[request.connection.number, request.index] = _Open(request, self._due, size)
        self.counters.open_now += 1
        self._bytes += size
        if len(opened) > self._limit or self._bytes > self._limit_bytes:
            self._make_room()

    def fated(self, request: Request, fate: str, awaited: int) -> None:
        """The fate of a request is known; `awaited` is how many targets have it, or have answered it already."""
        key = (request.connection.number, request.index)
        entry = self._open.get(key)
        if entry is not None:
            entry.fate = fate
            entry.awaited = awaited
            if entry.exchange is not None and len(entry.outcomes) >= awaited:
                self._settle(entry)
        elif key in self._left:
            self._came(key, _UNKNOWN - awaited)

    def exchanged(self, exchange: Exchange) -> None:
        """Production has answered, or will not."""
        request, response = exchange.request, exchange.response
        if request is None:
            if exchange.lost_request:
                self.counters.emitted += 1
                self._emit(Observation(exchange, "incomplete: never_seen", ()))
            return
        if response is not None and response.status < 200 and response.status != 101:
            return
        key = (request.connection.number, request.index)
        entry = self._open.get(key)
        if entry is None:
            if key in self._left:
                self._came(key, 1)
            else:
                self.counters.late += response is not None
            return
        entry.exchange = exchange
        if response is not None:
            size = len(response.head) + len(response.body)
            entry.size += size
            self._bytes += size
        if entry.fate and len(entry.outcomes) >= entry.awaited:
            self._settle(entry)

    def outcome(self, outcome: Outcome) -> None:
        """A target has answered, or has failed to."""
        request = outcome.request
        key = (request.connection.number, request.index)
        entry = self._open.get(key)
        if entry is None:
            if self._sample is not None and key in self._left:
                self._sample.left(outcome)
                self._came(key, 1)
            else:
                self.counters.late += 1
            return
        outcomes = entry.outcomes = (*entry.outcomes, outcome)
        size = len(outcome.head) + len(outcome.body)
        entry.size += size
        self._bytes += size
        if entry.exchange is not None and entry.fate and len(outcomes) >= entry.awaited:
            self._settle(entry)

    # -- what is not joined ------------------------------------------------------------------------------------

    def _leave(self, request: Request) -> None:
        left = self._left
        left[request.connection.number, request.index] = _UNKNOWN + 1
        self.counters.not_joined += 1
        if len(left) > self._limit:
            del left[next(iter(left))]

    def _came(self, key: Key, count: int) -> None:
        remaining = self._left[key] - count
        if remaining > 0:
            self._left[key] = remaining
        else:
            del self._left[key]

    # -- what does not come ----------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Give up what has waited too long."""
        self._due = now + self._wait_s
        while self._open and (entry := next(iter(self._open.values()))).due <= now:
            self._give_up(entry, TOO_LATE)
        if self._bytes > self._limit_bytes:
            self._make_room()
        self.counters.open_bytes = self._bytes

    def finish(self) -> None:
        """The run is over: nothing more comes."""
        for entry in list(self._open.values()):
            self._give_up(entry, RUN_ENDED)
        self.counters.open_bytes = 0

    def _make_room(self) -> None:
        while self._open and (len(self._open) > self._limit or self._bytes > self._limit_bytes):
            why = TOO_MANY if len(self._open) > self._limit else TOO_LARGE
            self._give_up(next(iter(self._open.values())), why)

    def _give_up(self, entry: _Open, why: str) -> None:
        complete = entry.exchange is not None and entry.fate and len(entry.outcomes) >= entry.awaited
        self.counters.early[why] += not complete
        self._settle(entry)

    # -- what goes out ---------------------------------------------------------------------------------------

    def _settle(self, entry: _Open) -> None:
        request = entry.request
        del self._open[request.connection.number, request.index]
        self._bytes -= entry.size
        counters = self.counters
        counters.open_now -= 1
        counters.emitted += 1
        exchange = entry.exchange or Exchange(request, None)
        self._emit(Observation(exchange, entry.fate or "waiting", entry.outcomes))
