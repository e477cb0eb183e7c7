"""What waits for its counterpart: found by ID, given up in the order of arrival."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

WAITING = 10_000
"""How many wait: a second of traffic or more."""
WAITING_BYTES = 64 << 20
"""Their octets."""
WAIT_NS = 60 * 10**9
"""How long, in the file's own time: an answer begins within a minute, or nobody has waited for it."""


class _Entry(Generic[T]):
    __slots__ = ("octets", "since_ns", "what")

    def __init__(self, what: T, octets: int, since_ns: int) -> None:
        self.what = what
        self.octets = octets
        self.since_ns = since_ns


class Waiting(Generic[T]):
    """Things with an ID, which need not be unique: of several the first comes first."""

    __slots__ = ("_by_id", "_bytes", "_count")

    def __init__(self) -> None:
        self._by_id: OrderedDict[bytes, deque[_Entry[T]]] = OrderedDict()
        self._bytes = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, name: bytes, what: T, octets: int, now_ns: int) -> None:
        """Let it wait from now on."""
        self._by_id.setdefault(name, deque()).append(_Entry(what, octets, now_ns))
        self._bytes += octets
        self._count += 1

    def first(self, name: bytes) -> T | None:
        """The first with this ID; it goes on waiting."""
        found = self._by_id.get(name)
        return found[0].what if found else None

    def join(self, name: bytes, octets: int, accept: Callable[[T], bool]) -> T | None:
        """The first with this ID that `accept` says yes to, larger now by these octets; it goes on waiting."""
        for entry in self._by_id.get(name, ()):
            if accept(entry.what):
                entry.octets += octets
                self._bytes += octets
                return entry.what
        return None

    def pop(self, name: bytes) -> T | None:
        """The first with this ID; it waits no more."""
        found = self._by_id.get(name)
        if not found:
            return None
        entry = found.popleft()
        self._bytes -= entry.octets
        self._count -= 1
        if not found:
            del self._by_id[name]
        return entry.what

    def release(self, now_ns: int) -> Iterator[T]:
        """Those that have waited too long, or are too many or too large together."""
        while self._by_id:
            name, found = next(iter(self._by_id.items()))
            late = now_ns - found[0].since_ns > WAIT_NS
            if not late and self._count <= WAITING and self._bytes <= WAITING_BYTES:
                return
            what = self.pop(name)
            if what is not None:
                yield what

    def drain(self) -> Iterator[T]:
        """All of them."""
        while self._by_id:
            what = self.pop(next(iter(self._by_id)))
            if what is not None:
                yield what
