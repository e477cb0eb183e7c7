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

from shadowtap.events import Endpoint
from shadowtap.events.messages import Connection, Request

WINDOW_NS = 5_000_000_000
"""Nanoseconds for which a request is remembered at least, and not twice as long: a packet that was lost between the
two ends comes again within a few of TCP's time-outs."""
MAX_REMEMBERED = 100_000
"""Requests remembered in a window: 20,000 a second; some 25 MB in all."""
RECENT = 4_096
"""Requests remembered as long as there is one network only, and connections that have ended: at 20,000 a second those
of 200 ms, more than a second mirror session lags behind the first when it begins."""
_MASK = 0xFFFFFFFF

_Ends = tuple[Endpoint, Endpoint]
_Seen = tuple[int | None, int | None]
"""The network, and a digest of the octets, None where the request was incomplete."""


class _Copies:
    """One connection, however often it is mirrored. `lane` is the flow that was seen first."""

    __slots__ = ("ends", "lane", "networks", "open")

    def __init__(self, lane: int, ends: _Ends) -> None:
        self.lane = lane
        self.ends = ends
        self.networks: set[int | None] = set()
        self.open = 0


class _OneNetwork:
    """What is remembered as long as there is one network, and so no copies: the least that must be known when another
    one turns up. `recent` requests are: connection, position in its stream, digest, time."""

    __slots__ = ("ended", "open", "recent", "vni")

    def __init__(self, vni: int | None) -> None:
        self.vni = vni
        self.open: dict[int, Connection] = {}
        self.ended: deque[Connection] = deque(maxlen=RECENT)
        self.recent: deque[tuple[int, int, int | None, int]] = deque(maxlen=RECENT)

    def note(self, request: Request) -> None:
        """A request of this network."""
        connection = request.connection
        number = connection.number
        if number not in self.open:
            self.open[number] = connection
        if request.begin >= 0:
            self.recent.append((number, request.begin, _digest(request), request.end_ns))

    def end(self, number: int) -> None:
        """A connection's client will send no more."""
        connection = self.open.pop(number, None)
        if connection is not None:
            self.ended.append(connection)


def _digest(request: Request) -> int | None:
    if request.fault is not None:
        return None
    return hash((request.head, request.body)) if request.body else hash(request.head)


class Duplicates:
    """Finds the second copies of requests.

    `found` counts them. `recovered` counts requests that one copy showed incomplete, and counted so, and a later one
    complete. `shared` says whether any two connections share a lane. `cut_short` counts windows that ended before
    their time because there were too many requests.
    """

    __slots__ = (
        "_begun_ns",
        "_by_ends",
        "_ended",
        "_limit",
        "_now_ns",
        "_of",
        "_old",
        "_one",
        "_several",
        "_window_ns",
        "_young",
        "cut_short",
        "found",
        "recovered",
        "shared",
    )

    def __init__(self, *, window_ns: int = WINDOW_NS, limit: int = MAX_REMEMBERED) -> None:
        self.found = 0
        self.recovered = 0
        self.cut_short = 0
        self.shared = False
        self._window_ns = window_ns
        self._limit = limit
        self._now_ns = self._begun_ns = 0
        self._of: dict[int, _Copies] = {}
        self._by_ends: dict[_Ends, _Copies] = {}
        self._ended: deque[tuple[int, _Copies]] = deque()
        self._young: dict[int, _Seen] = {}
        self._old: dict[int, _Seen] = {}
        self._one: _OneNetwork | None = None
        self._several = False

    def is_duplicate(self, request: Request) -> bool:
        """Whether this request has been seen already. To be asked once for each, complete or not, in order of
        arrival; the time is the request's own."""
        if not self._several and self._is_alone(request):
            return False
        connection, begin = request.connection, request.begin
        copies = self._of.get(connection.number) or self._meet(connection)
        if request.end_ns > self._now_ns:
            self._now_ns = request.end_ns
            if self._now_ns - self._begun_ns > self._window_ns:
                self._turn()
        if begin < 0:
            return False
        return self._is_known(copies.lane << 32 | begin & _MASK, connection.vni, _digest(request))

    def _is_alone(self, request: Request) -> bool:
        """Whether there is still one network only; then the request is noted, and that is all."""
        one, vni = self._one, request.connection.vni
        if one is None:
            one = self._one = _OneNetwork(vni)
        if vni != one.vni:
            self._several, self._one = True, None
            self._take_over(one, request.end_ns)
            return False
        one.note(request)
        return True

    def _take_over(self, one: _OneNetwork, now_ns: int) -> None:
        """There is another network: from now on everything is remembered."""
        self._now_ns = self._begun_ns = max(now_ns, max((recent[3] for recent in one.recent), default=now_ns))
        for connection in one.ended:
            self._meet(connection)
            self.ended(connection.number)
        for connection in one.open.values():
            self._meet(connection)
        since_ns = self._now_ns - self._window_ns
        for number, begin, digest, ns in one.recent:
            if ns >= since_ns:
                self._old[number << 32 | begin & _MASK] = one.vni, digest

    def _is_known(self, place: int, vni: int | None, digest: int | None) -> bool:
        seen = self._young.get(place) or self._old.get(place)
        if seen is not None and seen[0] != vni:
            if digest is None or digest == seen[1]:
                self.found += 1
                return True
            self.recovered += seen[1] is None
        self._young[place] = (vni, digest)
        if len(self._young) > self._limit:
            self.cut_short += 1
            self._turn()
        return False

    def lane(self, number: int) -> int:
        """The number of the connection in whose order the requests of this one are replayed."""
        copies = self._of.get(number)
        return number if copies is None else copies.lane

    def ended(self, number: int) -> int | None:
        """A connection's client will send no more: the lane that ends with it, None while another copy goes on."""
        if self._one is not None:
            self._one.end(number)
            return number
        copies = self._of.pop(number, None)
        if copies is None:
            return number
        copies.open -= 1
        if copies.open:
            return None
        self._ended.append((self._now_ns, copies))
        return copies.lane

    def _meet(self, connection: Connection) -> _Copies:
        """A flow shows its first request."""
        ends = connection.client, connection.server
        copies = self._by_ends.get(ends)
        if copies is None or connection.vni in copies.networks:
            copies = self._by_ends[ends] = _Copies(connection.number, ends)
        else:
            self.shared = True
        copies.networks.add(connection.vni)
        copies.open += 1
        self._of[connection.number] = copies
        return copies

    def _turn(self) -> None:
        """A new window begins: what is older than the one before is forgotten."""
        if self._now_ns - self._begun_ns > 2 * self._window_ns:
            self._young = {}
        self._old, self._young = self._young, {}
        self._begun_ns = self._now_ns
        until_ns = self._now_ns - self._window_ns
        while self._ended and self._ended[0][0] < until_ns:
            copies = self._ended.popleft()[1]
            if not copies.open and self._by_ends.get(copies.ends) is copies:
                del self._by_ends[copies.ends]
