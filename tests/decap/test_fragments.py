"""Fragments in any order, repeated, overlapping, missing, hostile; inner and outer."""

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decap.peeling import Peeled, peel
from packets import (
    CLIENT6,
    SERVER6,
    ethernet,
    fragments4,
    fragments6,
    ipv4,
    ipv6,
    mirrored,
    packet,
    tcp,
)
from shadowtap.decap import Decapsulator
from shadowtap.decap.fragments import (
    MAX_BYTES,
    MAX_DATAGRAMS,
    MAX_PIECES,
    TIMEOUT_NS,
    Fragments,
)

PAYLOAD = bytes(range(200))
WHOLE4 = packet(tcp(PAYLOAD))
WHOLE6 = packet(tcp(PAYLOAD, CLIENT6, SERVER6), CLIENT6, SERVER6)
PIECES = {
    "IPv4": [ethernet(piece) for piece in fragments4(WHOLE4, 40, 80, 160)],
    "IPv6": [ethernet(piece) for piece in fragments6(WHOLE6, 40, 80, 160)],
    "inner IPv4": [mirrored(ethernet(piece)) for piece in fragments4(WHOLE4, 40, 80, 160)],
    "inner IPv6": [mirrored(ethernet(piece)) for piece in fragments6(WHOLE6, 40, 80, 160)],
    "outer": [ethernet(piece) for piece in fragments4(mirrored(ethernet(WHOLE6))[14:], 40, 120, 200)],
}


def payloads(peeled: Peeled) -> list[bytes]:
    return [segment.payload for segment in peeled.segments]


@pytest.mark.parametrize("kind", PIECES)
def test_any_order_gives_the_packet_once(kind: str) -> None:
    for order in itertools.permutations(PIECES[kind]):
        peeled = peel(*order)
        assert payloads(peeled) == [PAYLOAD]
        assert peeled.dropped == {"fragment": 4}
        assert peeled.counters.frames == 5
        assert peeled.counters.reassembled == 1


@pytest.mark.parametrize("kind", PIECES)
def test_over_several_batches(kind: str) -> None:
    road = Decapsulator()
    found = [peel(piece, road=road) for piece in PIECES[kind]]
    assert [payloads(peeled) for peeled in found] == [[], [], [], [PAYLOAD]]


@pytest.mark.parametrize("kind", PIECES)
def test_one_missing_gives_nothing(kind: str) -> None:
    for missing in range(4):
        kept = [piece for place, piece in enumerate(PIECES[kind]) if place != missing]
        peeled = peel(*kept, *kept)
        assert peeled.segments == []
        assert peeled.counters.reassembled == 0


@given(st.permutations(PIECES["IPv4"] * 2))
def test_copies_make_no_difference(order: list[bytes]) -> None:
    """A copy that comes behind the last piece begins a datagram of its own, and may complete it with other copies."""
    assert set(payloads(peel(*order))) == {PAYLOAD}


def test_packets_of_both_worlds_in_one_batch_keep_their_keys() -> None:
    """Reassembled packets with and without a VNI, of both versions, are peeled in groups."""
    peeled = peel(*(piece for pieces in zip(*PIECES.values(), strict=True) for piece in pieces))
    assert Counter((segment.source, segment.vni) for segment in peeled.segments) == {
        ("10.0.0.1", None): 1,
        ("10.0.0.1", 7): 1,
        ("fd00::1", None): 1,
        ("fd00::1", 7): 2,
    }
    assert payloads(peeled) == [PAYLOAD] * 5


def test_fragments_of_fragments() -> None:
    inner = [mirrored(ethernet(piece)) for piece in fragments4(WHOLE4, 40, 120)]
    outer = [
        ethernet(piece)
        for ident, frame in enumerate(inner)
        for piece in fragments4(frame[14:], 48, ident=ident)
    ]
    peeled = peel(*outer)
    assert payloads(peeled) == [PAYLOAD]
    assert peeled.counters.reassembled == 4


def test_where_pieces_overlap_the_first_copy_wins_in_ipv4() -> None:
    first, second, *rest = fragments4(WHOLE4, 40, 80, 160)
    forged = bytearray(first)
    forged += b"\xff" * 40
    forged[2:4] = len(forged).to_bytes(2)
    peeled = peel(ethernet(second), ethernet(bytes(forged)), *(ethernet(piece) for piece in rest))
    assert payloads(peeled) == [PAYLOAD]


def test_an_overlap_spoils_an_ipv6_datagram() -> None:
    first, second, *rest = fragments6(WHOLE6, 40, 80, 160)
    overlapping = fragments6(WHOLE6, 32, 80, 160)[1]
    peeled = peel(*map(ethernet, (first, overlapping, second, *rest)))
    assert peeled.segments == []
    assert peeled.dropped["fragment_bad"] == 1


def test_datagrams_are_told_apart_by_number_addresses_and_vni() -> None:
    other = packet(tcp(PAYLOAD[::-1]))
    pairs = zip(fragments4(WHOLE4, 80, ident=1), fragments4(other, 80, ident=2), strict=True)
    assert payloads(peel(*(ethernet(piece) for pair in pairs for piece in pair))) == [PAYLOAD, PAYLOAD[::-1]]
    head, tail = fragments4(WHOLE4, 80)
    assert peel(mirrored(ethernet(head), 1), mirrored(ethernet(tail), 2)).segments == []
    assert peel(ethernet(head), mirrored(ethernet(tail))).segments == []


def test_a_cut_fragment_is_not_used() -> None:
    pieces = PIECES["IPv4"]
    peeled = peel(*pieces[:3], pieces[3][:-5])
    assert peeled.segments == []
    assert peeled.dropped == {"fragment": 3, "fragment_cut": 1}


def test_a_datagram_beyond_64_kib_is_refused() -> None:
    far = ipv4(bytes(80), fragment=0x1FFF)
    assert peel(ethernet(far)).dropped == {"fragment_bad": 1}


def test_more_pieces_than_any_link_needs_are_refused() -> None:
    many = fragments4(ipv4(bytes(8 * (MAX_PIECES + 2))), *range(8, 8 * (MAX_PIECES + 2), 8))
    peeled = peel(*(ethernet(piece) for piece in many[:-1]))
    assert peeled.dropped["fragment_bad"] == 1


def test_what_waits_too_long_is_forgotten() -> None:
    road = Decapsulator()
    first, *rest = PIECES["IPv4"]
    peel(first, road=road, times=[0])
    peel(*rest, road=road, times=[TIMEOUT_NS] * 3)
    assert peel(first, road=road, times=[TIMEOUT_NS + 1]).segments != []
    assert road.counters.reassembled == 1


def test_waiting_datagrams_are_limited_in_number_and_bytes() -> None:
    fragments = Fragments()
    road = Decapsulator(fragments=fragments)
    small = [ethernet(fragments4(WHOLE4, 80, ident=ident)[0]) for ident in range(MAX_DATAGRAMS + 100)]
    peel(*small, road=road)
    assert len(fragments) == MAX_DATAGRAMS
    big = ipv4(bytes(60_000))
    road = Decapsulator(fragments=(fragments := Fragments()))
    for ident in range(MAX_BYTES // 59_992 + 10):
        peel(ethernet(fragments4(big, 59_992, ident=ident)[0]), road=road)
    assert len(fragments) <= MAX_BYTES // 59_992 + 1


def test_a_fragment_header_behind_ipv4_means_nothing() -> None:
    """One such packet must not stop the collector."""
    header = b"\x06\0\0\1\0\0\0\7"
    assert peel(ethernet(ipv4(header + tcp(b"x"), protocol=44))).dropped == {"bad_ip_header": 1}


def test_the_payload_of_a_super_packet_in_fragments_survives() -> None:
    """65,535 octets and a header more: the total length does not fit, so it stands for an offloaded packet."""
    whole = ipv4(tcp(bytes(65_500)), total=0)
    pieces = [ethernet(piece) for piece in fragments4(whole, 32_000, 64_000)]
    assert [len(payload) for payload in payloads(peel(*pieces))] == [65_500]


@given(st.lists(st.integers(1, 24).map(lambda n: 8 * n), max_size=6), st.randoms(), st.booleans())
def test_any_cuts_in_any_order(cuts: list[int], rnd, version6: bool) -> None:
    whole, cut = (WHOLE6, fragments6) if version6 else (WHOLE4, fragments4)
    pieces = cut(whole, *sorted(set(cuts)))
    rnd.shuffle(pieces)
    assert payloads(peel(*map(ethernet, pieces))) == [PAYLOAD]


def test_extension_headers_before_the_fragment_header() -> None:
    segment = tcp(PAYLOAD, CLIENT6, SERVER6)
    head, tail = segment[:80], segment[80:]
    hop = (0, bytes((0, 1, 4)) + bytes(4))
    pieces = [
        ipv6(head, following=6, extensions=[hop, (44, bytes((0, 0, 1, 0, 0, 0, 9)))]),
        ipv6(tail, following=6, extensions=[hop, (44, bytes((0, 0, 80, 0, 0, 0, 9)))]),
    ]
    assert payloads(peel(*map(ethernet, pieces))) == [PAYLOAD]
