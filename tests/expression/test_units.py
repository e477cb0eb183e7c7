"""Numbers with units: what is written is what is meant."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowtap.expression.error import WordError
from shadowtap.expression.tree import Operator
from shadowtap.expression.units import DURATION, FACTOR, PLAIN, SHARE, SIZE, WHOLE

KINDS = {"whole": WHOLE, "plain": PLAIN, "size": SIZE, "duration": DURATION, "share": SHARE, "factor": FACTOR}


@pytest.mark.parametrize(
    ("kind", "word", "value"),
    [
        ("whole", "80", 80),
        ("plain", "2.5", 2.5),
        ("size", "512", 512),
        ("size", "512B", 512),
        ("size", "10KiB", 10_240),
        ("size", "10kb", 10_000),
        ("size", "1.5MiB", 1_572_864),
        ("duration", "500ms", 5e8),
        ("duration", "250us", 250e3),
        ("duration", "250µs", 250e3),
        ("duration", "1m30s", 90e9),
        ("duration", "1h", 3600e9),
        ("duration", "5min1s", 301e9),
        ("duration", "10ns", 10),
        ("duration", "0", 0),
        ("share", "1%", 0.01),
        ("share", "0.1%", 0.001),
        ("share", "0.25", 0.25),
        ("share", "100%", 1),
        ("factor", "1.2x", 1.2),
    ],
)
def test_read(kind, word, value):
    assert KINDS[kind].read(word) == pytest.approx(value)


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("whole", "-1"),
        ("whole", "1.5"),
        ("whole", "٣"),
        ("size", "10M"),
        ("size", "10 MB"),
        ("duration", "5"),
        ("duration", "5 s"),
        ("duration", "s"),
        ("duration", "1s2"),
        ("share", "2"),
        ("share", "101%"),
        ("factor", "1.2"),
        ("plain", "inf"),
        ("plain", "nan"),
        ("plain", "1e3"),
        ("size", "9" * 400),
        ("duration", ""),
    ],
)
def test_not_read(kind, word):
    with pytest.raises(WordError, match="expected "):
        KINDS[kind].predicate(Operator.EQUALS, [word])


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("size", 512, "512B"),
        ("size", 1024, "1KiB"),
        ("size", 1_572_864, "1.5MiB"),
        ("duration", 512e6, "512ms"),
        ("duration", 12e3, "12us"),
        ("duration", 7, "7ns"),
        ("share", 0.0031, "0.31%"),
        ("factor", 1.3125, "1.31x"),
        ("whole", 80, "80"),
    ],
)
def test_shown(kind, value, text):
    assert KINDS[kind].show(value) == text


@settings(deadline=None)
@given(st.sampled_from(sorted(KINDS)), st.integers(1, 10**12))
def test_what_is_shown_can_be_read(kind, value):
    if kind == "share":
        value = value / 10**12
    shown = KINDS[kind].read(KINDS[kind].show(value))
    assert shown == pytest.approx(value, rel=0.006)
