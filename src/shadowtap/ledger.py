"""The account: what arrived, what was lost, and the one fate of every request.

Each stage adds to the counters that belong to it; the ledger only holds them together. The laws, which hold at
every moment and which `Ledger.imbalances` checks:

    frames            = segments + sum(dropped)                                     (a reassembled packet is a frame)
    seen + added      = replayed + recorded + filtered + sampled_out + refused + incomplete + overflowed + waiting
    offered (target)  = replayed + overflowed + refused for RATE_LIMIT             (of all requests)
    offered (target)  = replayed + refused + overflowed                            (each target)
    replayed (target) = answered + failed + in_flight                              (each target)
    seen + added      = observed + open                                            (where somebody wants observations)
    observed          = offered + left_out                                         (each sink)
    offered (sink)    = written + lost + waiting                                   (each sink; in the end none waits)

A request counts as replayed if at least one target took it, as overflowed if every target's queue was full, and as
refused for RATE_LIMIT if none took it because of its rate. Without any target it counts as recorded.
"""

from collections import Counter
from typing import Any

import msgspec
import numpy as np

RATE_LIMIT = "rate_limit"
"""Refused because every target that was not full had as many requests as its rate allows: the one reason to refuse
a request after it was offered."""

_SUB_BITS = 4
_SUB = 1 << _SUB_BITS
_NOTED = 4096
"""Durations noted before they are sorted in."""


class Latency:
    """A histogram of durations in nanoseconds: 16 buckets an octave, so a quantile is within 4 % of the truth.

    Recording is on the path of every request, so durations are only noted there and sorted into buckets together.
    """

    __slots__ = ("_counts", "_max_ns", "_noted", "_sum_ns")

    def __init__(self) -> None:
        self._counts = np.zeros(64 * _SUB, np.int64)
        self._noted: list[int] = []
        self._sum_ns = 0
        self._max_ns = 0

    @classmethod
    def between(cls, before: list[int], after: list[int]) -> "Latency":
        """What came between two states of `counts`; the longest is known by its bucket only."""
        latency = cls()
        latency._counts = np.array(after, np.int64) - np.array(before, np.int64)
        latency._max_ns = 1 << 62
        return latency

    def record(self, ns: int) -> None:
        """Add one duration; below zero counts as zero."""
        noted = self._noted
        noted.append(ns)
        if len(noted) >= _NOTED:
            self._sort_in()

    def _sort_in(self) -> None:
        noted, self._noted = self._noted, []
        ns = np.maximum(np.array(noted, np.int64), _SUB)
        octave = np.frexp(ns.astype(np.float64))[1] - 1 - _SUB_BITS
        octave -= ns >> (octave + _SUB_BITS) == 0  # rounded up to the next power of two
        buckets = (octave << _SUB_BITS) + (ns >> octave) - _SUB
        self._counts += np.bincount(buckets, minlength=64 * _SUB)
        self._sum_ns += int(ns.sum())
        self._max_ns = max(self._max_ns, int(ns.max()))

    @property
    def counts(self) -> list[int]:
        """How many durations each bucket holds."""
        if self._noted:
            self._sort_in()
        return self._counts.tolist()

    @property
    def count(self) -> int:
        """How many durations there are."""
        return sum(self.counts)

    @property
    def sum_ns(self) -> int:
        """All durations together."""
        return self._sum_ns if self.counts else 0

    @property
    def max_ns(self) -> int:
        """The longest."""
        return self._max_ns if self.counts else 0

    def quantile(self, share: float) -> int | None:
        """The duration below which `share` (0 to 1) of the records lie, in ns; None when there are none."""
        counts = self.counts
        count = sum(counts)
        if not count:
            return None
        rank, passed = share * count, 0
        for bucket, n in enumerate(counts):
            passed += n
            if n and passed >= rank:
                octave, sub = bucket >> _SUB_BITS, bucket & (_SUB - 1)
                return min((_SUB + sub << octave) + ((1 << octave) >> 1), self.max_ns)
        return self.max_ns

    def as_dict(self) -> dict[str, int | None]:
        """Count, mean and the usual quantiles, in ns."""
        names = {"p50_ns": 0.5, "p90_ns": 0.9, "p99_ns": 0.99, "p999_ns": 0.999}
        count = self.count
        mean = self.sum_ns // count if count else None
        return {
            "count": count,
            "mean_ns": mean,
            **{name: self.quantile(share) for name, share in names.items()},
            "max_ns": self.max_ns if count else None,
        }


class CaptureCounters(msgspec.Struct):
    """What one source received. `kernel_drops` never reached the process; `cut` frames were longer than the
    slot they were received into; `refused` were dropped at the door, by reason (a sender that is not allowed)."""

    frames: int = 0
    bytes: int = 0
    batches: int = 0
    kernel_drops: int = 0
    cut: int = 0
    refused: Counter[str] = msgspec.field(default_factory=Counter)


class PacketCounters(msgspec.Struct):
    """Decapsulation: every frame becomes a segment or is dropped for one reason. `cut_segments` is how many
    segments came with fewer payload bytes than their sender sent; they go on, with the bytes there are."""

    frames: int = 0
    segments: int = 0
    dropped: Counter[str] = msgspec.field(default_factory=Counter)
    cut_segments: int = 0
    reassembled: int = 0


class FlowCounters(msgspec.Struct):
    """TCP streams. `gaps` and `gap_bytes` are holes that were given up; `late_bytes` came after their hole was."""

    opened: int = 0
    joined: int = 0
    closed: Counter[str] = msgspec.field(default_factory=Counter)
    open_now: int = 0
    payload_bytes: int = 0
    reordered: int = 0
    retransmitted: int = 0
    gaps: int = 0
    gap_bytes: int = 0
    buffered_bytes: int = 0
    outside_window: int = 0


class MessageCounters(msgspec.Struct):
    """HTTP reading. `not_http` counts streams that were recognised as something else, by what they are."""

    requests: int = 0
    responses: int = 0
    interim: int = 0
    responses_without_request: int = 0
    responses_incomplete: Counter[str] = msgspec.field(default_factory=Counter)
    not_http: Counter[str] = msgspec.field(default_factory=Counter)
    skipped_bytes: int = 0
    buffered_bytes: int = 0


class Answers:
    """Answers of production or of a target: how many with which status, and how long they took."""

    __slots__ = ("latency", "statuses")

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.latency = Latency()

    def record(self, status: int, latency_ns: int | None) -> None:
        """Add one answer; the latency runs from the request's last byte to the answer's first."""
        self.statuses[status] += 1
        if latency_ns is not None:
            self.latency.record(latency_ns)

    def as_dict(self) -> dict[str, Any]:
        """Statuses as text keys, and the latency."""
        statuses = {str(status): n for status, n in sorted(self.statuses.items())}
        return {"statuses": statuses, "latency": self.latency.as_dict()}


class SessionCounters(msgspec.Struct):
    """Re-binding at one target: its values in place of production's. `bound` pairs were learned, of which `known` are
    remembered and `forgotten` are not; `substituted` counts values put into requests, by where they stand, and
    `requests` those requests. `waited` requests waited for an answer: until it came (`released`), too long (`late`),
    in vain because they failed (`dropped`), or they do so now (`waiting`). `given_up` answers were not kept until
    the other one came, for lack of room."""

    requests: int = 0
    substituted: Counter[str] = msgspec.field(default_factory=Counter)
    bound: int = 0
    known: int = 0
    forgotten: int = 0
    waited: int = 0
    released: int = 0
    late: int = 0
    dropped: int = 0
    waiting: int = 0
    given_up: int = 0


class TargetAccount:
    """What one target was offered and what became of it. `state` is for people: up, down, refused. `sessions` is None
    where they are not re-bound."""

    __slots__ = (
        "answered",
        "answers",
        "bytes_sent",
        "connections",
        "connections_opened",
        "failed",
        "in_flight",
        "name",
        "offered",
        "overflowed",
        "refused",
        "replayed",
        "retries",
        "sessions",
        "state",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = "up"
        self.sessions: SessionCounters | None = None
        self.offered = 0
        self.replayed = 0
        self.overflowed = 0
        self.refused: Counter[str] = Counter()
        self.answered = 0
        self.failed: Counter[str] = Counter()
        self.in_flight = 0
        self.retries = 0
        self.bytes_sent = 0
        self.connections = 0
        self.connections_opened = 0
        self.answers = Answers()

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        plain = ("name", "state", "offered", "replayed", "overflowed", "answered", "in_flight")
        more = ("retries", "bytes_sent", "connections", "connections_opened")
        return {
            **{name: getattr(self, name) for name in plain},
            "refused": dict(self.refused),
            "failed": dict(self.failed),
            **{name: getattr(self, name) for name in more},
            **self.answers.as_dict(),
            "sessions": msgspec.to_builtins(self.sessions),
        }


class RequestAccount(msgspec.Struct):
    """The one fate of every request of production, and of those that a program of the user's has `added`. `recorded`
    requests had no target to go to; `waiting` ones have no fate yet: rules wait for production's answer, or a program
    has them."""

    seen: int = 0
    added: int = 0
    replayed: int = 0
    recorded: int = 0
    filtered: Counter[str] = msgspec.field(default_factory=Counter)
    sampled_out: int = 0
    refused: Counter[str] = msgspec.field(default_factory=Counter)
    incomplete: Counter[str] = msgspec.field(default_factory=Counter)
    overflowed: int = 0
    waiting: int = 0

    def offered(self) -> int:
        """How many were offered to the targets."""
        held = self.recorded + self.filtered.total() + self.sampled_out + self.incomplete.total()
        refused = self.refused.total() - self.refused[RATE_LIMIT]
        return self.seen + self.added - held - refused - self.waiting


class ObservationCounters(msgspec.Struct):
    """Requests joined with all their answers, where somebody wants them. `emitted` is complete or counted in `early`,
    by the limit that did not let it wait; `late` are answers that came afterwards. `not_joined` are requests that
    only comparing wanted to know of, and there was no time for. `compared` counts targets' answers and failures that
    were compared with production's, `not_compared` those that there was no time for."""

    emitted: int = 0
    not_joined: int = 0
    open_now: int = 0
    open_bytes: int = 0
    early: Counter[str] = msgspec.field(default_factory=Counter)
    late: int = 0
    compared: int = 0
    not_compared: int = 0


class SinkAccount(msgspec.Struct):
    """What one sink was offered and what became of it. `left_out` are observations that it does not want; `masked`
    counts what was masked in it, by kind; `details` are counters of its own kind."""

    name: str
    state: str = "up"
    offered: int = 0
    written: int = 0
    lost: Counter[str] = msgspec.field(default_factory=Counter)
    left_out: int = 0
    masked: Counter[str] = msgspec.field(default_factory=Counter)
    details: dict[str, Any] = {}

    @property
    def waiting(self) -> int:
        """Observations that were taken and are neither written nor lost."""
        return self.offered - self.written - self.lost.total()


class ScheduleAccount:
    """How a schedule was kept. `lateness` is how long after its intended moment each request was sent; `intended` are
    the latencies of each target from there, so that a target which holds up its own requests cannot look fast.
    `lap` and `laps` count from 1, 0 `laps` are endless; `left_s` is an estimate."""

    __slots__ = ("intended", "lap", "laps", "lateness", "left_s", "sent", "share", "speed")

    def __init__(self, speed: float | None, laps: int) -> None:
        self.speed = speed
        self.lap = 1
        self.laps = laps
        self.sent = 0
        self.lateness = Latency()
        self.intended: dict[str, Latency] = {}
        self.share: float | None = None
        self.left_s: float | None = None

    def from_intended(self, target: str) -> Latency:
        """The latencies of a target, from the intended moments."""
        found = self.intended.get(target)
        if found is None:
            found = self.intended[target] = Latency()
        return found

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        plain = {name: getattr(self, name) for name in ("speed", "lap", "laps", "sent", "share", "left_s")}
        intended = {name: latency.as_dict() for name, latency in self.intended.items()}
        return {**plain, "lateness": self.lateness.as_dict(), "latency_from_intended": intended}


class ChangeCounters(msgspec.Struct):
    """What was changed in requests on their way to the targets, each by the name of the rule, kind or function.

    `matched` and `allowed` count decisions by rule; `rewritten` the requests that a rule changed and `unreadable` the
    bodies that it could not read; `masked` what was masked, by kind; `hooks` and `middleware` what users' code did;
    `copies` and `legs` how requests that were mirrored twice were found.
    """

    matched: dict[str, int] = {}
    allowed: dict[str, int] = {}
    rewritten: dict[str, int] = {}
    unreadable: dict[str, int] = {}
    masked: dict[str, int] = {}
    hooks: dict[str, int] = {}
    middleware: dict[str, int] = {}
    copies: dict[str, int] = {}
    legs: dict[str, int] = {}


class Ledger:
    """Every counter of one run, in one place. `started_ns` and `now_ns` are wall-clock nanoseconds; `ended` says
    in a few words why the run is over."""

    __slots__ = (
        "capture",
        "changes",
        "ended",
        "flows",
        "messages",
        "observations",
        "packets",
        "production",
        "requests",
        "schedule",
        "sinks",
        "started_ns",
        "targets",
    )

    def __init__(self, started_ns: int = 0) -> None:
        self.started_ns = started_ns
        self.ended = ""
        self.capture: dict[str, CaptureCounters] = {}
        self.packets = PacketCounters()
        self.flows = FlowCounters()
        self.messages = MessageCounters()
        self.requests = RequestAccount()
        self.production = Answers()
        self.changes = ChangeCounters()
        self.targets: dict[str, TargetAccount] = {}
        self.observations: ObservationCounters | None = None
        self.sinks: dict[str, SinkAccount] = {}
        self.schedule: ScheduleAccount | None = None

    def imbalances(self) -> list[str]:
        """The laws that do not hold, as sentences; an empty list is the promise kept."""
        packets, requests = self.packets, self.requests
        whole = requests.seen + requests.added
        held = whole - requests.offered()
        after = requests.replayed + requests.overflowed + requests.refused[RATE_LIMIT]
        laws = [
            ("frames", packets.frames, packets.segments + packets.dropped.total()),
            ("seen", whole, after + held),
        ]
        for name, target in self.targets.items():
            taken = target.replayed + target.overflowed + target.refused.total()
            laws.append((f"offered to {name}", requests.offered(), target.offered))
            laws.append((f"offered to {name}", target.offered, taken))
            settled = target.answered + target.failed.total() + target.in_flight
            laws.append((f"replayed to {name}", target.replayed, settled))
            if (sessions := target.sessions) is not None:
                held = sessions.released + sessions.late + sessions.dropped + sessions.waiting
                laws.append((f"waited at {name}", sessions.waited, held))
        laws += self._of_observations()
        return [f"{what}: {whole} is not {parts}" for what, whole, parts in laws if whole != parts]

    def _of_observations(self) -> list[tuple[str, int, int]]:
        observed = self.observations
        if observed is None:
            return []
        whole = self.requests.seen + self.requests.added
        laws = [("observed", whole, observed.emitted + observed.open_now + observed.not_joined)]
        for name, sink in self.sinks.items():
            laws.append((f"offered to {name}", observed.emitted, sink.offered + sink.left_out))
            laws.append((f"waiting for {name}", max(sink.waiting, 0), sink.waiting))
        return laws

    def as_dict(self, now_ns: int) -> dict[str, Any]:
        """The whole account for JSON: plain dicts, counts as integers, durations in ns."""
        return {
            "elapsed_s": round((now_ns - self.started_ns) / 1e9, 3),
            "requests": msgspec.to_builtins(self.requests),
            "changes": {k: n for k, n in msgspec.to_builtins(self.changes).items() if n},
            "targets": [target.as_dict() for target in self.targets.values()],
            "observations": msgspec.to_builtins(self.observations),
            "sinks": [{**msgspec.to_builtins(s), "waiting": s.waiting} for s in self.sinks.values()],
            "schedule": None if self.schedule is None else self.schedule.as_dict(),
            "production": self.production.as_dict(),
            "messages": msgspec.to_builtins(self.messages),
            "flows": msgspec.to_builtins(self.flows),
            "packets": msgspec.to_builtins(self.packets),
            "capture": {name: msgspec.to_builtins(c) for name, c in self.capture.items()},
            "balanced": not self.imbalances(),
        }
