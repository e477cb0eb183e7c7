"""The same packets mirrored at both ends of a connection: every request comes twice, and is replayed once.

The copies are two flows, since each mirror session has a VXLAN network of its own. A request is a duplicate when,
within a window of capture time, the same octets were seen at the same place of the stream (TCP sequence number)
between the same addresses and ports in another network. That cannot be wrong, so it is always on. A request sent
twice on one connection stands at two places of its stream, and stays two requests.

The copy that comes first is replayed, unless it is incomplete: then the other one is. Either may have lost packets,
so the copies of a connection share one lane, that of the first, and keep their order in it. When ports are used
again, the new connection is known by its network, of which the old one had a copy already.
"""

from collections import deque
from typing import NamedTuple

from shadowtap.events import Endpoint, Request

WINDOW_NS = 5_000_000_000
"""Nanoseconds between two copies: a packet lost between the two ends comes again within a few of TCP's time-outs."""
MAX_REMEMBERED = 100_000
"""Requests remembered: those of five seconds at 20,000 a second, some 25 MB."""


_Ends = tuple[Endpoint, Endpoint]


class _Seen(NamedTuple):
    """A request as it was seen first; `digest` is None where it was incomplete."""

    vni: int | None
    digest: int | None
    time_ns: int


class _Copies:
    """One connection, however often it is mirrored. `lane` is the flow that was seen first."""

    __slots__ = ("ends", "lane", "networks", "open", "seen")

    def __init__(self, lane: int, ends: _Ends) -> None:
        self.lane = lane
        self.ends = ends
        self.networks: set[int | None] = set()
        self.open = 0
        self.seen: dict[int, _Seen] = {}


class Duplicates:
    """Finds the second copies of requests.

    `found` counts them. `recovered` counts requests that one copy showed incomplete, and counted so, and a later one
    complete. `forgotten` counts requests that were forgotten before their time because there were too many.
    """

    __slots__ = (
        "_by_ends",
        "_ended",
        "_limit",
        "_now_ns",
        "_of",
        "_order",
        "_window_ns",
        "forgotten",
        "found",
        "recovered",
    )

    def __init__(self, *, window_ns: int = WINDOW_NS, limit: int = MAX_REMEMBERED) -> None:
        self.found = 0
        self.recovered = 0
        self.forgotten = 0
        self._window_ns = window_ns
        self._limit = limit
        self._now_ns = 0
        self._of: dict[int, _Copies] = {}
        self._by_ends: dict[_Ends, _Copies] = {}
        self._order: deque[tuple[int, _Copies, int, _Seen]] = deque()
        self._ended: deque[tuple[int, _Copies]] = deque()

    def is_duplicate(self, request: Request) -> bool:
        """Whether this request has been seen already. To be asked once for each, complete or not, in order of
        arrival; the time is the request's own."""
        number = request.connection.number
        copies = self._of.get(number) or self._meet(request)
        now_ns = request.end_ns
        self._now_ns = now_ns
        self._forget(now_ns - self._window_ns)
        begin = request.begin
        if begin < 0:
            return False
        digest = hash((request.head, request.body)) if request.fault is None else None
        seen = copies.seen.get(begin)
        vni = request.connection.vni
        if seen is not None and seen.vni != vni and abs(now_ns - seen.time_ns) <= self._window_ns:
            if digest is None or digest == seen.digest:
                self.found += 1
                return True
            if seen.digest is None:
                self.recovered += 1
        self._remember(copies, begin, _Seen(vni, digest, now_ns))
        return False

    def lane(self, number: int) -> int:
        """The number of the connection in whose order the requests of this one are replayed."""
        copies = self._of.get(number)
        return number if copies is None else copies.lane

    def ended(self, number: int) -> int | None:
        """A connection's client will send no more: the lane that ends with it, None while another copy goes on."""
        copies = self._of.pop(number, None)
        if copies is None:
            return number
        copies.open -= 1
        if copies.open:
            return None
        self._ended.append((self._now_ns, copies))
        return copies.lane

    def _meet(self, request: Request) -> _Copies:
        """The first request of a flow."""
        connection = request.connection
        ends = connection.client, connection.server
        copies = self._by_ends.get(ends)
        if copies is None or connection.vni in copies.networks:
            copies = self._by_ends[ends] = _Copies(connection.number, ends)
        copies.networks.add(connection.vni)
        copies.open += 1
        self._of[connection.number] = copies
        return copies

    def _remember(self, copies: _Copies, begin: int, seen: _Seen) -> None:
        copies.seen[begin] = seen
        self._order.append((seen.time_ns, copies, begin, seen))
        if len(self._order) > self._limit:
            self.forgotten += 1
            self._drop_first()

    def _forget(self, until_ns: int) -> None:
        order, ended = self._order, self._ended
        while order and order[0][0] < until_ns:
            self._drop_first()
        while ended and ended[0][0] < until_ns:
            copies = ended.popleft()[1]
            if not copies.open and self._by_ends.get(copies.ends) is copies:
                del self._by_ends[copies.ends]

    def _drop_first(self) -> None:
        _, copies, begin, seen = self._order.popleft()
        if copies.seen.get(begin) is seen:
            del copies.seen[begin]
