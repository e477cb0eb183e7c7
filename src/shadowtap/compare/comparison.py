"""One run's comparison: takes production's exchanges and the targets' outcomes, and knows what came out.

    production(exchange)            learn what changes by itself
    answered(exchange, outcome)     ─► Verdict; noted in the findings of the target
    result()                        everything, with what is known of noise by now

Exchanges and outcomes may come in any order. The reference target, which runs production's version, gets no findings:
its differences are evidence of noise.
"""

from collections.abc import Container, Iterable, Iterator
from functools import lru_cache

import msgspec

from shadowtap.compare.answers import NO_ANSWER, NO_RULES, compare
from shadowtap.compare.conditions import Condition, Figures, Judgement
from shadowtap.compare.expected import SAFE
from shadowtap.compare.findings import Findings, Summary
from shadowtap.compare.latency import Compared, Pairs, latency_in_turn
from shadowtap.compare.learned import Learned, NoiseRule, Source
from shadowtap.compare.repeats import Repeats
from shadowtap.compare.rules import Rules
from shadowtap.endpoints import Endpoints
from shadowtap.events import Difference, Exchange, Outcome, Request, Verdict

MAX_TARGETS = 64
MAX_TIMED = 2000
"""Endpoints of a target whose latency is tested apart; the others count in the whole only."""
_LEARNED = ("learned: ", "reference: ")


class Counts(msgspec.Struct):
    """What became of the requests replayed to one target, as far as conditions ask for it. `left_out` are those that
    there was no time to compare, `unseen` those of them of which production's answer was not even looked at; all
    others count for what is compared."""

    replayed: int = 0
    unanswered: int = 0
    errors: int = 0
    left_out: int = 0
    unseen: int = 0


class Result(msgspec.Struct, frozen=True):
    """What is known of one target: findings, counts, latencies as a whole and by endpoint, and what to judge."""

    summary: Summary
    counts: Counts
    latency: Compared
    endpoints: dict[str, Compared]
    figures: Figures


class _Target:
    """What is gathered for one target."""

    def __init__(self, name: str) -> None:
        self.findings = Findings(name)
        self.counts = Counts()
        self.all = Pairs()
        self.endpoints: dict[str, Pairs] = {}


class Comparison:
    """See above. `reference` names the target that runs production's version; `noise` was learned before. `targets`
    have a result even if they never answer."""

    def __init__(
        self,
        rules: Rules = NO_RULES,
        *,
        endpoints: Endpoints | None = None,
        reference: str | None = None,
        noise: Iterable[NoiseRule] = (),
        targets: Iterable[str] = (),
    ) -> None:
        self.rules = rules
        self.endpoints = endpoints if endpoints is not None else Endpoints()
        self.learned = Learned(noise)
        self._reference = reference
        self._repeats = Repeats()
        self._targets = {name: _Target(name) for name in targets if name != reference}

    def endpoint(self, request: Request) -> str:
        """Method and template, such as `GET /users/{id}`."""
        return _endpoint(request.method[:16], self.endpoints.template(request.method, request.target))

    def production(self, exchange: Exchange, *, in_full: bool = True) -> None:
        """Production has answered: learn from it if the request repeats one. Unless `in_full` only what must not be
        missed is noted: that something has been written."""
        request = exchange.request
        if request is None or not (in_full or request.method not in SAFE):
            return
        endpoint = self.endpoint(request)
        pair = self._repeats.observe(exchange, endpoint)
        if pair is not None:
            verdict = compare(*pair, self.rules, endpoint=endpoint)
            if not verdict.skipped:
                self.learned.pair(Source.PRODUCTION, endpoint, verdict.differences)

    def written(self, request: Request) -> None:
        """A request of production's is left out: if it asks for a change, that must not be missed."""
        if request.method not in SAFE:
            self._repeats.written(request)

    def answered(
        self,
        exchange: Exchange,
        outcome: Outcome,
        *,
        issued: Container[tuple[str, str]] = frozenset(),
        now_ns: int = 0,
    ) -> Verdict:
        """A target has answered, or has failed to: whether it did as production did."""
        endpoint = self.endpoint(exchange.request or outcome.request)
        if outcome.target == self._reference:
            return self._refer(exchange, outcome, endpoint, issued)
        noise = self.learned.at(outcome.target)
        verdict = compare(exchange, outcome, self.rules, endpoint=endpoint, learned=noise, issued=issued)
        self._judged(exchange, outcome, verdict, endpoint, now_ns)
        return verdict

    def judged(self, exchange: Exchange, outcome: Outcome, verdict: Verdict, *, now_ns: int = 0) -> None:
        """A target has answered, and was judged before: a recording holds the verdict."""
        endpoint = self.endpoint(exchange.request or outcome.request)
        if outcome.target != self._reference:
            self._judged(exchange, outcome, verdict, endpoint, now_ns)
        elif not verdict.skipped:
            self.learned.pair(Source.REFERENCE, endpoint, _unfixed(verdict))

    def _judged(
        self, exchange: Exchange, outcome: Outcome, verdict: Verdict, endpoint: str, now_ns: int
    ) -> None:
        target = self._target(outcome.target)
        self._note(target, exchange, outcome, endpoint)
        target.findings.add(exchange, outcome, verdict, endpoint, now_ns)
        if not verdict.skipped:
            unfixed = _unfixed(verdict) if verdict.differences or verdict.noise else ()
            self.learned.compared(outcome.target, endpoint, unfixed)

    def left_out(self, exchange: Exchange, outcome: Outcome) -> None:
        """A target has answered, or has failed to, and there is no time to compare it."""
        if outcome.target != self._reference:
            counts = self._target(outcome.target).counts
            counts.left_out += 1
            _count(counts, exchange, outcome)

    def left_unseen(self, outcome: Outcome) -> None:
        """The same, where production's answer is not looked at either."""
        if outcome.target != self._reference:
            counts = self._target(outcome.target).counts
            counts.replayed += 1
            counts.left_out += 1
            if outcome.failure is not None:
                counts.unanswered += 1
            else:
                counts.unseen += 1

    def result(self) -> list[Result]:
        """What is known of each target by now."""
        return [result for result in self.results_in_turn() if result is not None]

    def results_in_turn(self) -> Iterator[Result | None]:
        """The same for a run that goes on meanwhile: None after each piece of work, for others to have their turn."""
        self._regroup()
        for target in list(self._targets.values()):
            endpoints: dict[str, Compared] = {}
            for endpoint, compared in latency_in_turn(target.endpoints.items()):
                endpoints[endpoint] = compared
                yield None
            yield self._result(target, endpoints)

    def judge(self, condition: Condition) -> list[Judgement]:
        """Whether each target has failed under a condition."""
        return [condition.judge(r.summary.target, r.figures) for r in self.result()]

    def _refer(
        self, exchange: Exchange, outcome: Outcome, endpoint: str, issued: Container[tuple[str, str]]
    ) -> Verdict:
        verdict = compare(exchange, outcome, self.rules, endpoint=endpoint, issued=issued)
        if not verdict.skipped:
            self.learned.pair(Source.REFERENCE, endpoint, verdict.differences)
        return verdict

    def _target(self, name: str) -> _Target:
        target = self._targets.get(name)
        if target is None:
            name = name if len(self._targets) < MAX_TARGETS else "other targets"
            target = self._targets.setdefault(name, _Target(name))
        return target

    def _note(self, target: _Target, exchange: Exchange, outcome: Outcome, endpoint: str) -> None:
        _count(target.counts, exchange, outcome)
        response, latency = exchange.response, exchange.latency_ns
        if outcome.failure is not None or response is None or response.fault is not None:
            return
        if latency is None or latency <= 0:
            return
        target.all.record(latency, outcome.first_byte_ns)
        pairs = target.endpoints.get(endpoint)
        if pairs is None and len(target.endpoints) < MAX_TIMED:
            pairs = target.endpoints[endpoint] = Pairs()
        if pairs is not None:
            pairs.record(latency, outcome.first_byte_ns)

    def _regroup(self) -> None:
        self.learned.regroup(self._current)
        for target in self._targets.values():
            target.findings.regroup(self._current)
            for endpoint in list(target.endpoints):
                name = self._current(endpoint)
                if name != endpoint:
                    target.endpoints.setdefault(name, Pairs()).absorb(target.endpoints.pop(endpoint))

    def _current(self, endpoint: str) -> str:
        method, _, template = endpoint.partition(" ")
        return f"{method} {self.endpoints.current(template)}"

    def _result(self, target: _Target, endpoints: dict[str, Compared]) -> Result:
        summary = target.findings.summary(self.learned)
        counts, compared = target.counts, summary.compared
        skipped = sum(n for why, n in summary.skipped.items() if not why.startswith(NO_ANSWER))
        shares = {
            "mismatch": (summary.mismatched, compared),
            **{f"{name}_mismatch": (n, compared) for name, n in summary.categories.items()},
            "unanswered": (counts.unanswered, counts.replayed),
            "errors": (counts.errors, counts.replayed - counts.unanswered - counts.unseen),
            "skipped": (skipped, compared + skipped),
        }
        slower = sorted(name for name, found in endpoints.items() if found.verdict == "slower")
        figures = Figures(shares, target.all.production, target.all.target, slower)
        return Result(summary, counts, target.all.compared(), endpoints, figures)


@lru_cache(maxsize=8192)
def _endpoint(method: bytes, template: str) -> str:
    return f"{method.decode('latin-1')} {template}"


def _count(counts: Counts, exchange: Exchange, outcome: Outcome) -> None:
    counts.replayed += 1
    if outcome.failure is not None:
        counts.unanswered += 1
    elif exchange.response is not None:
        counts.errors += outcome.status >= 500 > exchange.response.status


def _unfixed(verdict: Verdict) -> list[Difference]:
    """The differences that no fixed rule explains: those that mean something, and learned noise."""
    return [*verdict.differences, *(d for d, rule in verdict.noise if rule.startswith(_LEARNED))]
