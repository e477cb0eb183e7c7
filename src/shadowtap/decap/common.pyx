# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The common packets, read one by one in compiled code.

Nearly all that is mirrored is TCP over IPv4 or IPv6, over Ethernet, in VXLAN or GENEVE or both. Such a frame is read
here from its first octet to its payload in one go. Whatever else comes, fragments, extension headers, other tunnels
and links, leaves no trace here and is given back, for the steps that know all of it. The results are the same; a
property test holds both ways against each other.

Why compiled: array operations cost the same for 5 packets as for 500, and more than that when a waking process finds
its caches cold. At 2,000 requests a second a batch has 10 packets.

Every read stands behind a comparison with the end of the frame; frames that do not lie within the buffer are refused.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from shadowtap.decap.rows import Drop
from shadowtap.events import Link

cdef enum Kind:
    VXLAN, GENEVE, ETHERNET, ETHERTYPE, RAW, IPV4, IPV6, IP_PROTOCOL

cdef enum Verdict:
    SEGMENT, ODD, NOT_IP, NOT_TCP, CUT_HEADER, BAD_IP, BAD_TCP, BAD_TUNNEL, OTHER_VNI, OTHER_PORT, VERDICTS

cdef uint8_t EVENTFUL = 0b111  # FIN, SYN and RST

_REASONS = {
    NOT_IP: Drop.NOT_IP,
    NOT_TCP: Drop.NOT_TCP,
    CUT_HEADER: Drop.CUT_HEADER,
    BAD_IP: Drop.BAD_IP,
    BAD_TCP: Drop.BAD_TCP,
    BAD_TUNNEL: Drop.BAD_TUNNEL,
    OTHER_VNI: Drop.OTHER_VNI,
    OTHER_PORT: Drop.OTHER_PORT,
}
_FIRST = {
    Link.VXLAN: VXLAN,
    Link.GENEVE: GENEVE,
    Link.ETHERNET: ETHERNET,
    Link.RAW: RAW,
    Link.RAW_BSD: RAW,
    Link.RAW_OPENBSD: RAW,
    Link.IPV4: RAW,
    Link.IPV6: RAW,
}
LINKS = frozenset(_FIRST)
"""The links whose frames can be read here."""


cdef struct Segment:
    uint64_t key[5]  # as events.FlowKey has it
    uint32_t seq
    uint32_t ack
    uint8_t reverse
    uint8_t flags
    int64_t start  # of the payload
    int64_t stop
    int64_t missing


cdef inline uint16_t u16(const uint8_t *at) noexcept nogil:
    return <uint16_t>(at[0] << 8 | at[1])


cdef inline uint32_t u32(const uint8_t *at) noexcept nogil:
    return <uint32_t>at[0] << 24 | <uint32_t>at[1] << 16 | <uint32_t>at[2] << 8 | at[3]


cdef inline uint64_t u64(const uint8_t *at) noexcept nogil:
    return <uint64_t>u32(at) << 32 | u32(at + 4)


cdef class Common:
    """Reads the common frames of one source. `vnis` and `ports` limit what is read, as in `Decapsulator`."""

    cdef bint every_vni
    cdef frozenset vnis
    cdef bytes ports  # 65,536 octets, 1 where a port is wanted; None: all are

    def __init__(self, vnis, ports):
        self.every_vni = not vnis
        self.vnis = vnis
        self.ports = bytes(port in ports for port in range(65536)) if ports else None

    def rows(self, frames, dropped, *, bint acks):
        """The segments of a batch as rows (`events.SegmentRow`), with the number of the frame in place of one that is
        not common; how many segments there were, with those that only acknowledge and have no row unless `acks`; how
        many of them were cut short; and the frames that are not common. Counts in `dropped`, unless it is None."""
        cdef const uint8_t[::1] buffer = frames.buffer
        cdef const int64_t[:] starts = frames.start
        cdef const int64_t[:] lengths = frames.captured
        cdef const int64_t[:] times = frames.time_ns
        cdef Py_ssize_t size = buffer.shape[0], count = starts.shape[0], at
        cdef int kind = _FIRST[frames.link], verdict
        cdef int64_t start, length
        cdef Py_ssize_t segments = 0, cut = 0
        cdef Py_ssize_t[VERDICTS] verdicts
        cdef Segment found
        cdef const uint8_t *octets = &buffer[0] if size else NULL
        cdef list rows = [], odd = []
        for verdict in range(VERDICTS):
            verdicts[verdict] = 0
        if lengths.shape[0] != count or times.shape[0] != count:
            raise ValueError("columns of different lengths")
        for at in range(count):
            start, length = starts[at], lengths[at]
            if start < 0 or length < 0 or start > size or length > size - start:
                raise ValueError("a frame outside of its buffer")
            verdict = self.read(octets, start, start + length, kind, &found)
            verdicts[verdict] += 1
            if verdict == SEGMENT:
                cut += found.missing > 0
                if acks or found.stop > found.start or found.flags & EVENTFUL or found.missing:
                    rows.append((
                        PyBytes_FromStringAndSize(<const char *>found.key, 40),
                        found.reverse,
                        found.seq,
                        found.ack,
                        found.flags,
                        PyBytes_FromStringAndSize(<const char *>(octets + found.start), found.stop - found.start),
                        found.missing,
                        times[at],
                    ))
            elif verdict == ODD:
                rows.append(at)
                odd.append(at)
        if dropped is not None:
            for verdict in range(NOT_IP, VERDICTS):
                if verdicts[verdict]:
                    dropped[_REASONS[verdict]] += verdicts[verdict]
        return rows, verdicts[<int>SEGMENT], cut, odd

    cdef int read(self, const uint8_t *buffer, int64_t pos, int64_t end, int kind, Segment *found):
        """Peel one frame, header by header."""
        cdef int layers = 0
        cdef uint32_t number = 0, sport, dport, port
        cdef uint64_t tail = 0, vni, src_hi = 0, src_lo = 0, dst_hi = 0, dst_lo = 0
        cdef int64_t header, total, packet_end, missing = 0
        cdef const uint8_t *here
        for layers in range(24):
            here = buffer + pos
            if kind == ETHERNET:
                if end - pos < 14:
                    return CUT_HEADER
                number = u16(here + 12)
                pos += 14
                kind = ETHERTYPE
            elif kind == ETHERTYPE:
                if number == 0x0800:
                    kind = IPV4
                elif number == 0x86DD:
                    kind = IPV6
                elif number == 0x8100 or number == 0x88A8:
                    if end - pos < 4:
                        return CUT_HEADER
                    number = u16(here + 2)
                    pos += 4
                elif number == 0x6558:
                    kind = ETHERNET
                elif number == 0x0806:
                    return NOT_IP
                else:
                    return ODD
            elif kind == IPV4:
                if end - pos < 20:
                    return CUT_HEADER
                header = (here[0] & 15) << 2
                total = u16(here + 2)
                if not total:
                    total = end - pos
                if here[0] >> 4 != 4 or header < 20 or total < header or end - pos < header:
                    return BAD_IP
                packet_end = pos + total
                if u16(here + 6) & 0x3FFF:
                    return ODD
                src_hi = dst_hi = 0
                src_lo = u32(here + 12)
                dst_lo = u32(here + 16)
                tail &= ~(<uint64_t>1 << 25)
                number = here[9]
                missing = packet_end - end if packet_end > end else 0
                if packet_end < end:
                    end = packet_end
                pos += header
                kind = IP_PROTOCOL
            elif kind == IPV6:
                if end - pos < 40:
                    return CUT_HEADER
                if here[0] >> 4 != 6:
                    return BAD_IP
                total = u16(here + 4) + 40
                if total == 40:
                    total = end - pos
                packet_end = pos + total
                src_hi, src_lo = u64(here + 8), u64(here + 16)
                dst_hi, dst_lo = u64(here + 24), u64(here + 32)
                tail |= <uint64_t>1 << 25
                number = here[6]
                missing = packet_end - end if packet_end > end else 0
                if packet_end < end:
                    end = packet_end
                pos += 40
                kind = IP_PROTOCOL
            elif kind == IP_PROTOCOL:
                if number == 6:
                    break
                if number == 17:
                    if end - pos < 8:
                        return CUT_HEADER
                    sport, dport = u16(here), u16(here + 2)
                    pos += 8
                    if dport == 4789 or dport == 8472:
                        kind = VXLAN
                    elif dport == 6081:
                        kind = GENEVE
                    elif dport == 2152 or dport == 3544 or sport == 2152 or sport == 3544:
                        return ODD
                    else:
                        return NOT_TCP
                elif number == 1 or number == 58:
                    return NOT_TCP
                else:
                    return ODD
            elif kind == VXLAN:
                if end - pos < 8:
                    return CUT_HEADER
                if not here[0] & 0x08:
                    return BAD_TUNNEL
                vni = u32(here + 4) >> 8
                if not self.every_vni and vni not in self.vnis:
                    return OTHER_VNI
                tail = <uint64_t>1 << 24 | vni
                pos += 8
                kind = ETHERNET
            elif kind == GENEVE:
                if end - pos < 8:
                    return CUT_HEADER
                if here[0] >> 6:
                    return BAD_TUNNEL
                header = 8 + ((here[0] & 0x3F) << 2)
                number = u16(here + 2)
                tail = <uint64_t>1 << 24 | u32(here + 4) >> 8
                pos += header
                kind = ETHERTYPE
            else:  # RAW
                if end - pos < 1:
                    return CUT_HEADER
                if here[0] >> 4 == 4:
                    kind = IPV4
                elif here[0] >> 4 == 6:
                    kind = IPV6
                else:
                    return ODD
        else:
            return ODD
        here = buffer + pos
        if end - pos < 20:
            return CUT_HEADER
        sport, dport = u16(here), u16(here + 2)
        if self.ports is not None:
            if not PyBytes_AS_STRING(self.ports)[sport] and not PyBytes_AS_STRING(self.ports)[dport]:
                return OTHER_PORT
        header = (here[12] >> 4) << 2
        if header < 20 or pos + header > end:
            return BAD_TCP
        if is_later(src_hi, src_lo, sport, dst_hi, dst_lo, dport):
            found.reverse = 1
            src_hi, dst_hi = dst_hi, src_hi
            src_lo, dst_lo = dst_lo, src_lo
            sport, dport = dport, sport
        else:
            found.reverse = 0
        found.key[0], found.key[1], found.key[2], found.key[3] = src_hi, src_lo, dst_hi, dst_lo
        found.key[4] = <uint64_t>sport << 48 | <uint64_t>dport << 32 | tail
        found.seq, found.ack, found.flags = u32(here + 4), u32(here + 8), here[13]
        found.start, found.stop, found.missing = pos + header, end, missing
        return SEGMENT


cdef inline bint is_later(
    uint64_t hi, uint64_t lo, uint32_t port, uint64_t other_hi, uint64_t other_lo, uint32_t other_port
) noexcept nogil:
    """Whether the first endpoint comes behind the second in the order of keys."""
    if hi != other_hi:
        return hi > other_hi
    if lo != other_lo:
        return lo > other_lo
    return port > other_port
