"""The short way for a small batch says the same as the long way for a large one."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from decap.peeling import peel
from packets import ACK, CLIENT, FIN, SERVER, SYN, ethernet, frames, ipv4, packet, tcp, vxlan
from shadowtap.decap import few
from shadowtap.events import Link

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
def test_both_ways_agree(batch: list[tuple[bytes, int]], overlay: bool, limited: bool) -> None:
    link = Link.VXLAN if overlay else Link.ETHERNET
    octets = [vxlan(frame, vni) if overlay else frame for frame, vni in batch]
    vnis = frozenset({1, 2}) if limited else frozenset()
    ports = frozenset({80}) if limited else frozenset()
    many = few.FEW // len(octets) + 1
    small, large = (peel(*octets * n, link=link, vnis=vnis, ports=ports) for n in (1, many))
    assert small.segments * many == large.segments
    assert {reason: n * many for reason, n in small.dropped.items()} == large.dropped


def test_it_leaves_batches_with_anything_odd_alone() -> None:
    plain = ethernet(packet(tcp(b"plain")))
    for odd in (ethernet(packet(tcp(b"x")), 0x8100), ethernet(ipv4(tcp(b"x"), total=0)), b"short"):
        dropped: Counter[str] = Counter()
        assert few.segments(frames([plain, odd]), None, np.zeros(65_536, np.bool_), dropped) is None
        assert not dropped


def test_cut_segments_are_counted() -> None:
    assert peel(ethernet(ipv4(tcp(b"cut"), total=60))).counters.cut_segments == 1
