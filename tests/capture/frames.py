"""Ethernet frames made by hand: what a filter must tell apart."""

import struct
from typing import NamedTuple

IPV4, IPV6 = 0x0800, 0x86DD
TCP, UDP = 6, 17


class Shape(NamedTuple):
    """One frame, by the properties that matter to a filter of TCP ports."""

    tags: tuple[int, ...] = ()
    version: int = 4
    protocol: int = TCP
    ports: tuple[int, int] = (50_000, 80)
    options: int = 0
    offset: int = 0
    extension: int | None = None


def frame(shape: Shape) -> bytes:
    """The frame."""
    kind = IPV4 if shape.version == 4 else IPV6
    types = [*shape.tags, kind]
    header = b"\x02\0\0\0\0\1\x02\0\0\0\0\2" + struct.pack(">H", types[0])
    for following in types[1:]:
        header += struct.pack(">HH", 5, following)
    return header + packet(shape)


def packet(shape: Shape) -> bytes:
    """The same from the IP header on."""
    segment = struct.pack(">HHIIBBHHH", *shape.ports, 1, 2, 0x50, 0x10, 1000, 0, 0) + b"payload"
    if shape.version == 4:
        options = b"\x01" * (4 * shape.options)
        words = 5 + shape.options
        numbers = (0x40 | words, 0, 4 * words + len(segment), 1, shape.offset, 64, shape.protocol, 0)
        return struct.pack(">BBHHHBBH4s4s", *numbers, b"\x0a\0\0\1", b"\x0a\0\0\2") + options + segment
    following = shape.protocol
    if shape.extension is not None:
        segment = bytes((shape.protocol, 0, 0, 0, 0, 0, 0, 0)) + segment
        following = shape.extension
    addresses = bytes(15) + b"\1" + bytes(15) + b"\2"
    return struct.pack(">IHBB", 6 << 28, len(segment), following, 64) + addresses + segment
