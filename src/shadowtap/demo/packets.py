"""Packets as they are on a wire, from the bytes of a TCP connection. Pure: numbers in, bytes out.

Layouts: Ethernet II; IPv4 (RFC 791) and IPv6 (RFC 8200) without options; TCP (RFC 9293), with the MSS option in SYNs;
VXLAN (RFC 7348). Checksums are right.
"""

import struct
from collections.abc import Iterator
from ipaddress import IPv6Address

from shadowtap.events import Address, Endpoint

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
_MASK = 0xFFFFFFFF


class Connection:
    """One TCP connection, told as the packets that a mirror of it would show.

    Direction 0 is from the client. `mss` is the payload of a full segment. Nothing is ever lost here: what the
    other side received is acknowledged at once, by data if there is any to send.
    """

    def __init__(
        self, client: Endpoint, server: Endpoint, *, mss: int = 1448, starts: tuple[int, int] = (1000, 5000)
    ) -> None:
        self.ends = (client, server)
        self.mss = mss
        self._next = list(starts)

    def open(self) -> list[bytes]:
        """The handshake."""
        option = struct.pack("!BBH", 2, 4, min(self.mss, 0xFFFF))
        syn = self._segment(0, SYN, b"", option)
        self._advance(0, 1)
        answer = self._segment(1, SYN | ACK, b"", option)
        self._advance(1, 1)
        return [syn, answer, self._segment(0, ACK)]

    def send(self, direction: int, payload: bytes) -> list[bytes]:
        """Data in as many segments as it takes, with an acknowledgement for every second one and the last."""
        frames = []
        pieces = list(_pieces(payload, self.mss))
        for number, piece in enumerate(pieces, 1):
            last = number == len(pieces)
            frames.append(self._segment(direction, ACK | PSH if last else ACK, piece))
            self._advance(direction, len(piece))
            if last or number % 2 == 0:
                frames.append(self._segment(1 - direction, ACK))
        return frames

    def close(self, first: int = 0) -> list[bytes]:
        """Both sides say FIN, `first` before the other."""
        frames = []
        for direction in (first, 1 - first):
            frames.append(self._segment(direction, FIN | ACK))
            self._advance(direction, 1)
        return [*frames, self._segment(first, ACK)]

    def reset(self, direction: int) -> list[bytes]:
        """One side breaks off."""
        return [self._segment(direction, RST | ACK)]

    def _advance(self, direction: int, count: int) -> None:
        self._next[direction] = (self._next[direction] + count) & _MASK

    def _segment(self, direction: int, flags: int, payload: bytes = b"", options: bytes = b"") -> bytes:
        source, destination = self.ends[direction], self.ends[1 - direction]
        acknowledged = self._next[1 - direction] if flags & ACK else 0
        return frame(source, destination, self._next[direction], acknowledged, flags, payload, options)


def frame(
    source: Endpoint,
    destination: Endpoint,
    seq: int,
    ack: int,
    flags: int,
    payload: bytes = b"",
    options: bytes = b"",
) -> bytes:
    """One TCP segment in an Ethernet frame. `options` are padded to a multiple of 4 bytes."""
    options += b"\0" * (-len(options) % 4)
    offset = (20 + len(options)) << 2
    ports = source.port, destination.port
    head = struct.pack("!HHIIBBHHH", *ports, seq, ack, offset, flags, 0xFFFF, 0, 0) + options
    ends = source.address.packed + destination.address.packed
    pseudo = ends + struct.pack("!II", 6, len(head) + len(payload))
    total = checksum(pseudo + head + payload)
    segment = head[:16] + struct.pack("!H", total) + head[18:] + payload
    return ethernet(source.address, destination.address) + ip(source.address, destination.address, segment)


def ethernet(source: Address, destination: Address) -> bytes:
    """An Ethernet header, with locally administered MAC addresses made from the IP addresses."""
    kind = 0x86DD if source.version == 6 else 0x0800
    return b"\x02\0" + destination.packed[-4:] + b"\x02\0" + source.packed[-4:] + struct.pack("!H", kind)


def ip(source: Address, destination: Address, segment: bytes, protocol: int = 6) -> bytes:
    """An IP packet."""
    if isinstance(source, IPv6Address):
        head = struct.pack("!IHBB", 6 << 28, len(segment), protocol, 64)
        return head + source.packed + destination.packed + segment
    length = 20 + len(segment)
    head = struct.pack("!BBHHHBBH", 0x45, 0, length, 0, 0x4000, 64, protocol, 0)
    head += source.packed + destination.packed
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + segment


def vxlan(vni: int, inner: bytes) -> bytes:
    """The payload of a VXLAN datagram."""
    return struct.pack("!II", 0x08000000, vni << 8) + inner


def checksum(octets: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(octets) % 2:
        octets += b"\0"
    # 2^16 is 1 modulo 65535, so the number as a whole has the remainder of the sum of its 16-bit words.
    total = int.from_bytes(octets, "big")
    folded = total % 0xFFFF
    return 0xFFFF - (folded or (0xFFFF if total else 0))


def _pieces(payload: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(payload), size):
        yield payload[start : start + size]
