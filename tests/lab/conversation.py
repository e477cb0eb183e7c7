"""A client's side of one connection, down to which bytes go into which packet."""

import fcntl
import socket
import struct
import termios
from types import TracebackType
from typing import Self

from .process import wait_until

_CRLF2 = b"\r\n\r\n"


def get(path: str, *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    """A request without a body; the test names what matters to it."""
    lines = [f"{method} {path} HTTP/{version}", "Host: shop.example", *headers]
    return "\r\n".join(lines).encode("latin-1") + _CRLF2


def post(path: str, body: bytes, *headers: str, method: str = "POST") -> bytes:
    """A request with a body of known length."""
    return get(path, *headers, f"Content-Length: {len(body)}", method=method) + body


def chunked(path: str, pieces: list[bytes], *trailers: str) -> bytes:
    """A request whose body comes in chunks."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n"
    end = "".join(f"{trailer}\r\n" for trailer in trailers).encode() + b"\r\n"
    declared = [f"Trailer: {', '.join(t.partition(':')[0] for t in trailers)}"] if trailers else []
    return get(path, *declared, "Transfer-Encoding: chunked", method="POST") + body + end


class Conversation:
    """A connection on which a test sends requests and reads answers."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

    def send(self, *segments: bytes) -> None:
        """Send each piece in segments of its own: the next goes out when the last has been acknowledged."""
        for segment in segments:
            self.socket.sendall(segment)
            if len(segments) > 1:
                wait_until(self._acknowledged, "acknowledgement of what was sent")

    def ask(self, *segments: bytes) -> bytes:
        """Send a request and read its answer."""
        self.send(*segments)
        return self.answer(bodiless=segments[0].startswith(b"HEAD "))

    def answer(self, *, bodiless: bool = False) -> bytes:
        """Read one answer, head and body, interim ones each on their own; b"" at the end of the connection."""
        while _CRLF2 not in self._buffer:
            if not self._more():
                break
        head, mark, rest = self._buffer.partition(_CRLF2)
        fields = {
            n.lower(): v.strip() for n, _, v in (line.partition(b":") for line in head.split(b"\r\n")[1:])
        }
        if bodiless or (head.split(b" ")[1:2] or [b""])[0] in (b"100", b"204", b"304"):
            self._buffer = rest
            return head + mark
        if fields.get(b"transfer-encoding") == b"chunked":
            end = self._wait_for(b"0" + _CRLF2, len(head) + 2)
        elif b"content-length" in fields:
            end = len(head + mark) + int(fields[b"content-length"])
            while len(self._buffer) < end and self._more():
                pass
        else:
            while self._more():
                pass
            end = len(self._buffer)
        answer, self._buffer = self._buffer[:end], self._buffer[end:]
        return answer

    def receive_some(self) -> None:
        """Wait for the next bytes of an answer, and keep them for `answer`."""
        self._more()

    def _wait_for(self, mark: bytes, start: int) -> int:
        while (at := self._buffer.find(mark, start)) < 0:
            if not self._more():
                return len(self._buffer)
        return at + len(mark)

    def _more(self) -> bool:
        data = self.socket.recv(1 << 18)
        self._buffer += data
        return bool(data)

    def _acknowledged(self) -> bool:
        unsent: int = struct.unpack("i", fcntl.ioctl(self.socket, termios.TIOCOUTQ, b"\0" * 4))[0]
        return unsent == 0
