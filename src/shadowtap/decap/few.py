"""The short way for a small batch: packet by packet, as nothing more than one `unpack` each.

Array operations cost the same for 5 packets as for 100, and more than that when a waking process finds its caches
cold. Up to FEW packets that are all plain (see `plain`), going through them one by one costs less: measured for 24
packets, 45 us instead of 110. The results are the same; a test holds both ways against each other.
"""

import struct
from collections import Counter

from shadowtap.decap.rows import Drop, Mask
from shadowtap.events import FewSegments, Frames, Ints, Link, SegmentRow

FEW = 48
"""Packets up to which this way is the cheaper one."""

_ETHERNET = struct.Struct(">12xHBxHxxHxBxxIIHHIIH")
_VXLAN = struct.Struct(">B3xI12xHBxHxxHxBxxIIHHIIH")
_KEY = struct.Struct("=5Q").pack
_HAS_VNI = 1 << 24


def segments(
    frames: Frames, vnis: Ints | None, ports: Mask | None, dropped: Counter[str]
) -> FewSegments | None:
    """The segments of a batch of plain frames, or None, without a trace, if one of them is not plain."""
    overlay = frames.link == Link.VXLAN
    header, before = (_VXLAN, 8) if overlay else (_ETHERNET, 0)
    unpack, least = header.unpack_from, before + 54
    buffer = memoryview(frames.buffer)  # type: ignore[arg-type]
    rows: list[SegmentRow] = []
    unwanted: list[Drop] = []
    for start, captured, time_ns in zip(
        frames.start.tolist(), frames.captured.tolist(), frames.time_ns.tolist(), strict=True
    ):
        if captured < least:
            return None
        fields = unpack(buffer, start)
        tail = 0
        if overlay:
            if not fields[0] & 0x08:
                return None
            vni = fields[1] >> 8
            tail = _HAS_VNI | vni
            if vnis is not None and vni not in vnis:
                unwanted.append(Drop.OTHER_VNI)
                continue
            fields = fields[2:]
        ethertype, version, total, fragment, protocol, src, dst, sport, dport, seq, ack, bits = fields
        data = bits >> 12 << 2
        if (
            ethertype != 0x0800
            or version != 0x45
            or fragment & 0x3FFF
            or protocol != 6
            or data < 20
            or total < data + 20
        ):
            return None
        begin = start + before + 34 + data
        packet_end, end = start + before + 14 + total, start + captured
        if begin > end:
            return None
        if ports is not None and not ports[sport] and not ports[dport]:
            unwanted.append(Drop.OTHER_PORT)
            continue
        stop = min(packet_end, end)
        reverse = src > dst or (src == dst and sport > dport)
        if reverse:
            key = _KEY(0, dst, 0, src, dport << 48 | sport << 32 | tail)
        else:
            key = _KEY(0, src, 0, dst, sport << 48 | dport << 32 | tail)
        rows.append(
            (
                key,
                int(reverse),
                seq,
                (seq + stop - begin) & 0xFFFFFFFF,
                begin,
                stop,
                ack,
                time_ns,
                bits & 0xFF,
                packet_end - stop,
            )
        )
    for reason in unwanted:
        dropped[reason] += 1
    return FewSegments(frames.buffer, rows)
