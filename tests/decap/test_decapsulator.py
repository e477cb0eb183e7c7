"""Everything that decap can read, whole, cut at every byte, mixed, and against the reference decoder."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decap.peeling import peel
from decap.reference import decode
from decap.samples import IP4, IP6, SAMPLES, WITH_VNI, expected
from packets import CLIENT, SERVER, Seen, ethernet, frames, ipv4, mirrored, seen, tcp, vxlan
from shadowtap.decap import Decapsulator
from shadowtap.decap.decapsulator import MAX_LAYERS
from shadowtap.events import Frames, Link

NAMES = sorted(SAMPLES)


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_frame_gives_its_segment(name: str) -> None:
    link, octets = SAMPLES[name]
    wanted = expected(octets, 7 if name in WITH_VNI else None)
    assert peel(octets, link=link).segments == [wanted] == [decode(link, octets)]
    many = [octets] * 60  # by columns, not one by one
    assert peel(*many, link=link).segments == [wanted] * 60


@pytest.mark.parametrize("name", NAMES)
def test_a_frame_cut_anywhere_is_counted_once_and_what_is_there_comes_out(name: str) -> None:
    link, octets = SAMPLES[name]
    pieces = [octets[:size] for size in range(len(octets))]
    one_by_one = [peel(piece, link=link) for piece in pieces]
    assert all(peeled.counters.frames == 1 for peeled in one_by_one)
    together = peel(*pieces, link=link).segments
    assert [segment for peeled in one_by_one for segment in peeled.segments] == together
    assert together == [segment for piece in pieces if (segment := decode(link, piece)) is not None]
    for segment in together:
        whole = expected(octets).payload
        assert whole.startswith(segment.payload)
        assert len(segment.payload) + segment.missing == len(whole)


def test_a_batch_of_everything_keeps_its_order() -> None:
    frame = ethernet(IP4)
    batch = [SAMPLES[name][1] for name in NAMES if SAMPLES[name][0] == Link.ETHERNET]
    mixed = [octets for other in batch for octets in (frame, other, b"", other[:30])]
    peeled = peel(*mixed, gap=5)
    wanted = [decode(Link.ETHERNET, octets) for octets in mixed]
    assert peeled.segments == [segment for segment in wanted if segment is not None]
    assert peeled.counters.frames == len(mixed)


def test_an_empty_batch_and_empty_frames() -> None:
    assert peel() == ([], peel().counters)
    for link in Link:
        for size in range(10):
            peel(bytes(size), b"", link=link)


def test_an_unknown_link_type_is_named() -> None:
    assert peel(ethernet(IP4), ethernet(IP4), link=147).dropped == {"unknown_link_type": 2}


def test_headers_cannot_nest_for_ever() -> None:
    deep = IP4
    for _ in range(MAX_LAYERS + 3):
        deep = ipv4(deep, protocol=4)
    assert peel(ethernet(deep)).dropped == {"too_many_layers": 1}
    tagged = ethernet(IP4, *[0x8100] * MAX_LAYERS)
    assert peel(tagged).dropped == {"too_many_layers": 1}
    assert len(peel(ethernet(IP4, *[0x8100] * (MAX_LAYERS - 2))).segments) == 1


def test_what_is_no_tcp_is_named() -> None:
    frames_and_reasons = {
        ethernet(bytes(28), kind=0x0806): "not_ip",
        ethernet(ipv4(bytes(8), protocol=1)): "not_tcp",
        ethernet(ipv4(b"\0\x35\0\x35\0\x08\0\0", protocol=17)): "not_tcp",
        ethernet(ipv4(bytes(8), protocol=132)): "not_tcp",
        ethernet(b"\x42\x42\x03" + bytes(40), kind=43): "not_ip",
        b"\x01\x02": "cut_in_header",
        ethernet(b"\x45" + bytes(10), kind=0x0800): "cut_in_header",
    }
    for octets, reason in frames_and_reasons.items():
        assert peel(octets).dropped == {reason: 1}, reason


def test_vnis_limit_what_is_read_of_an_overlay() -> None:
    batch = [vxlan(ethernet(IP4), vni) for vni in (7, 8, 9, 7)]
    for copies in (1, 30):
        peeled = peel(*batch * copies, link=Link.VXLAN, vnis=frozenset({7, 9}))
        assert [segment.vni for segment in peeled.segments] == [7, 9, 7] * copies
        assert peeled.dropped == {"vni_not_wanted": copies}
    assert peel(mirrored(ethernet(IP6), 8), vnis=frozenset({7})).dropped == {"vni_not_wanted": 1}


def test_ports_limit_what_is_read_at_either_end() -> None:
    answer = ethernet(ipv4(tcp(b"yes", SERVER, CLIENT), "10.0.0.2", "10.0.0.1"))
    batch = [ethernet(IP4), answer, ethernet(IP6)]
    for copies in (1, 30):
        assert len(peel(*batch * copies, ports=frozenset({80, 443})).segments) == 3 * copies
        assert len(peel(*batch * copies, ports=frozenset({40_000})).segments) == 3 * copies
        assert peel(*batch * copies, ports=frozenset({81})).dropped == {"port_not_wanted": 3 * copies}


def test_tenants_with_the_same_addresses_are_different_connections() -> None:
    batch = [vxlan(ethernet(IP4), vni) for vni in (0, 1, 2)]
    (segments,) = Decapsulator().feed(frames([*batch, *batch], Link.VXLAN))
    keys = [row[0] for row in segments.rows(acks=True)]
    assert len(set(keys)) == 3
    assert keys[:3] == keys[3:]


def test_both_directions_have_one_key() -> None:
    answer = ethernet(ipv4(tcp(b"yes", SERVER, CLIENT), "10.0.0.2", "10.0.0.1"))
    (segments,) = Decapsulator().feed(frames([ethernet(IP4), answer]))
    (key, *_), (other, *_) = segments.rows(acks=True)
    assert key == other
    assert [row[1] for row in segments.rows(acks=True)] == [0, 1]


def test_frames_may_lie_anywhere_in_the_buffer() -> None:
    first, second = ethernet(IP4), ethernet(IP6, 0x8100)
    buffer = np.frombuffer(b"\xff" * 3 + second + b"\xff" * 5 + first, np.uint8)
    starts = np.array([len(second) + 8, 3], np.int64)
    sizes = np.array([len(first), len(second)], np.int64)
    batch = Frames(buffer, starts, sizes, sizes, np.array([1, 2], np.int64), Link.ETHERNET)
    rows = [segment for found in Decapsulator().feed(batch) for segment in seen(found)]
    assert rows == [expected(IP4), expected(IP6)]


CHANGE = st.one_of(
    st.tuples(
        st.just("set"), st.integers(0, 200), st.sampled_from([0, 1, 4, 6, 8, 0x40, 0x45, 0x60, 44, 255])
    ),
    st.tuples(st.just("set"), st.integers(0, 200), st.integers(0, 255)),
    st.tuples(st.just("cut"), st.integers(0, 200), st.just(0)),
    st.tuples(st.just("remove"), st.integers(0, 200), st.integers(1, 9)),
    st.tuples(st.just("insert"), st.integers(0, 200), st.integers(1, 9)),
)


def changed(octets: bytes, changes: list[tuple[str, int, int]]) -> bytes:
    """The octets with a few of them spoilt."""
    for what, at, value in changes:
        if what == "set" and at < len(octets):
            octets = octets[:at] + bytes((value,)) + octets[at + 1 :]
        elif what == "cut":
            octets = octets[:at]
        elif what == "remove":
            octets = octets[:at] + octets[at + value :]
        elif what == "insert":
            octets = octets[:at] + bytes(range(value)) + octets[at:]
    return octets


BROKEN = st.tuples(st.sampled_from(NAMES), st.lists(CHANGE, max_size=4))


@settings(max_examples=200)
@given(st.lists(BROKEN, min_size=1, max_size=12), st.sampled_from([1, 8]), st.integers(0, 3))
def test_agrees_with_the_reference_on_broken_frames(
    broken: list[tuple[str, list[tuple[str, int, int]]]], copies: int, gap: int
) -> None:
    """`copies` of the batch make it large enough for columns; both roads must agree with the plain decoder."""
    by_link: dict[int, list[bytes]] = {}
    for name, changes in broken:
        link, octets = SAMPLES[name]
        by_link.setdefault(link, []).append(changed(octets, changes))
    for link, batch in by_link.items():
        peeled = peel(*batch * copies, link=link, gap=gap)
        wanted: list[Seen | None] = [decode(link, octets) for octets in batch * copies]
        if not peeled.counters.reassembled:
            assert peeled.segments == [segment for segment in wanted if segment is not None]


@settings(max_examples=150)
@given(st.sampled_from([*Link, 147]), st.lists(st.binary(max_size=120), max_size=6))
def test_noise_is_counted(link: int, noise: list[bytes]) -> None:
    peeled = peel(*noise, link=link)
    assert peeled.counters.frames == len(noise) + peeled.counters.reassembled
