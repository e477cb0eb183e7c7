"""pcapng: a chain of blocks, each with its type, its length, its content and its length again.

A section header block (re)starts the numbering of interfaces and fixes the byte order; interface descriptions
give the link type and the resolution and offset of time stamps; packets come in enhanced packet blocks (nearly
always), simple packet blocks (no time: they get the one of the packet before) or the obsolete packet block.
Interface statistics say what the capturing program lost. Other blocks are skipped, however long, without being
held in memory. Format: draft-ietf-opsawg-pcapng.

Runs of packet blocks of one type are walked in one loop and decoded as columns; everything else is rare and is
read one at a time. A block that contradicts itself (its lengths differ, a packet longer than its block, an
interface that was not described) ends the reading: whatever follows cannot be trusted.
"""

import struct
from collections.abc import Generator, Iterator
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shadowtap.capture.records import MAX_PACKET_BYTES, Window, batches, headers_at
from shadowtap.events import Frames, Ints

SECTION_MAGIC: Final = b"\x0a\x0d\x0d\x0a"
MAX_BLOCK_BYTES: Final = 1 << 20
"""The longest block that is read whole: a packet of 256 KiB with generous options. Others are skipped."""
MAX_INTERFACES: Final = 65_536
"""Interfaces of one section: more than any merged capture has, and 3 MiB of memory."""

_SECTION, _INTERFACE, _PACKET, _SIMPLE, _STATISTICS, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 5, 6
_MINIMUM: Final = {
    _SECTION: 28,
    _INTERFACE: 20,
    _PACKET: 32,
    _SIMPLE: 16,
    _STATISTICS: 24,
    _ENHANCED: 32,
}
_PACKETS: Final = (_PACKET, _SIMPLE, _ENHANCED)
_ORDERS: Final = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_SHORTEST: Final = 12
_TSRESOL, _TSOFFSET, _IFDROP, _OSDROP = 9, 14, 5, 7
_MICROSECONDS: Final = 6
_GIGA: Final = 1_000_000_000
_MAX_OFFSET_S: Final = 1 << 33
"""No clock is further from the epoch: twice what 32 bits of seconds can say."""
_MAX_DROPS: Final = 1 << 53
_INTERFACES: Final = np.dtype(
    [("link", "i8"), ("snaplen", "i8"), ("resolution", "i8"), ("offset_ns", "i8"), ("drops", "i8")]
)


class _Run(NamedTuple):
    """The packet blocks of one type that follow each other, as columns; `room` is how long a packet can be."""

    start: Ints
    length: Ints
    trailer: Ints
    room: Ints
    interface: Ints
    captured: Ints
    on_wire: Ints
    ticks: Ints


class _BrokenError(Exception):
    """Why the file is read no further; never leaves this module."""


class PcapngReader:
    """Reads the packets of a pcapng file, whose start is in the window."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._at = 0
        self._need = _SHORTEST
        self._count = 0
        self._last_ns = 0
        self.dropped = 0
        """How many packets the capturing program says it lost, as far as the file was read."""
        self._start_section("<")

    def _start_section(self, order: str) -> None:
        self._order = order
        self._two = struct.Struct(f"{order}II")
        self._interfaces = np.zeros(16, _INTERFACES)
        self._described = 0

    def frames(self) -> Generator[Frames, None, str | None]:
        """The packets. Returns why it stopped early, or None."""
        window = self._window
        try:
            while window.advance(self._at, self._need):
                self._at, self._need = 0, _SHORTEST
                yield from self._blocks()
        except _BrokenError as why:
            return str(why)
        if not window.buffer:
            return None
        return f"the file ends in the middle of {self._what()}, which begins at byte {window.base}"

    def _blocks(self) -> Iterator[Frames]:
        """Everything that is complete in the window; then `_at` and `_need` say what is missing."""
        buffer = self._window.buffer
        while len(buffer) - self._at >= _SHORTEST:
            kind, length = self._head(buffer)
            end = self._at + length
            if kind not in _MINIMUM:
                if end > len(buffer):
                    return self._skip(end)
                self._at = end
            elif end > len(buffer):
                self._need = length
                return
            elif kind in _PACKETS:
                yield from self._run(buffer, kind)
            else:
                self._describe(kind, buffer[self._at : end])
                self._at = end

    def _head(self, buffer: bytes) -> tuple[int, int]:
        """Type and length of the block at `_at`, as far as they can be true."""
        if buffer.startswith(SECTION_MAGIC, self._at):
            self._start_section(self._byte_order(buffer[self._at + 8 : self._at + 12]))
        kind, length = self._two.unpack_from(buffer, self._at)
        if length < _MINIMUM.get(kind, _SHORTEST) or length % 4:
            raise self._broken(f"has an impossible length, {length}")
        if length > MAX_BLOCK_BYTES and kind in _MINIMUM:
            raise self._broken(f"says it is {length} bytes long, more than the limit, {MAX_BLOCK_BYTES}")
        return kind, length

    def _byte_order(self, magic: bytes) -> str:
        if magic not in _ORDERS:
            raise self._broken("is a section header without a byte-order magic")
        return _ORDERS[magic]

    def _skip(self, end: int) -> None:
        begins = self._window.base + self._at
        self._at = 0
        if not self._window.skip(end):
            raise _BrokenError(f"the file ends in the middle of a block, which begins at byte {begins}")

    def _describe(self, kind: int, block: bytes) -> None:
        if block[4:8] != block[-4:]:
            raise self._broken("has two lengths that differ")
        if kind == _INTERFACE:
            self._describe_interface(block)
        elif kind == _STATISTICS:
            self._count_drops(block)

    def _describe_interface(self, block: bytes) -> None:
        if self._described == MAX_INTERFACES:
            raise self._broken(f"describes more than {MAX_INTERFACES} interfaces")
        if self._described == len(self._interfaces):
            self._interfaces = np.resize(self._interfaces, 2 * self._described)
        link, _, snaplen = struct.unpack_from(f"{self._order}HHI", block, 8)
        options = self._options(block[16:-4])
        resolution = options.get(_TSRESOL, b"")[:1] or bytes((_MICROSECONDS,))
        offset_s = self._number(options.get(_TSOFFSET, b""), "q")
        offset_ns = max(-_MAX_OFFSET_S, min(offset_s, _MAX_OFFSET_S)) * _GIGA
        limit = snaplen or MAX_PACKET_BYTES
        self._interfaces[self._described] = (link, limit, resolution[0], offset_ns, 0)
        self._described += 1

    def _count_drops(self, block: bytes) -> None:
        (interface,) = struct.unpack_from(f"{self._order}I", block, 8)
        if interface >= self._described:
            return
        options = self._options(block[20:-4])
        lost = sum(self._number(options.get(code, b""), "Q") for code in (_IFDROP, _OSDROP))
        drops = self._interfaces["drops"]
        self.dropped += min(lost, _MAX_DROPS) - int(drops[interface])
        drops[interface] = min(lost, _MAX_DROPS)

    def _options(self, octets: bytes) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        at = 0
        while at + 4 <= len(octets):
            code, length = struct.unpack_from(f"{self._order}HH", octets, at)
            if code == 0:
                break
            found.setdefault(code, octets[at + 4 : at + 4 + length])
            at += 4 + length + -length % 4
        return found

    def _number(self, octets: bytes, form: str) -> int:
        return int(struct.unpack(self._order + form, octets)[0]) if len(octets) == 8 else 0

    def _run(self, buffer: bytes, kind: int) -> Iterator[Frames]:
        """The packets of the blocks of one type that follow each other."""
        starts, end = self._walk(buffer, kind)
        run = self._decode(buffer, kind, starts)
        good = self._first_broken(run)
        if good:
            yield from self._frames(buffer, _Run(*(column[:good] for column in run)), kind)
        self._count += good
        self._at = end
        if good < len(starts):
            self._at = int(starts[good])
            raise self._broken(self._fault(_Run(*(column[good : good + 1] for column in run))))

    def _walk(self, buffer: bytes, kind: int) -> tuple[Ints, int]:
        starts: list[int] = []
        append, read, minimum, at = starts.append, self._two.unpack_from, _MINIMUM[kind], self._at
        try:
            while True:
                this, length = read(buffer, at)
                if this != kind or length < minimum:
                    break
                append(at)
                at += length
        except struct.error:
            pass
        if at > len(buffer):
            at = starts.pop()
        return np.array(starts, np.int64), at

    def _decode(self, buffer: bytes, kind: int, starts: Ints) -> _Run:
        words = headers_at(buffer, starts, 3 if kind == _SIMPLE else 7, self._order)
        numbers = words.astype(np.int64)
        length = numbers[:, 1]
        trailer = headers_at(buffer, starts + length - 4, 1, self._order)[:, 0].astype(np.int64)
        room = length - _MINIMUM[kind]
        if kind == _SIMPLE:
            interface = ticks = np.zeros(len(starts), np.int64)
            limit = int(self._interfaces["snaplen"][0])
            on_wire = numbers[:, 2]
            captured = np.minimum(np.minimum(on_wire, room), limit)
        else:
            interface, captured = numbers[:, 2], numbers[:, 5].copy()
            if kind == _PACKET:
                interface = interface & 0xFFFF if self._order == "<" else interface >> 16
            on_wire = np.maximum(numbers[:, 6], captured)
            ticks = numbers[:, 3] << 32 | numbers[:, 4]
        return _Run(starts, length, trailer, room, interface, captured, on_wire, ticks)

    def _first_broken(self, run: _Run) -> int:
        """The number of blocks before the first that contradicts itself."""
        broken = (run.length != run.trailer) | (run.length & 3 != 0)
        broken |= (run.captured > run.room) | (run.captured > MAX_PACKET_BYTES)
        broken |= run.interface >= self._described
        first = int(broken.argmax()) if len(broken) else 0
        return first if len(broken) and broken[first] else len(broken)

    def _fault(self, block: _Run) -> str:
        """What is wrong with the one block in `block`."""
        length, captured, interface = (
            int(column[0]) for column in (block.length, block.captured, block.interface)
        )
        if length % 4:
            return f"has an impossible length, {length}"
        if length != block.trailer[0]:
            return "has two lengths that differ"
        if interface >= self._described:
            return f"names interface {interface}, which the file has not described"
        return f"says its packet is {captured} bytes long, more than can be there"

    def _frames(self, buffer: bytes, run: _Run, kind: int) -> Iterator[Frames]:
        start = run.start + (12 if kind == _SIMPLE else 28)
        time_ns = np.full(len(start), self._last_ns) if kind == _SIMPLE else self._times(run)
        self._last_ns = int(time_ns[-1])
        links = self._interfaces["link"][run.interface]
        octets = np.frombuffer(buffer, np.uint8)
        edges = [0, *(np.flatnonzero(links[1:] != links[:-1]) + 1).tolist(), len(links)]
        for low, high in pairwise(edges):
            columns = (start, run.captured, run.on_wire, time_ns)
            a, b, c, d = (column[low:high] for column in columns)
            yield from batches(octets, (a, b, c, d), int(links[low]))

    def _times(self, run: _Run) -> Ints:
        resolution = self._interfaces["resolution"][run.interface]
        time_ns: Ints = np.zeros(len(resolution), np.int64)
        for value in np.flatnonzero(np.bincount(resolution)).tolist():
            rows = resolution == value
            time_ns[rows] = _to_ns(run.ticks[rows], value)
        time_ns += self._interfaces["offset_ns"][run.interface]
        return time_ns

    def _what(self) -> str:
        """What the block at the start of the window is, for people."""
        head = self._window.buffer[:4]
        known = len(head) == 4 and struct.unpack(f"{self._order}I", head)[0] in _PACKETS
        return f"packet {self._count + 1}" if known else "a block"

    def _broken(self, why: str) -> _BrokenError:
        at = self._window.base + self._at
        return _BrokenError(
            f"the block at byte {at}, behind packet {self._count}, {why}: the file is corrupt from there on"
        )


def _to_ns(ticks: Ints, resolution: int) -> Ints:
    """Ticks as ns. Bit 7 of the resolution tells powers of 2 from powers of 10; the rest is the exponent, negated.

    Impossible values wrap around or become 0, but never raise.
    """
    exponent = resolution & 0x7F
    unsigned = ticks.view(np.uint64)
    if resolution & 0x80:
        time_ns = _binary_to_ns(unsigned, exponent)
    elif exponent <= 9:
        time_ns = unsigned * np.uint64(10 ** (9 - exponent))
    else:
        time_ns = unsigned // np.uint64(10 ** min(exponent - 9, 19))
    return time_ns.view(np.int64)


def _binary_to_ns(ticks: NDArray[np.uint64], exponent: int) -> NDArray[np.uint64]:
    if exponent > 63:
        return np.zeros_like(ticks)
    seconds = ticks >> np.uint64(exponent)
    fraction = ticks & np.uint64((1 << exponent) - 1)
    surplus = max(exponent - 32, 0)
    fraction = fraction >> np.uint64(surplus)
    return seconds * np.uint64(_GIGA) + (fraction * np.uint64(_GIGA) >> np.uint64(exponent - surplus))
