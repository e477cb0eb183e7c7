"""The last header: options, lengths, numbers and the key of the connection."""

import struct
from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from decap.peeling import peel
from packets import ACK, Seen, ethernet, frames, mirrored, packet, tcp
from shadowtap.decap import Decapsulator
from shadowtap.events import Endpoint

ADDRESSES4 = st.integers(0, (1 << 32) - 1).map(IPv4Address)
ADDRESSES6 = st.one_of(
    st.integers(0, (1 << 128) - 1),
    st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda halves: halves[0] << 64 | halves[1]),
).map(IPv6Address)
PORTS = st.integers(0, 65_535)
PAIRS = st.one_of(*(st.tuples(a, PORTS, a, PORTS) for a in (ADDRESSES4, ADDRESSES6)))
NUMBERS = st.integers(0, (1 << 32) - 1)


@given(PAIRS, NUMBERS, NUMBERS, st.integers(0, 255), st.binary(max_size=20), st.sampled_from([1, 60]))
def test_endpoints_and_numbers_come_out_as_they_went_in(
    pair: tuple, seq: int, ack: int, flags: int, payload: bytes, copies: int
) -> None:
    source, destination = Endpoint(*pair[:2]), Endpoint(*pair[2:])
    segment = tcp(payload, source, destination, seq=seq, ack=ack, flags=flags)
    octets = mirrored(ethernet(packet(segment, source, destination)), 3)
    ends = (str(source.address), source.port, str(destination.address), destination.port)
    assert peel(*[octets] * copies).segments == [Seen(*ends, 3, seq, ack, flags, payload, 0)] * copies


@given(PAIRS, st.sampled_from([1, 60]))
def test_a_connection_has_one_key_and_two_directions(pair: tuple, copies: int) -> None:
    one, two = Endpoint(*pair[:2]), Endpoint(*pair[2:])
    there, back = (ethernet(packet(tcp(b"x", a, b, flags=ACK), a, b)) for a, b in ((one, two), (two, one)))
    (segments,) = Decapsulator().feed(frames([there, back] * copies))
    rows = list(segments.rows(acks=True))
    assert len({row[0] for row in rows}) == 1
    assert {row[1] for row in rows} == ({0} if one == two else {0, 1})
    assert rows[0][1] == int((int(one.address), one.port) > (int(two.address), two.port))
    assert len(struct.unpack("=5Q", rows[0][0])) == 5


def test_options_are_no_payload() -> None:
    for words in range(11):
        octets = ethernet(packet(tcp(b"payload", options=b"\x01" * 4 * words)))
        for copies in (1, 60):
            assert {segment.payload for segment in peel(*[octets] * copies).segments} == {b"payload"}


def test_a_header_length_that_lies_is_refused() -> None:
    short = bytearray(tcp(b"payload"))
    short[12] = 0x40
    long = bytearray(tcp(b"payload"))
    long[12] = 0xF0
    for octets in (short, long):
        for copies in (1, 60):
            assert peel(*[ethernet(packet(bytes(octets)))] * copies).dropped == {"bad_tcp_header": copies}
