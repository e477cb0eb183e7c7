"""Production's values with the target's, remembered for a while. Bounded in number and in time.

A value that is known by itself is looked up alone; others within their scope: a cookie's with the client that has it,
a resource's number with its resource.
"""

from collections import OrderedDict
from enum import StrEnum

MAX_BINDINGS = 100_000
"""Values that are remembered, at about 300 octets each; those not used for longest go first."""
MAX_OCTETS = 32 << 20
"""Characters of these values: a token may have 4,096, most have 40."""
IDLE_NS = 4 * 3600 * 1_000_000_000
"""A binding that was not used for so long is forgotten."""

Scoped = tuple[str, str]
"""A scope and a value of production."""


class Kind(StrEnum):
    """Where in a request a value was put."""

    TARGET = "target"
    COOKIE = "cookie"
    HEADER = "header"
    BODY = "body"


class Bindings:
    """Looks up what the target issued for a value of production. `count` is how many are remembered."""

    def __init__(
        self, limit: int = MAX_BINDINGS, idle_ns: int = IDLE_NS, limit_octets: int = MAX_OCTETS
    ) -> None:
        self._limit, self._limit_octets = limit, limit_octets
        self._octets = 0
        self._idle_ns = idle_ns
        self._table: OrderedDict[Scoped, tuple[str, int]] = OrderedDict()
        self._weak_pairs: dict[tuple[str, str], int] = {}
        self.bound = 0
        self.forgotten = 0

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._table)

    def bind(self, scope: str, production: str, target: str, now_ns: int) -> None:
        """Remember a pair; the latest counts."""
        key = scope, _canonical(production)
        self._drop(key)
        self._table[key] = target, now_ns
        self._octets += _size(key, target)
        if scope:
            pair = key[1], target
            self._weak_pairs[pair] = self._weak_pairs.get(pair, 0) + 1
        self.bound += 1
        while self._is_full() or self._is_stale(now_ns):
            self._drop(next(iter(self._table)))
            self.forgotten += 1

    def get(self, scope: str, production: str, now_ns: int) -> str | None:
        """The target's value, if there is one; it is then fresh again."""
        key = scope, _canonical(production)
        found = self._table.get(key)
        if found is None or now_ns - found[1] > self._idle_ns:
            return None
        self._table[key] = found[0], max(now_ns, found[1])
        self._table.move_to_end(key)
        return found[0]

    def holds(self, key: Scoped) -> bool:
        """Whether there is something for a scope and a value without padding, be it fresh or not."""
        return key in self._table

    def __contains__(self, pair: object) -> bool:
        """Whether two values mean the same: `(production, target)`, as `compare` asks."""
        if not isinstance(pair, tuple) or len(pair) != 2:
            return False
        production, target = pair
        found = self._table.get(("", _canonical(production)))
        return (found is not None and found[0] == target) or pair in self._weak_pairs

    def _is_full(self) -> bool:
        return len(self._table) > self._limit or self._octets > self._limit_octets

    def _is_stale(self, now_ns: int) -> bool:
        first = next(iter(self._table.values()), None)
        return first is not None and now_ns - first[1] > self._idle_ns

    def _drop(self, key: Scoped) -> None:
        found = self._table.pop(key, None)
        if found is None:
            return
        self._octets -= _size(key, found[0])
        if not key[0]:
            return
        pair = key[1], found[0]
        left = self._weak_pairs.get(pair, 0) - 1
        if left > 0:
            self._weak_pairs[pair] = left
        else:
            self._weak_pairs.pop(pair, None)


def _size(key: Scoped, target: str) -> int:
    return len(key[0]) + len(key[1]) + len(target)


def _canonical(value: str) -> str:
    """Without padding, which differs between spellings of one token."""
    return value.rstrip("=") or value
