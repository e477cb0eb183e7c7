"""The rows that the peeling steps pass on, and what they read them from.

A step gets `Rows` that all stand at the same kind of header, drops those it cannot read, moves `pos` behind the
header and says what kind comes next, one for all or one a row. Kinds share one space of numbers: ethertypes and
IP protocol numbers keep their own values above a base, headers without such a number have small ones.

Multi-byte fields are read through overlapping views of the buffer: element i of `u32` is the big-endian number
at byte i, so one indexed read fetches that field of all rows, aligned or not.
"""

from collections import Counter
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

from shadowtap.events import Bytes, Ints

ETHERTYPE = 0x10000
IP_PROTOCOL = 0x20000

Mask = NDArray[np.bool_]
Unsigned = NDArray[np.uint64]


class Kind(IntEnum):
    """Headers that have no ethertype or IP protocol number, and the numbers of those that the steps name."""

    ETHERNET = 1
    VXLAN = 2
    GENEVE = 3
    IP_ANY = 4
    LOOPBACK = 5
    LINUX_SLL = 6
    LINUX_SLL2 = 7
    PPP = 8
    C_HDLC = 9
    LLC = 10
    GTP_U = 11
    TEREDO = 12
    UDP_OTHER = 13
    WLAN = 14
    RADIOTAP = 15
    NFLOG = 16
    IPV4 = ETHERTYPE + 0x0800
    IPV6 = ETHERTYPE + 0x86DD
    TRANSPARENT_ETHERNET = ETHERTYPE + 0x6558
    TCP = IP_PROTOCOL + 6
    UDP = IP_PROTOCOL + 17


class Drop(StrEnum):
    """Why a frame did not become a segment."""

    UNKNOWN_LINK = "unknown_link_type"
    NOT_IP = "not_ip"
    NOT_TCP = "not_tcp"
    CUT_HEADER = "cut_in_header"
    BAD_IP = "bad_ip_header"
    BAD_TCP = "bad_tcp_header"
    BAD_TUNNEL = "bad_tunnel_header"
    OTHER_VNI = "vni_not_wanted"
    OTHER_PORT = "port_not_wanted"
    TOO_MANY_LAYERS = "too_many_layers"
    FRAGMENT = "fragment"
    """A fragment; the packet that complete fragments make counts as a frame of its own."""
    FRAGMENT_CUT = "fragment_cut"
    FRAGMENT_BAD = "fragment_bad"


class View:
    """The batch's buffer as overlapping big-endian columns, and where drops are counted. `rows36` has the 36 bytes
    from each index on."""

    __slots__ = ("dropped", "rows36", "u8", "u16", "u32", "u64")

    def __init__(self, buffer: Bytes, dropped: Counter[str]) -> None:
        size = len(buffer)
        self.u8 = buffer
        self.u16 = np.ndarray((max(size - 1, 0),), ">u2", buffer, strides=(1,))
        self.u32 = np.ndarray((max(size - 3, 0),), ">u4", buffer, strides=(1,))
        self.u64 = np.ndarray((max(size - 7, 0),), ">u8", buffer, strides=(1,))
        self.rows36 = np.ndarray((max(size - 35, 0),), "V36", buffer, strides=(1,))
        self.dropped = dropped

    def keep(self, rows: "Rows", ok: Mask, reason: Drop) -> "Rows":
        """The rows where `ok` holds; the others are counted under `reason`."""
        bad = len(ok) - int(np.count_nonzero(ok))
        if not bad:
            return rows
        self.dropped[reason] += bad
        return rows.take(ok)

    def with_bytes(self, rows: "Rows", size: int, reason: Drop = Drop.CUT_HEADER) -> "Rows":
        """The rows that have at least `size` bytes left to read."""
        return self.keep(rows, rows.end - rows.pos >= size, reason)


class Rows:
    """Frames of a batch that stand at the same kind of header.

    `frame` is the row in the batch, `pos` the index of the next header's first byte, `end` one past the last byte
    that belongs to the packet and was captured, `missing` how many more belong to it and were not captured,
    `vni` -1 where there is none. Addresses are the last IP header's, in two halves (`_hi` is None for IPv4).
    `depth` counts the headers peeled so far.
    """

    __slots__ = (
        "depth",
        "dst_hi",
        "dst_lo",
        "end",
        "frame",
        "missing",
        "pos",
        "src_hi",
        "src_lo",
        "vni",
    )

    def __init__(
        self,
        frame: Ints,
        pos: Ints,
        end: Ints,
        vni: Ints | None = None,
        missing: Ints | None = None,
        src_hi: Unsigned | None = None,
        src_lo: Unsigned | None = None,
        dst_hi: Unsigned | None = None,
        dst_lo: Unsigned | None = None,
        depth: int = 0,
    ) -> None:
        self.frame = frame
        self.pos = pos
        self.end = end
        self.vni = vni
        self.missing = missing
        self.src_hi = src_hi
        self.src_lo = src_lo
        self.dst_hi = dst_hi
        self.dst_lo = dst_lo
        self.depth = depth

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, which: Mask) -> "Rows":
        """The rows where the mask is True."""
        return Rows(
            self.frame[which],
            self.pos[which],
            self.end[which],
            None if self.vni is None else self.vni[which],
            None if self.missing is None else self.missing[which],
            None if self.src_hi is None else self.src_hi[which],
            None if self.src_lo is None else self.src_lo[which],
            None if self.dst_hi is None else self.dst_hi[which],
            None if self.dst_lo is None else self.dst_lo[which],
            self.depth,
        )


Next = int | Ints
Step = tuple["Rows", Next]
