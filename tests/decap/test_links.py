"""Link layers, where they say more than `test_decapsulator` shows of each."""

import struct

from decap.peeling import peel
from decap.samples import IP4, IP6, expected
from packets import ethernet, kind_of, loopback, mpls, nflog, pppoe, snap
from shadowtap.events import Link


def test_padding_is_not_payload() -> None:
    assert peel(ethernet(IP4, padding=40)).segments == [expected(IP4)]
    assert peel(ethernet(IP6, 0x8100, padding=3)).segments == [expected(IP6)]


def test_llc_without_snap_is_no_ip() -> None:
    assert peel(ethernet(b"\x06\x06\x03" + IP4, kind=60)).dropped == {"not_ip": 1}
    foreign = snap(IP4).replace(b"\xaa\xaa\x03\0\0\0", b"\xaa\xaa\x03\0\0\x0c")
    assert peel(ethernet(foreign, kind=60)).dropped == {"not_ip": 1}


def test_a_length_of_1500_is_llc_and_one_more_is_a_type() -> None:
    assert peel(ethernet(snap(IP4), kind=1500)).segments == [expected(IP4)]
    assert peel(ethernet(snap(IP4), kind=1501)).dropped == {"not_ip": 1}


def test_tags_of_all_kinds_nest() -> None:
    for tags in [(0x8100,), (0x88A8, 0x8100), (0x9100, 0x88A8, 0x8100), (0x8100,) * 5]:
        assert peel(ethernet(IP6, *tags)).segments == [expected(IP6)]


def test_loopback_in_either_byte_order() -> None:
    for family in (10, 24, 28, 30):
        for order in "<>":
            assert peel(loopback(IP6, order, family), link=Link.NULL).segments == [expected(IP6)]
    assert peel(struct.pack("<I", 7) + IP4, link=Link.NULL).dropped == {"not_ip": 1}


def test_pppoe_discovery_and_other_ppp_are_no_ip() -> None:
    assert peel(ethernet(b"\x11\x09" + pppoe(IP4)[2:], kind=0x8864)).dropped == {"not_ip": 1}
    assert peel(ethernet(pppoe(IP4)[:6] + b"\xc0\x21" + bytes(20), kind=0x8864)).dropped == {"not_ip": 1}


def test_mpls_looks_at_the_first_nibble_behind_the_stack() -> None:
    assert peel(ethernet(mpls(IP4, 3), kind=0x8847), ethernet(mpls(IP6, 3), kind=0x8847)).segments == [
        expected(IP4),
        expected(IP6),
    ]
    assert peel(ethernet(mpls(b"\x50" + bytes(40), 3), kind=0x8847)).dropped == {"not_ip": 1}


def test_nflog_fields_of_length_zero_end() -> None:
    assert peel(b"\x02\0\0\0" + bytes(40), link=Link.NFLOG).segments == []
    assert peel(nflog(IP4)[:4] + struct.pack("<HH", 4 + len(IP4), 9) + IP4, link=Link.NFLOG).segments == [
        expected(IP4)
    ]


def test_cisco_hdlc_of_both_versions() -> None:
    for ip in (IP4, IP6):
        frame = struct.pack(">HH", 0x0F00, kind_of(ip)) + ip
        assert peel(frame, link=Link.C_HDLC).segments == [expected(ip)]
