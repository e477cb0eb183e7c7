"""Production's traffic, made of packets: told to a capture file or sent as a mirror does."""

import socket
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path

from shadowtap.capture.pcap_writer import PcapWriter
from shadowtap.demo.packets import Connection, vxlan
from shadowtap.events import Endpoint

NOON_NS = 1_795_608_000 * 10**9
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def endpoint(text: str) -> Endpoint:
    """ADDRESS:PORT as a value."""
    host, _, port = text.rpartition(":")
    return Endpoint(ip_address(host.strip("[]")), int(port))


def get(path: str, *lines: str, method: str = "GET") -> bytes:
    """A request without a body."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: shop.example", *lines, "", ""]).encode()


def post(path: str, body: bytes, *lines: str) -> bytes:
    """A request with a body."""
    return get(path, f"Content-Length: {len(body)}", *lines, method="POST") + body


def conversation(
    number: int,
    requests: Iterable[bytes],
    *,
    server: str = "10.0.1.20:80",
    client: str = "10.0.8.9",
    closes: bool = True,
    answers: bool = True,
) -> list[bytes]:
    """The packets of one connection: each request, and production's answer to it."""
    connection = Connection(Endpoint(ip_address(client), 20_000 + number), endpoint(server))
    frames = connection.open()
    for request in requests:
        frames += connection.send(0, request)
        frames += connection.send(1, ANSWER) if answers else []
    return frames + (connection.close() if closes else [])


def visits(connections: int, requests: int, **more) -> list[bytes]:
    """Many connections, one after the other, each with the same number of requests: /CONNECTION/INDEX."""
    return [
        frame
        for number in range(connections)
        for frame in conversation(number, (get(f"/{number}/{n}") for n in range(requests)), **more)
    ]


def write(path: Path, frames: Iterable[bytes], *, start_ns: int = NOON_NS, step_ns: int = 100_000) -> str:
    """A capture file; its source's URL."""
    with PcapWriter(path) as writer:
        for n, frame in enumerate(frames):
            writer.write(frame, start_ns + n * step_ns)
    return f"pcap:{path}"


class Mirror:
    """Sends packets to a collector's port, as VXLAN."""

    def __init__(self, port: int):
        self.url = f"vxlan://127.0.0.1:{port}"
        self._to = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, frames: Iterable[bytes], *, vni: int = 7) -> None:
        """Mirror some packets."""
        for frame in frames:
            self._socket.sendto(vxlan(vni, frame), self._to)
