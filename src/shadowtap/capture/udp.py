"""Mirrored packets that are sent to us: an ordinary UDP socket for VXLAN or GENEVE, without root.

The kernel removes the outer Ethernet, IP and UDP headers and reassembles outer fragments; a frame starts at the
VXLAN (RFC 7348) or GENEVE (RFC 8926) header. Outer UDP checksums may be zero, as AWS and the Linux VXLAN device
send them: over IPv4 that needs nothing, over IPv6 the socket must say that it agrees (RFC 6935). Which VNIs are
wanted is decided at decapsulation; which senders are allowed, here.
"""

import contextlib
import errno
import socket
from typing import Final

import numpy as np

from shadowtap.capture.recvmmsg import MAX_BATCH, BatchReceiver, buffer_warning
from shadowtap.capture.senders import AllowedSenders, Network
from shadowtap.errors import RunError
from shadowtap.events import Frames, Link
from shadowtap.ledger import CaptureCounters

REFUSED_SENDER: Final = "sender_not_allowed"

_UDP_NO_CHECK6_RX: Final = 102


class UdpSource:
    """A LiveSource: receives the datagrams that are sent to `host`:`port`, one frame each.

    `link` is Link.VXLAN or Link.GENEVE. `[::]` receives IPv4 and IPv6. `senders`: networks that may send; others
    are counted in `counters.refused`; none given: everyone may. `port` 0 takes a free one, see `address`. Raises
    RunError.
    """

    def __init__(
        self,
        *,
        name: str,
        link: Link,
        host: str,
        port: int,
        senders: tuple[Network, ...] = (),
        slots: int = MAX_BATCH,
    ) -> None:
        self.name = name
        self.counters = CaptureCounters()
        self._link = int(link)
        self._drained = False
        sock = _listen(name, host, port)
        try:
            self._senders = AllowedSenders(senders, sock.family)
            self._receiver = BatchReceiver(sock, slots=slots, counters=self.counters, names=bool(senders))
        except BaseException:
            sock.close()
            raise
        self._socket = sock
        self.address: tuple[str, int] = sock.getsockname()[:2]

    @property
    def granted_buffer_bytes(self) -> int:
        """How many bytes of packets the kernel keeps for us; `recvmmsg.WANTED_BUFFER_BYTES` were asked for."""
        return self._receiver.granted_bytes

    @property
    def warning(self) -> str | None:
        """What the user should know about this source now, or None."""
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
        frames = self._frames(n) if n else None
        self._drained = frames is not None and n < self._receiver.slots
        return frames

    def _take(self) -> int:
        try:
            return self._receiver.receive()
        except OSError as error:
            raise RunError(f"{self.name}: cannot receive: {error.strerror}") from None

    def _frames(self, n: int) -> Frames | None:
        receiver, counters = self._receiver, self.counters
        start, (length, time_ns, octets) = receiver.starts[:n], receiver.columns(n)
        if self._senders:
            allowed = self._senders.among(receiver.names[:n])
            passed = int(np.count_nonzero(allowed))
            if passed < n:
                counters.refused[REFUSED_SENDER] += n - passed
                start, length, time_ns = start[allowed], length[allowed], time_ns[allowed]
                n, octets = passed, int(length.sum())
        if not n:
            return None
        counters.frames += n
        counters.batches += 1
        counters.bytes += octets
        return Frames(receiver.buffer, start, length, length, time_ns, self._link)

    def close(self) -> None:
        """Stop receiving; the port is free again."""
        self._receiver.close()


def _listen(name: str, host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise RunError(
            f"{name}: no address is known for {host!r}; listen on an address of this machine, or 0.0.0.0"
        ) from None
    try:
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise RunError(f"{name}: {error.strerror}; listen on 0.0.0.0 instead") from None
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_UDP, _UDP_NO_CHECK6_RX, 1)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise RunError(f"{name}: {_why_not(error, host, port)}") from None
    return sock


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"UDP port {port} is in use by another process or a kernel VXLAN device; "
            f"stop it or listen on another port (ss -ulpn 'sport = :{port}')"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine; listen on one that is, or on 0.0.0.0"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"no permission to listen on UDP port {port}; use a port from 1024 up or run as root"
    return f"cannot listen on {host} port {port}: {error.strerror}"
