"""SIGINT and SIGTERM, from the first line of a program to its last.

While it starts there is nothing to tidy up, so a signal ends it on the spot. While a command is carried out a signal
raises KeyboardInterrupt, as Ctrl-C does anyway; the runner takes signals itself while a run is under way. From the
moment at which the account is told a signal has nothing left to end: it is ignored, also by a Python that is shutting
down, which would put back the default, and that kills. At no time is a traceback of any use to whoever sent it.
"""

import os
import signal
from enum import Enum
from types import FrameType

ENDS = (signal.SIGINT, signal.SIGTERM)


class Phase(Enum):
    """How far the program is."""

    OUTSIDE = "outside"
    """Signals are somebody else's affair."""
    STARTING = "starting"
    WORKING = "working"
    OVER = "over"


class Interrupts:
    """Takes the signals of a process. `number` is the one that came last, SIGINT where none did."""

    def __init__(self) -> None:
        self.phase = Phase.OUTSIDE
        self.number: int = signal.SIGINT

    def install(self) -> None:
        """Take them from here on. Only the main thread can."""
        self.phase = Phase.STARTING
        for number in ENDS:
            signal.signal(number, self._take)

    def work(self) -> None:
        """A command is carried out from here on."""
        if self.phase is Phase.STARTING:
            self.phase = Phase.WORKING

    def end(self) -> None:
        """There is nothing left to interrupt."""
        if self.phase is not Phase.OUTSIDE:
            self.phase = Phase.OVER
            for number in ENDS:
                signal.signal(number, signal.SIG_IGN)

    @property
    def exit_code(self) -> int:
        """As a shell has it: 130 for SIGINT, 143 for SIGTERM."""
        return 128 + self.number

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        if self.phase is Phase.STARTING:
            os._exit(self.exit_code)
        if self.phase is Phase.WORKING:
            raise KeyboardInterrupt


INTERRUPTS = Interrupts()
"""Those of this process; signals are its affair as a whole."""
