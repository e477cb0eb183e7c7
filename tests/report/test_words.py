"""Numbers as people read them."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.report import words


@pytest.mark.parametrize(
    ("function", "number", "text"),
    [
        (words.count, 1234567, "1,234,567"),
        (words.short, 812, "812"),
        (words.short, 9999, "9,999"),
        (words.short, 12345, "12.3k"),
        (words.short, 123456, "123k"),
        (words.short, 999_499, "999k"),
        (words.short, 4_567_890, "4.57M"),
        (words.short, 2.5e12, "2.5T"),
        (words.rate, 0, "0"),
        (words.rate, 0.44, "0.4"),
        (words.rate, 1234.4, "1,234"),
        (words.nanoseconds, None, "–"),
        (words.nanoseconds, 870_000, "870 µs"),
        (words.nanoseconds, 12_300_000, "12.3 ms"),
        (words.nanoseconds, 999_600_000, "1 s"),
        (words.nanoseconds, 1_200_000_000, "1.2 s"),
        (words.elapsed, 12.34, "12.3 s"),
        (words.elapsed, 185, "3 min 5 s"),
        (words.elapsed, 7500, "2 h 5 min"),
        (words.size, 812, "812 B"),
        (words.size, 1536, "1.5 KiB"),
        (words.size, 64 << 20, "64 MiB"),
        (words.size, 5 << 40, "5 TiB"),
    ],
)
def test_numbers(function, number, text):
    assert function(number) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "0 %"),
        (5, 5, "100 %"),
        (999_999, 1_000_000, "99.9 %"),
        (1, 1_000_000, "< 0.01 %"),
        (1, 300, "0.33 %"),
    ],
)
def test_shares_never_round_to_none_or_all(part, whole, text):
    assert words.share(part, whole) == text


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_a_share_is_only_all_if_it_is(part, more):
    assert words.share(part, part + more) != "100 %"
    assert words.share(part, part + more) != "0 %"


@given(st.floats(0, 9e14))
def test_short_is_short(n):
    assert len(words.short(n)) <= 5


def test_reasons_and_statuses():
    assert words.reasons(Counter(reset=1, timeout=30, tls=0)) == "timeout 30, reset 1"
    assert words.reasons(Counter(a=5, b=4, c=3, d=2, e=1, f=1), most=3) == "a 5, b 4, c 3, others 4"
    assert words.statuses(Counter({404: 3, 200: 1812})) == "200: 1,812, 404: 3"
