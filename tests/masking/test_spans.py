"""Places, side by side and joined."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shadowtap.masking.spans import Span, beside, joined, masked_with, moved


def span(start, end, stand_in=b"*", kind="k"):
    return Span(start, end, stand_in, kind)


def apart(places):
    kept = []
    for start, length in sorted(places):
        if not kept or start >= kept[-1].end:
            kept.append(span(start, start + length))
    return kept


SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=8).map(apart)


@given(SPANS, SPANS)
def test_beside(first, second):
    both = beside(first, second)
    assert both == sorted(both)
    assert all(one.end <= other.start for one, other in pairwise(both))
    assert set(first) <= set(both) <= set(first) | set(second)
    for left_out in set(second) - set(both):
        assert any(left_out.start < one.end and one.start < left_out.end for one in first)


@given(SPANS, SPANS)
def test_joined_covers_both_and_nothing_else(first, second):
    both = joined(first, second, span)
    covered = [at for one in both for at in range(one.start, one.end)]
    assert len(covered) == len(set(covered))
    assert set(covered) == {at for one in first + second for at in range(one.start, one.end)}


def test_masked_with():
    assert masked_with(b"abcdef", [span(1, 2), span(4, 6, b"--")]) == (b"a*cd--", ("k", "k"))
    assert masked_with(b"abc", [span(0, 1, b"a", "")]) == (b"abc", ())
    assert moved([span(1, 2)], 5) == [span(6, 7)]
