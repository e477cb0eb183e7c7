"""Overlays and tunnels: what their fields may be."""

import pytest

from decap.peeling import peel
from decap.samples import IP4, IP6, expected
from packets import (
    AWS_OPTIONS,
    behind_gateway,
    ethernet,
    geneve,
    gre,
    ipv4,
    mirrored,
    udp,
    vxlan,
)
from shadowtap.events import Link


def test_reserved_fields_of_vxlan_may_be_anything() -> None:
    header = b"\xff\xff\xff\xff" + (7 << 8 | 0xFF).to_bytes(4)
    for copies in (1, 60):
        peeled = peel(*[header + ethernet(IP4)] * copies, link=Link.VXLAN)
        assert peeled.segments == [expected(IP4, 7)] * copies


def test_vxlan_without_its_flag_is_refused() -> None:
    assert peel(vxlan(ethernet(IP4), 7, flags=0xF7), link=Link.VXLAN).dropped == {"bad_tunnel_header": 1}


@pytest.mark.parametrize("vni", [0, 1, 0xFFFFFF])
def test_every_vni_comes_out_as_it_is(vni: int) -> None:
    for link, octets in [
        (Link.VXLAN, vxlan(ethernet(IP6), vni)),
        (Link.ETHERNET, mirrored(ethernet(IP4), vni)),
    ]:
        assert [segment.vni for segment in peel(octets, link=link).segments] == [vni]


def test_the_vni_next_to_the_packet_counts() -> None:
    assert [segment.vni for segment in peel(mirrored(mirrored(ethernet(IP4), 5), 9)).segments] == [5]
    assert [segment.vni for segment in peel(behind_gateway(ethernet(IP4), 5), link=Link.GENEVE).segments] == [
        5
    ]


def test_geneve_with_any_options() -> None:
    for options in (b"", AWS_OPTIONS, bytes(252)):
        peeled = peel(geneve(IP4, 3, options=options), geneve(IP6, 3, options=options), link=Link.GENEVE)
        assert peeled.segments == [expected(IP4, 3), expected(IP6, 3)]


def test_geneve_that_is_none() -> None:
    assert peel(b"\x40" + geneve(IP4)[1:], link=Link.GENEVE).dropped == {"bad_tunnel_header": 1}
    assert peel(geneve(IP4, options=AWS_OPTIONS)[:30], link=Link.GENEVE).dropped == {"cut_in_header": 1}
    assert peel(geneve(IP4, kind=0x0806), link=Link.GENEVE).dropped == {"not_ip": 1}


def test_the_old_port_of_linux_is_vxlan_too() -> None:
    octets = ethernet(ipv4(udp(vxlan(ethernet(IP4), 7), destination=8472), protocol=17))
    assert peel(octets).segments == [expected(IP4, 7)]


def test_answers_of_an_overlay_port_are_not_an_overlay() -> None:
    """A datagram *from* port 4789 is somebody's ordinary UDP."""
    octets = ethernet(ipv4(udp(vxlan(ethernet(IP4), 7), 4789, 5000), protocol=17))
    assert peel(octets).dropped == {"not_tcp": 1}


def test_gre_of_versions_that_are_not_known_is_refused() -> None:
    for flags in (0x0001, 0x4000):
        octets = flags.to_bytes(2) + gre(IP4, 0x0800)[2:]
        assert peel(ethernet(ipv4(octets, protocol=47))).dropped == {"bad_tunnel_header": 1}


def test_gtp_control_messages_are_no_tcp() -> None:
    for first, kind in ((0x30, 1), (0x50, 0xFF)):
        octets = bytes((first, kind)) + bytes(6) + IP4
        assert peel(ethernet(ipv4(udp(octets, 2152, 2152), protocol=17))).dropped == {"not_tcp": 1}
