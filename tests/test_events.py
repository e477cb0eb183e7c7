"""The values between stages: frozen, and the same whether segments come as columns or as rows."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

import packets
from packets import CLIENT, CLIENT6, SERVER
from shadowtap import events
from shadowtap.events import (
    Chunk,
    Connection,
    Difference,
    Exchange,
    FlowKey,
    Link,
    Request,
    Response,
    SegmentRows,
    Verdict,
    messages,
    replace,
)
from shadowtap.events.value import Value
from transcript import C, Segment, columns

ON = Connection(0, CLIENT, SERVER, None)
REQUEST = Request(ON, 0, 1_000, 3_000, b"GET", b"/", b"1.1", b"", b"", False, (), None)
RESPONSE = Response(ON, 10_000, 12_000, 200, b"OK", b"1.1", b"", b"", 0, False, (), None)

SEGMENTS = st.lists(
    st.builds(
        Segment,
        direction=st.integers(0, 1),
        seq=st.integers(0, 0xFFFFFFFF),
        data=st.binary(max_size=20),
        flags=st.integers(0, 255),
        ack=st.integers(0, 0xFFFFFFFF),
        missing=st.sampled_from([0, 0, 5]),
        time_ns=st.integers(0, 1 << 60),
        connection=st.integers(0, 3),
    ),
    min_size=1,
    max_size=10,
)


@given(SEGMENTS, st.booleans())
def test_segment_rows_are_the_rows_of_segments(segments: list[Segment], acks: bool) -> None:
    whole = columns(segments)
    busy, every = list(whole.rows(acks=False)), list(whole.rows(acks=True))
    few = SegmentRows(len(every), busy, lambda: every)
    assert len(few) == len(whole) == len(segments)
    assert list(few.rows(acks=acks)) == list(whole.rows(acks=acks))


@given(SEGMENTS)
def test_only_segments_that_do_nothing_but_acknowledge_are_left_out(segments: list[Segment]) -> None:
    kept = [row[2] for row in columns(segments).rows(acks=False)]
    eventful = [s.seq for s in segments if s.data or s.missing or s.flags & 7]
    assert kept == eventful


@given(SEGMENTS)
def test_a_row_has_what_the_columns_have(segments: list[Segment]) -> None:
    whole = columns(segments)
    for segment, row in zip(segments, whole.rows(acks=True), strict=True):
        _, direction, seq, ack, flags, data, missing, time_ns = row
        assert (direction, seq, ack, data) == (segment.direction, segment.seq, segment.ack, segment.data)
        assert (flags, missing, time_ns) == (segment.flags, segment.missing, segment.time_ns)


def test_a_key_is_five_numbers() -> None:
    (row,) = columns([Segment(C, 1, b"x")]).rows(acks=True)
    key = FlowKey(*struct.unpack("=5Q", row[0]))
    assert (key.a_lo, key.b_lo) == (int(CLIENT.address), int(SERVER.address))
    assert (key.tail >> 48, key.tail >> 32 & 0xFFFF) == (CLIENT.port, SERVER.port)


def test_frames_have_a_row_each() -> None:
    assert len(packets.frames([b"one", b"three"], Link.RAW)) == 2


def test_endpoints_as_text() -> None:
    assert str(SERVER) == "10.0.0.2:80"
    assert str(CLIENT6) == "[fd00::1]:40000"


def test_latency_runs_from_the_last_octet_of_the_request_to_the_first_of_the_answer() -> None:
    assert Exchange(REQUEST, RESPONSE).latency_ns == 7_000
    assert Exchange(REQUEST, None).latency_ns is None
    assert Exchange(None, RESPONSE, lost_request=True).latency_ns is None


def test_a_verdict_is_the_same_only_where_it_was_compared() -> None:
    difference = Difference("status", "status", "200", "500")
    assert Verdict("t", ()).same
    assert Verdict("t", (), noise=((difference, "rule"),)).same
    assert not Verdict("t", (difference,)).same
    assert not Verdict("t", (), skipped="no answer").same


@pytest.mark.parametrize("value", [REQUEST, RESPONSE, Exchange(REQUEST, None), Chunk(0, 0, b"", 0, 0, 0)])
def test_values_are_like_others_with_the_same_fields(value: Value) -> None:
    name = value.__match_args__[0]
    again = replace(value)
    assert again == value
    assert again is not value
    assert hash(again) == hash(value)
    assert repr(value).startswith(f"{type(value).__name__}({name}=")
    assert value != replace(value, **{name: replace_one(getattr(value, name))})
    assert value != "something else"


def replace_one(field: object) -> object:
    if isinstance(field, int):
        return field + 1
    return replace(field, number=99) if isinstance(field, Connection) else None


@pytest.mark.skipif(
    not messages.__file__.endswith(".so"), reason="not compiled: nothing keeps them from changing"
)
@pytest.mark.parametrize("value", [REQUEST, RESPONSE, Exchange(REQUEST, None), Chunk(0, 0, b"", 0, 0, 0)])
def test_values_are_frozen(value: Value) -> None:
    with pytest.raises(AttributeError):
        setattr(value, value.__match_args__[0], None)


def test_every_value_is_described() -> None:
    kinds = [
        kind
        for kind in vars(events).values()
        if isinstance(kind, type) and kind.__module__.startswith(events.__name__)
    ]
    assert len(kinds) > 15
    assert not [kind.__name__ for kind in kinds if not kind.__doc__]
