"""The ledger as Prometheus metrics. docs/metrics.md describes every one of them.

Nothing is counted twice: the figures are read from the ledger when someone asks. Names follow the conventions of
prometheus.io/docs/practices/naming: base units, `_total` for what only grows.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from shadowtap import __version__
from shadowtap.ledger import Answers, ChangeCounters, Latency, Ledger, RequestAccount, TargetAccount
from shadowtap.report.health import Health

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the latency buckets. A bucket of the ledger counts where its upper edge lies, so no latency is
shown lower than it was, and none more than 7 % higher."""

LABEL_LIMIT = 120
"""Characters of a label's value: a rule may have thousands."""

Row = tuple[tuple[str, ...], float]


def metrics(ledger: Ledger, health: Health | None = None) -> bytes:
    """The metrics in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(LedgerCollector(ledger, health))
    return generate_latest(registry)


class LedgerCollector(Collector):
    """Reads the ledger whenever it is asked."""

    def __init__(self, ledger: Ledger, health: Health | None = None) -> None:
        self.ledger = ledger
        self.health = health

    def collect(self) -> Iterator[Metric]:
        """Every metric, in the order of the pipeline."""
        ledger = self.ledger
        yield InfoMetricFamily("shadowtap", "Version of shadowtap", {"version": __version__})
        yield _gauge("start_time_seconds", "When the run began, Unix time", ledger.started_ns / 1e9)
        yield from _capture(ledger)
        yield from _packets(ledger)
        yield from _flows(ledger)
        yield from _messages(ledger)
        yield _counter(
            "requests", "Requests of production by fate", _fates(ledger.requests), "fate", "reason"
        )
        yield _counter(
            "requests_added", "Requests that a middleware added to those of production", ledger.requests.added
        )
        yield _gauge("requests_waiting", "Requests without a fate yet", ledger.requests.waiting)
        yield from _changes(ledger.changes)
        yield from _targets(list(ledger.targets.values()))
        yield from _sessions(list(ledger.targets.values()))
        yield from _sinks(ledger)
        yield from _schedule(ledger)
        yield from _answers(ledger)
        wrong = len(ledger.imbalances())
        yield _gauge(
            "ledger_imbalances", "Laws of the ledger that do not hold; anything but 0 is a bug", wrong
        )
        if self.health is not None:
            yield _gauge("healthy", "1 while /healthz says ok, 0 on sustained loss", self.health.healthy)


def _capture(ledger: Ledger) -> Iterator[Metric]:
    sources = ledger.capture.items()
    for name, text, field in (
        ("capture_packets", "Packets received", "frames"),
        ("capture_bytes", "Bytes received", "bytes"),
        ("capture_batches", "Batches the packets came in", "batches"),
        ("capture_kernel_drops", "Packets the kernel dropped before they were received", "kernel_drops"),
        ("capture_cut_packets", "Packets longer than the receiver takes", "cut"),
    ):
        yield _counter(name, text, [((n,), getattr(c, field)) for n, c in sources], "source")
    refused: list[Row] = [((n, why), count) for n, c in sources for why, count in c.refused.items()]
    yield _counter("capture_refused_packets", "Packets refused at the door", refused, "source", "reason")


def _packets(ledger: Ledger) -> Iterator[Metric]:
    packets = ledger.packets
    yield _counter("packets", "Packets taken apart", packets.frames)
    yield _counter(
        "packets_dropped", "Packets that hold no TCP segment, by reason", _rows(packets.dropped), "reason"
    )
    yield _counter("packets_reassembled", "Packets put together from IP fragments", packets.reassembled)
    yield _counter("segments", "TCP segments", packets.segments)
    yield _counter("segments_cut", "TCP segments that the mirror shortened", packets.cut_segments)


def _flows(ledger: Ledger) -> Iterator[Metric]:
    flows = ledger.flows
    yield _counter("connections_opened", "TCP connections seen", flows.opened)
    yield _counter("connections_joined", "TCP connections joined mid-stream", flows.joined)
    yield _counter(
        "streams_closed", "Directions of connections that ended, by how", _rows(flows.closed), "how"
    )
    yield _gauge("connections_open", "TCP connections open now", flows.open_now)
    yield _counter("payload_bytes", "TCP payload in order", flows.payload_bytes)
    yield _counter("segments_reordered", "TCP segments that came out of order", flows.reordered)
    yield _counter("segments_retransmitted", "TCP segments that brought nothing new", flows.retransmitted)
    yield _counter("segments_outside_window", "TCP segments too far from their stream", flows.outside_window)
    yield _counter("gaps", "Holes in streams that were given up", flows.gaps)
    yield _counter("gap_bytes", "TCP payload lost in holes", flows.gap_bytes)
    yield _gauge(
        "reassembly_buffered_bytes", "TCP payload that waits for what is before it", flows.buffered_bytes
    )


def _messages(ledger: Ledger) -> Iterator[Metric]:
    messages = ledger.messages
    incomplete, not_http = _rows(messages.responses_incomplete), _rows(messages.not_http)
    yield _counter("http_requests", "Requests read", messages.requests)
    yield _counter("http_responses", "Final answers read", messages.responses)
    yield _counter("http_interim_responses", "Interim answers (1xx) read", messages.interim)
    yield _counter(
        "http_unpaired_responses", "Answers without their request", messages.responses_without_request
    )
    yield _counter("http_incomplete_responses", "Answers with parts missing", incomplete, "reason")
    yield _counter("streams_not_http", "Streams that are something else", not_http, "what")
    yield _counter("http_skipped_bytes", "Payload skipped to find the next message", messages.skipped_bytes)
    yield _gauge("http_buffered_bytes", "Payload of messages that are not complete", messages.buffered_bytes)


def _schedule(ledger: Ledger) -> Iterator[Metric]:
    schedule = ledger.schedule
    if schedule is None:
        return
    late = HistogramMetricFamily(
        "shadowtap_schedule_lateness_seconds", "How long after its intended moment a request was sent"
    )
    _add_latency(late, [], schedule.lateness)
    yield late
    intended = HistogramMetricFamily(
        "shadowtap_target_latency_from_intended_seconds",
        "From the intended moment of a request to its answer's first byte",
        labels=["target"],
    )
    for name, latency in schedule.intended.items():
        _add_latency(intended, [name], latency)
    yield intended


def _fates(requests: RequestAccount) -> list[Row]:
    plain = ("replayed", "recorded", "sampled_out", "overflowed")
    rows: list[Row] = [((fate, ""), getattr(requests, fate)) for fate in plain]
    for fate in ("filtered", "refused", "incomplete"):
        rows += [((fate, why), n) for why, n in _bounded(getattr(requests, fate)).items()]
    return rows


def _bounded(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts by label value: users' rules may be long, and two that begin alike are told apart by their number."""
    bounded: dict[str, int] = {}
    for number, (why, n) in enumerate(counts.items()):
        label = why if len(why) <= LABEL_LIMIT else f"{why[: LABEL_LIMIT - 8]}… #{number}"
        bounded[label] = bounded.get(label, 0) + n
    return bounded


def _changes(changes: ChangeCounters) -> Iterator[Metric]:
    rows: list[Row] = [
        ((what, name), n)
        for what in ChangeCounters.__struct_fields__
        for name, n in _bounded(getattr(changes, what)).items()
    ]
    yield _counter("changes", "What rules, masks and hooks did to requests", rows, "what", "name")


def _sinks(ledger: Ledger) -> Iterator[Metric]:
    sinks = ledger.sinks.items()
    rows: list[Row] = [((n, "written", ""), s.written) for n, s in sinks]
    rows += [((n, "left_out", ""), s.left_out) for n, s in sinks]
    rows += [((n, "lost", why), count) for n, s in sinks for why, count in s.lost.items()]
    yield _counter("sink_exchanges", "Exchanges by fate at a sink", rows, "sink", "fate", "reason")
    waiting: list[Row] = [((n,), s.waiting) for n, s in sinks]
    yield _gauge("sink_waiting_exchanges", "Exchanges not written yet", waiting, "sink")
    masked: list[Row] = [((n, kind), count) for n, s in sinks for kind, count in s.masked.items()]
    yield _counter("sink_masked", "Secrets masked in what a sink keeps", masked, "sink", "kind")
    observed = ledger.observations
    if observed is not None:
        yield _gauge("observations_open", "Requests of which answers are awaited", observed.open_now)
        yield _counter(
            "observations_early", "Requests given out without all answers", _rows(observed.early), "limit"
        )
        yield _counter("observations_late", "Answers that came after that", observed.late)
        yield _counter("answers_compared", "Answers that were compared with production's", observed.compared)
        yield _counter(
            "answers_not_compared", "Answers that there was no time to compare", observed.not_compared
        )


def _targets(targets: list[TargetAccount]) -> Iterator[Metric]:
    rows = [((t.name, *labels), n) for t in targets for labels, n in _target_fates(t)]
    yield _counter("target_requests", "Requests by fate at a target", rows, "target", "fate", "reason")
    for name, text, field in (
        ("target_retries", "Requests sent again over a new connection", "retries"),
        ("target_sent_bytes", "Bytes sent", "bytes_sent"),
        ("target_connections_opened", "Connections opened", "connections_opened"),
    ):
        yield _counter(name, text, [((t.name,), getattr(t, field)) for t in targets], "target")
    for name, text, field in (
        ("target_in_flight_requests", "Requests queued or waiting for their answer", "in_flight"),
        ("target_connections", "Connections open now", "connections"),
    ):
        yield _gauge(name, text, [((t.name,), getattr(t, field)) for t in targets], "target")
    up: list[Row] = [((t.name,), t.state == "up") for t in targets]
    yield _gauge("target_up", "1 while the target takes requests", up, "target")


_SESSIONS = (
    ("requests", "Requests that hold values of the target in place of production's", "requests"),
    ("bound", "Values of production whose counterpart was learned", "bound"),
    ("forgotten", "Of these, values that are not remembered any more", "forgotten"),
    ("given_up", "Answers that were not kept until the other one came", "given_up"),
)


def _sessions(targets: list[TargetAccount]) -> Iterator[Metric]:
    of = [(target.name, target.sessions) for target in targets if target.sessions is not None]
    if not of:
        return
    for name, text, field in _SESSIONS:
        yield _counter(f"session_{name}", text, [((n,), getattr(s, field)) for n, s in of], "target")
    put: list[Row] = [((n, kind), count) for n, s in of for kind, count in s.substituted.items()]
    yield _counter(
        "session_substitutions", "Values put into requests, by where they stand", put, "target", "kind"
    )
    ends = ("released", "late", "dropped")
    rows: list[Row] = [((n, end), getattr(s, end)) for n, s in of for end in ends]
    yield _counter(
        "session_waits", "Requests that waited for an answer, by how that ended", rows, "target", "end"
    )
    for name, text, field in (
        ("session_known_values", "Values of production whose counterpart is known now", "known"),
        ("session_waiting_requests", "Requests that wait for an answer now", "waiting"),
    ):
        yield _gauge(name, text, [((n,), getattr(s, field)) for n, s in of], "target")


def _target_fates(target: TargetAccount) -> list[Row]:
    rows: list[Row] = [(("answered", ""), target.answered), (("overflowed", ""), target.overflowed)]
    rows += [(("failed", why), n) for why, n in target.failed.items()]
    return rows + [(("refused", why), n) for why, n in target.refused.items()]


def _answers(ledger: Ledger) -> Iterator[Metric]:
    targets = ledger.targets.values()
    yield _counter("production_answers", "Answers of production", _statuses((), ledger.production), "status")
    rows = [row for t in targets for row in _statuses((t.name,), t.answers)]
    yield _counter("target_answers", "Answers of a target", rows, "target", "status")
    histogram = HistogramMetricFamily(
        "shadowtap_production_latency_seconds", "From a request's last byte to its answer's first"
    )
    _add_latency(histogram, [], ledger.production.latency)
    yield histogram
    histogram = HistogramMetricFamily(
        "shadowtap_target_latency_seconds",
        "From a request's last byte to its answer's first",
        labels=["target"],
    )
    for target in targets:
        _add_latency(histogram, [target.name], target.answers.latency)
    yield histogram


def _statuses(labels: tuple[str, ...], answers: Answers) -> list[Row]:
    return [((*labels, str(status)), n) for status, n in sorted(answers.statuses.items())]


def _add_latency(family: HistogramMetricFamily, labels: list[str], latency: Latency) -> None:
    per_bound = [0] * (len(BOUNDS_S) + 1)
    for bucket, n in enumerate(latency.counts):
        if n:
            per_bound[bisect_left(BOUNDS_S, _upper_s(bucket))] += n
    bounds = [*(str(bound) for bound in BOUNDS_S), "+Inf"]
    family.add_metric(labels, list(zip(bounds, accumulate(per_bound), strict=True)), latency.sum_ns / 1e9)


def _upper_s(bucket: int) -> float:
    """The upper edge of a bucket of `Latency`, which has 16 an octave."""
    octave, sub = divmod(bucket, 16)
    return (17 + sub << octave) / 1e9


def _rows(counts: Mapping[str, int]) -> list[Row]:
    return [((reason,), n) for reason, n in counts.items()]


def _counter(name: str, text: str, rows: Iterable[Row] | float, *labels: str) -> Metric:
    return _filled(CounterMetricFamily(f"shadowtap_{name}", text, labels=labels), rows)


def _gauge(name: str, text: str, rows: Iterable[Row] | float, *labels: str) -> Metric:
    return _filled(GaugeMetricFamily(f"shadowtap_{name}", text, labels=labels), rows)


def _filled(family: CounterMetricFamily | GaugeMetricFamily, rows: Iterable[Row] | float) -> Metric:
    for labels, value in [((), rows)] if isinstance(rows, int | float) else rows:
        family.add_metric(labels, float(value))
    return family
