"""Production is sacred: a target whose address appears as a server in the mirrored traffic is refused.

An address of production may be reached under many ports, so the address alone decides. Only for loopback addresses,
which every machine has, does the port count too. IPv4 written as IPv6 is the same address, and the unspecified
address leads to loopback. Servers are remembered, within a limit, since a target's name may come to mean another
address later.
"""

from collections.abc import Iterable
from ipaddress import ip_address

from shadowtap.events import Address, Endpoint

REMEMBERED = 65_536
"""Servers kept in mind; a mirror rarely shows more than some hundreds, and the oldest give way."""

_LOOPBACK = {4: ip_address("127.0.0.1"), 6: ip_address("::1")}

Place = tuple[bytes, int]


def _place(address: Address, port: int) -> Place:
    if address.version == 6:
        address = address.ipv4_mapped or address
    if address.is_unspecified:
        address = _LOOPBACK[address.version]
    return address.packed, port if address.is_loopback else 0


class Guard:
    """Knows the servers that were seen; `conflicts` finds a target's address among them."""

    __slots__ = ("_last", "_servers")

    def __init__(self) -> None:
        self._servers: dict[Place, Endpoint] = {}
        self._last: Endpoint | None = None

    def saw(self, server: Endpoint) -> bool:
        """Note a server in the mirrored traffic; True when it is new."""
        if server == self._last:
            return False
        self._last = server
        place = _place(server.address, server.port)
        if place in self._servers:
            return False
        if len(self._servers) >= REMEMBERED:
            del self._servers[next(iter(self._servers))]
        self._servers[place] = server
        return True

    def conflict(self, addresses: Iterable[Endpoint]) -> Endpoint | None:
        """The first of a target's addresses that belongs to a server seen in the mirrored traffic."""
        for endpoint in addresses:
            if _place(endpoint.address, endpoint.port) in self._servers:
                return endpoint
        return None
