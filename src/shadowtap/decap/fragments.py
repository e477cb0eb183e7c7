"""IP fragments put together again (RFC 791, section 3.2; RFC 8200, section 4.5).

A fragment is rare and its packet needs its own buffer, so this is the one place of the stage that works packet by
packet. Pieces are copied and wait, per datagram, until the last one and all before it are there; then the packet
goes back to the loop as if it had come whole, with its first fragment's header. Where pieces overlap the first copy
of an octet wins in IPv4; in IPv6 the datagram is dropped (RFC 5722). The limits bound what a hostile sender can
make wait: datagrams, bytes, pieces a datagram, and 30 s, the reassembly time of RFC 8200.
"""

import struct
from collections import Counter
from typing import NamedTuple

from shadowtap.decap.rows import Drop, Kind, Rows, View
from shadowtap.events import Ints

MAX_DATAGRAMS = 1024
"""Datagrams that wait at once; the oldest gives way."""
MAX_BYTES = 16 << 20
"""Octets that wait at once."""
MAX_PIECES = 128
"""Pieces of one datagram: 64 KiB in pieces of 576 bytes, the least an IPv4 link must carry."""
TIMEOUT_NS = 30_000_000_000

_MAX_DATAGRAM = 65535


class Packet(NamedTuple):
    """A packet made whole: octets from its IP header on."""

    kind: Kind
    octets: bytes
    vni: int
    time_ns: int
    depth: int


class _Datagram:
    __slots__ = ("bytes", "depth", "header", "pieces", "since_ns", "total", "vni")

    def __init__(self, vni: int, since_ns: int, depth: int) -> None:
        self.header: bytes | None = None
        self.pieces: dict[int, bytes] = {}
        self.bytes = 0
        self.total: int | None = None
        self.vni = vni
        self.since_ns = since_ns
        self.depth = depth

    def payload(self) -> bytes | None:
        """All octets once there is no hole."""
        if self.total is None or self.header is None:
            return None
        whole = bytearray()
        for offset in sorted(self.pieces):
            if offset > len(whole):
                return None
            whole += self.pieces[offset]
        return bytes(whole[: self.total]) if len(whole) >= self.total else None

    def overlaps(self, offset: int, piece: bytes) -> bool:
        """Whether octets of the piece are there already, unless it is a copy."""
        end = offset + len(piece)
        if len(self.pieces.get(offset, b"")) == len(piece):
            return False
        return any(at < end and offset < at + len(old) for at, old in self.pieces.items())

    def add(self, offset: int, piece: bytes) -> int:
        """Keep the octets that are not there yet; how many they are."""
        before, at, end = self.bytes, offset, offset + len(piece)
        for begin in sorted(self.pieces):
            stop = begin + len(self.pieces[begin])
            if at < stop and begin < end:
                self._keep(at, piece[at - offset : max(begin - offset, 0)])
                at = max(at, stop)
        self._keep(at, piece[at - offset :])
        return self.bytes - before

    def _keep(self, offset: int, piece: bytes) -> None:
        if piece:
            self.pieces[offset] = piece
            self.bytes += len(piece)


class Fragments:
    """The datagrams that wait for their other pieces."""

    __slots__ = ("_bytes", "_waiting", "ready")

    def __init__(self) -> None:
        self._waiting: dict[tuple[bytes, int], _Datagram] = {}
        self._bytes = 0
        self.ready: list[Packet] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def drain(self) -> list[Packet]:
        """The packets made whole since the last call."""
        ready, self.ready = self.ready, []
        return ready

    def take_ipv4(self, view: View, rows: Rows, time_ns: Ints) -> None:
        """Rows that stand at the IPv4 header of a fragment."""
        for row in range(len(rows)):
            pos, end = int(rows.pos[row]), int(rows.end[row])
            octets = view.u8[pos:end].tobytes()
            if not self._whole(view, rows, row):
                continue
            header = (octets[0] & 15) << 2
            field = int.from_bytes(octets[6:8])
            key = octets[12:20] + octets[4:6] + octets[9:10]
            plain = octets[:6] + b"\0\0" + octets[8:header]
            piece = octets[header:]
            self._add(
                view.dropped,
                key,
                rows,
                row,
                time_ns,
                Kind.IPV4,
                plain,
                piece,
                field & 0x1FFF,
                field & 0x2000,
            )

    def take_ipv6(self, view: View, rows: Rows, time_ns: Ints) -> None:
        """Rows that stand at an IPv6 fragment header; the addresses are in the rows."""
        assert rows.src_hi is not None and rows.src_lo is not None  # noqa: PT018
        assert rows.dst_hi is not None and rows.dst_lo is not None  # noqa: PT018
        for row in range(len(rows)):
            pos, end = int(rows.pos[row]), int(rows.end[row])
            octets = view.u8[pos:end].tobytes()
            if not self._whole(view, rows, row):
                continue
            field = int.from_bytes(octets[2:4])
            halves = (rows.src_hi[row], rows.src_lo[row], rows.dst_hi[row], rows.dst_lo[row])
            addresses = struct.pack(">4Q", *map(int, halves))
            plain = bytes((0x60, 0, 0, 0, 0, 0, octets[0], 64)) + addresses
            key = addresses + octets[4:8]
            piece = octets[8:]
            self._add(
                view.dropped,
                key,
                rows,
                row,
                time_ns,
                Kind.IPV6,
                plain,
                piece,
                field >> 3,
                field & 1,
            )

    def _whole(self, view: View, rows: Rows, row: int) -> bool:
        cut = rows.missing is not None and bool(rows.missing[row])
        view.dropped[Drop.FRAGMENT_CUT if cut else Drop.FRAGMENT] += 1
        return not cut

    def _add(
        self,
        dropped: Counter[str],
        key: bytes,
        rows: Rows,
        row: int,
        time_ns: Ints,
        kind: Kind,
        header: bytes,
        piece: bytes,
        eighth: int,
        more: int,
    ) -> None:
        offset, now = eighth << 3, int(time_ns[rows.frame[row]])
        self._expire(now)
        vni = int(rows.vni[row]) if rows.vni is not None else -1
        datagram = self._waiting.get((key, vni))
        if datagram is None:
            datagram = self._waiting[key, vni] = _Datagram(vni, now, rows.depth)
        bad = offset + len(piece) > _MAX_DATAGRAM or len(datagram.pieces) >= MAX_PIECES
        bad = bad or (kind == Kind.IPV6 and datagram.overlaps(offset, piece))
        if bad:
            dropped[Drop.FRAGMENT_BAD] += 1
            dropped[Drop.FRAGMENT] -= 1
            self._forget((key, vni))
            return
        self._bytes += datagram.add(offset, piece)
        if offset == 0 and datagram.header is None:
            datagram.header = header
        if not more:
            datagram.total = offset + len(piece)
        payload = datagram.payload()
        if payload is not None:
            self._forget((key, vni))
            self.ready.append(Packet(kind, _joined(kind, datagram.header, payload), vni, now, datagram.depth))

    def _forget(self, key: tuple[bytes, int]) -> None:
        self._bytes -= self._waiting.pop(key).bytes

    def _expire(self, now: int) -> None:
        while self._waiting:
            key = next(iter(self._waiting))
            crowded = len(self._waiting) >= MAX_DATAGRAMS or self._bytes > MAX_BYTES
            if not crowded and now - self._waiting[key].since_ns < TIMEOUT_NS:
                return
            self._forget(key)


def _joined(kind: Kind, header: bytes | None, payload: bytes) -> bytes:
    """The packet with its length put right; 0, the length of an offloaded packet, where it does not fit."""
    assert header is not None
    if kind == Kind.IPV4:
        length = len(header) + len(payload)
        return header[:2] + (length if length <= _MAX_DATAGRAM else 0).to_bytes(2) + header[4:] + payload
    return header[:4] + len(payload).to_bytes(2) + header[6:] + payload
