"""Latencies in buckets, against the numbers themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.report.page.histogram import TOP, Histogram, bucket_of, edge_ns

durations = st.integers(0, 1 << 50)


def histogram(values):
    made = Histogram()
    for ns in values:
        made.record(ns)
    return made


@given(st.lists(durations, min_size=1, max_size=200), st.sampled_from([0.1, 0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_within_a_bucket_of_the_truth(values, share):
    exact = sorted(values)[max(-(-int(share * 1000) * len(values) // 1000) - 1, 0)]
    found = histogram(values).quantile(share)
    assert found == pytest.approx(exact, rel=0.13, abs=2)


@given(st.lists(durations), st.lists(durations))
def test_two_together_are_one(some, others):
    both = histogram(some)
    both.absorb(histogram(others))
    assert both == histogram(some + others)
    assert both.count == len(some) + len(others)


@given(durations)
def test_a_duration_lies_in_its_bucket(ns):
    bucket = bucket_of(ns)
    assert 0 <= bucket <= TOP
    if 1 < ns < 1 << 45:
        assert edge_ns(bucket) <= ns * 1.000001
        assert ns <= edge_ns(bucket + 1) * 1.000001


def test_nothing_has_no_quantile():
    assert Histogram().quantiles((0.5, 0.99)) == [None, None]


def test_odd_durations_are_counted():
    made = histogram([-5, 0, 1 << 200])
    assert made.count == 3
    assert max(made.buckets) == TOP


def test_a_copy_is_another_one():
    made = histogram([5])
    other = made.copy()
    other.record(5)
    assert made.count == 1
