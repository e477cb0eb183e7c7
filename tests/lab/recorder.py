"""A web server that writes down every request it received, byte for byte, and answers as the request asks.

Run as a program: `recorder.py --port 8080 --log FILE`. It prints `ready` and writes one JSON line for every
request when its last byte is there, in order of completion:

    {"connection": N, "peer": "ADDRESS:PORT", "index": N, "offset": N, "first_ns": …, "last_ns": …, "head": Latin-1,
     "body_len": N, "body_sha256": …, "body": Latin-1 or null when larger than 4 KiB, "whole": true}

`offset` is where the request began in its connection's bytes; the body keeps its chunked framing. A request
that a closing connection cut off is written with `"whole": false`.

A request chooses its answer in its URL's query: `status=404`, `bytes=20000`, `delay_ms=50`, and `as=` one of
`length` (the default), `chunked` and `close` (no length: the connection's end is the answer's).
"""

import argparse
import asyncio
import hashlib
import json
import os
import socket
import time
from collections.abc import Generator
from pathlib import Path
from urllib.parse import parse_qs

_KEPT_BODY_BYTES = 4096
_BODILESS = {204, 304}
_Reading = Generator[None, None, bytes]


class Log:
    """The file of JSON lines; every line is there once its request is."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_TRUNC)
        self.connections = 0

    def write(self, record: dict[str, object]) -> None:
        """Append one line."""
        os.write(self._handle, json.dumps(record).encode() + b"\n")


class Incoming:
    """The request that is being read."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.first_ns = time.time_ns()
        self.head = b""
        self.body_len = 0
        self._digest = hashlib.sha256()
        self._kept = b""

    def add(self, data: bytes) -> None:
        """More of the body."""
        self.body_len += len(data)
        self._digest.update(data)
        if self.body_len <= _KEPT_BODY_BYTES:
            self._kept += data

    def record(self, *, whole: bool) -> dict[str, object]:
        """Its fields of the log's line."""
        return {
            "offset": self.offset,
            "first_ns": self.first_ns,
            "last_ns": time.time_ns(),
            "head": self.head.decode("latin-1"),
            "body_len": self.body_len,
            "body_sha256": self._digest.hexdigest(),
            "body": self._kept.decode("latin-1") if self.body_len <= _KEPT_BODY_BYTES else None,
            "whole": whole,
        }


class Connection(asyncio.Protocol):
    """One connection: a coroutine reads requests from the bytes there are, and stops where they end."""

    def __init__(self, log: Log, hang: bool, delay_ms: float) -> None:
        self._log = log
        self._hang = hang
        self._delay_ms = delay_ms
        self._buffer = bytearray()
        self._taken = 0
        self._index = 0
        self._incoming: Incoming | None = None
        self._reading = self._requests()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Number it and begin to read."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        host, port = transport.get_extra_info("peername")[:2]
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._who = {"connection": self._log.connections, "peer": f"{host.removeprefix('::ffff:')}:{port}"}
        self._log.connections += 1
        next(self._reading)

    def data_received(self, data: bytes) -> None:
        """Go on reading."""
        if self._incoming is None:
            self._incoming = Incoming(self._taken + len(self._buffer))
        self._buffer += data
        self._reading.send(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Write down what was cut off."""
        if self._incoming is not None:
            self._incoming.head = self._incoming.head or bytes(self._buffer)
            self._write(self._incoming, whole=False)

    def _requests(self) -> Generator[None, None, None]:
        while True:
            yield from self._available()
            incoming = self._incoming = self._incoming or Incoming(self._taken)
            incoming.head = yield from self._until(b"\r\n\r\n")
            fields = _fields(incoming.head)
            if fields.get(b"expect", b"").lower() == b"100-continue" and not self._buffer:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if fields.get(b"transfer-encoding", b"").lower().endswith(b"chunked"):
                yield from self._chunks(incoming)
            else:
                yield from self._octets(incoming, int(fields.get(b"content-length", b"0")))
            self._incoming = Incoming(self._taken) if self._buffer else None
            self._write(incoming, whole=True)
            self._index += 1
            self._answer(incoming.head, fields)

    def _chunks(self, incoming: Incoming) -> Generator[None, None, None]:
        while True:
            line = yield from self._until(b"\r\n")
            incoming.add(line)
            size = int(line.split(b";")[0], 16)
            if not size:
                break
            yield from self._octets(incoming, size + 2)
        while line != b"\r\n":
            line = yield from self._until(b"\r\n")
            incoming.add(line)

    def _octets(self, incoming: Incoming, count: int) -> Generator[None, None, None]:
        while count:
            yield from self._available()
            piece = self._take(min(count, len(self._buffer)))
            incoming.add(piece)
            count -= len(piece)

    def _until(self, mark: bytes) -> _Reading:
        searched = 0
        while (at := self._buffer.find(mark, searched)) < 0:
            searched = max(0, len(self._buffer) - len(mark) + 1)
            yield
        return self._take(at + len(mark))

    def _available(self) -> Generator[None, None, None]:
        while not self._buffer:
            yield

    def _take(self, count: int) -> bytes:
        piece = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._taken += count
        return piece

    def _write(self, incoming: Incoming, *, whole: bool) -> None:
        self._log.write({**self._who, "index": self._index, **incoming.record(whole=whole)})

    def _answer(self, head: bytes, fields: dict[bytes, bytes]) -> None:
        if self._hang:
            return
        method, target = head.split(b" ", 2)[:2]
        wanted = {k: v[-1] for k, v in parse_qs(target.partition(b"?")[2]).items()}
        closes = wanted.get(b"as") == b"close" or fields.get(b"connection", b"").lower() == b"close"
        answer = _answer(method, wanted, closes)
        delay_ms = float(wanted.get(b"delay_ms", b"0")) or self._delay_ms
        if delay_ms:
            asyncio.get_running_loop().call_later(delay_ms / 1000, self._send, answer, closes)
        else:
            self._send(answer, closes)

    def _send(self, answer: bytes, closes: bool) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(answer)
        if closes:
            self._transport.close()


def _fields(head: bytes) -> dict[bytes, bytes]:
    lines = head.split(b"\r\n")[1:-2]
    return {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)
    }


def _answer(method: bytes, wanted: dict[bytes, bytes], closes: bool) -> bytes:
    status = int(wanted.get(b"status", b"200"))
    shape = wanted.get(b"as", b"length")
    body = (b"0123456789abcde\n" * (int(wanted.get(b"bytes", b"64")) // 16 + 1))[
        : int(wanted.get(b"bytes", b"64"))
    ]
    lines = [b"HTTP/1.1 %d Recorded" % status, b"Content-Type: text/plain"]
    if closes:
        lines.append(b"Connection: close")
    if shape == b"chunked":
        lines.append(b"Transfer-Encoding: chunked")
        body = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in _pieces(body)) + b"0\r\n\r\n"
    elif shape == b"length" and status not in _BODILESS:
        lines.append(b"Content-Length: %d" % len(body))
    sent_body = b"" if method == b"HEAD" or status in _BODILESS else body
    return b"\r\n".join(lines) + b"\r\n\r\n" + sent_body


def _pieces(body: bytes, size: int = 1000) -> list[bytes]:
    return [body[i : i + size] for i in range(0, len(body), size)]


async def _serve(arguments: argparse.Namespace) -> None:
    log = Log(arguments.log)
    loop = asyncio.get_running_loop()
    listener = socket.create_server(
        ("::", arguments.port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=4096, reuse_port=False
    )
    server = await loop.create_server(
        lambda: Connection(log, arguments.hang, arguments.delay_ms), sock=listener, backlog=4096
    )
    print("ready", flush=True)
    await server.serve_forever()


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--hang", action="store_true", help="never answer")
    parser.add_argument(
        "--delay-ms", type=float, default=0, help="wait before each answer that does not say itself"
    )
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
