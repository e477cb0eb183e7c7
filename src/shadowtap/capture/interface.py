"""Packets of a network interface: an AF_PACKET socket with a kernel filter.

The socket is made deaf (protocol 0), given its filter, and only then bound to the interface, so no packet that
the filter would refuse is ever queued. Ethernet and loopback interfaces give whole Ethernet frames (SOCK_RAW);
the outermost VLAN tag may be missing, as the kernel keeps it apart. All other interfaces (tun, WireGuard, PPP,
tunnels), and `any`, which mixes kinds, give packets from the IP header on (SOCK_DGRAM), so their link type is RAW
whatever the interface's own. A packet with a second VLAN tag cannot be seen through `any`.

Loopback shows each packet twice, leaving and arriving; the filter drops the first. Other interfaces show each
packet once, in both directions. Merged packets (GRO, TSO) come whole, up to 64 KiB; longer ones (BIG TCP) are cut
and counted.

An interface that goes down while running says so once (ENETDOWN); the socket then waits, and goes on by itself
when the interface is up again. A removed interface stays silent. Neither stops the run; `warning` tells.

A TPACKET_V3 ring would save copies, but it hands out blocks when they are full or a timer expires (1 ms and
more), and a received batch costs less than a microsecond a packet already.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import socket
import struct
import sys
from typing import Final

import numpy as np

from shadowtap.capture.bpf import encode, tcp_filter
from shadowtap.capture.recvmmsg import SLOT_BYTES, BatchReceiver, buffer_warning
from shadowtap.errors import RunError
from shadowtap.events import Frames, Link
from shadowtap.ledger import CaptureCounters

ANY: Final = "any"
SLOTS: Final = 512
"""Merged packets of 64 KiB are the normal case here, so the ring may really become resident: 33 MiB."""

_ETH_P_ALL: Final = 3
_SO_ATTACH_FILTER: Final = 26
_SIOCGIFFLAGS: Final = 0x8913
_SIOCGIFHWADDR: Final = 0x8927
_IFF_UP: Final = 1
_ARPHRD_ETHER: Final = 1
_ARPHRD_LOOPBACK: Final = 772


class InterfaceSource:
    """A LiveSource: the TCP packets of one interface (or of `any`), in both directions.

    `ports`: only these, on either side; none given: all. Raises RunError when the interface is missing or down,
    or when the right CAP_NET_RAW is.
    """

    def __init__(self, *, name: str, interface: str, ports: frozenset[int] = frozenset()) -> None:
        self.name = name
        self.interface = interface
        self.counters = CaptureCounters()
        self._down = False
        self._drained = False
        sock, self._link = _open(name, interface, ports)
        try:
            self._receiver = BatchReceiver(sock, slots=SLOTS, counters=self.counters)
            _bind(sock, 0 if interface == ANY else socket.if_nametoindex(interface))
        except OSError as error:
            sock.close()
            raise RunError(f"{name}: cannot listen: {error.strerror}") from None
        except BaseException:
            sock.close()
            raise
        self._socket = sock

    @property
    def granted_buffer_bytes(self) -> int:
        """How many bytes of packets the kernel keeps for us; `recvmmsg.WANTED_BUFFER_BYTES` were asked for."""
        return self._receiver.granted_bytes

    @property
    def warning(self) -> str | None:
        """What the user should know about this source now, or None."""
        if self._down:
            return f"interface {self.interface} went down; nothing comes until it is up again"
        return buffer_warning(self.granted_buffer_bytes)

    def fileno(self) -> int:
        """The socket to wait on."""
        return self._socket.fileno()

    def receive(self) -> Frames | None:
        """The next batch, or None when nothing is waiting. Raises RunError when the socket cannot be read.

        A batch that was not full emptied the queue, so the call after it answers without asking the kernel.
        """
        if self._drained:
            self._drained = False
            return None
        n = self._take()
        self._drained = 0 < n < SLOTS
        return self._frames(n) if n else None

    def _take(self) -> int:
        try:
            n = self._receiver.receive()
        except OSError as error:
            if error.errno in (errno.ENETDOWN, errno.ENODEV, errno.ENXIO):
                self._down = True
                return 0
            raise RunError(f"{self.name}: cannot receive: {error.strerror}") from None
        if n:
            self._down = False
        return n

    def _frames(self, n: int) -> Frames:
        receiver, counters = self._receiver, self.counters
        on_wire, time_ns, octets = receiver.columns(n)
        captured = on_wire
        if int(on_wire.max()) > SLOT_BYTES:
            counters.cut += int(np.count_nonzero(on_wire > SLOT_BYTES))
            captured = np.minimum(on_wire, SLOT_BYTES)
            octets = int(captured.sum())
        counters.frames += n
        counters.batches += 1
        counters.bytes += octets
        return Frames(receiver.buffer, receiver.starts[:n], captured, on_wire, time_ns, self._link)

    def close(self) -> None:
        """Stop receiving."""
        self._receiver.close()


def _open(name: str, interface: str, ports: frozenset[int]) -> tuple[socket.socket, int]:
    """A socket that hears nothing yet, with its filter, and the link type of what it will give."""
    if not hasattr(socket, "AF_PACKET"):
        raise RunError(f"{name}: capturing from an interface needs Linux")
    ethernet = interface != ANY and _kind(name, interface) in (_ARPHRD_ETHER, _ARPHRD_LOOPBACK)
    try:
        kind = socket.SOCK_RAW if ethernet else socket.SOCK_DGRAM
        sock = socket.socket(socket.AF_PACKET, kind, 0)
    except PermissionError:
        raise RunError(f"{name}: {_missing_right()}") from None
    except OSError as error:
        raise RunError(f"{name}: no packet socket: {error.strerror}") from None
    try:
        _attach(sock, encode(tcp_filter(ports, ethernet=ethernet, loopbacks=_loopbacks())))
    except OSError as error:
        sock.close()
        raise RunError(f"{name}: no kernel filter: {error.strerror}") from None
    return sock, int(Link.ETHERNET if ethernet else Link.RAW)


def _attach(sock: socket.socket, program: bytes) -> None:
    memory = ctypes.create_string_buffer(program, len(program))
    descriptor = struct.pack("@HP", len(program) // 8, ctypes.addressof(memory))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, descriptor)


def _missing_right() -> str:
    return (
        "capturing from an interface needs the right CAP_NET_RAW: run as root, or grant it with "
        f"'setcap cap_net_raw+ep {os.path.realpath(sys.executable)}', or with 'docker run --cap-add NET_RAW'"
    )


def _bind(sock: socket.socket, index: int) -> None:
    """Bind to an interface number, 0 for all of them, which `socket.bind` cannot express."""
    address = struct.pack("=HHiHBB8x", socket.AF_PACKET, socket.htons(_ETH_P_ALL), index, 0, 0, 0)
    if ctypes.CDLL(None, use_errno=True).bind(sock.fileno(), address, len(address)):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _kind(name: str, interface: str) -> int:
    """The ARPHRD_ number of an interface that exists and is up."""
    try:
        flags = _ask(interface, _SIOCGIFFLAGS, "@H")
        if flags & _IFF_UP:
            return _ask(interface, _SIOCGIFHWADDR, "@H")
    except (OSError, ValueError):
        there = ", ".join(sorted(other for _, other in socket.if_nameindex()))
        raise RunError(
            f"{name}: there is no interface {interface!r}; there are: {there}, and {ANY!r} for all of them"
        ) from None
    raise RunError(f"{name}: interface {interface} is down; 'ip link set {interface} up'")


def _ask(interface: str, request: int, form: str) -> int:
    encoded = os.fsencode(interface)
    if not 0 < len(encoded) < 16 or b"\0" in encoded:
        raise ValueError(interface)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        answer = fcntl.ioctl(sock.fileno(), request, struct.pack("16s24x", encoded))
    (number,) = struct.unpack_from(form, answer, 16)
    return int(number)


def _loopbacks() -> list[int]:
    found = []
    for index, name in socket.if_nameindex():
        with contextlib.suppress(OSError, ValueError):
            if _ask(name, _SIOCGIFHWADDR, "@H") == _ARPHRD_LOOPBACK:
                found.append(index)
    return found
