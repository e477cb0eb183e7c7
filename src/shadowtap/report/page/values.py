"""What a page is made of, as plain values; and what it reads of the files that other commands write.

The account and the findings come as dicts, in the shapes of `--summary` and `--compare-json`, so that a page can be
made of a run as well as of its files. The structs here name what the page needs of them; what is missing has a
default, what is more is left alone.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from shadowtap.errors import UsageError
from shadowtap.report.page.histogram import Histogram

CLASSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")
"""What answers are counted by; `none` is no answer, or a failure."""
NO_CLASSES = (0,) * len(CLASSES)


class Side(msgspec.Struct):
    """The answers of production or of one target: counts by `CLASSES`, latencies; for a target how many were
    `compared` and `differ` from production's."""

    classes: list[int] = msgspec.field(default_factory=lambda: list(NO_CLASSES))
    latency: Histogram = msgspec.field(default_factory=Histogram)
    compared: int = 0
    differ: int = 0

    @property
    def count(self) -> int:
        """All answers and failures."""
        return sum(self.classes)

    def absorb(self, other: "Side") -> None:
        """Add the other's counts."""
        for place, n in enumerate(other.classes):
            self.classes[place] += n
        self.latency.absorb(other.latency)
        self.compared += other.compared
        self.differ += other.differ

    def copy(self) -> "Side":
        """Another one with the same counts."""
        return Side(list(self.classes), self.latency.copy(), self.compared, self.differ)


class Moment(msgspec.Struct):
    """What began in one interval of time, or at one endpoint."""

    requests: int = 0
    production: Side = msgspec.field(default_factory=Side)
    targets: dict[str, Side] = msgspec.field(default_factory=dict)

    def side(self, target: str | None) -> Side:
        """What a target answered, or production; it may not be changed."""
        return self.production if target is None else self.targets.get(target) or Side()

    def target(self, name: str) -> Side:
        """The side of a target, to count in."""
        side = self.targets.get(name)
        if side is None:
            side = self.targets[name] = Side()
        return side

    def absorb(self, other: "Moment") -> None:
        """Add the other's counts."""
        self.requests += other.requests
        self.production.absorb(other.production)
        for name, side in other.targets.items():
            self.target(name).absorb(side)

    def copy(self) -> "Moment":
        """Another one with the same counts."""
        targets = {name: side.copy() for name, side in self.targets.items()}
        return Moment(self.requests, self.production.copy(), targets)


EndpointTraffic = Moment


class TrafficSeen(msgspec.Struct, frozen=True):
    """What `Traffic` knows: intervals of `width_ns` from `start_ns` on (those without a request are empty), all of
    them together, endpoints, and how many requests had which fate, as in `Observation.fate`; failures by target and
    reason."""

    start_ns: int
    width_ns: int
    moments: list[Moment]
    whole: Moment
    endpoints: dict[str, EndpointTraffic]
    fates: dict[str, int]
    failures: dict[str, dict[str, int]]
    statuses: dict[str, dict[int, int]]
    """By side, `production` or a target: answers by status."""

    def renamed(self, name: Callable[[str], str]) -> "TrafficSeen":
        """The same with other names of endpoints, such as masked ones; those that become one are added up."""
        endpoints: dict[str, Moment] = {}
        for endpoint, moment in self.endpoints.items():
            shown = name(endpoint)
            if shown in endpoints:
                endpoints[shown].absorb(moment)
            else:
                endpoints[shown] = moment
        return msgspec.structs.replace(self, endpoints=endpoints)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that is on a page. `account` is what `--summary` writes, `findings` what `--compare-json` writes; each part
    may be missing. `origin` says in a few words what it was made of, `notes` are for whoever reads it; `made_ns` is
    when it was made. A page that is `live` asks its server for what is new."""

    title: str = "shadowtap report"
    origin: str = ""
    made_ns: int = 0
    account: Mapping[str, Any] | None = None
    findings: Mapping[str, Any] | None = None
    traffic: TrafficSeen | None = None
    notes: tuple[str, ...] = ()
    live: bool = False


class Shown(msgspec.Struct):
    """A message in an example."""

    head: str = ""
    body: str = ""
    status: int | None = None


class Example(msgspec.Struct):
    """One occurrence of a difference."""

    request: Shown = msgspec.field(default_factory=Shown)
    production: Shown | None = None
    target: Shown | None = None
    production_value: str = ""
    target_value: str = ""
    curl: str = ""
    time_ns: int = 0
    latency_ns: dict[str, int | None] = {}


class Group(msgspec.Struct):
    """Differences of one kind at one place of an endpoint; `noise` names the rule that makes them noise."""

    endpoint: str = ""
    kind: str = ""
    where: str = ""
    noise: str | None = None
    answers: int = 0
    times: int = 0
    share: float = 0.0
    endpoint_share: float = 0.0
    first_ns: int = 0
    last_ns: int = 0
    examples: list[Example] = []


class Latencies(msgspec.Struct):
    """Latencies compared, as `compare.latency.Compared`."""

    count: int = 0
    verdict: str = ""
    ratio: float | None = None
    chance: float = 1.0
    production: dict[str, int | None] = {}
    target: dict[str, int | None] = {}


class TargetFindings(msgspec.Struct):
    """What was found of one target."""

    target: str = ""
    replayed: int = 0
    left_out: int = 0
    compared: int = 0
    mismatched: int = 0
    mismatched_by_category: dict[str, int] = {}
    skipped: dict[str, int] = {}
    noise_by_rule: dict[str, int] = {}
    differences: list[Group] = []
    latency: Latencies = msgspec.field(default_factory=Latencies)
    latency_by_endpoint: dict[str, Latencies] = {}
    slower: list[str] = []


class Judged(msgspec.Struct):
    """A condition, and what came out."""

    target: str = ""
    condition: str = ""
    state: str = ""
    reasons: list[str] = []


class Noise(msgspec.Struct):
    """A learned rule."""

    endpoint: str = ""
    kind: str = ""
    where: str = ""
    source: str = ""
    pairs: int = 0
    differed: int = 0
    enabled: bool = True
    example: list[str] = []


class Findings(msgspec.Struct):
    """What `--compare-json` writes."""

    judgements: list[Judged] = []
    targets: list[TargetFindings] = []
    noise: list[Noise] = []

    @property
    def verdict(self) -> str:
        """`failed`, `passed`, `too few`; empty where there is no condition."""
        states = {judged.state for judged in self.judgements}
        if "failed" in states:
            return "failed"
        if not states:
            return ""
        return "passed" if states == {"passed"} else "too few"


def findings_of(report: Report) -> Findings:
    """The findings, typed; none where there are none. Raises UsageError where they are something else."""
    try:
        return msgspec.convert(report.findings or {}, Findings, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"these are no findings as --compare-json writes them: {error}") from None
