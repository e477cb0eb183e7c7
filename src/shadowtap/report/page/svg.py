"""Charts as SVG that grows with its place: shapes are stretched, words are not.

Shapes lie in an inner drawing of 1000 units by the chart's height, stretched to whatever width there is; lines keep
their strength. Labels lie in the outer one, at shares of the width. What a pointer may ask for stands as JSON in an
attribute.
"""

import json
from collections.abc import Sequence
from math import ceil, floor, log10
from typing import NamedTuple

from shadowtap.report.page.html import Html, joined, tag

WIDE = 1000.0
TOP = 18
"""Room above the highest value, for the label of the highest line."""
BELOW = 22
"""Room for the labels of the horizontal axis."""


class Series(NamedTuple):
    """Values over the places of an axis; None is no value. `kind` names its colour: a class of the style sheet."""

    name: str
    kind: str
    values: Sequence[float | None]


class Tick(NamedTuple):
    """A label at a share (0 to 1) of an axis."""

    at: float
    label: str


class Chart(NamedTuple):
    """A chart, ready to be framed. `x` are what the places are called, `told` what is said of each series there."""

    title: str
    layers: Sequence[Html]
    across: Sequence[Tick]
    up: Sequence[Tick]
    x: Sequence[str]
    told: Sequence[tuple[str, str, Sequence[str]]]
    """Name, kind, and a text for each place."""


def framed(chart: Chart, height: int) -> Html:
    """A chart with its axes."""
    plot = height - TOP - BELOW
    lines, labels = [], []
    for at, label in chart.up:
        y = round(TOP + plot * (1 - at), 1)
        lines.append(tag("line", class_="grid", x1="0", x2="100%", y1=y, y2=y))
        labels.append(tag("text", label, class_="tick", x="0", y=y - 4))
    for at, label in chart.across:
        anchor = "start" if at < 0.05 else "end" if at > 0.95 else "middle"
        place = f"{100 * at:.2f}%"
        labels.append(tag("text", label, class_="tick", x=place, y=height - 6, text_anchor=anchor))
    inner = Html(
        f'<svg y="{TOP}" width="100%" height="{plot}" viewBox="0 0 1000 {plot}" preserveAspectRatio="none">'
        f"{joined(chart.layers)}</svg>"
    )
    spoken = json.dumps({"x": chart.x, "series": chart.told}, separators=(",", ":"))
    drawing = Html(f"{tag('title', chart.title)}{joined(lines)}{inner}{joined(labels)}")
    return tag(
        "div",
        tag("svg", drawing, class_="chart", width="100%", height=height, role="img", aria_label=chart.title),
        class_="plot",
        data_chart=spoken,
    )


def plot_height(height: int) -> int:
    """The height of the inner drawing of a chart."""
    return height - TOP - BELOW


def stacked(series: Sequence[Series], top: float, height: int) -> list[Html]:
    """Areas one upon the other, in steps; None counts as nothing."""
    count = max((len(one.values) for one in series), default=0)
    below, layers = [0.0] * count, []
    for one in series:
        above = [low + (value or 0.0) for low, value in zip(below, one.values, strict=True)]
        if any(one.values):
            layers.append(tag("path", class_=f"area {one.kind}", d=_between(below, above, top, height)))
        below = above
    return layers


def stepped(series: Series, top: float, height: int, *, kind: str = "") -> Html:
    """The outline of a histogram, filled."""
    values = [value or 0.0 for value in series.values]
    shape = _between([0.0] * len(values), values, top, height)
    return tag("path", class_=f"shape {series.kind} {kind}".strip(), d=shape)


def line(series: Series, low: float, high: float, height: int, *, kind: str = "") -> Html:
    """A line through the middle of each place, broken where there is no value. Values and limits are on one scale."""
    step, pen, points = WIDE / max(len(series.values), 1), "M", []
    for place, value in enumerate(series.values):
        if value is None:
            pen = "M"
            continue
        share = (value - low) / (high - low) if high > low else 0.5
        points.append(f"{pen}{(place + 0.5) * step:.1f} {height * (1 - share):.1f}")
        alone = pen == "M" and (place + 1 >= len(series.values) or series.values[place + 1] is None)
        points += ["h0.01"] if alone else []
        pen = "L"
    return tag("path", class_=f"line {series.kind} {kind}".strip(), d="".join(points) or "M0 0")


def _between(below: Sequence[float], above: Sequence[float], top: float, height: int) -> str:
    """A closed path between two outlines of steps."""
    step = WIDE / max(len(above), 1)
    whole = top or 1.0
    there, back = [], []
    for place, (low, high) in enumerate(zip(below, above, strict=True)):
        y = f"{height * (1 - high / whole):.1f}"
        there.append(f"{'L' if place else 'M'}{place * step:.1f} {y}H{(place + 1) * step:.1f}")
        back.append(f"V{height * (1 - low / whole):.1f}H{place * step:.1f}")
    # The way back starts at the last place.
    return "".join(there) + "".join(reversed(back)) + "Z"


def nice_top(highest: float) -> float:
    """The next round number above: a digit or one and a half times a power of ten."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** floor(log10(highest))
    return next(n * power for n in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if n * power >= highest * 0.9999)


def steps(low: float, high: float) -> list[float]:
    """Round numbers, of which a scale of logarithms is made: the first is not above `low`, the last not below `high`;
    six at most, unless it takes more powers of ten."""
    # One power more on either side: logarithms are rounded.
    first, last = floor(log10(max(low, 1))) - 1, ceil(log10(max(high, 2))) + 1
    for digits in ((1, 2, 5), (1, 3), (1,)):
        all_of = [digit * 10.0**n for n in range(first, last + 1) for digit in digits]
        below = max(n for n, value in enumerate(all_of) if value <= max(low, 1))
        above = min((n for n, value in enumerate(all_of) if value >= high), default=len(all_of) - 1)
        found = all_of[below : max(above, below + 1) + 1]
        if len(found) <= 6:
            break
    return found
