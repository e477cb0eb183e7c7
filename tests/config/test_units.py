"""Durations, sizes and shares: what is written is what is meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.config.units import parse_duration, parse_share, parse_size, parse_switch


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("500ms", 0.5),
        ("5m", 300),
        ("5 min", 300),
        ("1h 30m", 5400),
        ("1m30s", 90),
        ("2.5s", 2.5),
        ("250us", 0.00025),
        ("250µs", 0.00025),
        ("90", 90),
        ("0", 0),
        ("1d", 86400),
        ("10NS", 1e-08),
    ],
)
def test_durations(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "-1s", "5 fortnights", "1s2", "1,5s", "1e3", "٣s", "inf", "nan"])
def test_no_durations(text):
    with pytest.raises(ValueError, match=r".*"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("64MiB", 64 << 20),
        ("10MB", 10_000_000),
        ("512 B", 512),
        ("1kib", 1024),
        ("1.5 GiB", 3 << 29),
        ("77", 77),
    ],
)
def test_sizes(text, octets):
    assert parse_size(text) == octets


@pytest.mark.parametrize("text", ["", "MiB", "64M", "64 m", "-1", "1 PB", "1.MB", "٣"])
def test_no_sizes(text):
    with pytest.raises(ValueError, match=r".*"):
        parse_size(text)


@given(
    st.integers(0, 10**9), st.sampled_from([("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600)]), st.booleans()
)
def test_every_whole_duration_is_read_back(number, unit, space):
    name, seconds = unit
    assert parse_duration(f"{number}{' ' if space else ''}{name}") == pytest.approx(number * seconds)


@given(st.integers(0, 10**9), st.sampled_from(["", "B", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB"]))
def test_every_whole_size_is_read_back_exactly(number, unit):
    base = 1024 if "i" in unit else 1000
    assert parse_size(f"{number}{unit}") == number * base ** " KMGT".find(
        unit[:1].upper() if len(unit) > 1 else " "
    )


@given(st.text())
def test_nothing_but_value_errors(text):
    for parse in (parse_duration, parse_size, parse_share, parse_switch):
        try:
            parse(text)
        except (ValueError, OverflowError):
            continue


def test_shares_and_switches():
    assert parse_share("1%") == pytest.approx(0.01)
    assert parse_share("0.25") == 0.25
    assert [parse_switch(word) for word in ("yes", "On", "TRUE", "no", "off", "false")] == [True] * 3 + [
        False
    ] * 3
