"""The few tests that verdicts rest on; each says its source.

wilson              bounds of a share that was counted (Wilson, 1927): right for small counts and for none
least_sample        how many answers it takes until none of them being different means a share below a limit
                    ("rule of three": 3 / limit, for 95 %)
quantile_interval   bounds of a quantile, from the ranks of a binomial
signed_rank         whether paired differences lie around zero (Wilcoxon, 1945; normal approximation with ties)
"""

from collections.abc import Sequence
from math import ceil, erfc, log, sqrt

Z = 1.96
"""Two-sided 95 %."""


def wilson(hits: int, count: int, z: float = Z) -> tuple[float, float]:
    """Lower and upper bound of the share behind `hits` of `count`; (0, 1) of nothing."""
    if not count:
        return 0.0, 1.0
    share, square = hits / count, z * z
    middle = share + square / (2 * count)
    spread = z * sqrt(share * (1 - share) / count + square / (4 * count * count))
    whole = 1 + square / count
    low = (middle - spread) / whole if hits else 0.0
    high = (middle + spread) / whole if hits < count else 1.0
    return max(0.0, low), min(1.0, high)


def least_sample(limit: float, floor: int = 100) -> int:
    """Answers needed to say that a share is at most `limit`: 3,000 for 0.1 %."""
    return max(floor, ceil(3 / limit)) if limit > 0 else floor


def least_for_quantile(share: float, floor: int = 100) -> int:
    """Values needed before a quantile has an upper bound at all: 368 for p99."""
    return max(floor, ceil(log(0.025) / log(share))) if 0 < share < 1 else floor


def quantile_interval(share: float, count: int, z: float = Z) -> tuple[float, float]:
    """The two shares whose quantiles bound this one, with `count` values."""
    if not count:
        return 0.0, 1.0
    spread = z * sqrt(share * (1 - share) / count)
    return max(0.0, share - spread), min(1.0, share + spread)


def signed_rank(differences: Sequence[float]) -> float:
    """The one-sided p-value that paired differences are above zero by chance. Differences of zero are left out; with
    fewer than ten others it is 1: that says nothing."""
    values = sorted((abs(d), d > 0) for d in differences if d)
    count = len(values)
    if count < 10:
        return 1.0
    positive, ties, at = 0.0, 0, 0
    while at < count:
        end = at
        while end < count and values[end][0] == values[at][0]:
            end += 1
        rank, size = (at + 1 + end) / 2, end - at
        positive += rank * sum(1 for _, above in values[at:end] if above)
        ties += size**3 - size
        at = end
    mean = count * (count + 1) / 4
    spread = sqrt(count * (count + 1) * (2 * count + 1) / 24 - ties / 48)
    return 0.5 * erfc((positive - mean - 0.5) / spread / sqrt(2)) if spread else 1.0
