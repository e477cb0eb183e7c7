"""How long to wait for the next batch."""

LONGEST_MS = 5
STEP = 8
"""The wait grows by a millisecond with every so many packets a millisecond: it is 1 ms below 4,000 requests a second,
and 5 from 10,000 on."""


class Pace:
    """How long to wait for the next batch, from how many packets come in a millisecond.

    A batch has a fixed cost, most of all that of waking up with cold caches, so the busier it is the longer the
    wait: nobody misses a few milliseconds then, and the same work costs half as much.
    """

    __slots__ = ("_last", "_mean")

    def __init__(self) -> None:
        self._mean = 0.0
        self._last = 0.0

    def wait_ms(self, packets: int, now: float) -> int:
        """The next wait, after a batch of so many packets; `now` in seconds. The loop's timers count whole ms."""
        elapsed_ms = (now - self._last) * 1000
        if not 1 < elapsed_ms < 100:
            elapsed_ms = 1 if elapsed_ms <= 1 else 100
        self._last = now
        self._mean += (packets / elapsed_ms - self._mean) / 8
        return min(max(int(self._mean / STEP), 1), LONGEST_MS)
