"""Latencies counted in buckets of equal ratio, twelve an octave: one is 6 % wide, and a quantile is sought within it.

Only buckets that hold something take memory, which makes it small enough to have one for each interval and endpoint:
a service whose latencies go from 1 ms to 1 s has 120 buckets.
"""

from collections.abc import Iterable
from math import log2

import msgspec

SUB = 12
"""Buckets an octave."""
TOP = 62 * SUB
"""The bucket of a century and more."""


class Histogram(msgspec.Struct):
    """How many durations, in nanoseconds, lie in which bucket."""

    buckets: dict[int, int] = msgspec.field(default_factory=dict)

    def record(self, ns: int) -> None:
        """Add one duration; below a nanosecond counts as one."""
        bucket = bucket_of(ns)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.buckets.values())

    def absorb(self, other: "Histogram") -> None:
        """Add the other's durations."""
        mine = self.buckets
        for bucket, n in other.buckets.items():
            mine[bucket] = mine.get(bucket, 0) + n

    def copy(self) -> "Histogram":
        """Another one with the same durations."""
        return Histogram(dict(self.buckets))

    def quantile(self, share: float) -> int | None:
        """The duration below which `share` of them lie, in ns; None where there are none."""
        return self.quantiles((share,))[0]

    def quantiles(self, shares: Iterable[float]) -> list[int | None]:
        """Several, which must ascend. Durations are taken to be spread evenly over their bucket."""
        ordered = sorted(self.buckets.items())
        count = sum(n for _, n in ordered)
        found: list[int | None] = []
        at = passed = 0
        for share in shares:
            rank = share * count
            while at + 1 < len(ordered) and passed + ordered[at][1] < rank:
                passed += ordered[at][1]
                at += 1
            found.append(int(edge_ns(ordered[at][0] + (rank - passed) / ordered[at][1])) if count else None)
        return found


def bucket_of(ns: int) -> int:
    """The bucket of a duration."""
    return min(int(log2(ns) * SUB), TOP) if ns > 1 else 0


def edge_ns(place: float) -> float:
    """The duration at a place among the buckets: where one begins, or between its edges."""
    return float(2.0 ** (place / SUB))
