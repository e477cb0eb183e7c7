"""Any bytes as a capture file: they are read or refused with a RunError, within bounded memory; nothing else happens.

    python fuzz/fuzz_capture_files.py [--minutes N] [--plain] [FILE…]

The first byte of an input chooses what is put around the rest, so that the fuzzer gets past the first four bytes:
nothing, or the header of a pcap or pcapng file; and then gzip, zstd or neither. What is read must not depend on the
pieces in which the file arrives, but for the last packets before a place where compressed data is corrupt.
"""

import gzip
import os
import struct
from random import Random
from unittest.mock import patch

import zstandard
from drive import Target, change, main, watched

with watched():
    from capture import files
    from shadowtap.capture import bytestream
    from shadowtap.capture.capture_file import CaptureFile
    from shadowtap.capture.records import MAX_BATCH_FRAMES, MAX_PACKET_BYTES
    from shadowtap.errors import RunError

Packet = tuple[int, int, int, bytes]


def _pcapng(order: str) -> bytes:
    section = struct.pack(f"{order}IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    return section + struct.pack(f"{order}IIHHII", 1, 20, 1, 0, 0, 20)


_FRONTS = (
    b"",
    *(struct.pack("<IHHiIII", magic, 2, 4, 0, 0, 65535, 1) for magic in (0xA1B2C3D4, 0xA1B2CD34)),
    *(struct.pack(">IHHiIII", magic, 2, 4, 0, 0, 65535, 1) for magic in (0xA1B23C4D,)),
    *(_pcapng(order) for order in "<>"),
)
_PACKS = (bytes, bytes, gzip.compress, zstandard.compress)


def one_input(data: bytes) -> None:
    """Read one file. Raises AssertionError, or whatever should not have been raised."""
    choice, rest = data[0] if data else 0, data[1:]
    content = _PACKS[choice >> 6](_FRONTS[choice % len(_FRONTS)] + rest)
    whole = _read(content, 1 << 20)
    in_pieces = _read(content, 1 + choice)
    if whole and whole[1] and "data is corrupt" in whole[1]:
        return
    assert whole == in_pieces, "the pieces made a difference"


def _read(content: bytes, piece_bytes: int) -> tuple[list[Packet], str | None] | None:
    """The packets and why they end early, or None when the file is refused."""
    fd = os.memfd_create("capture")
    try:
        os.write(fd, content)
        with patch.object(bytestream, "CHUNK_BYTES", piece_bytes):
            return _read_path(f"/proc/self/fd/{fd}")
    except RunError as refused:
        if "\n" in str(refused):
            raise
        return None
    finally:
        os.close(fd)


def _read_path(path: str) -> tuple[list[Packet], str | None]:
    source = CaptureFile(name="pcap:fuzz", path=path)
    packets = []
    try:
        for frames in source:
            assert 0 < len(frames) <= MAX_BATCH_FRAMES
            rows = zip(frames.start, frames.captured, frames.on_wire, frames.time_ns, strict=True)
            for start, captured, on_wire, time_ns in rows:
                assert 0 <= start <= start + captured <= len(frames.buffer)
                assert captured <= min(on_wire, MAX_PACKET_BYTES)
                octets = frames.buffer[start : start + captured].tobytes()
                packets.append((frames.link, int(on_wire), int(time_ns), octets))
    finally:
        source.close()
    assert source.counters.frames == len(packets)
    assert source.stopped is None or "\n" not in source.stopped
    return packets, source.stopped


def seeds() -> list[bytes]:
    """Small files of every kind, plain and packed."""
    packets = [files.Packet(bytes(range(size)), size * 10**9, size) for size in (0, 1, 60, 99)]
    blocks = b"".join(files.enhanced(packet, 5) for packet in packets)
    ng = files.section() + files.interface(options=files.option(9, b"\x09")) + blocks
    old = [files.pcap(packets), files.pcap(packets, ">", 1)]
    whole = [*old, ng, ng + files.block(5, bytes(40)) + files.simple(packets[2]) + files.section(">")]
    return [bytes([pack << 6]) + content for pack in range(4) for content in whole]


def mutate(data: bytes, dice: Random) -> bytes:
    """Other octets behind another front."""
    content = data[1:]
    for _ in range(dice.choice((1, 1, 2, 4))):
        content = change(content, dice, _TOKENS)
    return bytes([dice.choice((data[0] if data else 0, 0, 64, 128, 192, dice.randrange(256)))]) + content


_TOKENS = [
    b"\x0a\x0d\x0d\x0a", b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d", b"\xa1\xb2\xc3\xd4", b"\xd4\xc3\xb2\xa1",
    bytes(4), b"\xff" * 4, b"\x0c\0\0\0", b"\0\0\0\x0c", b"\x20\0\0\0", b"\x01\0\0\0", b"\x06\0\0\0", b"\x03\0\0\0",
    b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"\x09\0\x01\0\x09\0\0\0", b"\x09\0\x01\0\xff\0\0\0",
]  # fmt: skip

TARGET = Target(one_input, seeds(), mutate)

if __name__ == "__main__":
    main(TARGET)
