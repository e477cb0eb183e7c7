"""Link layers: from the frame's first byte to what it carries.

Ethernet II, 802.1Q and 802.1ad (IEEE 802.1Q-2022), LLC/SNAP (RFC 1042), Linux cooked capture v1 and v2, the BSD
loopback header, PPP (RFC 1661), PPPoE (RFC 2516), Cisco HDLC, MPLS (RFC 3032).
"""

import numpy as np

from shadowtap.decap.rows import ETHERTYPE, Drop, Kind, Rows, Step, View
from shadowtap.events import Ints

_MAX_LLC_LENGTH = 1500
_PPP_KINDS = {0x0021: Kind.IPV4, 0x0057: Kind.IPV6}
_LOOPBACK_KINDS = {2: Kind.IPV4, 10: Kind.IPV6, 24: Kind.IPV6, 28: Kind.IPV6, 30: Kind.IPV6}


def _of_ethertype(ethertype: Ints) -> Ints:
    kinds = ethertype.astype(np.int64) + ETHERTYPE
    short = kinds <= ETHERTYPE + _MAX_LLC_LENGTH
    if np.count_nonzero(short):
        kinds[short] = Kind.LLC
    return kinds


def _mapped(numbers: Ints, kinds: dict[int, Kind]) -> Ints:
    found = np.zeros(len(numbers), np.int64)
    for number, kind in kinds.items():
        found[numbers == number] = kind
    return found


def ethernet(view: View, rows: Rows) -> Step:
    """14 bytes: two addresses and the ethertype, or a length below 1,501 and LLC."""
    rows = view.with_bytes(rows, 14)
    kinds = _of_ethertype(view.u16[rows.pos + 12])
    rows.pos = rows.pos + 14
    return rows, kinds


def vlan(view: View, rows: Rows) -> Step:
    """One tag: 2 bytes of priority and VLAN id, then the ethertype of what follows."""
    rows = view.with_bytes(rows, 4)
    kinds = _of_ethertype(view.u16[rows.pos + 2])
    rows.pos = rows.pos + 4
    return rows, kinds


def llc(view: View, rows: Rows) -> Step:
    """SNAP with a zero organisation code carries an ethertype; other LLC is not IP."""
    rows = view.with_bytes(rows, 8)
    snap = (view.u32[rows.pos] == 0xAAAA0300) & (view.u16[rows.pos + 4] == 0)
    rows = view.keep(rows, snap, Drop.NOT_IP)
    kinds = view.u16[rows.pos + 6].astype(np.int64) + ETHERTYPE
    rows.pos = rows.pos + 8
    return rows, kinds


def linux_sll(view: View, rows: Rows) -> Step:
    """Cooked v1: 16 bytes, the protocol in the last two."""
    rows = view.with_bytes(rows, 16)
    kinds = _of_ethertype(view.u16[rows.pos + 14])
    rows.pos = rows.pos + 16
    return rows, kinds


def linux_sll2(view: View, rows: Rows) -> Step:
    """Cooked v2: 20 bytes, the protocol in the first two."""
    rows = view.with_bytes(rows, 20)
    kinds = _of_ethertype(view.u16[rows.pos])
    rows.pos = rows.pos + 20
    return rows, kinds


def loopback(view: View, rows: Rows) -> Step:
    """4 bytes: an address family in the byte order of whoever captured it."""
    rows = view.with_bytes(rows, 4)
    family = view.u32[rows.pos].astype(np.int64)
    family = np.where(family > 0xFFFF, family >> 24, family)
    kinds = _mapped(family, _LOOPBACK_KINDS)
    rows.pos = rows.pos + 4
    return rows, kinds


def ppp(view: View, rows: Rows) -> Step:
    """Address and control bytes (FF 03) may be there or not; the protocol may be one byte or two."""
    rows = view.with_bytes(rows, 4)
    framed = view.u16[rows.pos] == 0xFF03
    pos = rows.pos + np.where(framed, 2, 0)
    short = (view.u8[pos] & 1) == 1
    protocol = np.where(short, view.u8[pos], view.u16[pos]).astype(np.int64)
    rows.pos = pos + np.where(short, 1, 2)
    return rows, _mapped(protocol, _PPP_KINDS)


def pppoe(view: View, rows: Rows) -> Step:
    """Session stage: 6 bytes, then a PPP protocol number."""
    rows = view.with_bytes(rows, 10)
    rows = view.keep(rows, view.u16[rows.pos] == 0x1100, Drop.NOT_IP)
    rows.pos = rows.pos + 6
    return ppp(view, rows)


def nflog(view: View, rows: Rows) -> Step:
    """Linux NFLOG: 4 bytes, then fields of (length, type) in the byte order of the host; type 9 is the packet.

    The fields differ from packet to packet, and such captures are rare, so this looks at one row at a time.
    """
    rows = view.with_bytes(rows, 4)
    found = np.array([_nflog_payload(view, int(p), int(e)) for p, e in zip(rows.pos, rows.end, strict=True)])
    found = found.reshape(-1, 2)
    good = found[:, 0] > 0
    rows, found = view.keep(rows, good, Drop.NOT_IP), found[good]
    rows.pos, rows.end = found[:, 0], found[:, 1]
    return rows, Kind.IP_ANY


def _nflog_payload(view: View, pos: int, end: int) -> tuple[int, int]:
    pos += 4
    while pos + 4 <= end:
        octets = view.u8[pos : pos + 4].tobytes()
        length = int.from_bytes(octets[:2], "little")
        if octets[2:] == b"\x09\x00":
            return pos + 4, min(pos + length, end)
        pos += max(length + 3 & ~3, 4)
    return 0, 0


def c_hdlc(view: View, rows: Rows) -> Step:
    """Cisco HDLC: address, control, ethertype."""
    rows = view.with_bytes(rows, 4)
    kinds = _of_ethertype(view.u16[rows.pos + 2])
    rows.pos = rows.pos + 4
    return rows, kinds


def mpls(view: View, rows: Rows) -> Step:
    """One label; behind the bottom of the stack the first nibble tells IP from a pseudo-wire with Ethernet."""
    rows = view.with_bytes(rows, 5)
    bottom = (view.u8[rows.pos + 2] & 1) == 1
    nibble = view.u8[rows.pos + 4] >> 4
    pseudo_wire = bottom & (nibble == 0)
    kinds = np.where(bottom, Kind.IP_ANY, ETHERTYPE + 0x8847)
    kinds = np.where(pseudo_wire, Kind.ETHERNET, kinds).astype(np.int64)
    rows.pos = rows.pos + np.where(pseudo_wire, 8, 4)
    return rows, kinds
