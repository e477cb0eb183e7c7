"""A wire between the mirror and the collector that misbehaves on purpose, and writes down exactly what it did.

Run as a program: `relay.py --port 4790 --to ADDRESS:4789 --report FILE --drop 0.01 …`. It receives VXLAN in UDP,
draws every packet's fate from a seeded generator, and prints `ready` when it listens. When it is ended with
SIGTERM it writes the report, as JSON:

    {"received": N, "dropped": N, "duplicated": N, "delayed": N, "cut": N, "overflowed": N,
     "streams": [{"src": …, "sport": N, "dst": …, "dport": N, "lost": [[from, to], …]}]}

A stream is one direction of an inner TCP connection; `lost` are the half-open ranges of its bytes, counted from
the first after its SYN, of which no copy went on to the collector. `overflowed` are packets the relay's own socket
could not hold: above zero, the report is not exact and the test that reads it must fail.
"""

import argparse
import contextlib
import json
import random
import select
import signal
import socket
import struct
import time
from collections import Counter
from pathlib import Path
from types import FrameType

_SO_RCVBUFFORCE = 33
_SO_RXQ_OVFL = 40
_UDP_NO_CHECK6_RX = 102
_BUFFER_BYTES = 64 << 20
_HELD_S = 0.01
_IDLE_S = 0.05
_MODULUS = 1 << 32
_VXLAN = 8
_SYN = 0x02


class Stream:
    """One direction of a TCP connection: which of its bytes never went on."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._seen_to = 0
        self.lost: list[tuple[int, int]] = []

    def dropped(self, seq: int, length: int) -> None:
        """These bytes did not go on; what was seen before has had its chance."""
        start, end = self._range(seq, length)
        start = max(start, self._seen_to)
        if start < end:
            self.lost.append((start, end))
            self._seen_to = end

    def forwarded(self, seq: int, length: int) -> None:
        """These bytes went on; they may fill holes of before."""
        start, end = self._range(seq, length)
        if end > start:
            self._seen_to = max(self._seen_to, end)
            if self.lost:
                self.lost = [piece for hole in self.lost for piece in _without(hole, start, end)]

    def _range(self, seq: int, length: int) -> tuple[int, int]:
        start = (seq - self._first) % _MODULUS
        return (start, start + length) if start < _MODULUS // 2 else (0, 0)


def _without(hole: tuple[int, int], start: int, end: int) -> list[tuple[int, int]]:
    pieces = ((hole[0], min(hole[1], start)), (max(hole[0], end), hole[1]))
    return [(a, b) for a, b in pieces if a < b]


class Streams:
    """All of them, by the addresses inside the packets."""

    def __init__(self) -> None:
        self._streams: dict[bytes, Stream] = {}
        self._past: list[tuple[bytes, Stream]] = []

    def note(self, packet: bytes, kept: int) -> None:
        """A VXLAN packet of which the first `kept` bytes go on (0: it is dropped)."""
        inner = _tcp(packet)
        if inner is None:
            return
        key, seq, flags, start, length = inner
        if flags & _SYN:
            seq = (seq + 1) % _MODULUS
            self._begin(key, seq)
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = Stream(seq)
        went = max(0, min(length, kept - start))
        if went:
            stream.forwarded(seq, went)
        if went < length:
            stream.dropped((seq + went) % _MODULUS, length - went)

    def _begin(self, key: bytes, first: int) -> None:
        stream = self._streams.get(key)
        if stream is not None and stream.lost:
            self._past.append((key, stream))
        self._streams[key] = Stream(first)

    def report(self) -> list[dict[str, object]]:
        """The streams that lost something."""
        return [
            {**_ends(key), "lost": stream.lost}
            for key, stream in [*self._past, *self._streams.items()]
            if stream.lost
        ]


def _ends(key: bytes) -> dict[str, object]:
    width = (len(key) - 4) // 2
    family = socket.AF_INET if width == 4 else socket.AF_INET6
    sport, dport = struct.unpack("!HH", key[-4:])
    return {
        "src": socket.inet_ntop(family, key[:width]),
        "sport": sport,
        "dst": socket.inet_ntop(family, key[width : 2 * width]),
        "dport": dport,
    }


def _tcp(packet: bytes) -> tuple[bytes, int, int, int, int] | None:
    """Connection key, sequence number, flags, start and length of the payload of the TCP segment inside."""
    at = _VXLAN + 14
    kind = packet[at - 2 : at]
    if kind == b"\x08\x00" and packet[at + 9] == 6:
        addresses = packet[at + 12 : at + 20]
        end = at + int.from_bytes(packet[at + 2 : at + 4], "big")
        at += (packet[at] & 15) * 4
    elif kind == b"\x86\xdd" and packet[at + 6] == 6:
        addresses = packet[at + 8 : at + 40]
        end = at + 40 + int.from_bytes(packet[at + 4 : at + 6], "big")
        at += 40
    else:
        return None
    seq = int.from_bytes(packet[at + 4 : at + 8], "big")
    start = at + (packet[at + 12] >> 4) * 4
    return addresses + packet[at : at + 4], seq, packet[at + 13], start, end - start


def geneve(packet: bytes, number: int) -> bytes:
    """The VXLAN packet as a Gateway Load Balancer hands it on: GENEVE with Amazon's options, IPv4, UDP, VXLAN.

    The load balancer's options (class 0x0108) are the endpoint's id, the attachment's id and the flow cookie.
    """
    options = b"".join(
        struct.pack("!HBB", 0x0108, kind, len(value) // 4) + value
        for kind, value in ((1, bytes(8)), (2, bytes(8)), (3, struct.pack("!I", number & 0xFFFFFFFF)))
    )
    head = struct.pack("!BBHI", len(options) // 4, 0, 0x0800, 0)
    udp = struct.pack("!HHHH", 65408, 4789, 8 + len(packet), 0)
    length, ends = 28 + len(packet), b"\x0a\x4d\x02\x01\x0a\x4d\x02\x02"
    ip = struct.pack("!BBHHHBBH8s", 0x45, 0, length, number & 0xFFFF, 0, 255, 17, 0, ends)
    total = sum(struct.unpack("!10H", ip))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    ip = ip[:10] + struct.pack("!H", total ^ 0xFFFF) + ip[12:]
    return head + options + ip + udp + packet


class Relay:
    """Receives, draws fates, sends."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._options = arguments
        self._random = random.Random(arguments.seed)
        self._counts = Counter(received=0, dropped=0, duplicated=0, delayed=0, cut=0, overflowed=0)
        self._streams = Streams()
        self._held: list[tuple[int, float, bytes]] = []
        family = socket.AF_INET6 if ":" in arguments.to[0] else socket.AF_INET
        self._in = socket.socket(family, socket.SOCK_DGRAM)
        self._in.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        self._in.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
        if family == socket.AF_INET6:  # tunnels may leave the checksum out (RFC 6935)
            self._in.setsockopt(socket.IPPROTO_UDP, _UDP_NO_CHECK6_RX, 1)
        self._in.bind(("", arguments.port))
        self._in.setblocking(False)
        self._out = socket.socket(family, socket.SOCK_DGRAM)
        self._ended = False

    def end(self, _signal: int, _frame: FrameType | None) -> None:
        """Stop after what has arrived."""
        self._ended = True

    def serve(self) -> None:
        """Pass packets on until ended."""
        while not self._ended:
            select.select([self._in], [], [], _HELD_S if self._held else _IDLE_S)
            self._drain()
        self._drain()
        self._release(everything=True)
        report = {**self._counts, "streams": self._streams.report()}
        Path(self._options.report).write_text(json.dumps(report))

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                packet, ancillary, _, _ = self._in.recvmsg(65535, 64)
                for level, kind, value in ancillary:
                    if (level, kind) == (socket.SOL_SOCKET, _SO_RXQ_OVFL):
                        self._counts["overflowed"] = int.from_bytes(value[:4], "little")
                self._pass(packet)
        self._release()

    def _pass(self, packet: bytes) -> None:
        options, draw = self._options, self._random.random
        self._counts["received"] += 1
        if draw() < options.drop:
            self._counts["dropped"] += 1
            self._streams.note(packet, 0)
            return
        if options.cut and len(packet) > options.cut:
            self._counts["cut"] += 1
            self._streams.note(packet, options.cut)
            packet = packet[: options.cut]
        else:
            self._streams.note(packet, len(packet))
        if draw() < options.reorder:
            self._counts["delayed"] += 1
            after = self._counts["received"] + self._random.randint(1, options.depth)
            self._held.append((after, time.monotonic() + _HELD_S, packet))
        else:
            self._send(packet)
        if draw() < options.duplicate:
            self._counts["duplicated"] += 1
            self._send(packet)
        self._release()

    def _release(self, *, everything: bool = False) -> None:
        if not self._held:
            return
        now, passed = time.monotonic(), self._counts["received"]
        held, self._held = self._held, []
        for after, deadline, packet in held:
            if everything or after <= passed or deadline <= now:
                self._send(packet)
            else:
                self._held.append((after, deadline, packet))

    def _send(self, packet: bytes) -> None:
        if self._options.geneve:
            packet = geneve(packet, self._counts["received"])
        self._out.sendto(packet, self._options.to)


def _endpoint(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--to", type=_endpoint, required=True, metavar="ADDRESS:PORT")
    parser.add_argument("--report", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--drop", type=float, default=0, metavar="SHARE")
    parser.add_argument("--duplicate", type=float, default=0, metavar="SHARE")
    parser.add_argument("--reorder", type=float, default=0, metavar="SHARE", help="hold packets back")
    parser.add_argument(
        "--depth", type=int, default=8, help="until at most so many others have passed, or 10 ms"
    )
    parser.add_argument("--cut", type=int, default=0, metavar="BYTES", help="of the UDP payload that survive")
    parser.add_argument(
        "--geneve", action="store_true", help="wrap in GENEVE as a Gateway Load Balancer does"
    )
    relay = Relay(parser.parse_args())
    signal.signal(signal.SIGTERM, relay.end)
    print("ready", flush=True)
    relay.serve()


if __name__ == "__main__":
    main()
