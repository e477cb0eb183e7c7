"""Reports of a run, while it goes on and at its end: observations in, `Report`s out, masked.

What a run has found can be much: hundreds of groups of differences with examples, thousands of endpoints to be
tested. While it goes on, a report is therefore made in pieces between which the run has its turn, and what only reads
values that do not change any more (masking, markup) is done in a thread. When nobody looks, only the adding up costs
anything.
"""

import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from shadowtap.compare import Comparison, Condition, Judgement, NoiseRule, Result, as_dict
from shadowtap.config import Settings
from shadowtap.config.compare import conditions_of
from shadowtap.events import Exchange, Observation, Outcome, Verdict
from shadowtap.ledger import Ledger
from shadowtap.masking import Masker
from shadowtap.report.page import Report, Traffic, TrafficSeen, parts
from shadowtap.report.summary import as_json
from shadowtap.runner.sinks import masker_of, masking_key

REMEMBERED = 2048
"""Examples and names whose masked form is remembered: those of a page."""
TURN_S = 0.002
"""How long the event loop is held at once, about."""


class Found(NamedTuple):
    """What a comparison knows at one moment."""

    results: Sequence[Result]
    judgements: Sequence[Judgement]
    noise: Sequence[NoiseRule]


class Shown:
    """What may be shown of values: masked, and remembered, since a live page shows the same examples again and again.
    Not for several threads at once."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._names: dict[str, str] = {}
        self._exchanges: dict[int, tuple[Exchange, Exchange]] = {}
        self._outcomes: dict[int, tuple[Outcome, Outcome]] = {}

    def name(self, text: str) -> str:
        """The name of an endpoint, a place or a rule."""
        if text not in self._names:
            if len(self._names) >= 4 * REMEMBERED:
                self._names.clear()
            self._names[text] = self._masker.text(text)
        return self._names[text]

    text = name

    def exchange(self, exchange: Exchange) -> Exchange:
        """Both sides of an exchange."""
        known = self._exchanges.get(id(exchange))
        if known is None:
            if len(self._exchanges) >= REMEMBERED:
                self._exchanges.clear()
            # The key is an address, which is not used again as long as the value lives here.
            known = self._exchanges[id(exchange)] = (exchange, self._masker.exchange(exchange))
        return known[1]

    def outcome(self, outcome: Outcome) -> Outcome:
        """A replayed request and its answer."""
        known = self._outcomes.get(id(outcome))
        if known is None:
            if len(self._outcomes) >= REMEMBERED:
                self._outcomes.clear()
            known = self._outcomes[id(outcome)] = (outcome, self._masker.outcome(outcome))
        return known[1]

    def verdict(self, verdict: Verdict) -> Verdict:
        """Differences, with their values."""
        return self._masker.verdict(verdict)


class Reporter:
    """Makes reports of one run. `comparison` is the run's, where answers are compared. Raises UsageError where the
    key for masking cannot be read or a condition is wrong."""

    def __init__(
        self, settings: Settings, comparison: Comparison | None = None, *, title: str = "shadowtap report"
    ) -> None:
        self.traffic = Traffic(comparison.endpoints if comparison is not None else None)
        self._comparison = comparison
        self._conditions = conditions_of(settings.compare)
        self._sources = settings.sources
        key = masking_key(settings.mask, os.urandom)
        self._shown, self._shown_live = (Shown(masker_of(settings.mask, key)) for _ in range(2))
        targets = [str(target.address) for target in settings.targets]
        origin = " → ".join(", ".join(names) for names in (settings.sources, targets) if names)
        self._base = Report(title=title, origin=self._shown.name(origin))

    def add(self, observation: Observation) -> None:
        """All that is known of a request."""
        self.traffic.add(observation)

    def report(self, ledger: Ledger, now_ns: int, ended: str) -> Report:
        """What is known at the end."""
        found = None
        if self._comparison is not None:
            found = found_of(self._comparison, self._comparison.result(), self._conditions)
        account = self._account(ledger, now_ns, ended)
        made = self._made(found, account, self.traffic.seen(), self._shown)
        return msgspec.structs.replace(made, made_ns=now_ns)

    def frame(self) -> Report:
        """A live page that has no sections yet."""
        return msgspec.structs.replace(self._base, live=True)

    async def live_parts(self, ledger: Ledger) -> dict[str, str]:
        """The sections of a live page. The run goes on meanwhile. Not to be asked twice at once."""
        found = None
        if self._comparison is not None:
            results = await _in_turn(self._comparison)
            found = found_of(self._comparison, results, self._conditions)
        account, seen = self._account(ledger, time.time_ns(), "running"), self.traffic.seen()

        def made() -> dict[str, str]:
            report = self._made(found, account, seen, self._shown_live)
            return parts(msgspec.structs.replace(report, live=True))

        return await asyncio.get_running_loop().run_in_executor(None, made)

    def _made(self, found: Found | None, account: dict[str, Any], seen: TrafficSeen, shown: Shown) -> Report:
        return msgspec.structs.replace(
            self._base,
            account=account,
            findings=None if found is None else findings_of(found, shown),
            traffic=seen.renamed(shown.name),
        )

    def _account(self, ledger: Ledger, now_ns: int, ended: str) -> dict[str, Any]:
        account: dict[str, Any] = msgspec.json.decode(as_json(ledger, now_ns, ended, self._sources))
        return account


def found_of(comparison: Comparison, results: Sequence[Result], conditions: Iterable[Condition]) -> Found:
    """What is known, with what the conditions say of it."""
    judgements = [
        condition.judge(result.summary.target, result.figures)
        for condition in conditions
        for result in results
    ]
    return Found(results, judgements, comparison.learned.rules())


def findings_of(found: Found, shown: Shown) -> dict[str, Any]:
    """The findings as `--compare-json` has them, with the names of endpoints and places masked, too."""
    findings = as_dict(found.results, found.judgements, found.noise, shown)
    name = shown.name
    for judged in findings["judgements"]:
        judged["reasons"] = [name(reason) for reason in judged["reasons"]]
    for target in findings["targets"]:
        target["differences"] = [_named(group, name) for group in target["differences"]]
        target["slower"] = [name(endpoint) for endpoint in target["slower"]]
        for field in ("latency_by_endpoint", "noise_by_rule"):
            target[field] = {name(key): value for key, value in target[field].items()}
    findings["noise"] = [_named(rule, name) for rule in findings["noise"]]
    return findings


def _named(row: dict[str, Any], name: Any) -> dict[str, Any]:
    return {**row, "endpoint": name(row["endpoint"]), "where": name(row["where"])}


async def _in_turn(comparison: Comparison) -> list[Result]:
    results: list[Result] = []
    began = time.perf_counter()
    for result in comparison.results_in_turn():
        results += [] if result is None else [result]
        if time.perf_counter() - began > TURN_S:
            await asyncio.sleep(0)
            began = time.perf_counter()
    return results
