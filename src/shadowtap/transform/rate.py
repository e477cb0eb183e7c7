"""A limit on requests a second: a token bucket, kept as the one moment at which it will be full again (GCRA).

In any time t at most `per_s` * t requests are taken, and a burst besides, so that traffic which comes in bunches, as
production's does, is not cut down to its gaps. Who limits users rather than requests samples them: what a rate leaves
out tears sessions apart.
"""

BURST_S = 0.1
"""How much of the rate may come at once: the requests of a tenth of a second. It is two requests at least, or those
that come evenly and a moment early would be left out."""

_PS = 1_000_000_000_000
"""Picoseconds in a second: finer than any rate needs, so that rounding never adds up."""


class Rate:
    """Takes at most `per_s` requests a second. Time that goes backwards takes nothing away."""

    __slots__ = ("_burst_ps", "_full_at_ps", "_interval_ps")

    def __init__(self, per_s: float, *, burst_s: float = BURST_S) -> None:
        self._interval_ps = round(_PS / per_s)
        self._burst_ps = max(round(burst_s * _PS), 2 * self._interval_ps)
        self._full_at_ps = 0

    def take(self, now_ns: int) -> bool:
        """Whether one more request may go; if so it is counted."""
        now_ps = now_ns * 1000
        full_at_ps = max(self._full_at_ps, now_ps) + self._interval_ps
        if full_at_ps - now_ps > self._burst_ps:
            return False
        self._full_at_ps = full_at_ps
        return True
