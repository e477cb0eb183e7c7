"""Requests that wait until production has answered, and what must not overtake them.

Order. What comes later on a connection is replayed later: a request that need not wait stands in line behind one of
its connection that does, and so does the connection's end. Connections do not wait for each other.

Limits. At most `requests` requests and `octets` octets of them are kept, over all connections, each for at most
`wait_ns`: production's slow answers are worth waiting for, hung ones are not. Whoever calls decides what becomes of
those that find no room or whose time is over.
"""

from collections import deque

from shadowtap.events import Ended, Exchange, Request

REQUESTS = 20_000
"""As many as a target's queue: an answer of 2 s at 10,000 requests a second."""
OCTETS = 64 << 20
"""Of heads and bodies; the longest body that is read fits once."""
WAIT_NS = 30_000_000_000
"""As long as a target may take to answer."""

Line = deque["_Place"]


class _Place:
    """A place in the line of a connection. `message` is None once it has been given up."""

    __slots__ = ("due_ns", "message", "ready")

    def __init__(self, message: Request | Ended | None, due_ns: int, *, ready: bool) -> None:
        self.message = message
        self.due_ns = due_ns
        self.ready = ready


class Waiting:
    """The lines of all connections. `requests` and `octets` are what is kept now."""

    __slots__ = ("_lines", "_octet_limit", "_open", "_request_limit", "_wait_ns", "octets", "requests")

    def __init__(self, *, requests: int = REQUESTS, octets: int = OCTETS, wait_ns: int = WAIT_NS) -> None:
        self.requests = 0
        self.octets = 0
        self._request_limit, self._octet_limit, self._wait_ns = requests, octets, wait_ns
        self._lines: dict[int, Line] = {}
        self._open: dict[tuple[int, int], _Place] = {}  # the undecided, those that came first in front

    def holds(self, connection: int) -> bool:
        """Whether something of this connection waits, so that what comes must stand in line."""
        return connection in self._lines

    def hold(self, request: Request, now_ns: int) -> bool:
        """Keep a request until `settle`; False where there is no room."""
        return self._keep(request, now_ns, ready=False)

    def follow(self, request: Request) -> bool:
        """Keep a request that is only behind others; False where there is no room."""
        return self._keep(request, 0, ready=True)

    def follow_end(self, ended: Ended) -> None:
        """Keep the end of a connection of which something waits."""
        self._lines[ended.connection].append(_Place(ended, 0, ready=True))

    def knows(self, exchange: Exchange) -> bool:
        """Whether its request waits for it."""
        request = exchange.request
        return request is not None and (request.connection.number, request.index) in self._open

    def settle(self, request: Request, *, keep: bool) -> list[Request | Ended]:
        """A request that was held is decided: what may go on now, in order."""
        number = request.connection.number
        place = self._open.pop((number, request.index))
        place.ready = True
        if not keep:
            place.message = None
            self._forget(request)
        return self._front(number)

    def overdue(self, now_ns: int) -> list[Request]:
        """Requests that have waited long enough; each has to be settled."""
        late = []
        for place in self._open.values():
            if place.due_ns > now_ns:
                break
            if isinstance(place.message, Request):
                late.append(place.message)
        return late

    def undecided(self) -> list[Request]:
        """All that wait for an answer; each has to be settled at the end of a run."""
        return [place.message for place in self._open.values() if isinstance(place.message, Request)]

    def _keep(self, request: Request, now_ns: int, *, ready: bool) -> bool:
        size = len(request.head) + len(request.body)
        if self.requests >= self._request_limit or self.octets + size > self._octet_limit:
            return False
        self.requests += 1
        self.octets += size
        place = _Place(request, now_ns + self._wait_ns, ready=ready)
        number = request.connection.number
        self._lines.setdefault(number, deque()).append(place)
        if not ready:
            self._open[number, request.index] = place
        return True

    def _front(self, number: int) -> list[Request | Ended]:
        line, released = self._lines[number], list[Request | Ended]()
        while line and line[0].ready:
            message = line.popleft().message
            if message is not None:
                released.append(message)
            if isinstance(message, Request):
                self._forget(message)
        if not line:
            del self._lines[number]
        return released

    def _forget(self, request: Request) -> None:
        self.requests -= 1
        self.octets -= len(request.head) + len(request.body)
