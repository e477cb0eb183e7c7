"""The kernel's filter for an interface: a classic BPF program that lets TCP on some ports through.

The program is only there to keep other traffic away from this process; the exact choice of ports is made after
decapsulation. So it errs on the side of letting packets through:

    Ethernet, up to two VLAN tags ─► IPv4, TCP ─► a fragment but the first: through (its ports are in the first)
                                              └─► source or destination port is one of ours: through
                                  └► IPv6 ─► TCP: as above
                                         └─► an extension header: through (TCP may follow)

Without ports every TCP packet passes. Register X holds the offset of the IP header, so IPv4 and IPv6 code exists
once for all numbers of tags. An AF_PACKET socket has the outermost tag already removed from the bytes, on most
drivers, and is left with at most one; a driver that does not do so leaves two. A load beyond the end of a packet
drops it.

Loopback shows each packet twice, as it leaves and as it arrives; the one that leaves is dropped.

Encodings: linux/filter.h, linux/bpf_common.h. Jumps are written to labels, and reach 255 instructions forward;
each test of a port therefore has its own return.
"""

import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

MAX_FILTER_PORTS: Final = 500
"""More ports than this are all let through: two tests of two instructions for each must fit BPF_MAXINSNS,
4,096."""

ACCEPT: Final = 0xFFFFFFFF
REJECT: Final = 0

_LOAD_BYTE, _LOAD_HALF, _LOAD_WORD = 0x30, 0x28, 0x20
_LOAD_BYTE_X, _LOAD_HALF_X = 0x50, 0x48
_SET_X, _X_FROM_A, _A_FROM_X = 0x01, 0x07, 0x87
_ADD, _ADD_X, _AND, _SHIFT_LEFT = 0x04, 0x0C, 0x54, 0x64
_IF_EQUAL, _IF_BITS, _GOTO, _RETURN = 0x15, 0x45, 0x05, 0x06
_PROTOCOL, _PACKET_TYPE, _INTERFACE = 0xFFFFF000, 0xFFFFF004, 0xFFFFF008
_OUTGOING: Final = 4

_IPV4, _IPV6, _TCP = 0x0800, 0x86DD, 6
_VLAN_TYPES: Final = (0x8100, 0x88A8, 0x9100)
_EXTENSIONS: Final = (0, 43, 44, 51, 60, 135, 139, 140)
"""Hop-by-hop, routing, fragment, authentication, destination options, mobility, HIP, shim6 (IANA, RFC 7045)."""


class Instruction(NamedTuple):
    """One instruction as struct sock_filter has it."""

    code: int
    if_true: int
    if_false: int
    operand: int


class _Line(NamedTuple):
    code: int
    operand: int = 0
    if_true: str = ""
    if_false: str = ""
    label: str = ""


def tcp_filter(ports: Iterable[int], *, ethernet: bool, loopbacks: Iterable[int] = ()) -> list[Instruction]:
    """The program for frames that begin with an Ethernet header, or (not `ethernet`) with the IP header.

    `loopbacks`: the interface numbers whose leaving packets are dropped.
    """
    wanted = sorted(set(ports))
    lines = [line for index in loopbacks for line in _drop_leaving(index)]
    lines += _find_ip_under_ethernet() if ethernet else _find_ip()
    lines += _test_ip(_test_ports(wanted if len(wanted) <= MAX_FILTER_PORTS else []))
    return _assemble(lines)


def encode(program: list[Instruction]) -> bytes:
    """The program as an array of struct sock_filter."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _drop_leaving(index: int) -> list[_Line]:
    other = f"not on {index}"
    return [
        _Line(_LOAD_WORD, _INTERFACE),
        _Line(_IF_EQUAL, index, "", other),
        _Line(_LOAD_WORD, _PACKET_TYPE),
        _Line(_IF_EQUAL, _OUTGOING, "", other),
        _Line(_RETURN, REJECT),
        _Line(0, label=other),
    ]


def _find_ip_under_ethernet() -> list[_Line]:
    lines = []
    for tags in range(3):
        lines += [
            _Line(0, label=f"tags {tags}"),
            _Line(_SET_X, 14 + 4 * tags),
            _Line(_LOAD_HALF, 12 + 4 * tags),
        ]
        if tags < 2:
            lines += [_Line(_IF_EQUAL, kind, f"tags {tags + 1}") for kind in _VLAN_TYPES]
            lines += [_Line(_GOTO, if_true="type")]
    return lines


def _find_ip() -> list[_Line]:
    return [_Line(_SET_X, 0), _Line(_LOAD_WORD, _PROTOCOL)]


def _test_ip(test_ports: list[_Line]) -> list[_Line]:
    return [
        _Line(0, label="type"),
        _Line(_IF_EQUAL, _IPV4, "ipv4"),
        _Line(_IF_EQUAL, _IPV6, "ipv6"),
        _Line(_RETURN, REJECT),
        _Line(0, label="ipv4"),
        _Line(_LOAD_BYTE_X, 9),
        _Line(_IF_EQUAL, _TCP, "", "other"),
        _Line(_LOAD_HALF_X, 6),
        _Line(_IF_BITS, 0x1FFF, "accept"),
        _Line(_LOAD_BYTE_X, 0),
        _Line(_AND, 0x0F),
        _Line(_SHIFT_LEFT, 2),
        _Line(_ADD_X),
        _Line(_X_FROM_A),
        _Line(_GOTO, if_true="ports"),
        _Line(0, label="ipv6"),
        _Line(_LOAD_BYTE_X, 6),
        *(_Line(_IF_EQUAL, header, "accept") for header in _EXTENSIONS),
        _Line(_IF_EQUAL, _TCP, "", "other"),
        _Line(_A_FROM_X),
        _Line(_ADD, 40),
        _Line(_X_FROM_A),
        _Line(_GOTO, if_true="ports"),
        _Line(0, label="accept"),
        _Line(_RETURN, ACCEPT),
        _Line(0, label="other"),
        _Line(_RETURN, REJECT),
        _Line(0, label="ports"),
        *test_ports,
    ]


def _test_ports(ports: list[int]) -> list[_Line]:
    if not ports:
        return [_Line(_RETURN, ACCEPT)]
    lines = []
    for offset in (0, 2):
        lines.append(_Line(_LOAD_HALF_X, offset))
        for port in ports:
            differs = f"{offset} is not {port}"
            lines += [_Line(_IF_EQUAL, port, "", differs), _Line(_RETURN, ACCEPT)]
            lines += [_Line(0, label=differs)]
    return [*lines, _Line(_RETURN, REJECT)]


def _assemble(lines: list[_Line]) -> list[Instruction]:
    labels: dict[str, int] = {}
    code: list[_Line] = []
    for line in lines:
        if line.label:
            labels[line.label] = len(code)
        else:
            code.append(line)

    def distance(label: str, here: int) -> int:
        return labels[label] - here - 1 if label else 0

    program = []
    for here, line in enumerate(code):
        jump = distance(line.if_true, here)
        if line.code == _GOTO:
            program.append(Instruction(_GOTO, 0, 0, jump))
        else:
            program.append(Instruction(line.code, jump, distance(line.if_false, here), line.operand))
    return program
