"""Packets made by hand, header by header, from the inside out; and batches of them as a capture delivers them.

Every function takes what it wraps as its first argument. Lengths are right unless a test asks for others; checksums
are left at zero, since nobody looks at them.
"""

import struct
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

import numpy as np

from shadowtap.events import Endpoint, FlowKey, Frames, Link, SegmentRows, Segments

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

CLIENT = Endpoint(IPv4Address("10.0.0.1"), 40_000)
SERVER = Endpoint(IPv4Address("10.0.0.2"), 80)
CLIENT6 = Endpoint(IPv6Address("fd00::1"), 40_000)
SERVER6 = Endpoint(IPv6Address("fd00::2"), 80)

_PROTOCOL = {4: 0x0800, 6: 0x86DD}


# -- IP and what it carries ------------------------------------------------------------------------------------


def tcp(
    payload: bytes = b"",
    source: Endpoint = CLIENT,
    destination: Endpoint = SERVER,
    *,
    seq: int = 1,
    ack: int = 1,
    flags: int = ACK,
    options: bytes = b"",
) -> bytes:
    """A TCP segment."""
    words = 5 + len(options) // 4
    numbers = (source.port, destination.port, seq, ack, words << 4, flags, 0xFFFF, 0, 0)
    return struct.pack(">HHIIBBHHH", *numbers) + options + payload


def udp(payload: bytes, source: int = 65_408, destination: int = 4789) -> bytes:
    """A UDP datagram; checksum 0, as AWS sends it."""
    return struct.pack(">HHHH", source, destination, 8 + len(payload), 0) + payload


def ipv4(
    payload: bytes,
    source: str = "10.0.0.1",
    destination: str = "10.0.0.2",
    *,
    protocol: int = 6,
    ident: int = 0,
    fragment: int = 0,
    options: bytes = b"",
    total: int | None = None,
) -> bytes:
    """An IPv4 packet. `fragment` is the 16-bit field of flags and offset; `total` overrides the total length."""
    header = 20 + len(options)
    length = header + len(payload) if total is None else total
    numbers = (0x40 | header >> 2, 0, length, ident, fragment, 64, protocol, 0)
    addresses = ip_address(source).packed + ip_address(destination).packed
    return struct.pack(">BBHHHBBH", *numbers) + addresses + options + payload


def ipv6(
    payload: bytes,
    source: str = "fd00::1",
    destination: str = "fd00::2",
    *,
    following: int = 6,
    extensions: Sequence[tuple[int, bytes]] = (),
    length: int | None = None,
) -> bytes:
    """An IPv6 packet. `extensions` are pairs of a header's number and its octets but for the first (what follows)."""
    chain = [number for number, _ in extensions] + [following]
    body = b"".join(bytes((after,)) + rest for after, (_, rest) in zip(chain[1:], extensions, strict=True))
    body += payload
    size = len(body) if length is None else length
    addresses = ip_address(source).packed + ip_address(destination).packed
    return struct.pack(">IHBB", 6 << 28, size, chain[0], 64) + addresses + body


HOP_BY_HOP = (0, bytes((0, 1, 4)) + bytes(4))
ROUTING = (43, bytes((2, 0, 1)) + bytes(20))
DESTINATION = (60, bytes((0, 1, 4)) + bytes(4))
AUTHENTICATION = (51, bytes((4, 0, 0)) + bytes(20))
ATOMIC_FRAGMENT = (44, bytes((0, 0, 0, 0, 0, 0, 7)))


def packet(segment: bytes, source: Endpoint = CLIENT, destination: Endpoint = SERVER) -> bytes:
    """A TCP segment in an IP packet of its endpoints' family."""
    wrap = ipv4 if source.address.version == 4 else ipv6
    return wrap(segment, str(source.address), str(destination.address))


def fragments4(whole: bytes, *cuts: int, ident: int = 7) -> list[bytes]:
    """An IPv4 packet without options in fragments, cut at these offsets of its payload (multiples of 8)."""
    payload = whole[20:]
    found = []
    for begin, end in zip((0, *cuts), (*cuts, len(payload)), strict=True):
        more = 0x2000 if end < len(payload) else 0
        head = whole[:2] + struct.pack(">HHH", 20 + end - begin, ident, more | begin >> 3) + whole[8:20]
        found.append(head + payload[begin:end])
    return found


def fragments6(whole: bytes, *cuts: int, ident: int = 7) -> list[bytes]:
    """An IPv6 packet without extension headers in fragments, cut at these offsets of its payload."""
    payload = whole[40:]
    found = []
    for begin, end in zip((0, *cuts), (*cuts, len(payload)), strict=True):
        header = struct.pack(">BBHI", whole[6], 0, begin | (end < len(payload)), ident)
        head = whole[:4] + struct.pack(">HBB", 8 + end - begin, 44, 64) + whole[8:40]
        found.append(head + header + payload[begin:end])
    return found


# -- link layers -----------------------------------------------------------------------------------------------


def kind_of(inner: bytes) -> int:
    """The ethertype of an IP packet."""
    return _PROTOCOL[inner[0] >> 4]


def ethernet(inner: bytes, *tags: int, kind: int | None = None, padding: int = 0) -> bytes:
    """An Ethernet frame; `tags` are the ethertypes of VLAN tags, outermost first."""
    inner_kind = kind_of(inner) if kind is None else kind
    head = b"\x02\0\0\0\0\1\x02\0\0\0\0\2"
    for tag in tags:
        head += struct.pack(">HH", tag, 5)
    return head + struct.pack(">H", inner_kind) + inner + bytes(padding)


def snap(inner: bytes) -> bytes:
    """LLC and SNAP in front of an IP packet."""
    return b"\xaa\xaa\x03\0\0\0" + struct.pack(">H", kind_of(inner)) + inner


def mpls(inner: bytes, *labels: int) -> bytes:
    """A stack of MPLS labels."""
    entries = [label << 12 | (number == len(labels) - 1) << 8 for number, label in enumerate(labels)]
    return b"".join(struct.pack(">I", entry) for entry in entries) + inner


def pppoe(inner: bytes) -> bytes:
    """PPPoE, session stage."""
    number = 0x0021 if inner[0] >> 4 == 4 else 0x0057
    return struct.pack(">BBHHH", 0x11, 0, 1, 2 + len(inner), number) + inner


def cooked(inner: bytes) -> bytes:
    """Linux cooked capture v1."""
    return struct.pack(">HHH8sH", 0, 1, 6, bytes(8), kind_of(inner)) + inner


def cooked2(inner: bytes) -> bytes:
    """Linux cooked capture v2."""
    return struct.pack(">HHIHBB8s", kind_of(inner), 0, 1, 1, 0, 6, bytes(8)) + inner


def loopback(inner: bytes, order: str = "<", family6: int = 30) -> bytes:
    """The BSD loopback header in the byte order of the capturing host."""
    return struct.pack(f"{order}I", 2 if inner[0] >> 4 == 4 else family6) + inner


def wlan(inner: bytes, *, qos: bool = False) -> bytes:
    """An IEEE 802.11 data frame."""
    head = struct.pack("<BBH", 0x88 if qos else 0x08, 0x01, 0) + bytes(20)
    return head + (b"\0\0" if qos else b"") + snap(inner)


def radiotap(inner: bytes) -> bytes:
    """A radiotap header of 12 bytes."""
    return struct.pack("<BBHII", 0, 0, 12, 0, 0) + inner


def nflog(inner: bytes) -> bytes:
    """Linux NFLOG: a prefix field of 5 bytes, then the packet."""
    prefix = struct.pack("<HH", 9, 10) + b"abcde" + bytes(3)
    return b"\x02\0\0\0" + prefix + struct.pack("<HH", 4 + len(inner), 9) + inner


# -- tunnels ---------------------------------------------------------------------------------------------------


def vxlan(inner: bytes, vni: int, flags: int = 0x08) -> bytes:
    """A VXLAN header in front of an Ethernet frame."""
    return struct.pack(">BxxxI", flags, vni << 8) + inner


def geneve(inner: bytes, vni: int = 0, *, kind: int | None = None, options: bytes = b"") -> bytes:
    """A GENEVE header in front of an IP packet, or of whatever `kind` says."""
    inner_kind = kind_of(inner) if kind is None else kind
    return struct.pack(">BBHI", len(options) >> 2, 0, inner_kind, vni << 8) + options + inner


AWS_OPTIONS = struct.pack(
    ">HBB8sHBB8sHBB4s", 0x0108, 1, 2, b"endpoint", 0x0108, 2, 2, b"attached", 0x0108, 3, 1, b"flow"
)
"""The 32 bytes of options that a Gateway Load Balancer sends."""


def mirrored(inner: bytes, vni: int = 7) -> bytes:
    """An Ethernet frame as AWS mirrors it: in VXLAN, UDP, IPv4 and Ethernet."""
    return ethernet(ipv4(udp(vxlan(inner, vni)), "172.16.0.1", "172.16.0.2", protocol=17))


def behind_gateway(inner: bytes, vni: int = 7) -> bytes:
    """The same behind a Gateway Load Balancer, from the GENEVE header on."""
    inside = ipv4(udp(vxlan(inner, vni)), "172.16.0.1", "172.16.0.2", protocol=17)
    return geneve(inside, options=AWS_OPTIONS)


def gre(inner: bytes, kind: int, *, checksum: bool = False, key: bool = False, number: bool = False) -> bytes:
    """GRE with the fields asked for."""
    flags = checksum << 15 | key << 13 | number << 12
    return struct.pack(">HH", flags, kind) + bytes(4 * (checksum + key + number)) + inner


# -- batches ---------------------------------------------------------------------------------------------------


def frames(
    octets: Iterable[bytes],
    link: int = Link.ETHERNET,
    *,
    times: Iterable[int] | None = None,
    snaplen: int = 1 << 20,
    gap: int = 0,
) -> Frames:
    """A batch of frames, each cut to `snaplen`, with `gap` bytes of other matter between them in the buffer."""
    whole = list(octets)
    kept = [frame[:snaplen] for frame in whole]
    sizes = np.array([len(frame) for frame in kept], np.int64)
    start = np.cumsum(sizes + gap) - sizes
    buffer = np.frombuffer(b"".join(b"\xee" * gap + frame for frame in kept) + b"\xee" * gap, np.uint8)
    on_wire = np.array([len(frame) for frame in whole], np.int64)
    when = np.arange(len(whole), dtype=np.int64) if times is None else np.array(list(times), np.int64)
    return Frames(buffer, start.astype(np.int64), sizes, on_wire, when, link)


class Seen(NamedTuple):
    """One decapsulated segment as plain values."""

    source: str
    sport: int
    destination: str
    dport: int
    vni: int | None
    seq: int
    ack: int
    flags: int
    payload: bytes
    missing: int


def seen(segments: Segments | SegmentRows) -> list[Seen]:
    """The rows of a batch of segments."""
    found = []
    for key, direction, seq, ack, flags, payload, missing, _ in segments.rows(acks=True):
        parts = FlowKey(*struct.unpack("=5Q", key))
        family = IPv6Address if parts.tail >> 25 & 1 else IPv4Address
        first = str(family(parts.a_hi << 64 | parts.a_lo)), parts.tail >> 48
        second = str(family(parts.b_hi << 64 | parts.b_lo)), parts.tail >> 32 & 0xFFFF
        ends = (*second, *first) if direction else (*first, *second)
        vni = parts.tail & 0xFFFFFF if parts.tail >> 24 & 1 else None
        found.append(Seen(*ends, vni, seq, ack, flags, payload, missing))
    return found
