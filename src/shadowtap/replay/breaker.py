"""A breaker: a target that fails again and again is left alone for a while, then tried with one request.

Closed: requests pass. Open: they fail at once, which costs nothing and spares the target. When the pause is over the
next request is let through as a trial; if it is answered the breaker closes, otherwise the pause doubles.
Time is an argument (seconds of any steady clock).
"""

FAILURES = 10
"""Failures in a row, without one answer between them, that open the breaker."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0


class Breaker:
    """`open` tells whether requests must fail at once; ask `allows` before each request while it is open.
    `failures` counts those in a row; without any, `succeeded` need not be told."""

    __slots__ = ("_pause_s", "_until", "failures", "open", "trying")

    def __init__(self) -> None:
        self.open = False
        self.trying = False
        self.failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._until = 0.0

    def allows(self, now: float) -> bool:
        """Whether a request may pass now; while open, one at a time may after each pause."""
        if not self.open:
            return True
        if self.trying or now < self._until:
            return False
        self.trying = True
        return True

    def succeeded(self) -> bool:
        """An answer came; True when that closes the breaker."""
        was_open = self.open
        self.open = self.trying = False
        self.failures = 0
        self._pause_s = FIRST_PAUSE_S
        return was_open

    def failed(self, now: float) -> bool:
        """No answer came; True when that opens the breaker."""
        self.failures += 1
        if self.open:
            if self.trying:
                self.trying = False
                self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
                self._until = now + self._pause_s
            return False
        if self.failures < FAILURES:
            return False
        self.open = True
        self._until = now + self._pause_s
        return True
