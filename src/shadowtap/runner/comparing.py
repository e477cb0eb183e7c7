"""Shows observations to a comparison, as many of them as there is time for.

Comparing is the one work of a live run that can be left out without losing a request, so it gives way first: when
the event loop has hardly any time to spare, or comes too late to what it has planned, only a share of the answers is
compared; the share shrinks by half while that lasts, and grows slowly afterwards. Which answers are taken does not
depend on what they say nor on the rhythm in which they come: a hash of their number decides, so the share of those
that differ holds for all of them. Where nobody else wants to know of requests (`early`), it is decided as soon as one
is seen, and what is left out is not even put together with its answers; else when all is known. Files wait until they
are compared. What is left out is counted and told.
"""

import time
from collections.abc import Callable, Container

from shadowtap.compare import Comparison
from shadowtap.events import Observation, Outcome, Request, replace
from shadowtap.ledger import ObservationCounters

WINDOW_S = 0.2
"""How long the load is measured before the share changes; a loop that comes too late is not waited for."""
BUSY, CALM = 0.85, 0.7
"""Shares of a window that the loop's thread may compute, or wait for a processor: above the one comparing gives way,
below the other it may have more."""
LATE_S = 0.05
"""How much later than planned the loop may come to its own affairs."""
WORTH = 0.05
"""The share of a window that comparing must take, else it would help nobody to do less of it."""
LEAST, STEP = 1 / 64, 1 / 32
"""The share of answers that are compared in any case, and by how much it grows in a window."""
_WORD = 1 << 32


class Comparer:
    """Compares observations. `counters` are those of the ledger; `sampling` says whether answers may be left out;
    `early` that `takes` is asked of each request, and only those taken are `observed`; `issued` gives the pairs of
    values that mean the same in the sessions of a target, `again` whether a connection of this number was replayed
    before, so that there is nothing to learn from it."""

    def __init__(
        self,
        comparison: Comparison,
        counters: ObservationCounters,
        *,
        sampling: bool,
        early: bool = False,
        issued: Callable[[str], Container[tuple[str, str]]] = lambda target: frozenset(),
        again: Callable[[int], bool] = lambda connection: False,
        tell: Callable[[str], None] = lambda text: None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.share = 1.0
        self._comparison = comparison
        self._counters = counters
        self._sampling, self._early = sampling, early
        self._issued, self._again = issued, again
        self._tell, self._clock = tell, clock
        self._told = False
        self._number = 0
        self._since: tuple[float, float] | None = None
        self._late_s = self._spent_s = 0.0

    def takes(self, request: Request) -> bool:
        """Whether a request that has just been seen shall be put together with its answers, to be compared."""
        if self.share >= 1.0 or self._takes():
            return True
        if not self._again(request.connection.number):
            self._comparison.written(request)
        return False

    def left(self, outcome: Outcome) -> None:
        """A target has answered a request that was not taken, or has failed to."""
        self._counters.not_compared += 1
        self._comparison.left_unseen(outcome)

    def observed(self, observation: Observation) -> Observation:
        """The observation with a verdict for each target; without, where there is no time for it."""
        exchange, outcomes = observation.exchange, observation.outcomes
        comparison, request = self._comparison, exchange.request
        takes = self._early or self.share >= 1.0 or self._takes()
        began = self._clock() if takes else 0.0
        if exchange.response is not None and (request is None or not self._again(request.connection.number)):
            comparison.production(exchange, in_full=takes)
        if not outcomes:
            return observation
        if not takes:
            self._counters.not_compared += len(outcomes)
            for outcome in outcomes:
                comparison.left_out(exchange, outcome)
            return observation
        self._counters.compared += len(outcomes)
        verdicts = [
            comparison.answered(exchange, out, issued=self._issued(out.target), now_ns=out.sent_ns)
            for out in outcomes
        ]
        self._spent_s += self._clock() - began
        return replace(observation, verdicts=tuple(verdicts))

    def tick(self, now: float, busy_s: float, late_s: float) -> None:
        """What the loop's clock says: the time, how long its thread has wanted to compute, how late this tick is."""
        self._late_s = max(self._late_s, late_s)
        if self._since is None:
            self._since = now, busy_s
        elapsed, late = now - self._since[0], self._late_s > LATE_S
        if not self._sampling or (elapsed < WINDOW_S and not late):
            return
        busy = (busy_s - self._since[1]) / elapsed if elapsed else 0.0
        if busy > BUSY or late:
            if self._spent_s > WORTH * max(elapsed, self._late_s):
                self._give_way()
        elif busy < CALM:
            self.share = min(1.0, self.share + STEP)
        self._since, self._late_s, self._spent_s = (now, busy_s), 0.0, 0.0

    def _takes(self) -> bool:
        self._number += 1
        return _mixed(self._number) < self.share * _WORD

    def _give_way(self) -> None:
        self.share = max(LEAST, self.share / 2)
        if not self._told:
            self._told = True
            self._tell(
                "there is no time to compare all answers: only a sample of them is compared from here on"
            )


def _mixed(number: int) -> int:
    """A number below 2^32 that has no rhythm in common with its argument (the finaliser of MurmurHash3)."""
    number = (number ^ number >> 16) * 0x85EBCA6B % _WORD
    number = (number ^ number >> 13) * 0xC2B2AE35 % _WORD
    return number ^ number >> 16
