"""The transforms in their order, and the one fate of every request that enters.

    write safety ─► filter ─► sample ─► (wait for production's answer) ─► steps: rewrite ─► mask ─► hooks

What can be refused early is: a request out of the sample never waits for an answer. Rules see the request as
production saw it, since they stand before the steps that change it. Nothing overtakes within a connection.

The law: every request that enters comes out exactly once, as itself, as what the steps made of it, or as `Dropped`;
at every moment entered = passed + dropped + held.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from shadowtap.events import Ended, Exchange, Request
from shadowtap.transform.fate import HELD, Bucket, Dropped, Later, Step
from shadowtap.transform.filter import Filter
from shadowtap.transform.safety import UNSAFE_METHOD, Safety
from shadowtap.transform.sample import Sample
from shadowtap.transform.waiting import Waiting

ANSWER_MISSING = "answer_missing"
"""Production's answer was not captured, or there was none."""
ANSWER_LATE = "answer_late"
"""It did not come in the time a request may wait."""
ANSWER_BACKLOG = "answer_backlog"
"""There was no room to wait for it."""

Out = Request | Dropped | Ended


class Chain:
    """What the runner gives every request to. `send_unanswered` lets requests pass whose answer, on which a rule
    depends, is missing or late; otherwise they are filtered under these names."""

    __slots__ = ("_filter", "_safety", "_sample", "_send_unanswered", "_steps", "_waiting")

    def __init__(
        self,
        *,
        safety: Safety | None = None,
        filter: Filter | None = None,
        sample: Sample | None = None,
        steps: Sequence[Step] = (),
        waiting: Waiting | None = None,
        send_unanswered: bool = False,
    ) -> None:
        self._safety = safety
        self._filter = filter
        self._sample = sample
        self._steps = tuple(steps)
        self._waiting = (waiting or Waiting()) if filter is not None and filter.needs_answer else None
        self._send_unanswered = send_unanswered

    @property
    def held(self) -> int:
        """Requests that wait now."""
        return self._waiting.requests if self._waiting is not None else 0

    @property
    def matched(self) -> Counter[str]:
        """Requests that each `only` and `skip` rule decided, by its text."""
        return self._filter.matched if self._filter is not None else Counter()

    @property
    def allowed(self) -> Counter[str]:
        """Writes that each rule let through, by its text."""
        return self._safety.allowed if self._safety is not None else Counter()

    @property
    def reasons(self) -> dict[Bucket, tuple[str, ...]]:
        """The reasons that the rules may give, so that each has its line in the ledger from the start."""
        refused = (UNSAFE_METHOD,) if self._safety is not None else ()
        filtered = self._filter.reasons if self._filter is not None else ()
        if self._waiting is not None:
            filtered += (ANSWER_MISSING, ANSWER_LATE, ANSWER_BACKLOG)
        return {Bucket.REFUSED: refused, Bucket.FILTERED: filtered}

    def apply(self, request: Request, now_ns: int) -> Request | Dropped | Later:
        """What is to be sent, or why nothing is; HELD: it comes out of one of the other methods later."""
        if self._safety is not None and self._safety.refuses(request):
            return Dropped(request, Bucket.REFUSED, UNSAFE_METHOD)
        decided = self._filter.decide(request) if self._filter is not None else None
        if isinstance(decided, str):
            return Dropped(request, Bucket.FILTERED, decided)
        if self._sample is not None and not self._sample.keeps(request):
            return Dropped(request, Bucket.SAMPLED_OUT)
        if self._waiting is not None and (decided or self._waiting.holds(request.connection.number)):
            return self._wait(self._waiting, request, now_ns, decided)
        return self._change(request)

    def answered(self, exchange: Exchange) -> list[Out]:
        """Production's answer, or that there is none: what it lets go on."""
        waiting, request, response = self._waiting, exchange.request, exchange.response
        if waiting is None or request is None or self._filter is None or not waiting.knows(exchange):
            return []
        if response is None:
            return self._settle(waiting, request, self._unanswered(ANSWER_MISSING))
        if response.status < 200 and response.status != 101:
            return []  # an interim answer; the final one follows
        return self._settle(waiting, request, self._filter.decide_with_answer(exchange))

    def ended(self, ended: Ended) -> list[Out]:
        """The end of a connection's requests: itself, unless some of them still wait; then it comes behind them."""
        if self._waiting is None or not self._waiting.holds(ended.connection):
            return [ended]
        self._waiting.follow_end(ended)
        return []

    def advance(self, now_ns: int) -> list[Out]:
        """What the passing of time lets go on. `now_ns` is of the clock that `apply` is given."""
        waiting = self._waiting
        if waiting is None or not waiting.requests:
            return []
        return self._settle_all(waiting, waiting.overdue(now_ns), ANSWER_LATE)

    def finish(self) -> list[Out]:
        """The run ends: nothing is held any more."""
        waiting = self._waiting
        return [] if waiting is None else self._settle_all(waiting, waiting.undecided(), ANSWER_MISSING)

    def _wait(
        self, waiting: Waiting, request: Request, now_ns: int, decided: Later | None
    ) -> Dropped | Later:
        kept = waiting.hold(request, now_ns) if decided is HELD else waiting.follow(request)
        return HELD if kept else Dropped(request, Bucket.FILTERED, ANSWER_BACKLOG)

    def _unanswered(self, reason: str) -> str | None:
        return None if self._send_unanswered else reason

    def _settle_all(self, waiting: Waiting, requests: Iterable[Request], reason: str) -> list[Out]:
        decided = self._unanswered(reason)
        return [out for request in requests for out in self._settle(waiting, request, decided)]

    def _settle(self, waiting: Waiting, request: Request, reason: str | None) -> list[Out]:
        dropped: list[Out] = [] if reason is None else [Dropped(request, Bucket.FILTERED, reason)]
        released = waiting.settle(request, keep=reason is None)
        return dropped + [self._change(m) if isinstance(m, Request) else m for m in released]

    def _change(self, request: Request) -> Request | Dropped:
        for step in self._steps:
            changed = step(request)
            if isinstance(changed, Dropped):
                return changed
            request = changed
        return request
