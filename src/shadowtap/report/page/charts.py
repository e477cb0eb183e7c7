"""The charts of a page: requests and answers over time, latency over time, and how latencies are distributed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import log2, log10

from shadowtap.report import words
from shadowtap.report.page.histogram import SUB, Histogram, edge_ns
from shadowtap.report.page.html import Html
from shadowtap.report.page.svg import (
    Chart,
    Series,
    Tick,
    framed,
    line,
    nice_top,
    plot_height,
    stacked,
    stepped,
    steps,
)
from shadowtap.report.page.values import Side, TrafficSeen

TALL, LOW = 190, 110
_STEPS_S = (
    0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400,
    172800, 604800, 1209600, 2419200, 7776000, 31536000,
)  # fmt: skip
"""What lies between two labels of time, in seconds."""
_MOST_TICKS = 4


def answers_over_time(seen: TrafficSeen, target: str | None, top: float) -> Html:
    """Answers a second of a target, or of production, by class of status."""
    name, kind = (target, "target") if target is not None else ("Production", "production")
    per_s = 1e9 / seen.width_ns
    groups = (
        ("answered 1xx–3xx", kind, (1, 2, 3)),
        ("4xx", "refusing", (4,)),
        ("5xx", "failing", (5,)),
        ("no answer", "silent", (0,)),
    )
    sides = [moment.side(target) for moment in seen.moments]
    series = [
        Series(label, colour, [per_s * sum(side.classes[c] for c in classes) for side in sides])
        for label, colour, classes in groups
    ]
    series = [one for one in series if any(one.values)] or series[:1]
    chart = Chart(
        f"{name}: answers a second over time, by status",
        stacked(series, top, plot_height(TALL)),
        time_ticks(seen),
        [
            Tick(share, f"{words.short(top * share) if top * share >= 10 else f'{top * share:g}'}/s")
            for share in (0.5, 1.0)
        ],
        times(seen),
        [
            (one.name, one.kind, [f"{words.rate(v or 0)}/s" if v else "–" for v in one.values])
            for one in series
        ],
    )
    return framed(chart, TALL)


def highest_rate(seen: TrafficSeen) -> float:
    """A round number of answers a second above those of every side, so that charts can be held beside each other."""
    counts = [
        max([moment.production.count, *(side.count for side in moment.targets.values())], default=0)
        for moment in seen.moments
    ]
    return nice_top(1e9 / seen.width_ns * max(counts, default=0))


def differing_over_time(seen: TrafficSeen, target: str) -> Html:
    """The share of a target's answers that differed, as judged when they came."""
    sides = [moment.targets.get(target) or Side() for moment in seen.moments]
    shares = [100 * side.differ / side.compared if side.compared else None for side in sides]
    top = min(nice_top(max((s for s in shares if s is not None), default=0) or 1), 100)
    series = Series("differ", "failing", shares)
    told = [f"{side.differ} of {side.compared}" if side.compared else "–" for side in sides]
    chart = Chart(
        f"{target}: share of answers that differ, over time",
        [stepped(series, top, plot_height(LOW))],
        time_ticks(seen),
        [Tick(1.0, f"{top:g} %")],
        times(seen),
        [("differ", "failing", told)],
    )
    return framed(chart, LOW)


def latency_over_time(seen: TrafficSeen, target: str | None) -> Html | None:
    """The median and the 99th of 100 latencies, production beside a target; None where there is none."""
    sides = [("production", None)] + ([("target", target)] if target is not None else [])
    lines: list[tuple[Series, str]] = []
    for kind, side in sides:
        found = [moment.side(side).latency.quantiles((0.5, 0.99)) for moment in seen.moments]
        lines += [
            (Series(f"{kind} {label}", kind, [q[n] for q in found]), style)
            for n, (label, style) in enumerate((("p50", ""), ("p99", "thin")))
        ]
    values = [value for one, _ in lines for value in one.values if value is not None]
    if not values:
        return None
    scale = steps(min(values), max(values))
    low, high = log10(scale[0]), log10(scale[-1])
    drawn = [
        line(
            one._replace(values=[None if v is None else log10(max(v, 1)) for v in one.values]),
            low,
            high,
            plot_height(TALL),
            kind=style,
        )
        for one, style in lines
    ]
    chart = Chart(
        f"latency over time, production beside {target}" if target else "latency over time",
        drawn,
        time_ticks(seen),
        [Tick((log10(ns) - low) / (high - low), words.nanoseconds(ns)) for ns in scale[1:]],
        times(seen),
        [(one.name, one.kind, [words.nanoseconds(v) for v in one.values]) for one, _ in lines],
    )
    return framed(chart, TALL)


def latency_distribution(sides: Sequence[tuple[str, str, Histogram]]) -> Html | None:
    """How latencies are distributed: the share of requests by latency, on a scale of logarithms; None where there
    is none. `sides` are name, colour and latencies."""
    sides = [side for side in sides if side[2].buckets]
    if not sides:
        return None
    first = min(min(latency.buckets) for _, _, latency in sides) - 2
    last = max(max(latency.buckets) for _, _, latency in sides) + 2
    places = range(max(first, 0), last + 1)
    series = []
    for name, kind, latency in sides:
        count = latency.count
        series.append(Series(name, kind, [100 * latency.buckets.get(p, 0) / count for p in places]))
    top = nice_top(max(v or 0 for one in series for v in one.values))
    chart = Chart(
        "how latencies are distributed: share of requests by latency",
        [stepped(one, top, plot_height(TALL)) for one in series],
        _latency_ticks(places),
        [Tick(1.0, f"{top:g} % of the requests")],
        [f"{words.nanoseconds(edge_ns(p))} – {words.nanoseconds(edge_ns(p + 1))}" for p in places],
        [(one.name, one.kind, [words.share(v or 0, 100) for v in one.values]) for one in series],
    )
    return framed(chart, TALL)


def _latency_ticks(places: range) -> list[Tick]:
    """Round durations, where they lie among the buckets."""
    ticks = []
    for power in range(1, 13):
        for digit in (1, 3) if len(places) < 11 * SUB else (1,):
            ns = digit * 10**power
            share = (log2(ns) * SUB - places[0]) / len(places)
            if 0 <= share <= 1:
                ticks.append(Tick(share, words.nanoseconds(ns)))
    return ticks


def times(seen: TrafficSeen) -> list[str]:
    """What the intervals are called."""
    form = "%Y-%m-%d %H:%M:%S" if seen.width_ns >= 1e9 else "%H:%M:%S.%f"
    starts = (seen.start_ns + n * seen.width_ns for n in range(len(seen.moments)))
    return [_at(ns, form)[:23] for ns in starts]


def time_ticks(seen: TrafficSeen) -> list[Tick]:
    """Round times along the intervals."""
    span_ns = seen.width_ns * len(seen.moments)
    step_s = next((s for s in _STEPS_S if span_ns / 1e9 / s <= _MOST_TICKS), _STEPS_S[-1])
    step_ns = int(step_s * 1e9)
    form = "%H:%M:%S" if step_s < 60 else "%H:%M" if step_s < 43200 else "%b %d"
    if step_s < 1:
        form = "%H:%M:%S.%f"
    first = -(-seen.start_ns // step_ns) * step_ns
    return [
        Tick((at - seen.start_ns) / span_ns, _at(at, form)[:10])
        for at in range(first, seen.start_ns + span_ns, step_ns)
    ]


def _at(ns: int, form: str) -> str:
    try:
        return datetime.fromtimestamp(ns / 1e9, UTC).strftime(form)
    except (OverflowError, OSError, ValueError):
        return f"{ns} ns"
