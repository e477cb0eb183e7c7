"""Whether the target is slower, by a test of the distributions and not by two averages.

Every request has both latencies, so they are compared in pairs: what differs between requests (a large page, a slow
query) falls out. The signed-rank test says whether the differences are more than chance; the median of the ratios
says how much it is, and a difference counts only if both are beyond their limits, since with enough requests the
smallest difference is certain. The quantiles of both sides come with intervals. Latency runs from the last octet of
the request to the first of the answer: production's as the mirror saw it, the target's as we saw it, so the way
to the target is part of it; compare with a reference target beside it where that matters.
"""

from collections.abc import Iterable, Iterator

import msgspec

from shadowtap.compare.statistics import least_for_quantile, quantile_interval, signed_rank
from shadowtap.ledger import Latency

KEPT = 1024
"""Pairs of an endpoint that are kept for the test: 16 KiB. When there are more, every second one is."""
LEAST_PAIRS = 30
SLOWER = 1.1
"""The median ratio from which a difference matters."""
CHANCE = 0.01
"""The p-value below which a difference is no chance; divided by the number of endpoints that are tested."""
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


class Compared(msgspec.Struct, frozen=True):
    """The latencies of one endpoint, or of all. `ratio` is the median of target / production; `chance` the p-value
    of the test for `verdict`: slower, faster, same, or too few. Durations in nanoseconds, None where too few."""

    count: int
    verdict: str
    ratio: float | None
    chance: float
    production: dict[str, int | None]
    target: dict[str, int | None]


class Pairs:
    """The latencies of one endpoint: two histograms, and pairs for the test, evenly spread over the run."""

    __slots__ = ("_every", "_seen", "kept", "production", "target")

    def __init__(self) -> None:
        self.production = Latency()
        self.target = Latency()
        self.kept: list[tuple[int, int]] = []
        self._every = 1
        self._seen = 0

    def record(self, production_ns: int, target_ns: int) -> None:
        """Add the two latencies of a request."""
        self.production.record(production_ns)
        self.target.record(target_ns)
        self._seen += 1
        if self._seen % self._every:
            return
        self.kept.append((production_ns, target_ns))
        if len(self.kept) >= KEPT:
            self.kept = self.kept[1::2]
            self._every *= 2

    def absorb(self, other: "Pairs") -> None:
        """Take over the pairs of an endpoint that turned out to be this one."""
        for production_ns, target_ns in other.kept:
            for _ in range(other._every):
                self.record(production_ns, target_ns)

    def compared(self, *, tests: int = 1) -> Compared:
        """The result of the test, as one of so many."""
        return Compared(
            self._seen,
            *_verdict(self.kept, CHANCE / max(tests, 1)),
            {name: self.production.quantile(q) for name, q in QUANTILES.items()},
            {name: self.target.quantile(q) for name, q in QUANTILES.items()},
        )


def compare_latency(endpoints: Iterable[tuple[str, Pairs]]) -> dict[str, Compared]:
    """The results by endpoint, with the limit shared among them (Bonferroni)."""
    return dict(latency_in_turn(endpoints))


def latency_in_turn(endpoints: Iterable[tuple[str, Pairs]]) -> Iterator[tuple[str, Compared]]:
    """The same, one endpoint after the other: each takes about a millisecond."""
    listed = list(endpoints)
    tested = sum(1 for _, pairs in listed if len(pairs.kept) >= LEAST_PAIRS)
    return ((endpoint, pairs.compared(tests=tested)) for endpoint, pairs in listed)


class QuantileRatio(msgspec.Struct, frozen=True):
    """How a quantile of the target relates to production's, with bounds (95 % each side); None where too few."""

    count: int
    needed: int
    ratio: float | None
    low: float
    high: float
    target_ns: int | None


def quantile_ratio(production: Latency, target: Latency, share: float) -> QuantileRatio:
    """Compare one quantile of two distributions."""
    counts = production.count, target.count
    count = min(counts)
    needed = least_for_quantile(share)
    before, after = production.quantile(share), target.quantile(share)
    if not before or after is None:
        return QuantileRatio(count, needed, None, 0.0, float("inf"), after)
    bounds = [
        [latency.quantile(q) or 0 for q in quantile_interval(share, n)]
        for latency, n in zip((production, target), counts, strict=True)
    ]
    (before_low, before_high), (after_low, after_high) = bounds
    return QuantileRatio(
        count,
        needed,
        after / before,
        after_low / max(before_high, 1),
        after_high / max(before_low, 1),
        after,
    )


def _verdict(pairs: list[tuple[int, int]], chance: float) -> tuple[str, float | None, float]:
    if len(pairs) < LEAST_PAIRS:
        return "too few", None, 1.0
    ratios = sorted(target / max(production, 1) for production, target in pairs)
    ratio = ratios[len(ratios) // 2]
    differences = [target - production for production, target in pairs]
    slower = signed_rank(differences)
    if slower < chance and ratio >= SLOWER:
        return "slower", ratio, slower
    faster = signed_rank([-d for d in differences])
    if faster < chance and ratio <= 1 / SLOWER:
        return "faster", ratio, faster
    return "same", ratio, min(slower, faster)
