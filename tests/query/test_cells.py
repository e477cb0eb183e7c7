"""Values as machines and people read them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from shadowtap.query.cells import duration, harmless, human, plain, text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (9_007_199_254_740_993, 9_007_199_254_740_993),
        (True, True),
        (1.5, 1.5),
        (float("nan"), None),
        (float("-inf"), None),
        (Decimal(12345678901234567890), 12345678901234567890),
        (Decimal("1.25"), 1.25),
        (b"text", "text"),
        (b"\xff\x00", "base64:/wA="),
        (datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC), "2026-11-23T12:00:00.000005Z"),
        (date(2026, 11, 23), "2026-11-23"),
        ([{"a": b"x"}], [{"a": "x"}]),
    ],
)
def test_json_has_exact_values(value, expected):
    assert plain(value) == expected


def test_csv_has_nothing_for_null_and_json_for_lists():
    assert [text(None), text("a,b"), text(3), text([1, None])] == ["", "a,b", "3", "[1,null]"]


@pytest.mark.parametrize(
    ("ns", "said"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_234, "1.23 µs"),
        (1_500_000, "1.5 ms"),
        (12_345_678_901, "12.3 s"),
        (4e12, "4000 s"),
    ],
)
def test_durations_have_units(ns, said):
    assert duration(ns) == said


def test_columns_are_read_by_their_names():
    assert human("latency_ns", "int64")(1_500_000) == "1.5 ms"
    assert human("p99_ms", "double")(0.25) == "250 µs"
    assert human("response_end_ns", "int64")(1_795_435_200_000_000_001) == "2026-11-23T12:00:00.000000001Z"
    assert human("status", "int32")(200) == "200"
    assert human("mean_bytes", "double")(1234.5678) == "1235"
    assert human("latency_ns", "int64")(None) == human("time", "timestamp[us, tz=UTC]")(None) == ""


def test_recorded_bytes_cannot_command_the_terminal():
    assert human("path", "string")("/a\x1b]0;title\x07\n\u202e") == r"/a\x1b]0;title\x07\n\u202e"
    assert harmless("grüezi ✓") == "grüezi ✓"
