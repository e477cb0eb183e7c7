"""Which senders are allowed: networks against the addresses of a whole batch.

An address is one word of 32 bits (IPv4 socket) or two of 64 (IPv6 socket, which reports IPv4 senders as the mapped
addresses ::ffff:a.b.c.d, RFC 4291, 2.5.5.2). A network becomes a mask and a value for each word. Masking and
comparing do not care about byte order, so words are taken as they lie in memory, and masks are brought into the
same order.
"""

import socket
import sys
from ipaddress import IPv4Network, IPv6Network
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shadowtap.capture.recvmmsg import NAME_BYTES
from shadowtap.events import Bytes

Network = IPv4Network | IPv6Network

_MAPPED: Final = bytes(10) + b"\xff\xff"
_LAYOUTS: Final = {
    socket.AF_INET: np.dtype({"names": ["0"], "formats": ["u4"], "offsets": [4], "itemsize": NAME_BYTES}),
    socket.AF_INET6: np.dtype(
        {"names": ["0", "1"], "formats": ["u8", "u8"], "offsets": [8, 16], "itemsize": NAME_BYTES}
    ),
}


class _Test(NamedTuple):
    """One word of an address, `mask`ed, must be `value`."""

    word: str
    mask: int
    value: int


class AllowedSenders:
    """Tests the senders of a batch against networks. Without networks it is false: everyone is allowed."""

    __slots__ = ("_layout", "_networks", "_restricted")

    def __init__(self, networks: tuple[Network, ...], family: socket.AddressFamily) -> None:
        self._restricted = bool(networks)
        self._layout = _LAYOUTS[family]
        possible = (one for one in networks if family == socket.AF_INET6 or one.version == 4)
        self._networks = [_tests(network, family) for network in possible]

    def __bool__(self) -> bool:
        return self._restricted

    def among(self, names: Bytes) -> NDArray[np.bool_]:
        """For each row of socket addresses (n x NAME_BYTES), whether its address is in one of the networks."""
        words = names.view(self._layout)[:, 0]
        allowed = np.zeros(len(names), np.bool_)
        for tests in self._networks:
            inside = np.ones(len(names), np.bool_)
            for word, mask, value in tests:
                inside &= (words[word] & mask) == value
            allowed |= inside
        return allowed


def _tests(network: Network, family: socket.AddressFamily) -> list[_Test]:
    mask, value = network.netmask.packed, network.network_address.packed
    if network.version == 4 and family == socket.AF_INET6:
        mask, value = b"\xff" * 12 + mask, _MAPPED + value
    size = 4 if family == socket.AF_INET else 8
    tests = [
        _Test(str(at // size), _native(mask[at : at + size]), _native(value[at : at + size]))
        for at in range(0, len(mask), size)
    ]
    return [test for test in tests if test.mask]


def _native(octets: bytes) -> int:
    return int.from_bytes(octets, sys.byteorder)
