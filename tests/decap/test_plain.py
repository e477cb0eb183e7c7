"""The short way by columns: it takes what is plain, leaves the rest, and mixes both in order."""

import numpy as np

from decap.peeling import peel
from decap.reference import decode
from packets import CLIENT, CLIENT6, SERVER, SERVER6, Seen, ethernet, ipv4, packet, tcp, vxlan
from shadowtap.decap import plain
from shadowtap.decap.rows import Rows, View
from shadowtap.events import Link

PLAIN = ethernet(packet(tcp(b"plain")))
ODD = [
    ethernet(packet(tcp(b"six", CLIENT6, SERVER6), CLIENT6, SERVER6)),
    ethernet(packet(tcp(b"tagged")), 0x8100),
    ethernet(ipv4(tcp(b"options"), options=bytes(4))),
    ethernet(ipv4(tcp(b"offloaded"), total=0)),
    ethernet(ipv4(tcp(b"cut off"), total=1000)),
    ethernet(ipv4(tcp(b"padded")), padding=9),
    ethernet(ipv4(bytes(60), protocol=17)),
    ethernet(ipv4(tcp(b"fragment" * 9), fragment=0x2000)),
    ethernet(packet(tcp(b"dropped", SERVER, CLIENT), SERVER, CLIENT)),
]


def test_the_short_way_is_taken_for_plain_frames() -> None:
    frames = [PLAIN] * 3 + [ODD[0]]
    buffer = np.frombuffer(b"".join(frames), np.uint8)
    starts = np.cumsum([0, *map(len, frames[:-1])])
    rows = Rows(np.arange(4), starts, starts + np.array(list(map(len, frames))))
    found, rest = plain.segments(View(buffer, {}), rows, None, np.arange(4))
    assert found is not None
    assert rest is not None
    assert found[1].tolist() == [0, 1, 2]
    assert rest.frame.tolist() == [3]


def test_plain_and_odd_frames_keep_their_order() -> None:
    batch = [frame for odd in ODD for frame in (PLAIN, PLAIN, odd)] * 3
    wanted: list[Seen | None] = [decode(Link.ETHERNET, frame) for frame in batch]
    assert peel(*batch).segments == [segment for segment in wanted if segment is not None]
    overlays = [vxlan(frame, number) for number, frame in enumerate(batch)]
    wanted = [decode(Link.VXLAN, frame) for frame in overlays]
    assert peel(*overlays, link=Link.VXLAN).segments == [segment for segment in wanted if segment is not None]
