"""When each request of the past is to be sent again: production's timing, from a new beginning, at some speed.

    due = start of the lap + (the request's end in production - the first one's) / speed

The schedule is open loop: it does not know what targets do, so a slow target shows as requests that are sent late and
never as requests that were not meant to be sent (no coordinated omission). Laps follow each other after a pause as
long as the mean distance between requests. Times are nanoseconds of the clock that `start_ns` is of. Pure.
"""


class Schedule:
    """The plan of a run. `speed` 2.0 takes half of production's time."""

    __slots__ = ("_count", "_first_ns", "_last_ns", "_starts", "speed")

    def __init__(self, start_ns: int, *, speed: float = 1.0) -> None:
        self.speed = speed
        self._starts = [start_ns]
        self._first_ns: int | None = None
        self._last_ns = 0
        self._count = 0

    @property
    def lap(self) -> int:
        """Which lap it is, from 0."""
        return len(self._starts) - 1

    @property
    def first_ns(self) -> int:
        """When the first request was whole in production, 0 as long as there is none."""
        return self._first_ns or 0

    def take(self, end_ns: int) -> int:
        """When a request is due that production's server had whole at `end_ns`. The first one is due at once."""
        if self._first_ns is None:
            self._first_ns = self._last_ns = end_ns
        self._last_ns = max(self._last_ns, end_ns)
        self._count += self.lap == 0
        return self.due_ns(end_ns, self.lap)

    def due_ns(self, end_ns: int, lap: int) -> int:
        """When a request of a lap is, or was, due."""
        return self._starts[lap] + round((end_ns - (self._first_ns or 0)) / self.speed)

    def next_lap(self) -> None:
        """All requests of a lap have been taken: the next one begins behind them."""
        span_ns = self._last_ns - (self._first_ns or 0)
        pause_ns = span_ns // max(self._count - 1, 1)
        self._starts.append(self._starts[-1] + round((span_ns + pause_ns) / self.speed))
