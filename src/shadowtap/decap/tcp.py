"""The last step: TCP (RFC 9293), and the exact key of the connection."""

import numpy as np
from numpy.typing import NDArray

from shadowtap.decap.rows import Drop, Mask, Rows, Unsigned, View
from shadowtap.events import Ints, Segments

_U16, _U32 = np.uint64(16), np.uint64(32)
_LOW16 = np.uint64(0xFFFF)
_HAS_VNI = np.uint64(1 << 24)
_IS_IPV6 = np.uint64(1 << 25)


def segments(view: View, rows: Rows, ports: Mask | None, time_ns: Ints) -> tuple[Segments, Ints] | None:
    """The segments of rows that stand at a TCP header, with the frame each came in; None if none is left.

    `ports`, a table of 65,536, limits them to those with a wanted port at either end.
    """
    rows = view.with_bytes(rows, 20)
    both = view.u32[rows.pos].astype(np.uint64)
    if ports is not None:
        wanted = ports[(both >> _U16).astype(np.int64)] | ports[(both & _LOW16).astype(np.int64)]
        rows, both = view.keep(rows, wanted, Drop.OTHER_PORT), both[wanted]
    pos = rows.pos
    offset_flags = view.u16[pos + 12].astype(np.int64)
    header = (offset_flags >> 12) << 2
    start = pos + header
    good = (header >= 20) & (start <= rows.end)
    if np.count_nonzero(good) != len(good):
        rows = view.keep(rows, good, Drop.BAD_TCP)
        both, start, offset_flags, pos = both[good], start[good], offset_flags[good], rows.pos
    if not len(rows):
        return None
    key, reverse = _keys(rows, both)
    missing = rows.missing if rows.missing is not None else np.zeros(len(rows), np.int64)
    found = Segments(
        view.u8,
        key,
        reverse,
        view.u32[pos + 4].astype(np.int64),
        view.u32[pos + 8].astype(np.int64),
        offset_flags & 0xFF,
        start,
        rows.end - start,
        missing,
        time_ns[rows.frame],
    )
    return found, rows.frame


def _keys(rows: Rows, ports: Unsigned) -> tuple[NDArray[np.void], Mask]:
    """40 bytes a row as `events.FlowKey` describes, and which rows run from the second endpoint to the first."""
    src, dst = rows.src_lo, rows.dst_lo
    assert src is not None
    assert dst is not None
    swapped = (ports >> _U16) | ((ports & _LOW16) << _U16)
    columns = np.zeros((len(rows), 5), np.uint64)
    after_same = ports > swapped
    if rows.src_hi is None or rows.dst_hi is None:
        reverse = (src > dst) | ((src == dst) & after_same)
        columns[:, 1] = np.minimum(src, dst)
        columns[:, 3] = np.maximum(src, dst)
        tail = np.uint64(0)
    else:
        hi, other_hi = rows.src_hi, rows.dst_hi
        reverse = (src > dst) | ((src == dst) & after_same)
        reverse = (hi > other_hi) | ((hi == other_hi) & reverse)
        columns[:, 0] = np.where(reverse, other_hi, hi)
        columns[:, 1] = np.where(reverse, dst, src)
        columns[:, 2] = np.where(reverse, hi, other_hi)
        columns[:, 3] = np.where(reverse, src, dst)
        tail = _IS_IPV6
    last = columns[:, 4]
    np.left_shift(np.where(reverse, swapped, ports), _U32, out=last)
    if rows.vni is not None:
        last |= rows.vni.astype(np.uint64) | (tail | _HAS_VNI)
    elif tail:
        last |= tail
    return columns.view("V40").ravel(), reverse
