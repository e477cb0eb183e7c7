"""How long to wait for the next batch."""

SHORTEST_MS, LONGEST_MS = 1, 5
STEP = 16
"""Packets a millisecond with which the wait grows by a millisecond: it is 1.5 ms at 2,000 requests a second, and 3.5
at 10,000."""


class Pace:
    """How long to wait for the next batch, from how many packets come in a millisecond.

    A batch has a fixed cost, most of all that of waking up with cold caches, so the busier it is the longer the
    wait: nobody misses a few milliseconds then, and the same work costs half as much.
    """

    __slots__ = ("_last", "_mean", "_owed_ms")

    def __init__(self) -> None:
        self._owed_ms = 0.0
        self._mean = 0.0
        self._last = 0.0

    def wait_ms(self, packets: int, now: float) -> int:
        """The next wait, after a batch of so many packets; `now` in seconds. The loop counts whole ms, so parts
        of one are owed to the waits that follow."""
        elapsed_ms = (now - self._last) * 1000
        if not 1 < elapsed_ms < 100:
            elapsed_ms = 1 if elapsed_ms <= 1 else 100
        self._last = now
        self._mean += (packets / elapsed_ms - self._mean) / 8
        wait_ms = min(SHORTEST_MS + self._mean / STEP, LONGEST_MS) + self._owed_ms
        whole_ms = int(wait_ms)
        self._owed_ms = wait_ms - whole_ms
        return whole_ms
