"""Packets as AWS sends them: an Ethernet frame behind a VXLAN header (RFC 7348), checksums left to the card."""

import struct
from ipaddress import ip_address

End = tuple[str, int]


def tcp(source: End, destination: End, data: bytes, seq: int = 1, ack: int = 1, flags: int = 0x18) -> bytes:
    return struct.pack("!HHIIBBHHH", source[1], destination[1], seq, ack, 0x50, flags, 65535, 0, 0) + data


def ipv4(source: str, destination: str, protocol: int, payload: bytes) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0)
    return head + ip_address(source).packed + ip_address(destination).packed + payload


def ipv6(source: str, destination: str, protocol: int, payload: bytes) -> bytes:
    head = struct.pack("!IHBB", 0x6000_0000, len(payload), protocol, 64)
    return head + ip_address(source).packed + ip_address(destination).packed + payload


def frame(source: End, destination: End, data: bytes, *, vlan: int | None = None, **segment: int) -> bytes:
    """An Ethernet frame with a TCP segment."""
    wide = ip_address(source[0]).version == 6
    packet = (ipv6 if wide else ipv4)(source[0], destination[0], 6, tcp(source, destination, data, **segment))
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    return b"\x02" * 6 + b"\x04" * 6 + tag + struct.pack("!H", 0x86DD if wide else 0x0800) + packet


def vxlan(vni: int, inner: bytes) -> bytes:
    return b"\x08\0\0\0" + vni.to_bytes(3) + b"\0" + inner
