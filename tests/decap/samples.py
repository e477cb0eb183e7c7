"""One frame of every kind that decap can read, each around the same TCP segment."""

from packets import (
    ATOMIC_FRAGMENT,
    AUTHENTICATION,
    CLIENT,
    CLIENT6,
    DESTINATION,
    HOP_BY_HOP,
    ROUTING,
    SERVER,
    SERVER6,
    Seen,
    behind_gateway,
    cooked,
    cooked2,
    ethernet,
    geneve,
    gre,
    ipv4,
    ipv6,
    kind_of,
    loopback,
    mirrored,
    mpls,
    nflog,
    packet,
    pppoe,
    radiotap,
    snap,
    tcp,
    udp,
    vxlan,
    wlan,
)
from shadowtap.events import Link

PAYLOAD4, PAYLOAD6 = b"GET /four HTTP/1.1\r\n\r\n", b"GET /six HTTP/1.1\r\n\r\n"
IP4 = packet(tcp(PAYLOAD4))
IP6 = packet(tcp(PAYLOAD6, CLIENT6, SERVER6), CLIENT6, SERVER6)


def expected(octets: bytes, vni: int | None = None) -> Seen:
    """The segment that must come out."""
    four = PAYLOAD4 in octets
    client, server = (CLIENT, SERVER) if four else (CLIENT6, SERVER6)
    ends = (str(client.address), client.port, str(server.address), server.port)
    return Seen(*ends, vni, 1, 1, 16, PAYLOAD4 if four else PAYLOAD6, 0)


def _both(name: str, ip: bytes) -> dict[str, tuple[int, bytes]]:
    """What can be around either version of IP."""
    frame, kind = ethernet(ip), kind_of(ip)
    carried = 4 if ip is IP4 else 41
    found = {
        "ethernet": frame,
        "ethernet, padded": ethernet(ip, padding=6),
        "802.1Q": ethernet(ip, 0x8100),
        "802.1ad": ethernet(ip, 0x88A8, 0x8100),
        "old QinQ": ethernet(ip, 0x9100, 0x8100, 0x8100),
        "LLC and SNAP": ethernet(snap(ip), kind=8 + len(ip)),
        "MPLS": ethernet(mpls(ip, 16), kind=0x8847),
        "MPLS stack": ethernet(mpls(ip, 16, 17, 18), 0x8100, kind=0x8848),
        "MPLS pseudo-wire": ethernet(mpls(bytes(4) + frame, 16), kind=0x8847),
        "PPPoE": ethernet(pppoe(ip), kind=0x8864),
        "GRE": ethernet(ipv4(gre(ip, kind), protocol=47)),
        "GRE, all fields": ethernet(ipv4(gre(ip, kind, checksum=True, key=True, number=True), protocol=47)),
        "GRE over IPv6": ethernet(ipv6(gre(ip, kind, key=True), following=47)),
        "GRE with Ethernet": ethernet(ipv4(gre(frame, 0x6558, key=True), protocol=47)),
        "GRE with PPP": ethernet(ipv4(gre(b"\xff\x03" + _ppp(ip), 0x880B), protocol=47)),
        "GRE with 802.11": ethernet(ipv4(gre(wlan(ip, qos=True), 0x8200), protocol=47)),
        "ERSPAN I": ethernet(ipv4(gre(frame, 0x88BE), protocol=47)),
        "ERSPAN II": ethernet(ipv4(gre(bytes(8) + frame, 0x88BE, number=True), protocol=47)),
        "ERSPAN III": ethernet(ipv4(gre(bytes(12) + frame, 0x22EB, number=True), protocol=47)),
        "IP in IPv4": ethernet(ipv4(ip, "192.0.2.1", "192.0.2.2", protocol=carried)),
        "IP in IPv6": ethernet(ipv6(ip, "2001:db8::1", "2001:db8::2", following=carried)),
        "GTP-U": ethernet(ipv4(udp(b"\x30\xff\0\0\0\0\0\1" + ip, 2152, 2152), protocol=17)),
        "GTP-U with number": ethernet(ipv4(udp(b"\x32\xff\0\0\0\0\0\1\0\1\0\0" + ip, 9, 2152), protocol=17)),
        "IPv4 with options": ethernet(ipv4(tcp(PAYLOAD4), options=b"\x01" * 12)),
    }
    return {f"{label} ({name})": (Link.ETHERNET, octets) for label, octets in found.items()}


def _ppp(ip: bytes) -> bytes:
    return (b"\0\x21" if ip is IP4 else b"\0\x57") + ip


_OVERLAYS: dict[str, tuple[int, bytes]] = {
    "VXLAN": (Link.ETHERNET, mirrored(ethernet(IP4))),
    "VXLAN with IPv6 inside": (Link.ETHERNET, mirrored(ethernet(IP6))),
    "VXLAN with a tag inside": (Link.ETHERNET, mirrored(ethernet(IP4, 0x8100))),
    "VXLAN with QinQ inside": (Link.ETHERNET, mirrored(ethernet(IP6, 0x88A8, 0x8100))),
    "VXLAN over IPv6": (Link.ETHERNET, ethernet(ipv6(udp(vxlan(ethernet(IP4), 7)), following=17))),
    "VXLAN in VXLAN": (Link.ETHERNET, mirrored(mirrored(ethernet(IP4)), 99)),
    "GENEVE with VXLAN": (
        Link.ETHERNET,
        ethernet(ipv4(udp(behind_gateway(ethernet(IP4)), 1, 6081), protocol=17)),
    ),
    "GENEVE with Ethernet": (
        Link.ETHERNET,
        ethernet(ipv4(udp(geneve(ethernet(IP4), 7, kind=0x6558), 1, 6081), protocol=17)),
    ),
    "GENEVE in VXLAN": (
        Link.ETHERNET,
        mirrored(ethernet(ipv4(udp(geneve(ethernet(IP6), 7, kind=0x6558), 1, 6081), protocol=17)), 99),
    ),
    "VXLAN from a socket": (Link.VXLAN, vxlan(ethernet(IP4), 7)),
    "GENEVE from a socket": (Link.GENEVE, behind_gateway(ethernet(IP6))),
}

_OTHERS: dict[str, tuple[int, bytes]] = {
    "extension headers": (
        Link.ETHERNET,
        ethernet(
            ipv6(
                tcp(PAYLOAD6, CLIENT6, SERVER6),
                extensions=[HOP_BY_HOP, ROUTING, DESTINATION, AUTHENTICATION, ATOMIC_FRAGMENT],
            )
        ),
    ),
    "AH over IPv4": (Link.ETHERNET, ethernet(ipv4(b"\x06\x04" + bytes(22) + tcp(PAYLOAD4), protocol=51))),
    "Teredo": (Link.ETHERNET, ethernet(ipv4(udp(IP6, 3544, 50_000), protocol=17))),
    "Teredo with origin": (Link.ETHERNET, ethernet(ipv4(udp(bytes(8) + IP6, 50_000, 3544), protocol=17))),
    "raw IPv4": (Link.RAW, IP4),
    "raw IPv6": (Link.RAW_BSD, IP6),
    "raw, OpenBSD": (Link.RAW_OPENBSD, IP4),
    "IPv4 by name": (Link.IPV4, IP4),
    "IPv6 by name": (Link.IPV6, IP6),
    "cooked": (Link.LINUX_SLL, cooked(IP4)),
    "cooked with a tag": (Link.LINUX_SLL, cooked(IP4)[:14] + b"\x81\0\0\5\x08\0" + IP4),
    "cooked v2": (Link.LINUX_SLL2, cooked2(IP6)),
    "loopback": (Link.NULL, loopback(IP4)),
    "loopback, big-endian": (Link.NULL, loopback(IP4, ">")),
    "loopback, OpenBSD": (Link.LOOP, loopback(IP6, ">", 24)),
    "loopback, FreeBSD": (Link.NULL, loopback(IP6, "<", 28)),
    "loopback, macOS": (Link.NULL, loopback(IP6, "<", 30)),
    "loopback, Linux": (Link.NULL, loopback(IP6, "<", 10)),
    "PPP": (Link.PPP, b"\xff\x03\0\x21" + IP4),
    "PPP, bare": (Link.PPP, b"\0\x57" + IP6),
    "PPP, one byte": (Link.PPP, b"\xff\x03\x21" + IP4),
    "Cisco HDLC": (Link.C_HDLC, b"\x0f\0\x08\0" + IP4),
    "802.11": (Link.WLAN, wlan(IP4)),
    "802.11 with QoS": (Link.WLAN, wlan(IP6, qos=True)),
    "radiotap": (Link.RADIOTAP, radiotap(wlan(IP4))),
    "NFLOG": (Link.NFLOG, nflog(IP6)),
}

SAMPLES: dict[str, tuple[int, bytes]] = {**_both("v4", IP4), **_both("v6", IP6), **_OVERLAYS, **_OTHERS}
WITH_VNI = frozenset(_OVERLAYS)
"""The samples in an overlay; the VNI next to the packet is always 7."""
