"""A second decoder, one packet at a time and header by header, as plain as can be: what `decap` must agree with.

`decode` gives the segment of a frame, or None where it becomes none. It does not reassemble fragments.
"""

import struct
from ipaddress import ip_address
from typing import NamedTuple

from packets import Seen
from shadowtap.events import Link

_LAYERS = 24
_TUNNEL_PORTS = {4789: "vxlan", 8472: "vxlan", 6081: "geneve", 2152: "gtp", 3544: "teredo"}
_LINKS = {
    Link.VXLAN: "vxlan",
    Link.GENEVE: "geneve",
    Link.NULL: "loopback",
    Link.LOOP: "loopback",
    Link.ETHERNET: "ethernet",
    Link.PPP: "ppp",
    Link.RAW: "ip",
    Link.RAW_BSD: "ip",
    Link.RAW_OPENBSD: "ip",
    Link.IPV4: "ip",
    Link.IPV6: "ip",
    Link.C_HDLC: "c_hdlc",
    Link.WLAN: "wlan",
    Link.RADIOTAP: "radiotap",
    Link.NFLOG: "nflog",
    Link.LINUX_SLL: "cooked",
    Link.LINUX_SLL2: "cooked2",
}
_ETHERTYPES = {
    0x0800: "ipv4",
    0x86DD: "ipv6",
    0x6558: "ethernet",
    0x8100: "vlan",
    0x88A8: "vlan",
    0x9100: "vlan",
    0x8847: "mpls",
    0x8848: "mpls",
    0x8864: "pppoe",
    0x880B: "ppp",
    0x8200: "wlan",
}
_PROTOCOLS = {4: "ipv4", 6: "tcp", 17: "udp", 41: "ipv6", 47: "gre", 51: "authentication", 44: "fragment"}
_PROTOCOLS |= dict.fromkeys((0, 43, 60), "extension")


class _Unreadable(Exception):
    """This frame is no segment."""


class _Rest(NamedTuple):
    octets: bytes
    vni: int | None = None
    missing: int = 0
    source: str = ""
    destination: str = ""

    def need(self, size: int) -> None:
        if len(self.octets) < size:
            raise _Unreadable

    def behind(self, size: int) -> "_Rest":
        return self._replace(octets=self.octets[size:] if size <= len(self.octets) else b"")


def decode(link: int, octets: bytes) -> Seen | None:
    """The TCP segment in a frame."""
    kind, rest = _LINKS.get(link), _Rest(octets)
    try:
        for _ in range(_LAYERS + 1):
            if kind == "tcp":
                return _tcp(rest)
            if kind is None:
                return None
            kind, rest = _STEPS[kind](rest)
    except _Unreadable:
        pass
    return None


def _u16(octets: bytes, at: int = 0) -> int:
    return int(struct.unpack_from(">H", octets, at)[0])


def _tcp(rest: _Rest) -> Seen:
    rest.need(20)
    source, destination, seq, ack, words, flags = struct.unpack_from(">HHIIBB", rest.octets)
    header = words >> 4 << 2
    if header < 20 or header > len(rest.octets):
        raise _Unreadable
    payload = rest.octets[header:]
    endpoints = (rest.source, source, rest.destination, destination)
    return Seen(*endpoints, rest.vni, seq, ack, flags, payload, rest.missing)


def _ethertype(number: int) -> str | None:
    return "llc" if number <= 1500 else _ETHERTYPES.get(number)


def _fixed(size: int, at: int):
    def step(rest: _Rest) -> tuple[str | None, _Rest]:
        rest.need(size)
        return _ethertype(_u16(rest.octets, at)), rest.behind(size)

    return step


def _llc(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(8)
    if rest.octets[:6] != b"\xaa\xaa\x03\0\0\0":
        raise _Unreadable
    return _ETHERTYPES.get(_u16(rest.octets, 6)), rest.behind(8)


def _loopback(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(4)
    family = int.from_bytes(rest.octets[:4])
    if family > 0xFFFF:
        family >>= 24
    kinds = {2: "ipv4", 10: "ipv6", 24: "ipv6", 28: "ipv6", 30: "ipv6"}
    return kinds.get(family), rest.behind(4)


def _ppp(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(4)
    if rest.octets[:2] == b"\xff\x03":
        rest = rest.behind(2)
    size = 1 if rest.octets[0] & 1 else 2
    number = int.from_bytes(rest.octets[:size])
    return {0x21: "ipv4", 0x57: "ipv6"}.get(number), rest.behind(size)


def _pppoe(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(10)
    if rest.octets[:2] != b"\x11\0":
        raise _Unreadable
    return _ppp(rest.behind(6))


def _mpls(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(5)
    if not rest.octets[2] & 1:
        return "mpls", rest.behind(4)
    if rest.octets[4] >> 4 == 0:
        return "ethernet", rest.behind(8)
    return "ip", rest.behind(4)


def _radiotap(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(8)
    return "wlan", rest.behind(int.from_bytes(rest.octets[2:4], "little"))


def _wlan(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(24)
    control, flags = rest.octets[0], rest.octets[1]
    if control & 0x0C != 0x08 or control & 0x40 or flags & 0x40:
        raise _Unreadable
    qos = bool(control & 0x80)
    size = 24 + 6 * (flags & 3 == 3) + 2 * qos + 4 * (qos and bool(flags & 0x80))
    return "llc", rest.behind(size)


def _nflog(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(4)
    at = 4
    while at + 4 <= len(rest.octets):
        length, kind = struct.unpack_from("<HH", rest.octets, at)
        if kind == 9:
            return "ip", rest._replace(octets=rest.octets[at + 4 : max(at + length, at + 4)])
        at += max(length + 3 & ~3, 4)
    raise _Unreadable


def _ip(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(1)
    return {4: "ipv4", 6: "ipv6"}.get(rest.octets[0] >> 4), rest


def _trimmed(rest: _Rest, total: int, source: bytes, destination: bytes) -> _Rest:
    missing = max(total - len(rest.octets), 0)
    addresses = str(ip_address(source)), str(ip_address(destination))
    return _Rest(rest.octets[:total], rest.vni, missing, *addresses)


def _ipv4(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(20)
    octets = rest.octets
    header, total = (octets[0] & 15) << 2, _u16(octets, 2) or len(octets)
    if octets[0] >> 4 != 4 or header < 20 or header > min(total, len(octets)) or _u16(octets, 6) & 0x3FFF:
        raise _Unreadable
    rest = _trimmed(rest, total, octets[12:16], octets[16:20])
    return _PROTOCOLS.get(octets[9]), rest.behind(header)


def _ipv6(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(40)
    octets = rest.octets
    if octets[0] >> 4 != 6:
        raise _Unreadable
    total = 40 + _u16(octets, 4) if _u16(octets, 4) else len(octets)
    rest = _trimmed(rest, total, octets[8:24], octets[24:40])
    return _PROTOCOLS.get(octets[6]), rest.behind(40)


def _extension(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(8)
    return _PROTOCOLS.get(rest.octets[0]), rest.behind((rest.octets[1] + 1) * 8)


def _authentication(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(12)
    return _PROTOCOLS.get(rest.octets[0]), rest.behind((rest.octets[1] + 2) * 4)


def _fragment(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(8)
    if ":" not in rest.source or _u16(rest.octets, 2) & 0xFFF9:
        raise _Unreadable
    return _PROTOCOLS.get(rest.octets[0]), rest.behind(8)


def _udp(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(8)
    kind = _TUNNEL_PORTS.get(_u16(rest.octets, 2))
    if kind is None:
        answer = _TUNNEL_PORTS.get(_u16(rest.octets, 0))
        kind = answer if answer in ("gtp", "teredo") else None
    return kind, rest.behind(8)


def _vxlan(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(8)
    if not rest.octets[0] & 8:
        raise _Unreadable
    return "ethernet", rest._replace(vni=int.from_bytes(rest.octets[4:7])).behind(8)


def _geneve(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(8)
    if rest.octets[0] >> 6:
        raise _Unreadable
    size = 8 + (rest.octets[0] & 0x3F) * 4
    inside = rest._replace(vni=int.from_bytes(rest.octets[4:7])).behind(size)
    return _ETHERTYPES.get(_u16(rest.octets, 2)), inside


def _gre(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(4)
    flags, kind = _u16(rest.octets), _u16(rest.octets, 2)
    if flags & 0x4007:
        raise _Unreadable
    size = 4 + 4 * sum(bool(flags & bit) for bit in (0x8000, 0x2000, 0x1000))
    if kind == 0x88BE:
        return "ethernet", rest.behind(size + (8 if flags & 0x1000 else 0))
    if kind == 0x22EB:
        return "ethernet", rest.behind(size + 12)
    return _ETHERTYPES.get(kind), rest.behind(size)


def _gtp(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(8)
    if rest.octets[0] >> 5 != 1 or rest.octets[1] != 0xFF:
        raise _Unreadable
    return "ip", rest.behind(12 if rest.octets[0] & 7 else 8)


def _teredo(rest: _Rest) -> tuple[str | None, _Rest]:
    rest.need(8)
    return "ip", rest.behind(0 if _u16(rest.octets) else 8)


_STEPS = {
    "ethernet": _fixed(14, 12),
    "vlan": _fixed(4, 2),
    "cooked": _fixed(16, 14),
    "cooked2": _fixed(20, 0),
    "c_hdlc": _fixed(4, 2),
    "llc": _llc,
    "loopback": _loopback,
    "ppp": _ppp,
    "pppoe": _pppoe,
    "mpls": _mpls,
    "radiotap": _radiotap,
    "wlan": _wlan,
    "nflog": _nflog,
    "ip": _ip,
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "extension": _extension,
    "authentication": _authentication,
    "fragment": _fragment,
    "udp": _udp,
    "vxlan": _vxlan,
    "geneve": _geneve,
    "gre": _gre,
    "gtp": _gtp,
    "teredo": _teredo,
}
