"""A short run of the pipeline's fuzzer: broken variants of real traffic, and plain noise."""

import random
import runpy
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[2] / "fuzz" / "fuzz_pipeline.py"
GET = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
OK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
INPUTS = 3000


@pytest.fixture(scope="module")
def fuzz() -> dict[str, object]:
    return runpy.run_path(str(FUZZ))


def segment(way: int, flags: int, ahead: int, payload: bytes) -> bytes:
    return struct.pack(">BBBHB", way, flags, ahead, 0xFF, len(payload)) + payload


def seeds(kinds: int) -> list[bytes]:
    """Traffic of one connection, frames of every link type, and HTTP in pieces."""
    talk = segment(1, 2, 0, b"") + segment(1, 16, 1, GET) + segment(0, 16, 1, OK) + segment(1, 17, 60, b"")
    ip = b"\x45\0\0\x3c\0\0\0\0\x40\x06\0\0\x0a\0\0\1\x0a\0\0\2" + bytes(12) + b"\x50\x18" + bytes(6) + GET
    ethernet = b"\2" * 12 + b"\x08\0" + ip
    vxlan = b"\x08\0\0\0\0\0\7\0" + ethernet
    frames = [bytes([len(f)]) + f for f in (ip, ethernet, vxlan, b"\0\0\x08\0\0\0\7\0" + ip)]
    found = [bytes([kind]) + frame for kind in range(kinds - 2) for frame in frames]
    return [*found, bytes([kinds - 2]) + talk, bytes([kinds - 1, 0x90]) + bytes([len(OK)]) + OK]


def test_nothing_raises(fuzz: dict[str, object]) -> None:
    one_input: Callable[[bytes], None] = fuzz["one_input"]  # type: ignore[assignment]
    draw = random.Random(7)
    known = seeds(len(fuzz["LINKS"]) + 2)  # type: ignore[arg-type]
    for number in range(INPUTS):
        data = bytearray(draw.choice(known) * draw.randint(1, 3))
        for _ in range(number % 7):
            data[draw.randrange(1, len(data))] = draw.randrange(256)
        if number % 5 == 0:
            del data[draw.randrange(1, len(data)) :]
        one_input(bytes(data))
