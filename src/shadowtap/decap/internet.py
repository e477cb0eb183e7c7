"""IPv4 (RFC 791), IPv6 and its extension headers (RFC 8200), AH (RFC 4302).

The header's own length rules: padding behind the packet is trimmed, and bytes that the header promises and the
capture lacks are counted as missing. A length of zero stands for a segment that the network card was still to cut
(offload), so the frame's end rules there. Checksums are not looked at: offload leaves them wrong.
"""

import numpy as np

from shadowtap.decap.fragments import Fragments
from shadowtap.decap.rows import IP_PROTOCOL, Drop, Kind, Rows, Step, View
from shadowtap.events import Ints

_MORE_OR_OFFSET = 0x3FFF


def ip_any(view: View, rows: Rows) -> Step:
    """No link header: the version nibble tells."""
    rows = view.with_bytes(rows, 1)
    version = view.u8[rows.pos] >> 4
    kinds = np.zeros(len(rows), np.int64)
    kinds[version == 4] = Kind.IPV4
    kinds[version == 6] = Kind.IPV6
    return rows, kinds


def _trim(rows: Rows, length: Ints) -> None:
    """End the rows where their IP header says, or note how much is missing. `length` counts from `pos`."""
    packet_end = rows.pos + length
    rows.missing = np.maximum(packet_end - rows.end, 0)
    rows.end = np.minimum(rows.end, packet_end)


def ipv4(view: View, rows: Rows, fragments: Fragments, time_ns: Ints) -> Step:
    """20 bytes and options. Fragments leave the road here and come back when their packet is whole."""
    rows = view.with_bytes(rows, 20)
    first = view.u8[rows.pos]
    header = (first & 15).astype(np.int64) << 2
    total = view.u16[rows.pos + 2].astype(np.int64)
    total = np.where(total == 0, rows.end - rows.pos, total)
    good = ((first >> 4) == 4) & (header >= 20) & (total >= header) & (rows.end - rows.pos >= header)
    if np.count_nonzero(good) != len(good):
        rows, header, total = view.keep(rows, good, Drop.BAD_IP), header[good], total[good]
    _trim(rows, total)
    split = (view.u16[rows.pos + 6] & _MORE_OR_OFFSET) != 0
    if np.count_nonzero(split):
        fragments.take_ipv4(view, rows.take(split), time_ns)
        whole = ~split
        rows, header = rows.take(whole), header[whole]
    pos = rows.pos
    rows.src_lo = view.u32[pos + 12].astype(np.uint64)
    rows.dst_lo = view.u32[pos + 16].astype(np.uint64)
    rows.src_hi = rows.dst_hi = None
    kinds = view.u8[pos + 9].astype(np.int64) + IP_PROTOCOL
    rows.pos = pos + header
    return rows, kinds


def ipv6(view: View, rows: Rows) -> Step:
    """40 bytes; extension headers are steps of their own."""
    rows = view.with_bytes(rows, 40)
    rows = view.keep(rows, (view.u8[rows.pos] >> 4) == 6, Drop.BAD_IP)
    length = view.u16[rows.pos + 4].astype(np.int64) + 40
    length = np.where(length == 40, rows.end - rows.pos, length)
    _trim(rows, length)
    pos = rows.pos
    rows.src_hi = view.u64[pos + 8].astype(np.uint64)
    rows.src_lo = view.u64[pos + 16].astype(np.uint64)
    rows.dst_hi = view.u64[pos + 24].astype(np.uint64)
    rows.dst_lo = view.u64[pos + 32].astype(np.uint64)
    kinds = view.u8[pos + 6].astype(np.int64) + IP_PROTOCOL
    rows.pos = pos + 40
    return rows, kinds


def ipv6_extension(view: View, rows: Rows) -> Step:
    """Hop-by-hop, routing and destination options: the next header, then a length in units of 8 bytes."""
    rows = view.with_bytes(rows, 8)
    kinds = view.u8[rows.pos].astype(np.int64) + IP_PROTOCOL
    rows.pos = rows.pos + ((view.u8[rows.pos + 1].astype(np.int64) + 1) << 3)
    return rows, kinds


def authentication(view: View, rows: Rows) -> Step:
    """AH: a length in units of 4 bytes, minus 2."""
    rows = view.with_bytes(rows, 12)
    kinds = view.u8[rows.pos].astype(np.int64) + IP_PROTOCOL
    rows.pos = rows.pos + ((view.u8[rows.pos + 1].astype(np.int64) + 2) << 2)
    return rows, kinds


def ipv6_fragment(view: View, rows: Rows, fragments: Fragments, time_ns: Ints) -> Step:
    """The fragment header. One that stands for a whole packet (an atomic fragment, RFC 6946) just goes on; one that
    a hostile sender put behind an IPv4 header means nothing."""
    rows = view.with_bytes(rows, 8)
    if rows.src_hi is None:
        rows = view.keep(rows, np.zeros(len(rows), np.bool_), Drop.BAD_IP)
    whole = (view.u16[rows.pos + 2] & 0xFFF9) == 0
    if np.count_nonzero(whole) != len(whole):
        fragments.take_ipv6(view, rows.take(~whole), time_ns)
        rows = rows.take(whole)
    kinds = view.u8[rows.pos].astype(np.int64) + IP_PROTOCOL
    rows.pos = rows.pos + 8
    return rows, kinds
