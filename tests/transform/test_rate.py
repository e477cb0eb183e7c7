"""At most so many requests a second, whatever the moments."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowtap.transform.rate import BURST_S, Rate

SECOND = 1_000_000_000


@settings(deadline=None)
@given(st.floats(0.1, 1e6), st.lists(st.integers(0, SECOND // 10), max_size=200))
def test_in_no_stretch_of_time_more_than_the_rate_and_a_burst(per_s, pauses):
    rate, now, taken = Rate(per_s), 1_700_000_000 * SECOND, []
    for pause in pauses:
        now += pause
        if rate.take(now):
            taken.append(now)
    for first, start in enumerate(taken):
        for count, end in enumerate(taken[first:], 1):
            assert count <= per_s * (end - start) / 1e9 + max(per_s * BURST_S, 2) + 1e-3


@pytest.mark.parametrize("per_s", [1, 3, 500, 20_000])
def test_steady_traffic_beyond_the_rate_gets_all_of_it(per_s):
    rate, seconds, offered = Rate(per_s), 10, 4
    taken = sum(rate.take(n * SECOND // (per_s * offered)) for n in range(per_s * offered * seconds))
    assert taken == pytest.approx(per_s * seconds, abs=max(per_s * BURST_S, 2))


def test_steady_traffic_below_the_rate_is_left_alone():
    rate = Rate(500)
    assert all(rate.take(n * SECOND // 499) for n in range(5_000))


def test_a_bunch_may_come_at_once():
    rate = Rate(500)
    assert sum(rate.take(SECOND) for _ in range(1_000)) == 50
    assert sum(rate.take(2 * SECOND) for _ in range(1_000)) == 50


def test_a_clock_that_goes_back_gives_and_takes_nothing():
    rate = Rate(10)
    assert rate.take(10 * SECOND)
    assert not rate.take(9 * SECOND)
    assert rate.take(11 * SECOND)
