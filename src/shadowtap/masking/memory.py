"""What became of octets that were seen lately: the same heads and bodies come again and again, and a target's answer
is mostly production's. Masking is a function of the octets alone, so what it made of them once it makes always.

What was seen lies in two halves. When the newer one is full the older one is forgotten and the newer one becomes the
older; what is asked for in the older one moves to the newer. So what is in use stays, and nothing needs a list.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

ENTRY_BYTES = 400
"""What an entry takes beside its octets: a tuple or two, two `bytes`, its place in the table."""


class Memory(Generic[K, V]):
    """At most about `limit_bytes` of what was seen, of which one takes at most a sixteenth."""

    __slots__ = ("_bytes", "_half", "_most", "_new", "_old")

    def __init__(self, limit_bytes: int) -> None:
        self._half = limit_bytes // 2
        self._most = limit_bytes // 16
        self._bytes = 0
        self._new: dict[K, tuple[V, int]] = {}
        self._old: dict[K, tuple[V, int]] = {}

    def get(self, key: K) -> V | None:
        """What became of it; None where it is not remembered."""
        found = self._new.get(key)
        if found is None:
            found = self._old.pop(key, None)
            if found is None:
                return None
            self._put(key, found)
        return found[0]

    def put(self, key: K, value: V, octets: int) -> None:
        """Remember it, of so many octets, with what became of them."""
        if octets <= self._most:
            self._put(key, (value, octets + ENTRY_BYTES))

    def _put(self, key: K, entry: tuple[V, int]) -> None:
        if self._bytes + entry[1] > self._half:
            self._old, self._new, self._bytes = self._new, {}, 0
        self._new[key] = entry
        self._bytes += entry[1]
