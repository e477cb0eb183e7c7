"""Batched receive: one recvmmsg(2) takes up to 1,024 messages into one NumPy ring.

The kernel fills an array of `mmsghdr` (64 bytes each, 64-bit Linux), which is at the same time a NumPy array. All
that points somewhere (slot, control area, name) is written once, at the start; of a batch only the first n rows
are read, and the two lengths that the kernel overwrites are put back. At a batch a millisecond there are often
fewer than ten packets in it, so the cost of a batch is what matters: the tables are read in compiled code
(`arrivals`), or without a C compiler with NumPy (`tables`).

Time: SO_TIMESTAMPNS makes the kernel stamp every message of the socket. The stamp is the first control message,
so it lies at a fixed place of the control area. Should a kernel give none, the time of the receive stands in.

Loss: `SO_MEMINFO` tells, at any time, how many messages this socket has dropped since it was made, for UDP and
AF_PACKET alike. It is the number that SO_RXQ_OVFL attaches to messages and that PACKET_STATISTICS resets, but it
needs neither a further message to arrive nor control messages to be searched. It is a u32 that wraps around, so
differences are added up. It is read after a large batch, since a message is dropped when the queue is full and a full
queue is received afterwards; after an empty one; and now and then.

Memory: a slot holds the longest message there is, 64 KiB, but a page that no message reached costs nothing. The
ring is therefore private anonymous memory without huge pages (one 2 MiB page would make 32 slots resident at
once). Resident is at most slots x 64.2 KiB: 66 MiB for 1,024 slots, when messages of 64 KiB came 1,024 at a time;
with jumbo frames 12 MiB, with frames of 1,500 bytes 4 to 8 MiB.
"""

import contextlib
import errno
import mmap
import os
import socket
import struct
import time
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shadowtap.events import Bytes, Ints
from shadowtap.ledger import CaptureCounters

try:
    from shadowtap.capture.arrivals import Arrivals
except ImportError:  # not compiled
    from shadowtap.capture.tables import Arrivals  # type: ignore[assignment]

MAX_BATCH: Final = 1024
"""Messages of one system call: the kernel's own limit (UIO_MAXIOV)."""

SLOT_BYTES: Final = 65_536 + 192
"""Room for a message: 64 KiB and the link-layer headers in front of it. Being no multiple of 4,096, it also keeps
the headers of successive slots out of one set of the processor's caches."""

WANTED_BUFFER_BYTES: Final = 32 << 20
"""What is asked of the kernel for packets that wait: about 0.5 s of 40,000 packets a second, while Python is
busy."""

NAME_BYTES: Final = 32
"""Room for a sender's address: the longest, sockaddr_in6, has 28 bytes."""

_FLAGS: Final = int(socket.MSG_DONTWAIT | socket.MSG_TRUNC)
_CONTROL_BYTES: Final = 64
_STAMP_BYTES: Final = 32
"""CMSG_SPACE of a struct timespec. The room offered is exactly this, so that the kernel's answer, the room it used,
is the same number and need not be put back."""
_LARGE: Final = 64
_NOW_AND_THEN: Final = 32
"""Drops are looked up after a batch of so many messages, and after every so many batches."""
_SCM_TIMESTAMPNS: Final = 35
_SO_TIMESTAMPNS: Final = 35
_SO_RCVBUFFORCE: Final = 33
_SO_MEMINFO: Final = 55
_MEMINFO_DROPS: Final = 8
_MEMINFO_BYTES: Final = 36

_HEADER: Final = np.dtype(
    {
        "names": ["name", "namelen", "iov", "iovlen", "control", "controllen", "flags", "length"],
        "formats": ["u8", "u4", "u8", "u8", "u8", "u8", "u4", "u4"],
        "offsets": [0, 8, 16, 24, 32, 40, 48, 56],
        "itemsize": 64,
    }
)
_CONTROL: Final = np.dtype(
    {
        "names": ["length", "level", "type", "seconds", "nanoseconds"],
        "formats": ["u8", "i4", "i4", "i8", "i8"],
        "offsets": [0, 8, 12, 16, 24],
        "itemsize": _CONTROL_BYTES,
    }
)
_IOV: Final = np.dtype([("base", "u8"), ("length", "u8")])


class BatchReceiver:
    """Takes messages from one datagram or packet socket, which it makes non-blocking and stamp the time.

    After `receive` has returned n, the first n rows of `starts` and `names`, and `columns(n)`, describe the messages;
    all of them and `buffer` are overwritten by the next call.
    """

    __slots__ = (
        "_arrivals",
        "_control",
        "_controllens",
        "_drops",
        "_fd",
        "_headers",
        "_iov",
        "_lengths",
        "_namelens",
        "_slots",
        "_socket",
        "_times",
        "_uncounted",
        "buffer",
        "counters",
        "granted_bytes",
        "names",
        "starts",
    )

    def __init__(
        self, sock: socket.socket, *, slots: int, counters: CaptureCounters, names: bool = False
    ) -> None:
        self._socket = sock
        self._fd = sock.fileno()
        self._slots = min(slots, MAX_BATCH)
        self._drops = 0
        self._uncounted = 0
        self.counters = counters
        self.granted_bytes = _grow_buffer(sock)
        self.buffer: Bytes = _ring(self._slots * SLOT_BYTES)
        self.starts: Ints = np.arange(self._slots, dtype=np.int64) * SLOT_BYTES
        self.names: Bytes = np.zeros((self._slots if names else 0, NAME_BYTES), np.uint8)
        self._lay_out()
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

    def _lay_out(self) -> None:
        control = np.zeros(self._slots, _CONTROL)
        iov = np.zeros(self._slots, _IOV)
        iov["base"] = self.buffer.ctypes.data + self.starts
        iov["length"] = SLOT_BYTES
        headers = np.zeros(self._slots, _HEADER)
        rows = np.arange(self._slots, dtype=np.int64)
        headers["iov"] = iov.ctypes.data + rows * _IOV.itemsize
        headers["iovlen"] = 1
        headers["control"] = control.ctypes.data + rows * _CONTROL_BYTES
        headers["controllen"] = _STAMP_BYTES
        if len(self.names):
            headers["name"] = self.names.ctypes.data + rows * NAME_BYTES
            headers["namelen"] = NAME_BYTES
        self._headers, self._control, self._iov = headers, control, iov
        self._controllens = headers["controllen"]
        self._namelens = headers["namelen"] if len(self.names) else None
        self._lengths = np.zeros(self._slots, np.int64)
        self._times = np.zeros(self._slots, np.int64)
        tables = headers.view(np.uint8), control.view(np.uint8)
        self._arrivals = Arrivals(*tables, self._lengths, self._times, _SCM_TIMESTAMPNS, _STAMP_BYTES)

    def receive(self) -> int:
        """Take what is waiting, at most one batch, and return how many messages that is (0: none is waiting).

        Fewer than `slots` means that the queue is empty now. Raises OSError with the socket's own error.
        """
        n = self._arrivals.receive(self._fd, _FLAGS)
        self._uncounted += 1
        if not 0 < n < _LARGE or self._uncounted > _NOW_AND_THEN:
            self.count_drops()
        if n < 0:
            if -n in (errno.EAGAIN, errno.EINTR):
                return 0
            raise OSError(-n, os.strerror(-n))
        return n

    @property
    def slots(self) -> int:
        """The most messages that one batch has."""
        return self._slots

    def columns(self, n: int) -> tuple[Ints, Ints, int]:
        """How long the first n messages were when they were sent (more than SLOT_BYTES: the rest is cut off), when
        they arrived, in ns since the epoch, and their octets together. Makes the rows fit for the next batch."""
        octets = self._arrivals.read(n)
        if octets < 0:  # no stamps
            octets = int(self._lengths[:n].sum())
            self._times[:n] = time.time_ns()
            self._controllens[:n] = _STAMP_BYTES
        if self._namelens is not None:
            self._namelens[:n] = NAME_BYTES
        return self._lengths[:n], self._times[:n], octets

    def count_drops(self) -> None:
        """Add what the kernel has dropped since the last time to `counters.kernel_drops`."""
        self._uncounted = 0
        try:
            info = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO_BYTES)
            (drops,) = struct.unpack_from("=I", info, 4 * _MEMINFO_DROPS)
        except (OSError, struct.error):
            return
        if drops != self._drops:
            self.counters.kernel_drops += (drops - self._drops) & 0xFFFFFFFF
            self._drops = drops

    def close(self) -> None:
        """Count the last drops and close the socket. Frames already handed out stay valid."""
        if self._socket.fileno() >= 0:
            self.count_drops()
            self._socket.close()


def _ring(size: int) -> NDArray[np.uint8]:
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(OSError):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, np.uint8)


def _grow_buffer(sock: socket.socket) -> int:
    """Ask for a large receive buffer and return the bytes granted; without CAP_NET_ADMIN that is
    net.core.rmem_max."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, WANTED_BUFFER_BYTES)
    except OSError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WANTED_BUFFER_BYTES)
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2


def buffer_warning(granted_bytes: int) -> str | None:
    """What to tell the user when the kernel granted less than was asked for, or None."""
    if granted_bytes >= WANTED_BUFFER_BYTES:
        return None
    return (
        f"the kernel grants a receive buffer of {granted_bytes >> 10} KiB instead of "
        f"{WANTED_BUFFER_BYTES >> 10} KiB; bursts may be lost: "
        f"sysctl -w net.core.rmem_max={WANTED_BUFFER_BYTES}, or grant CAP_NET_ADMIN"
    )
