"""Scales and shapes of charts."""

from html import unescape
from math import log10
from re import findall

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.report.page.svg import Chart, Series, Tick, framed, line, nice_top, plot_height, stacked, steps


@given(st.floats(1e-9, 1e12))
def test_the_top_of_a_scale_is_round_and_not_far(highest):
    top = nice_top(highest)
    assert highest * 0.999 <= top <= highest * 2.01
    assert float(f"{top:.2g}") == pytest.approx(top)


@given(st.floats(1, 1e15), st.floats(1, 1e15))
def test_a_scale_of_logarithms_holds_both_ends(one, other):
    low, high = sorted((one, other))
    scale = steps(low, high)
    assert scale[0] <= low
    assert scale[-1] >= high
    assert scale == sorted(set(scale))
    assert 2 <= len(scale) <= max(6, log10(high / low) + 3)


values = st.lists(st.none() | st.floats(0, 1e6), max_size=50)


@given(values)
def test_shapes_stay_within_the_chart(given_values):
    top = max([v or 0 for v in given_values], default=0) or 1
    markup = "".join(stacked([Series("a", "production", given_values)], top, 150))
    markup += line(Series("a", "production", given_values), 0, top, 150)
    for x, y in findall(r"[ML]([\d.-]+) ([\d.-]+)", markup):
        assert 0 <= float(x) <= 1000
        assert -0.1 <= float(y) <= 150.1
    assert "nan" not in markup


def test_a_stack_adds_up():
    below, above = stacked([Series("a", "production", [1, 2]), Series("b", "failing", [1, 0])], 2, 100)
    assert 'd="M0.0 50.0H500.0L500.0 0.0H1000.0V100.0H500.0V100.0H0.0Z"' in below
    assert 'd="M0.0 0.0H500.0L500.0 0.0H1000.0V0.0H500.0V50.0H0.0Z"' in above


def test_a_line_breaks_where_there_is_nothing():
    drawn = line(Series("a", "target", [1, None, 3, 3]), 1, 3, 100, kind="thin")
    assert 'd="M125.0 100.0h0.01M625.0 0.0L875.0 0.0"' in drawn
    assert 'class="line target thin"' in drawn


def test_a_chart_says_what_it_shows():
    chart = Chart(
        "<b>", [], [Tick(0.5, "noon")], [Tick(1, "10/s")], ["12:00"], [("<i>", "production", ["1/s"])]
    )
    markup = framed(chart, 190)
    assert "<b>" not in markup
    told = msgspec.json.decode(unescape(findall('data-chart="([^"]*)"', markup)[0]))
    assert told == {"x": ["12:00"], "series": [["<i>", "production", ["1/s"]]]}
    assert 'x="50.00%"' in markup
    assert plot_height(190) == 150
