"""The doctor's ears: datagrams from a socket, from copies the kernel makes, or from a capture file.

A collector that runs already has the port. Its packets must not be taken from it, so then a packet socket listens
(AF_PACKET gives copies of what arrives; it needs CAP_NET_RAW) and the collector loses nothing.
"""

import ctypes
import errno
import socket
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from shadowtap.aws.diagnose import Datagram, Machine
from shadowtap.errors import RunError, UsageError

BUFFER = 64 << 20
SO_RXQ_OVFL = 40
"""Linux: each datagram comes with how many were dropped before it (socket(7))."""
SO_RCVBUFFORCE = 33
PACKET_OUTGOING = 4
"""What this machine sends itself (packet(7)); on loopback everything is seen a second time as that."""
GENEVE_PORT, VXLAN_PORT = 6081, 4789
STA_UNSYNC = 0x40


class Ear:
    """Listens for `seconds`. `drops` is what the kernel threw away meanwhile, None where it does not say."""

    def __init__(self, address: str, port: int) -> None:
        self.port = port
        self.drops: int | None = None
        self.buffer: int | None = None
        self._raw = False
        self._socket = self._bound(address, port)

    def _bound(self, address: str, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        one = socket.socket(family, socket.SOCK_DGRAM)
        try:
            one.bind((address, port))
        except OSError as error:
            one.close()
            if error.errno == errno.EADDRINUSE:
                return self._overheard(port)
            raise RunError(f"cannot listen on {address}:{port}: {error.strerror}") from None
        try:
            one.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        except OSError:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.buffer = one.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        one.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        self.drops = 0
        return one

    def _overheard(self, port: int) -> socket.socket:
        try:
            one = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        except (OSError, AttributeError):
            raise RunError(
                f"port {port} is taken (by the collector, surely) and listening beside it needs root: use sudo,"
                " stop the collector for a moment, or give a capture with --pcap FILE"
            ) from None
        self._raw = True
        self.drops = dropped_by_socket(port)
        self._before = self.drops
        return one

    def listen(self, seconds: float) -> Iterator[Datagram]:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                payload, extra, _, sender = self._socket.recvmsg(65535, 64)
            except TimeoutError:
                break
            now = time.time_ns()
            if self._raw:
                if sender[2] == PACKET_OUTGOING:
                    continue
                yield from _unwrapped(payload, self.port, now)
                continue
            for level, kind, value in extra:
                if (level, kind) == (socket.SOL_SOCKET, SO_RXQ_OVFL):
                    self.drops = struct.unpack("I", value)[0]
            yield from _named(Datagram(sender[0], sender[1], payload, now), self.port)
        if self._raw and self._before is not None:
            after = dropped_by_socket(self.port)
            self.drops = None if after is None else after - self._before
        self._socket.close()

    def machine(self, seconds: float) -> Machine:
        synchronised, error = clock()
        return Machine(
            seconds=seconds,
            drops=self.drops,
            buffer=self.buffer,
            clock_synchronised=synchronised,
            clock_error_ms=error,
        )


def _named(datagram: Datagram, port: int) -> Iterator[Datagram]:
    """The VXLAN datagram; behind a Gateway Load Balancer it is inside GENEVE, IP and UDP (RFC 8926)."""
    if port != GENEVE_PORT:
        yield datagram
        return
    payload = datagram.payload
    if len(payload) < 8:
        return
    yield from _unwrapped(payload[8 + (payload[0] & 0x3F) * 4 :], VXLAN_PORT, datagram.time_ns)


def _unwrapped(packet: bytes, port: int, now: int) -> Iterator[Datagram]:
    """The UDP payload of an IP packet, if it is for the port."""
    if len(packet) < 28:
        return
    version = packet[0] >> 4
    if version == 4:
        header, protocol = (packet[0] & 0x0F) * 4, packet[9]
        sender = socket.inet_ntop(socket.AF_INET, packet[12:16])
    elif version == 6 and len(packet) >= 48:
        header, protocol = 40, packet[6]
        sender = socket.inet_ntop(socket.AF_INET6, packet[8:24])
    else:
        return
    udp = packet[header : header + 8]
    if protocol != socket.IPPROTO_UDP or len(udp) < 8:
        return
    source, destination, length = struct.unpack("!HHH", udp[:6])
    if destination == port:
        payload = packet[header + 8 : header + length]
        yield from _named(Datagram(sender, source, payload, now), port)


def dropped_by_socket(port: int) -> int | None:
    """What the kernel dropped at sockets of the port: the last column of /proc/net/udp and udp6."""
    total: int | None = None
    for path in (Path("/proc/net/udp"), Path("/proc/net/udp6")):
        try:
            lines = path.read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) == port:
                total = (total or 0) + int(fields[-1])
    return total


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2), as far as it is read; the rest is room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("room", ctypes.c_char * 256),
    )


def clock() -> tuple[bool | None, float | None]:
    """Whether the kernel's clock is synchronised, and its maximum error in ms. None where it does not say."""
    if sys.platform != "linux":
        return None, None
    timex = _Timex()
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None, None
    if state < 0:
        return None, None
    good = not timex.status & STA_UNSYNC
    return good, timex.maxerror / 1000 if good else None


def from_pcap(path: str, port: int) -> Iterator[Datagram]:
    """UDP datagrams to the port from a classic capture file (tcpdump -w): Ethernet, raw IP or Linux cooked."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"--pcap {path}: {error.strerror}") from None
    orders = {
        b"\xd4\xc3\xb2\xa1": "<",
        b"\xa1\xb2\xc3\xd4": ">",
        b"\x4d\x3c\xb2\xa1": "<",
        b"\xa1\xb2\x3c\x4d": ">",
    }
    order = orders.get(content[:4])
    if order is None or len(content) < 24:
        raise UsageError(f"--pcap {path}: not a pcap file (convert pcapng with tcpdump -r IN -w OUT)")
    skip = {1: 14, 101: 0, 113: 16, 12: 0, 228: 0, 229: 0}.get(struct.unpack(order + "I", content[20:24])[0])
    if skip is None:
        raise UsageError(f"--pcap {path}: its link type is not Ethernet, raw IP or Linux cooked")
    at = 24
    while at + 16 <= len(content):
        seconds, fraction, captured, _ = struct.unpack(order + "IIII", content[at : at + 16])
        packet = content[at + 16 + skip : at + 16 + captured]
        if skip == 14 and content[at + 28 : at + 30] == b"\x81\x00":
            packet = packet[4:]
        yield from _unwrapped(packet, port, seconds * 10**9 + fraction * 1000)
        at += 16 + captured
