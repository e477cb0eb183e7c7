"""What happened lately: rates and latencies over the last seconds, from a ledger that only ever counts up.

`observe` keeps a snapshot at most every `step_s`; the figures are those between the newest and the oldest one that
is kept, so they cover between `span_s` and `span_s` plus one step.
"""

from collections import deque
from typing import NamedTuple

from shadowtap.ledger import Answers, Latency, Ledger


class Snapshot(NamedTuple):
    """The counters at one moment; `counts` holds the latency buckets of production ("") and of each target."""

    now_ns: int
    figures: dict[str, int]
    counts: dict[str, list[int]]


class Recent:
    """Rates over a sliding window."""

    def __init__(self, span_s: float = 5.0, step_s: float = 0.5) -> None:
        self._span_ns = int(span_s * 1e9)
        self._step_ns = int(step_s * 1e9)
        self._kept: deque[Snapshot] = deque()
        self._now: Snapshot | None = None

    def observe(self, ledger: Ledger, now_ns: int) -> None:
        """Take the counters as they are now."""
        self._now = snapshot(ledger, now_ns)
        kept = self._kept
        if not kept or now_ns - kept[-1].now_ns >= self._step_ns:
            kept.append(self._now)
        while len(kept) > 1 and now_ns - kept[1].now_ns >= self._span_ns:
            kept.popleft()

    def rate(self, figure: str) -> float:
        """How much a figure grew a second, lately; 0 where there is nothing to tell from."""
        if self._now is None:
            return 0.0
        then = self._kept[0]
        seconds = (self._now.now_ns - then.now_ns) / 1e9
        return (self._now.figures[figure] - then.figures.get(figure, 0)) / seconds if seconds > 0 else 0.0

    def latency(self, who: str) -> Latency:
        """The latencies of production ("") or of a target, lately."""
        if self._now is None or self._kept[0] is self._now:
            return Latency()
        counts = self._now.counts[who]
        before = self._kept[0].counts.get(who, [0] * len(counts))
        return Latency.between(before, counts)


def snapshot(ledger: Ledger, now_ns: int) -> Snapshot:
    """The counters that views ask about, copied."""
    sources = ledger.capture.values()
    figures = {
        "packets": sum(source.frames for source in sources),
        "kernel drops": sum(source.kernel_drops for source in sources),
        "seen": ledger.requests.seen,
        "replayed": ledger.requests.replayed,
        "answers": sum(ledger.production.statuses.values()),
    }
    counts = {"": _counts(ledger.production)}
    for name, target in ledger.targets.items():
        figures[f"answers {name}"] = target.answered
        figures[f"failed {name}"] = target.failed.total()
        counts[name] = _counts(target.answers)
    return Snapshot(now_ns, figures, counts)


def _counts(answers: Answers) -> list[int]:
    return answers.latency.counts
