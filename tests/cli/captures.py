"""Small capture files of shop traffic, for tests of the commands."""

import struct
from ipaddress import ip_address

from shadowtap.demo import packets
from shadowtap.events import Endpoint

NOON_S = 1_795_608_000


def write(path, frames):
    """A pcap file with nanoseconds, one frame a millisecond."""
    head = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, 1)
    sizes = [
        struct.pack("<IIII", NOON_S + n // 1000, n % 1000 * 1_000_000, len(f), len(f))
        for n, f in enumerate(frames)
    ]
    path.write_bytes(head + b"".join(size + frame for size, frame in zip(sizes, frames, strict=True)))
    return f"pcap:{path}"


def shop_visit(requests=1, port=80):
    """Keep-alive requests with a cookie, each answered."""
    client, server = Endpoint(ip_address("10.0.8.9"), 40_000), Endpoint(ip_address("10.0.1.20"), port)
    connection = packets.Connection(client, server)
    frames = connection.open()
    for number in range(requests):
        asked = f"GET /products/{number} HTTP/1.1\r\nHost: shop\r\nCookie: session=abc\r\n\r\n"
        frames += connection.send(0, asked.encode())
        frames += connection.send(1, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    return frames + connection.close()
