"""A large capture file of web traffic, the same bytes for the same arguments.

Sixty-four connections at a time over Ethernet and IPv4, interleaved packet by packet. An exchange is mostly a GET
with cookies and an answer of 1 KiB; some are downloads, some uploads, some chunked; every one is acknowledged as
TCP does, every second segment. Connections last a geometric number of exchanges and open and close properly.
Checksums of TCP are left zero, as on an interface that offloads them.
"""

import random
import struct
from collections.abc import Iterator
from pathlib import Path

_MSS = 1448
_CONCURRENT = 64
_ETHERNET = b"\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00"
_PCAP_HEAD = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
_SYN, _ACK, _FIN, _PSH = 2, 16, 1, 8
_NOISE = random.Random(0).randbytes(1 << 21)
_Step = tuple[bool, int, bytes]


def _exchange(draw: random.Random, number: int) -> tuple[bytes, bytes]:
    path = f"/catalogue/{number % 977}/item?page={number}"
    head = (
        f"GET {path} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
        f"Accept: text/html,application/json\r\nCookie: session={number:032x}; theme=dark\r\n"
    )
    kind = draw.random()
    if kind < 0.02:
        size = draw.randrange(100_000, 1_000_000)
        return f"{head}\r\n".encode(), _answer(draw, size, "application/octet-stream")
    if kind < 0.05:
        size = draw.randrange(1_000, 300_000)
        head = head.replace("GET", "POST") + f"Content-Length: {size}\r\n\r\n"
        return head.encode() + _some(draw, size), _answer(draw, 60, "application/json")
    if kind < 0.15:
        return f"{head}\r\n".encode(), _chunked(draw)
    return f"{head}\r\n".encode(), _answer(draw, 1024, "text/html")


def _some(draw: random.Random, size: int) -> bytes:
    start = draw.randrange(len(_NOISE) - size)
    return _NOISE[start : start + size]


def _answer(draw: random.Random, size: int, kind: str) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n"
    return head.encode() + _some(draw, size)


def _chunked(draw: random.Random) -> bytes:
    chunks = [_some(draw, draw.randrange(1, 3000)) for _ in range(draw.randrange(1, 6))]
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"HTTP/1.1 200 OK\r\nServer: nginx\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"


def _conversation(draw: random.Random, first: int) -> Iterator[_Step]:
    """The segments of one connection: from the client or not, flags, payload."""
    yield True, _SYN, b""
    yield False, _SYN | _ACK, b""
    yield True, _ACK, b""
    number = first
    while True:
        for from_client, data in zip((True, False), _exchange(draw, number), strict=True):
            for count, at in enumerate(range(0, len(data), _MSS), 1):
                last = at + _MSS >= len(data)
                yield from_client, _ACK | (_PSH if last else 0), data[at : at + _MSS]
                if last or count % 2 == 0:
                    yield not from_client, _ACK, b""
        number += 1
        if draw.random() < 0.05:
            break
    yield True, _FIN | _ACK, b""
    yield False, _FIN | _ACK, b""
    yield True, _ACK, b""


class _Connection:
    """Turns the steps of a conversation into frames."""

    def __init__(self, draw: random.Random, number: int) -> None:
        self.steps = _conversation(draw, number * 100)
        client = struct.pack("!BBH", 10, 1 + number % 200, number // 60_000 % 250)
        server = b"\x0a\xfe\x00\x01"
        self._ports = 1024 + number % 60_000, 80
        self._ends = client + server, server + client
        self._seq = [draw.getrandbits(32), draw.getrandbits(32)]
        halves = struct.unpack("!4H", client + server)
        self._sum = 0x4500 + 0x4000 + 0x4006 + sum(halves)

    def frame(self, from_client: bool, flags: int, payload: bytes) -> bytes:
        """Ethernet, IPv4, TCP."""
        side = 0 if from_client else 1
        ports = self._ports if from_client else self._ports[::-1]
        seq, ack = self._seq[side], self._seq[1 - side] if flags & _ACK else 0
        self._seq[side] = (seq + len(payload) + (flags & (_SYN | _FIN) != 0)) & 0xFFFFFFFF
        length = 40 + len(payload)
        total = self._sum + length
        total = (total & 0xFFFF) + (total >> 16)
        checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
        ip = struct.pack("!HHIHH8s", 0x4500, length, 0x4000, 0x4006, checksum, self._ends[side])
        return _ETHERNET + ip + struct.pack("!HHIIHHI", *ports, seq, ack, 0x5000 | flags, 65535, 0) + payload


def write_capture(path: Path, packets: int, seed: int = 1) -> int:
    """Write at least `packets` packets, every connection to its end; returns how many."""
    draw, written, opened, time_us = random.Random(seed), 0, 0, 1_700_000_000_000_000
    active: list[_Connection] = []
    with path.open("wb", buffering=1 << 20) as file:
        file.write(_PCAP_HEAD)
        while active or written < packets:
            while len(active) < _CONCURRENT and written < packets:
                active.append(_Connection(draw, opened))
                opened += 1
            connection = active[draw.randrange(len(active))]
            for _ in range(draw.randrange(1, 6)):
                step = next(connection.steps, None)
                if step is None:
                    active.remove(connection)
                    break
                frame = connection.frame(*step)
                time_us += 7
                seconds, micros = divmod(time_us, 1_000_000)
                file.write(struct.pack("<IIII", seconds, micros, len(frame), len(frame)) + frame)
                written += 1
    return written
