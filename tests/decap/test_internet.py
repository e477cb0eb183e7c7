"""IPv4, IPv6 and extension headers: lengths that lie, and what is missing."""

import pytest

from decap.peeling import peel
from decap.samples import IP4, IP6, PAYLOAD4, PAYLOAD6, expected
from packets import AUTHENTICATION, CLIENT6, HOP_BY_HOP, ROUTING, SERVER6, ethernet, ipv4, ipv6, mirrored, tcp


def test_what_the_capture_cut_off_is_missing() -> None:
    for snaplen in range(54, 54 + len(PAYLOAD4)):
        (segment,) = peel(ethernet(IP4), snaplen=snaplen).segments
        assert (segment.payload, segment.missing) == (PAYLOAD4[: snaplen - 54], 54 + len(PAYLOAD4) - snaplen)
    (segment,) = peel(ethernet(IP6), snaplen=80).segments
    assert (segment.payload, segment.missing) == (PAYLOAD6[:6], len(PAYLOAD6) - 6)


def test_a_mirrored_packet_cut_by_the_target_is_missing_its_end() -> None:
    peeled = peel(mirrored(ethernet(ipv4(tcp(bytes(9000))))), snaplen=9001)
    (segment,) = peeled.segments
    assert len(segment.payload) + segment.missing == 9000
    assert segment.missing > 0
    assert peeled.counters.cut_segments == 1


def test_a_total_length_of_zero_is_an_offloaded_packet() -> None:
    (four,) = peel(ethernet(ipv4(tcp(bytes(70_000)), total=0))).segments
    (six,) = peel(ethernet(ipv6(tcp(bytes(70_000), CLIENT6, SERVER6), length=0))).segments
    assert len(four.payload) == len(six.payload) == 70_000
    assert four.missing == six.missing == 0


@pytest.mark.parametrize("total", [1, 19])
def test_a_total_length_below_the_header_is_refused(total: int) -> None:
    assert peel(ethernet(ipv4(tcp(b"x"), total=total))).dropped == {"bad_ip_header": 1}


def test_headers_that_are_none_are_refused() -> None:
    for first in (0x35, 0x44, 0x65, 0x00):
        octets = ethernet(bytes((first,)) + IP4[1:], kind=0x0800)
        assert peel(octets).dropped == {"bad_ip_header": 1}
    assert peel(ethernet(b"\x45" + IP6[1:], kind=0x86DD)).dropped == {"bad_ip_header": 1}
    assert peel(ethernet(b"\x4f" + IP4[1:30])).dropped == {"bad_ip_header": 1}


def test_an_inner_packet_ends_where_the_outer_one_does() -> None:
    """Octets behind the outer packet belong to nobody, whatever the inner header says."""
    outer = ipv4(ipv4(tcp(b"abc"), total=20 + 20 + 10), protocol=4)
    (segment,) = peel(ethernet(outer) + b"junkjunk").segments
    assert (segment.payload, segment.missing) == (b"abc", 7)


def test_extension_headers_that_lead_out_of_the_packet() -> None:
    far = (60, bytes((255,)) + bytes(6))
    assert peel(ethernet(ipv6(tcp(b"x"), extensions=[far]))).dropped == {"cut_in_header": 1}


def test_extension_headers_in_any_order() -> None:
    segment = tcp(PAYLOAD6, CLIENT6, SERVER6)
    for extensions in ([ROUTING, HOP_BY_HOP], [AUTHENTICATION], [HOP_BY_HOP] * 5):
        assert peel(ethernet(ipv6(segment, extensions=extensions))).segments == [expected(IP6)]


def test_dont_fragment_is_no_fragment() -> None:
    (segment,) = peel(ethernet(ipv4(tcp(b"x"), fragment=0x4000))).segments
    assert segment.payload == b"x"
