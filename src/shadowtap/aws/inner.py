"""The packet inside a copy: Ethernet (with VLAN tags), IPv4 or IPv6, TCP. Reads no byte that is not there."""

from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

ETHERNET_HEADER = 14
IPV4, IPV6 = 0x0800, 0x86DD
VLANS = frozenset({0x8100, 0x88A8})
TCP = 6


class Inner(NamedTuple):
    """The copied packet: both ends, present and original length, TCP sequence number and payload start."""

    source: tuple[str, int]
    destination: tuple[str, int]
    tcp: bool
    missing: int
    sequence: int
    payload: bytes


@lru_cache(maxsize=1 << 16)
def _written(address: bytes) -> str:
    """Writing an address takes longer than everything else here, and the same ones come again."""
    return str(ip_address(address))


def parse(frame: bytes) -> Inner | None:
    """An Ethernet frame down to TCP; None where there is no IP in it."""
    at, kind = ETHERNET_HEADER, int.from_bytes(frame[12:14])
    while kind in VLANS and len(frame) >= at + 4:
        kind = int.from_bytes(frame[at + 2 : at + 4])
        at += 4
    if kind == IPV4 and len(frame) >= at + 20:
        header = (frame[at] & 0x0F) * 4
        total = int.from_bytes(frame[at + 2 : at + 4])
        protocol, first = frame[at + 9], not int.from_bytes(frame[at + 6 : at + 8]) & 0x1FFF
        ends = frame[at + 12 : at + 16], frame[at + 16 : at + 20]
    elif kind == IPV6 and len(frame) >= at + 40:
        header, first = 40, True
        total = 40 + int.from_bytes(frame[at + 4 : at + 6])
        protocol, ends = frame[at + 6], (frame[at + 8 : at + 24], frame[at + 24 : at + 40])
    else:
        return None
    missing = max(0, total - (len(frame) - at)) if total else 0
    segment = frame[at + header : at + total if total else len(frame)]
    source, destination = _written(ends[0]), _written(ends[1])
    if protocol != TCP or not first or len(segment) < 20:
        return Inner((source, 0), (destination, 0), False, missing, 0, b"")
    return Inner(
        (source, int.from_bytes(segment[:2])),
        (destination, int.from_bytes(segment[2:4])),
        True,
        missing,
        int.from_bytes(segment[4:8]),
        segment[(segment[12] >> 4) * 4 :][:2],
    )
