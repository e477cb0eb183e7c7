"""Latencies counted in buckets of equal ratio: eight an octave, so a quantile is within 6 % of the truth.

Only buckets that hold something take memory, which makes it small enough to have one for each interval and endpoint:
a service whose latencies go from 1 ms to 1 s has 80 buckets.
"""

from collections.abc import Iterable

import msgspec

SUB = 8
"""Buckets an octave."""
_BITS = 4
_TOP = 62 * SUB
"""The bucket of a century and more."""


class Histogram(msgspec.Struct):
    """How many durations, in nanoseconds, lie in which bucket."""

    buckets: dict[int, int] = msgspec.field(default_factory=dict)

    def record(self, ns: int) -> None:
        """Add one duration; below eight nanoseconds counts as eight."""
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
        """Several, which must ascend."""
        ordered = sorted(self.buckets.items())
        count = sum(n for _, n in ordered)
        found: list[int | None] = []
        at, passed = -1, 0
        for share in shares:
            while count and passed < share * count and at + 1 < len(ordered):
                at += 1
                passed += ordered[at][1]
            found.append(middle_ns(ordered[max(at, 0)][0]) if count else None)
        return found


def bucket_of(ns: int) -> int:
    """The bucket of a duration."""
    if ns < SUB:
        return 0
    octave = ns.bit_length() - _BITS
    return min((octave << 3) + (ns >> octave) - SUB, _TOP)


def low_ns(bucket: int) -> int:
    """The shortest duration of a bucket."""
    return (SUB + (bucket & 7)) << (bucket >> 3)


def middle_ns(bucket: int) -> int:
    """One in the middle of a bucket."""
    return low_ns(bucket) + ((1 << (bucket >> 3)) >> 1)
