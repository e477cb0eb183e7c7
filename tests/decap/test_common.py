"""The compiled way for common packets says the same as the steps that know every packet."""

import ctypes
import mmap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decap.peeling import Peeled, peel
from decap.samples import SAMPLES
from decap.test_decapsulator import BROKEN, NAMES, changed
from packets import ACK, CLIENT, FIN, SERVER, SYN, ethernet, frames, ipv4, packet, tcp, vxlan
from shadowtap.decap import Decapsulator, decapsulator
from shadowtap.events import Bytes, Frames, Link

pytestmark = pytest.mark.skipif(
    not decapsulator.LINKS, reason="not compiled: no C compiler was there at set-up"
)


def both(batch: list[bytes], link: int, **limits: frozenset[int]) -> tuple[Peeled, Peeled]:
    compiled, steps = Decapsulator(**limits), Decapsulator(**limits)
    steps._common = None
    return peel(*batch, link=link, road=compiled), peel(*batch, link=link, road=steps)


@settings(max_examples=300)
@given(
    st.lists(BROKEN, min_size=1, max_size=12),
    st.sampled_from([frozenset(), frozenset({80}), frozenset({1, 443})]),
    st.sampled_from([frozenset(), frozenset({3}), frozenset({7, 9})]),
)
def test_both_ways_agree(broken: list, ports: frozenset[int], vnis: frozenset[int]) -> None:
    by_link: dict[int, list[bytes]] = {}
    for name, changes in broken:
        link, octets = SAMPLES[name]
        by_link.setdefault(link, []).append(changed(octets, changes))
    for link, batch in by_link.items():
        compiled, steps = both(batch, link, ports=ports, vnis=vnis)
        assert compiled.segments == steps.segments
        assert compiled.dropped == steps.dropped
        assert compiled.counters == steps.counters


PLAIN = st.builds(
    lambda payload, flags, turned, padding: ethernet(
        packet(tcp(payload, *((SERVER, CLIENT) if turned else (CLIENT, SERVER)), flags=flags)),
        padding=padding,
    ),
    st.binary(max_size=30),
    st.sampled_from([ACK, SYN, FIN | ACK]),
    st.booleans(),
    st.integers(0, 9),
)


@given(st.lists(st.tuples(PLAIN, st.integers(0, 3)), min_size=1, max_size=10), st.booleans(), st.booleans())
def test_both_ways_agree_on_common_packets(batch: list, overlay: bool, limited: bool) -> None:
    link = Link.VXLAN if overlay else Link.ETHERNET
    octets = [vxlan(frame, vni) if overlay else frame for frame, vni in batch]
    vnis = frozenset({1, 2}) if limited else frozenset()
    ports = frozenset({80}) if limited else frozenset()
    compiled, steps = both(octets, link, vnis=vnis, ports=ports)
    assert compiled == steps


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_common_is_left_to_the_steps(name: str) -> None:
    link, octets = SAMPLES[name]
    compiled, steps = both([octets] * 3, link)
    assert compiled == steps
    assert len(compiled.segments) == 3


def test_common_and_odd_frames_keep_their_order() -> None:
    plain = ethernet(packet(tcp(b"plain")))
    odd = [ethernet(packet(tcp(b"tagged")), 0x9100), ethernet(ipv4(bytes(60), protocol=47)), b"short"]
    batch = [frame for one in odd for frame in (plain, one, plain)] * 3
    compiled, steps = both(batch, Link.ETHERNET)
    assert compiled == steps
    assert [segment.payload for segment in compiled.segments[:4]] == [b"plain", b"tagged", b"plain", b"plain"]


def test_cut_segments_are_counted() -> None:
    assert peel(ethernet(ipv4(tcp(b"cut"), total=60))).counters.cut_segments == 1


def test_acknowledgements_have_rows_when_they_are_asked_for() -> None:
    batch = frames([ethernet(packet(tcp(b""))), ethernet(packet(tcp(b"x", flags=ACK)))], Link.ETHERNET)
    (segments,) = Decapsulator().feed(batch)
    assert [len(list(segments.rows(acks=acks))) for acks in (False, True)] == [1, 2]
    assert len(segments) == 2


@pytest.mark.parametrize(("start", "captured"), [(-1, 5), (0, -1), (40, 30), (0, 1 << 40)])
def test_frames_outside_of_their_buffer_are_refused(start: int, captured: int) -> None:
    batch = frames([bytes(60)], Link.ETHERNET)
    batch.start[0], batch.captured[0] = start, captured
    with pytest.raises(ValueError, match="outside"):
        Decapsulator().feed(
            Frames(batch.buffer, batch.start, batch.captured, batch.on_wire, batch.time_ns, 1)
        )


@pytest.fixture(scope="module")
def brink() -> Bytes:
    """Octets behind which no memory may be read: who reads one too many ends with SIGSEGV."""
    octets = np.frombuffer(mmap.mmap(-1, 2 * mmap.PAGESIZE), np.uint8)
    protect = ctypes.CDLL(None).mprotect
    protect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    assert protect(octets.ctypes.data + mmap.PAGESIZE, mmap.PAGESIZE, 0) == 0
    return octets[: mmap.PAGESIZE]


@pytest.mark.parametrize("name", [name for name in NAMES if SAMPLES[name][0] in decapsulator.LINKS])
def test_nothing_behind_a_frame_is_read(name: str, brink: Bytes) -> None:
    link, octets = SAMPLES[name]
    common, rng = decapsulator.Common(frozenset(), frozenset()), np.random.default_rng(len(octets))
    for length in range(min(len(octets), len(brink)) + 1):
        room = brink[len(brink) - length :]
        for spoilt in range(8):
            room[:] = np.frombuffer(octets[:length], np.uint8)
            if spoilt and length:
                room[rng.integers(length, size=spoilt)] = rng.integers(256, size=spoilt)
            column = np.array([length], np.int64)
            common.rows(Frames(room, np.zeros(1, np.int64), column, column, column, link), None, acks=True)
