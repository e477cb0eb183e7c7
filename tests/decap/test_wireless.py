"""IEEE 802.11: which frames can be read, and how long their header is."""

import struct

from decap.peeling import peel
from decap.samples import IP4, IP6, expected
from packets import radiotap, snap, wlan
from shadowtap.events import Link


def test_headers_with_all_that_may_be_in_them() -> None:
    four_addresses = struct.pack("<BBH", 0x08, 0x03, 0) + bytes(26) + snap(IP4)
    ht_control = struct.pack("<BBH", 0x88, 0x80, 0) + bytes(26) + snap(IP6)
    assert peel(four_addresses, link=Link.WLAN).segments == [expected(IP4)]
    assert peel(ht_control, link=Link.WLAN).segments == [expected(IP6)]


def test_control_management_empty_and_encrypted_frames_are_no_ip() -> None:
    for control, flags in [(0xB4, 0), (0x80, 0), (0x48, 0), (0xC8, 0), (0x08, 0x41), (0x88, 0x40)]:
        frame = bytes((control, flags)) + wlan(IP4)[2:]
        assert peel(frame, link=Link.WLAN).dropped == {"not_ip": 1}


def test_radiotap_headers_have_any_length() -> None:
    for extra in (0, 4, 40, 300):
        header = struct.pack("<BBH", 0, 0, 8 + extra) + bytes(4 + extra)
        assert peel(header + wlan(IP4), link=Link.RADIOTAP).segments == [expected(IP4)]
    assert peel(radiotap(b""), link=Link.RADIOTAP).dropped == {"cut_in_header": 1}
