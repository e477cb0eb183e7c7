"""Which senders are allowed: networks against the addresses of a whole batch.

Every address becomes 128 bits in two columns; an IPv4 address becomes its IPv4-mapped form ::ffff:a.b.c.d (RFC
4291, 2.5.5.2), as a socket that listens on [::] reports it anyway. A network is then two masks and two values,
and a batch is tested with a few operations for each network. The layouts are those of sockaddr_in and
sockaddr_in6.
"""

import socket
from ipaddress import IPv4Network, IPv6Network
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shadowtap.events import Bytes

Network = IPv4Network | IPv6Network

_MAPPED: Final = 0xFFFF << 32
_LOW: Final = (1 << 64) - 1
_Words = NDArray[np.uint64]


class AllowedSenders:
    """Tests the senders of a batch against networks; without networks everyone is allowed."""

    __slots__ = ("_family", "_tests")

    def __init__(self, networks: tuple[Network, ...], family: socket.AddressFamily) -> None:
        self._family = family
        self._tests = [_test(network) for network in networks]

    def __bool__(self) -> bool:
        return bool(self._tests)

    def among(self, names: Bytes) -> NDArray[np.bool_]:
        """For each row of socket addresses (uint8, n x 28 or more), whether its address is in one of the
        networks."""
        high, low = self._words(names)
        allowed = np.zeros(len(names), np.bool_)
        for high_mask, high_value, low_mask, low_value in self._tests:
            allowed |= ((high & high_mask) == high_value) & ((low & low_mask) == low_value)
        return allowed

    def _words(self, names: Bytes) -> tuple[_Words, _Words]:
        if self._family == socket.AF_INET:
            address = _column(names, 4, ">u4")
            return np.zeros(len(names), np.uint64), address | np.uint64(_MAPPED)
        return _column(names, 8, ">u8"), _column(names, 16, ">u8")


def _column(names: Bytes, offset: int, kind: str) -> _Words:
    size = np.dtype(kind).itemsize
    octets = np.ascontiguousarray(names[:, offset : offset + size])
    return octets.view(kind)[:, 0].astype(np.uint64)


def _test(network: Network) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    mask, value = int(network.netmask), int(network.network_address)
    if network.version == 4:
        mask |= ((1 << 96) - 1) << 32
        value |= _MAPPED
    words = (mask >> 64, value >> 64, mask & _LOW, value & _LOW)
    high_mask, high_value, low_mask, low_value = (np.uint64(word) for word in words)
    return high_mask, high_value, low_mask, low_value
