"""How long to wait for the next batch."""


class Pace:
    """How long to wait for the next batch, from how many packets come in a millisecond.

    A batch has a fixed cost, most of all that of waking up with cold caches, so the busier it is the longer the
    wait: nobody misses a few milliseconds then, and the same work costs half as much.
    """

    STEPS = ((12, 1), (60, 2), (1 << 62, 3))
    """Packets a millisecond below which to wait so many milliseconds; the loop's timers count whole ones."""
    __slots__ = ("_last", "_mean")

    def __init__(self) -> None:
        self._mean = 0.0
        self._last = 0.0

    def wait_ms(self, packets: int, now: float) -> int:
        """The next wait, after a batch of so many packets; `now` in seconds."""
        elapsed_ms = min(max((now - self._last) * 1000, 1.0), 100.0)
        self._last = now
        self._mean += (packets / elapsed_ms - self._mean) / 8
        return next(wait for below, wait in self.STEPS if self._mean < below)
