"""Requests that a middleware has, and what becomes of each. Pure: no process, no clock.

The protocol has no acknowledgement. A line that comes back with a request's ID is that request; a request whose
line does not come back was dropped, which nobody ever says. So each has a time-out, and ends there at the latest.

Most programs answer line by line. Once `TRUST` lines, with others still out, came back in the order they were sent
in, a line that comes back says that those sent before it and not back yet were dropped. The first line that comes
back too late ends this trust for good: then only the time-out tells.

Order. Requests of one connection go on in their order: one that is back waits for those before it. The end of a
connection waits for all of them.

A line whose ID is not out is a request that the middleware has added: on the connection of the request with that
ID where it is known still, else on one of its own.
"""

from collections import Counter, OrderedDict, deque
from enum import StrEnum
from typing import NamedTuple

import msgspec

from shadowtap.events import Connection, Ended, Flag, Request
from shadowtap.formats.gor import Kind, Record
from shadowtap.formats.gor.identity import connection_of, id_of
from shadowtap.formats.gor.messages import excess, raw_requests
from shadowtap.http1 import Raw

TRUST = 100
"""Lines in order, with others out, before order is relied on."""
REMEMBERED = 20_000
"""IDs that are known still after they came back or were given up; a few megabytes."""
ADDED_CONNECTIONS = 1 << 42
"""The number of the first connection of an added request; captured ones count from 0, those of files from 1 <<
40."""


class Reason(StrEnum):
    """Why a request goes no further; the ledger counts it as filtered for this reason."""

    MIDDLEWARE = "middleware"
    """Its line did not come back, or what came back is no request."""
    DOWN = "middleware_down"
    """The program was not running, or ended while it had it."""


class Passed(NamedTuple):
    """A request came back; `sent` is what it was, the very same object where nothing was changed."""

    request: Request
    sent: Request


class Dropped(NamedTuple):
    """A request goes no further."""

    request: Request
    why: Reason


class Added(NamedTuple):
    """A request that production did not send."""

    request: Request


Result = Passed | Dropped | Added | Ended


class _Place(NamedTuple):
    """Where and when a request was sent in production."""

    connection: Connection
    nth: int
    time_ns: int
    end_ns: int


class MiddlewareCounters(msgspec.Struct):
    """`sent` = unchanged + changed + dropped + the requests still out. `unusable` counts lines for which nothing
    can be replayed, by reason; `late` those of requests that had been given up; `answers_*` are lines of types 2
    and 3."""

    sent: int = 0
    unchanged: int = 0
    changed: int = 0
    dropped: Counter[str] = msgspec.field(default_factory=Counter)
    added: int = 0
    late: int = 0
    unusable: Counter[str] = msgspec.field(default_factory=Counter)
    answers_sent: int = 0
    answers_not_sent: int = 0
    answers_back: int = 0
    restarts: int = 0


class _Out:
    """A request that is out, or that is back and waits for those before it; `result` is None while it is out."""

    __slots__ = ("due_ns", "name", "number", "octets", "request", "result")

    def __init__(self, request: Request, name: bytes, number: int, due_ns: int) -> None:
        self.request = request
        self.name = name
        self.number = number
        self.due_ns = due_ns
        self.octets = len(request.head) + len(request.body)
        self.result: Passed | Dropped | None = None


class InFlight:
    """Requests go in with `put`, results come out of all the other methods, in the order in which they are to go
    on."""

    def __init__(self, counters: MiddlewareCounters, *, limit: int, limit_bytes: int) -> None:
        self.counters = counters
        self._limit, self._limit_bytes = limit, limit_bytes
        self._out: OrderedDict[bytes, _Out] = OrderedDict()
        self._lines: dict[int, deque[_Out | Ended]] = {}
        self._held = 0
        self._held_bytes = 0
        self._sent = 0
        self._furthest = -1
        self._in_order = 0
        self._distrusted = False
        self._done: OrderedDict[bytes, _Place | None] = OrderedDict()
        self._next_added = ADDED_CONNECTIONS

    def __len__(self) -> int:
        """How many requests are out."""
        return len(self._out)

    def has_room(self, request: Request) -> bool:
        """Whether one more can go out."""
        octets = len(request.head) + len(request.body)
        return self._held < self._limit and self._held_bytes + octets <= self._limit_bytes

    def put(self, request: Request, due_ns: int) -> bytes:
        """A request goes out, and is given up at `due_ns`; the ID for its line."""
        name = id_of(request.connection, request.index)
        out = _Out(request, name, self._sent, due_ns)
        self._sent += 1
        self.counters.sent += 1
        self._out[name] = out
        self._lines.setdefault(request.connection.number, deque()).append(out)
        self._held += 1
        self._held_bytes += out.octets
        return name

    def end(self, ended: Ended) -> list[Result]:
        """The client of a connection sends nothing more."""
        line = self._lines.get(ended.connection)
        if line is None:
            return [ended]
        line.append(ended)
        return []

    def back(self, record: Record) -> list[Result]:
        """A line came back."""
        if record.kind is not Kind.REQUEST:
            self.counters.answers_back += 1
            return []
        out = self._out.pop(record.id, None)
        if out is None:
            return self._unexpected(record)
        results = self._learn(out)
        made = self._made(record, out.request)
        if made is None:
            return results + self._settle(out, Dropped(out.request, Reason.MIDDLEWARE))
        self.counters.unchanged += made is out.request
        self.counters.changed += made is not out.request
        return results + self._settle(out, Passed(made, out.request))

    def expire(self, now_ns: int) -> list[Result]:
        """Give up what is not back by now."""
        results: list[Result] = []
        while self._out:
            name, out = next(iter(self._out.items()))
            if out.due_ns > now_ns:
                break
            del self._out[name]
            results += self._settle(out, Dropped(out.request, Reason.MIDDLEWARE))
        return results

    def hasten(self, due_ns: int) -> None:
        """Wait for nothing longer than until then."""
        for out in self._out.values():
            out.due_ns = min(out.due_ns, due_ns)

    def give_up(self, why: Reason) -> list[Result]:
        """Nothing of what is out comes back."""
        results: list[Result] = []
        while self._out:
            _, out = self._out.popitem(last=False)
            results += self._settle(out, Dropped(out.request, why))
        self._furthest = self._sent - 1
        return results

    # -- what a line says ------------------------------------------------------------------------------------

    def _learn(self, out: _Out) -> list[Result]:
        """Those before it that were dropped, if the program answers in order."""
        if out.number < self._furthest:
            self._in_order = 0
            return []
        self._furthest = out.number
        self._in_order += bool(self._out)
        results: list[Result] = []
        while self._in_order >= TRUST and not self._distrusted and self._out:
            name, first = next(iter(self._out.items()))
            if first.number > out.number:
                break
            del self._out[name]
            results += self._settle(first, Dropped(first.request, Reason.MIDDLEWARE))
        return results

    def _unexpected(self, record: Record) -> list[Result]:
        known, place = record.id in self._done, self._done.get(record.id)
        if known and place is None:
            self.counters.late += 1
            self._distrusted = True
            return []
        made = self._read(record, place or self._new_place(record))
        if made is None:
            return []
        self.counters.added += 1
        return [Added(made)] if place else [Added(made), Ended(made.connection.number)]

    def _new_place(self, record: Record) -> _Place:
        connection = connection_of(record.id, self._next_added)
        self._next_added += 1
        return _Place(connection, 0, record.time_ns, record.time_ns)

    def _made(self, record: Record, sent: Request) -> Request | None:
        if record.payload == sent.head + sent.body:
            return sent
        return self._read(record, _place(sent))

    def _read(self, record: Record, place: _Place) -> Request | None:
        """The request that a line holds; None where it cannot be replayed."""
        found = raw_requests(record.payload)
        why = _why_not(record.payload, found)
        if why:
            self.counters.unusable[why] += 1
            return None
        raw = found[0]
        return Request(*place, *raw.first, raw.head, raw.body, raw.chunked, raw.flags, None)

    # -- order -----------------------------------------------------------------------------------------------

    def _settle(self, out: _Out, result: Passed | Dropped) -> list[Result]:
        """A request is out no more; what can go on now."""
        out.result = result
        if isinstance(result, Dropped):
            self.counters.dropped[result.why] += 1
        self._remember(out.name, _place(result.sent) if isinstance(result, Passed) else None)
        number = out.request.connection.number
        line = self._lines[number]
        results: list[Result] = []
        while line:
            first = line[0]
            if isinstance(first, Ended):
                results.append(first)
            elif first.result is None:
                break
            else:
                results.append(first.result)
                self._held -= 1
                self._held_bytes -= first.octets
            line.popleft()
        if not line:
            del self._lines[number]
        return results

    def _remember(self, name: bytes, place: _Place | None) -> None:
        self._done[name] = place
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)


def _place(request: Request) -> _Place:
    return _Place(request.connection, request.index, request.time_ns, request.end_ns)


def _why_not(payload: bytes, found: list[Raw]) -> str:
    if len(found) != 1:
        return "several_requests" if found else "not_http"
    if found[0].fault is not None or excess(payload, found):
        return "wrong_length"
    if Flag.AMBIGUOUS_LENGTH in found[0].flags or found[0].first[0] == b"CONNECT":
        return "unsafe"
    return ""
