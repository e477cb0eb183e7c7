"""Serial arithmetic against the definition."""

from hypothesis import given
from hypothesis import strategies as st

from shadowtap.serial import HALF, MASK, distance

NUMBERS = st.one_of(st.integers(0, MASK), st.sampled_from([0, 1, HALF - 1, HALF, HALF + 1, MASK]))


@given(NUMBERS, NUMBERS)
def test_distance_leads_from_one_number_to_the_other(to: int, since: int) -> None:
    assert -HALF <= distance(to, since) < HALF
    assert (since + distance(to, since)) & MASK == to


@given(NUMBERS, st.integers(-HALF + 1, HALF - 1))
def test_distance_is_what_was_added(since: int, step: int) -> None:
    assert distance((since + step) & MASK, since) == step
