"""Capture files made by hand, byte by byte, and read back as plain tuples."""

import struct
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from shadowtap.capture.capture_file import CaptureFile

MAGICS = {(1000, 16): 0xA1B2C3D4, (1, 16): 0xA1B23C4D, (1000, 24): 0xA1B2CD34}


class Packet(NamedTuple):
    """One packet as a file tells it."""

    octets: bytes
    time_ns: int = 0
    on_wire: int = 0
    link: int = 1


class Reading(NamedTuple):
    """What a file gave."""

    packets: list[Packet]
    stopped: str | None
    source: CaptureFile


def read(content: bytes) -> Reading:
    """Read a file with this content."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return read_path(file.name)


def read_path(path: str | Path) -> Reading:
    """Read the file at a path."""
    source = CaptureFile(name=f"pcap:{path}", path=str(path))
    packets = packets_of(source)
    source.close()
    return Reading(packets, source.stopped, source)


def packets_of(source: CaptureFile) -> list[Packet]:
    """Every frame that a source gives, checked for its borders."""
    found = []
    for frames in source:
        columns = (frames.start, frames.captured, frames.on_wire, frames.time_ns)
        assert len(frames) > 0
        assert {len(column) for column in columns} == {len(frames)}
        assert {column.dtype.str for column in columns} == {"<i8"}
        assert int(frames.start.min()) >= 0
        assert int((frames.start + frames.captured).max()) <= len(frames.buffer)
        assert (frames.captured <= frames.on_wire).all()
        rows = zip(*(column.tolist() for column in columns), strict=True)
        for start, captured, on_wire, time_ns in rows:
            octets = frames.buffer[start : start + captured].tobytes()
            found.append(Packet(octets, time_ns, on_wire, frames.link))
    assert source.counters.frames == len(found)
    assert source.counters.bytes == sum(len(packet.octets) for packet in found)
    return found


def pcap(
    packets: Iterable[Packet], order: str = "<", unit_ns: int = 1000, header: int = 16, link: int = 1
) -> bytes:
    """A classic pcap file."""
    magic = MAGICS[unit_ns, header]
    content = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262144, link)]
    for packet in packets:
        seconds, rest = divmod(packet.time_ns, 10**9)
        numbers = (seconds, rest // unit_ns, len(packet.octets), packet.on_wire)
        content += [struct.pack(f"{order}IIII", *numbers), b"\xee" * (header - 16), packet.octets]
    return b"".join(content)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block."""
    body += bytes(-len(body) % 4)
    length = struct.pack(f"{order}I", 12 + len(body))
    return struct.pack(f"{order}I", kind) + length + body + length


def option(code: int, value: bytes, order: str = "<") -> bytes:
    """An option of a pcapng block."""
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<") -> bytes:
    """A section header block of unknown length."""
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int = 1, snaplen: int = 0, options: bytes = b"", order: str = "<") -> bytes:
    """An interface description block."""
    return block(1, struct.pack(f"{order}HHI", link, 0, snaplen) + options, order)


def enhanced(packet: Packet, ticks: int, number: int = 0, order: str = "<", options: bytes = b"") -> bytes:
    """An enhanced packet block."""
    numbers = (number, ticks >> 32, ticks & 0xFFFFFFFF, len(packet.octets), packet.on_wire)
    padding = bytes(-len(packet.octets) % 4)
    return block(6, struct.pack(f"{order}IIIII", *numbers) + packet.octets + padding + options, order)


def obsolete(packet: Packet, ticks: int, number: int = 0, order: str = "<") -> bytes:
    """The packet block that the enhanced one replaced; it says that 65,535 packets (unknown) were dropped."""
    numbers = (number, 0xFFFF, ticks >> 32, ticks & 0xFFFFFFFF, len(packet.octets), packet.on_wire)
    return block(2, struct.pack(f"{order}HHIIII", *numbers) + packet.octets, order)


def simple(packet: Packet, order: str = "<") -> bytes:
    """A simple packet block."""
    return block(3, struct.pack(f"{order}I", packet.on_wire) + packet.octets, order)
