"""Encapsulations above IP: UDP and what rides on it by port, VXLAN, GENEVE, GRE, ERSPAN, GTP-U, Teredo.

VXLAN (RFC 7348) is what AWS VPC Traffic Mirroring sends; behind a Gateway Load Balancer it comes inside GENEVE
(RFC 8926). Reserved fields are not looked at. The VNI of the innermost overlay is kept.
"""

import numpy as np

from shadowtap.decap.rows import ETHERTYPE, Drop, Kind, Rows, Step, View
from shadowtap.events import Ints

_UDP_KINDS = np.full(65536, Kind.UDP_OTHER, np.int64)
_UDP_KINDS[4789] = Kind.VXLAN
_UDP_KINDS[8472] = Kind.VXLAN  # Linux before the port was assigned
_UDP_KINDS[6081] = Kind.GENEVE
_UDP_KINDS[2152] = Kind.GTP_U
_UDP_KINDS[3544] = Kind.TEREDO

_GRE_CHECKSUM, _GRE_ROUTING, _GRE_KEY, _GRE_SEQUENCE, _GRE_VERSION = (
    0x8000,
    0x4000,
    0x2000,
    0x1000,
    0x0007,
)
_ERSPAN_2, _ERSPAN_3 = 0x88BE, 0x22EB


def udp(view: View, rows: Rows) -> Step:
    """8 bytes; the destination port tells what is inside."""
    rows = view.with_bytes(rows, 8)
    kinds = _UDP_KINDS[view.u16[rows.pos + 2].astype(np.int64)]
    other = kinds == Kind.UDP_OTHER
    if np.count_nonzero(other):
        source = _UDP_KINDS[view.u16[rows.pos].astype(np.int64)]
        both_ways = (source == Kind.GTP_U) | (source == Kind.TEREDO)
        kinds = np.where(other & both_ways, source, kinds)
    rows.pos = rows.pos + 8
    return rows, kinds


def vxlan(view: View, rows: Rows, vnis: Ints | None) -> Step:
    """8 bytes: the I flag must be set (RFC 7348, section 5), then the VNI, then Ethernet."""
    rows = view.with_bytes(rows, 8)
    rows = view.keep(rows, (view.u8[rows.pos] & 0x08) != 0, Drop.BAD_TUNNEL)
    rows.vni = view.u32[rows.pos + 4].astype(np.int64) >> 8
    if vnis is not None:
        rows = view.keep(rows, np.isin(rows.vni, vnis), Drop.OTHER_VNI)
    rows.pos = rows.pos + 8
    return rows, Kind.ETHERNET


def geneve(view: View, rows: Rows) -> Step:
    """8 bytes and options, of which AWS sends 32; the protocol is an ethertype."""
    rows = view.with_bytes(rows, 8)
    first = view.u8[rows.pos]
    rows = view.keep(rows, (first >> 6) == 0, Drop.BAD_TUNNEL)
    options = (view.u8[rows.pos] & 0x3F).astype(np.int64) << 2
    kinds = view.u16[rows.pos + 2].astype(np.int64) + ETHERTYPE
    rows.vni = view.u32[rows.pos + 4].astype(np.int64) >> 8
    rows.pos = rows.pos + 8 + options
    return rows, kinds


def gre(view: View, rows: Rows) -> Step:
    """RFC 2784 and 2890: checksum, key and sequence number are there when their flags say so."""
    rows = view.with_bytes(rows, 4)
    flags = view.u16[rows.pos].astype(np.int64)
    good = (flags & (_GRE_ROUTING | _GRE_VERSION)) == 0
    rows, flags = view.keep(rows, good, Drop.BAD_TUNNEL), flags[good]
    protocol = view.u16[rows.pos + 2].astype(np.int64)
    words = ((flags & _GRE_CHECKSUM) != 0).astype(np.int64) + ((flags & _GRE_KEY) != 0)
    words += (flags & _GRE_SEQUENCE) != 0
    # ERSPAN type II has 8 bytes of its own behind a GRE with a sequence number, type I none, type III 12.
    mirrored = (protocol == _ERSPAN_2) | (protocol == _ERSPAN_3)
    own = np.where(protocol == _ERSPAN_3, 12, np.where((flags & _GRE_SEQUENCE) != 0, 8, 0))
    rows.pos = rows.pos + 4 + (words << 2) + np.where(mirrored, own, 0)
    return rows, np.where(mirrored, Kind.ETHERNET, protocol + ETHERTYPE)


def gtp_u(view: View, rows: Rows) -> Step:
    """GTP version 1 user plane (3GPP TS 29.281): 8 bytes, 4 more when any of the E, S and PN flags is set."""
    rows = view.with_bytes(rows, 8)
    flags = view.u8[rows.pos]
    good = ((flags >> 5) == 1) & (view.u8[rows.pos + 1] == 0xFF)
    rows = view.keep(rows, good, Drop.NOT_TCP)
    flags = view.u8[rows.pos]
    rows.pos = rows.pos + np.where((flags & 7) != 0, 12, 8)
    rows = view.with_bytes(rows, 1)
    return rows, Kind.IP_ANY


def teredo(view: View, rows: Rows) -> Step:
    """RFC 4380: IPv6, behind an origin indication (00 00, 8 bytes) where there is one."""
    rows = view.with_bytes(rows, 8)
    origin = view.u16[rows.pos] == 0
    rows.pos = rows.pos + np.where(origin, 8, 0)
    return rows, Kind.IP_ANY
