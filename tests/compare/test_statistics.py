"""Bounds and tests, against values that are known and against what they promise."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.compare.statistics import (
    least_for_quantile,
    least_sample,
    quantile_interval,
    signed_rank,
    wilson,
)


def test_wilson_of_known_counts() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(10, 100) == pytest.approx((0.0552, 0.1744), abs=2e-4)
    assert wilson(0, 100)[0] == 0
    assert wilson(100, 100)[1] == 1


@given(st.integers(0, 500), st.integers(1, 500))
def test_wilson_holds_the_share(hits: int, count: int) -> None:
    hits = min(hits, count)
    low, high = wilson(hits, count)
    assert 0 <= low <= hits / count <= high <= 1


def test_the_rule_of_three() -> None:
    assert least_sample(0.001) == 3000
    assert least_sample(0.5) == 100
    assert least_sample(0) == 100
    assert wilson(0, least_sample(0.001))[1] == pytest.approx(0.00128, abs=1e-5)


def test_values_that_a_quantile_needs() -> None:
    assert least_for_quantile(0.5) == 100
    assert least_for_quantile(0.99) == 368
    assert 0.99**368 <= 0.025 < 0.99**366


def test_an_interval_of_a_quantile_holds_it() -> None:
    low, high = quantile_interval(0.99, 1000)
    assert low == pytest.approx(0.9838, abs=1e-4)
    assert high == pytest.approx(0.9962, abs=1e-4)
    assert quantile_interval(0.5, 0) == (0.0, 1.0)


def test_signed_rank_of_a_known_sample() -> None:
    """Darwin's plants (Fisher, 1935): the exact one-sided value is 0.0206."""
    d = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]
    assert signed_rank(d) == pytest.approx(0.0206, abs=2e-3)


def test_signed_rank_of_noise_is_seldom_certain() -> None:
    draw = random.Random(1)
    found = [signed_rank([draw.gauss(0, 1) for _ in range(60)]) for _ in range(400)]
    assert sum(p < 0.01 for p in found) <= 12
    assert sum(p < 0.5 for p in found) == pytest.approx(200, abs=40)


def test_too_few_differences_say_nothing() -> None:
    assert signed_rank([1.0] * 9) == 1.0
    assert signed_rank([0.0] * 99) == 1.0
    assert signed_rank([1.0] * 30) < 1e-6


@given(st.lists(st.integers(-50, 50), max_size=60))
def test_any_differences_have_a_chance(differences: list[int]) -> None:
    assert 0 <= signed_rank(differences) <= 1
