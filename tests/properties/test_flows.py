"""What `Flows` promises of any connection, however the capture shows it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.witness import Witness
from packets import ACK, FIN, RST, SYN
from properties.streams import SIZES, STARTS, Spoken, batched, disturbed, spoken
from shadowtap.events import How, Opened
from shadowtap.flows import Flows
from transcript import MASK, MS, C, S, Segment

SECOND = 1_000 * MS


@given(st.data(), spoken(), SIZES)
def test_order_copies_overlap_and_batches_make_no_difference(
    data: st.DataObject, talk: Spoken, sizes: list[int]
) -> None:
    witness = Witness()
    for batch in batched(data.draw(disturbed(talk)), sizes):
        witness.feed(*batch)
    witness.advance(talk.segments[-1].time_ns + 20 * SECOND).finish()
    assert len(witness.sides) == 1
    for direction in (C, S):
        side = witness.sides[0][direction]
        assert side.octets == talk.octets[direction]
        assert side.gap_bytes == 0
        assert side.closed is How.FIN


@given(st.data(), spoken(handshake=st.booleans()), SIZES)
def test_what_is_captured_is_delivered_and_the_rest_is_a_gap(
    data: st.DataObject, talk: Spoken, sizes: list[int]
) -> None:
    lost = set(data.draw(st.lists(st.integers(0, len(talk.segments) - 1), max_size=12)))
    kept = [segment for place, segment in enumerate(talk.segments) if place not in lost]
    witness = Witness()
    for batch in batched(kept, sizes):
        witness.feed(*batch)
    witness.advance(talk.segments[-1].time_ns + 20 * SECOND).finish()
    for direction in (C, S):
        told = [side for sides in witness.sides.values() if (side := sides[direction]).pieces]
        delivered = b"".join(side.octets for side in told)
        assert delivered == b"".join(segment.data for segment in kept if segment.direction == direction)
        for side in told:
            assert side.position is not None
            begin = side.position - len(side.octets) - side.gap_bytes
            _agrees(side.pieces, talk.octets[direction], (begin - talk.starts[direction]) & MASK)


def _agrees(pieces: list[bytes | int], octets: bytes, at: int) -> None:
    for piece in pieces:
        if isinstance(piece, bytes):
            assert octets[at : at + len(piece)] == piece
        at += len(piece) if isinstance(piece, bytes) else piece
    assert at <= len(octets) + 1  # a lost FIN is a hole of one


CONFLICTING = st.lists(st.tuples(st.integers(0, 40), st.binary(min_size=1, max_size=12)), max_size=20)


@given(CONFLICTING, STARTS, SIZES)
def test_the_first_captured_copy_of_an_octet_wins(
    copies: list[tuple[int, bytes]], isn: int, sizes: list[int]
) -> None:
    first: dict[int, int] = {}
    segments = [Segment(C, isn, b"", SYN)]
    for at, data in copies:
        segments.append(Segment(C, (isn + 1 + at) & MASK, data, ACK, 1))
        for place, octet in enumerate(data, at):
            first.setdefault(place, octet)
    witness = Witness()
    for batch in batched(segments, sizes):
        witness.feed(*batch)
    pieces = witness.finish().sides[0][C].pieces
    told = [octet for piece in pieces for octet in ([None] * piece if isinstance(piece, int) else piece)]
    assert told == [first.get(place) for place in range(max(first, default=-1) + 1)]


@given(st.data(), spoken(), SIZES)
def test_a_closed_connection_stays_closed_for_late_copies(
    data: st.DataObject, talk: Spoken, sizes: list[int]
) -> None:
    witness = Witness()
    for batch in batched(talk.segments, sizes):
        witness.feed(*batch)
    now = talk.segments[-1].time_ns
    late = data.draw(st.lists(st.sampled_from(talk.segments), max_size=20))
    for number, segment in enumerate(late):
        witness.feed(segment._replace(time_ns=now + number * 100 * MS))
    witness.finish()
    assert len(witness.sides) == 1
    assert [witness.sides[0][d].octets for d in (C, S)] == list(talk.octets)


HOSTILE = st.builds(
    Segment,
    direction=st.integers(0, 1),
    seq=st.one_of(st.integers(MASK - 30, MASK), st.integers(0, 60), st.integers(0, MASK)),
    data=st.binary(max_size=30),
    flags=st.sampled_from([0, ACK, ACK, ACK, SYN, SYN | ACK, FIN, FIN | ACK, RST, RST | ACK, 255]),
    ack=st.one_of(st.integers(MASK - 30, MASK), st.integers(0, 60), st.integers(0, MASK)),
    missing=st.sampled_from([0, 0, 0, 1, 20, 60_000]),
    connection=st.integers(0, 2),
)
STEPS = st.lists(
    st.tuples(HOSTILE, st.sampled_from([0, 1, 50 * MS, SECOND, 12 * SECOND, 400 * SECOND])), max_size=40
)


@settings(max_examples=300)
@given(STEPS, SIZES, st.sampled_from([1, 2, 1000]), st.sampled_from([10, 1 << 20]))
def test_any_segments_at_all_keep_the_grammar_and_the_limits(
    steps: list[tuple[Segment, int]], sizes: list[int], connections: int, buffer_bytes: int
) -> None:
    flows = Flows(connections=connections, buffer_bytes=buffer_bytes)
    witness = Witness(flows)
    now, segments = SECOND, []
    for segment, pause in steps:
        now += pause
        segments.append(segment._replace(time_ns=now))
    for batch in batched(segments, sizes):
        witness.feed(*batch)
        assert flows.counters.open_now <= connections
        assert flows.counters.buffered_bytes <= buffer_bytes
        assert flows.counters.open_now == sum(not (a.closed and b.closed) for a, b in witness.sides.values())
    witness.finish(now)
    assert flows.counters.payload_bytes == sum(len(segment.data) for segment in segments)
    assert sum(isinstance(event, Opened) for event in witness.events) == flows.counters.opened
