"""A request seen on both legs of a load balancer or proxy: from the client to it, and from it to the server.

The legs are two TCP connections, and the proxy adds fields, so sameness has to be concluded (see `sighting`);
therefore this is off unless a leg to keep is named.

Each request has at most one back leg and one front leg, so what is really sent twice stays two requests, and a chain
of proxies is followed from leg to leg. One leg is replayed, in any case only one. The leg to keep is known for
addresses of which pairs were seen before: of the other leg a request then waits for its partner, HOLD_NS at most or
until its connection ends, and is replayed itself if none comes. Before that the leg that comes first is replayed.
"""

from collections import deque
from collections.abc import Callable
from enum import StrEnum
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from shadowtap.events import Request
from shadowtap.transform.sighting import WINDOW_NS, Sighting, are_legs

HOLD_NS = 1_000_000_000
"""Nanoseconds a request waits for the leg to keep: mirrors reorder by milliseconds."""
MAX_REMEMBERED = 50_000
"""Requests remembered, some 40 MB."""
MAX_HELD, MAX_HELD_BYTES = 5_000, 32 << 20
"""Requests that wait; beyond it the oldest is replayed."""
MAX_COMPARED = 64
"""Requests of the same content that are compared with one, the oldest first."""
MAX_PROXIES = 4_096
"""Addresses of proxies that are learned; a load balancer has a few."""


class Leg(StrEnum):
    """Which leg is replayed: the clients' (front) or the servers' (back)."""

    FRONT = "front"
    BACK = "back"


class Decision(NamedTuple):
    """A request, and whether it is the leg that is not replayed."""

    request: Request
    duplicate: bool


_Index = dict[int, deque[Sighting]]


class Legs:
    """Finds the other legs of requests. `found` counts those not replayed, `alone` those that waited in vain."""

    __slots__ = (
        "_as_back",
        "_as_front",
        "_backs",
        "_fronts",
        "_held",
        "_held_bytes",
        "_held_of",
        "_keep",
        "_order",
        "_waiting",
        "alone",
        "found",
    )

    def __init__(self, keep: Leg) -> None:
        self.found = 0
        self.alone = 0
        self._keep = keep
        self._as_front: _Index = {}
        self._as_back: _Index = {}
        self._order: deque[Sighting] = deque()
        self._held: deque[Sighting] = deque()
        self._held_of: dict[int, list[Sighting]] = {}
        self._held_bytes = 0
        self._waiting = 0
        self._fronts: set[bytes] = set()  # where proxies listen
        self._backs: set[bytes] = set()  # where they connect from

    def take(self, request: Request, now_ns: int) -> list[Decision]:
        """What is decided now that this request has come: nothing yet, or about this one and perhaps another."""
        if request.fault is not None:
            return [Decision(request, False)]
        self._forget(now_ns)
        mine = Sighting(request)
        front = self._first(
            self._as_front, mine.as_back, attrgetter("has_back"), lambda other: are_legs(other, mine)
        )
        back = self._first(
            self._as_back, mine.as_front, attrgetter("has_front"), lambda other: are_legs(mine, other)
        )
        self._remember(mine)
        if front is not None:
            return self._pair(front, mine, front, request)
        if back is not None:
            return self._pair(mine, back, back, request)
        if self._waits(mine):
            return self._hold(mine, request, now_ns)
        return [Decision(request, False)]

    def advance(self, now_ns: int) -> list[Decision]:
        """What the passing of time decides."""
        decided: list[Decision] = []
        while self._held and (self._held[0].held is None or self._held[0].deadline_ns <= now_ns):
            self._release(self._held.popleft(), decided)
        return decided

    def ended(self, number: int) -> list[Decision]:
        """A connection's client will send no more, so what waits of it is decided: it was answered, and the other leg
        would have come."""
        decided: list[Decision] = []
        for one in self._held_of.pop(number, ()):
            self._release(one, decided)
        return decided

    def finish(self) -> list[Decision]:
        """The capture has ended: whatever waits is decided."""
        decided: list[Decision] = []
        while self._held:
            self._release(self._held.popleft(), decided)
        return decided

    def _pair(self, front: Sighting, back: Sighting, other: Sighting, request: Request) -> list[Decision]:
        """Both legs are there; `request` has come just now, `other` before."""
        front.has_back = back.has_front = True
        self.found += 1
        if len(self._fronts) < MAX_PROXIES and len(self._backs) < MAX_PROXIES:
            self._fronts.add(front.server[0])
            self._backs.add(back.client[0])
        waited = other.held
        if waited is None:
            return [Decision(request, True)]
        self._drop(other)
        wanted = front if self._keep is Leg.FRONT else back
        return [Decision(waited, other is not wanted), Decision(request, other is wanted)]

    def _waits(self, one: Sighting) -> bool:
        if self._keep is Leg.BACK:
            return one.server[0] in self._fronts
        return one.client[0] in self._backs

    def _hold(self, one: Sighting, request: Request, now_ns: int) -> list[Decision]:
        one.held, one.deadline_ns = request, now_ns + HOLD_NS
        self._held.append(one)
        self._held_of.setdefault(request.connection.number, []).append(one)
        self._held_bytes += len(request.head) + len(request.body)
        self._waiting += 1
        decided: list[Decision] = []
        while self._waiting > MAX_HELD or self._held_bytes > MAX_HELD_BYTES:
            self._release(self._held.popleft(), decided)
        return decided

    def _release(self, one: Sighting, decided: list[Decision]) -> None:
        if one.held is not None:
            decided.append(Decision(one.held, False))
            self.alone += 1
            self._drop(one)

    def _drop(self, one: Sighting) -> None:
        """It waits no longer."""
        request, one.held = one.held, None
        if request is None:
            return
        self._waiting -= 1
        self._held_bytes -= len(request.head) + len(request.body)
        same = self._held_of.get(request.connection.number)
        if same is not None:
            same.remove(one)
            if not same:
                del self._held_of[request.connection.number]

    def _remember(self, one: Sighting) -> None:
        for index, marks in ((self._as_front, one.as_front), (self._as_back, one.as_back)):
            for mark in marks:
                index.setdefault(mark, deque()).append(one)
        self._order.append(one)
        if len(self._order) > MAX_REMEMBERED:
            self._drop_first()

    def _forget(self, now_ns: int) -> None:
        while self._order and self._order[0].time_ns < now_ns - WINDOW_NS:
            self._drop_first()

    def _drop_first(self) -> None:
        one = self._order.popleft()
        one.gone = True
        for index, marks in ((self._as_front, one.as_front), (self._as_back, one.as_back)):
            for mark in marks:
                same = index.get(mark)
                while same and same[0].gone:
                    same.popleft()
                if same is not None and not same:
                    del index[mark]

    @staticmethod
    def _first(
        index: _Index,
        marks: list[int],
        has_partner: Callable[[Sighting], bool],
        fits: Callable[[Sighting], bool],
    ) -> Sighting | None:
        for mark in marks:
            same = index.get(mark)
            while same and (same[0].gone or has_partner(same[0])):
                same.popleft()
            for other in islice(same or (), MAX_COMPARED):
                if fits(other):
                    return other
        return None
