"""IDs of records, and the connections behind them.

GoReplay's ID is 24 hex digits: the client's port, the server's, the last 4 octets of the client's address, and
the acknowledgement number of the request, which is the sequence number of its answer. So a request and its answer
have the same ID without knowing of each other, and requests of one connection have the same first 16 digits.

We know no acknowledgement numbers by the time we write, so the last 8 digits are a number of our own: it grows by
one with each request of a connection, and starts somewhere else for every connection, so that a port that is used
again makes no ID twice. Nothing in an ID tells the server's address, the upper part of an IPv6 address or the
VNI: they are lost.

Reading, ports and address make a connection that did not exist as such in any capture: same ports and address,
same connection, until it has been silent for `IDLE_NS`. IDs of other kinds (40 hex digits before GoReplay 1.2, or
anything) say nothing of connections, so each is one of its own.
"""

import re
from collections import OrderedDict
from ipaddress import IPv4Address

from shadowtap.events import Connection, Ended, Endpoint

IDLE_NS = 300 * 10**9
"""Silence after which ports are taken for used again; flows end after the same time by default."""
CONNECTIONS = 65_536
"""Connections that are remembered, about 40 MB; then the one that was silent longest ends."""

_PARTS = re.compile(rb"([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{8})[0-9a-f]{8}")
_SPREAD = 0x9E3779B1
"""The golden ratio of 2^32: multiples of it lie far apart."""
_NOWHERE = IPv4Address(0)


def id_of(connection: Connection, index: int) -> bytes:
    """The ID of a request and of its answers."""
    client = connection.client
    number = (connection.number * _SPREAD + index) & 0xFFFFFFFF
    address = int(client.address) & 0xFFFFFFFF
    return b"%04x%04x%08x%08x" % (client.port, connection.server.port, address, number)


class _Known:
    """A connection and what is left of it to say."""

    __slots__ = ("connection", "requests", "seen_ns")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.requests = 0
        self.seen_ns = 0


class Connections:
    """Gives each ID its connection, numbered from `first_number` on."""

    def __init__(
        self, *, first_number: int = 0, connections: int = CONNECTIONS, idle_ns: int = IDLE_NS
    ) -> None:
        self._next = first_number
        self._limit = connections
        self._idle_ns = idle_ns
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    def request(self, name: bytes, now_ns: int) -> tuple[Connection, int]:
        """The connection of a request with this ID, and which of its requests this is, from 0."""
        known = self._find(name, now_ns)
        known.requests += 1
        return known.connection, known.requests - 1

    def answer(self, name: bytes, now_ns: int) -> Connection:
        """The connection of an answer of which the request was not seen."""
        return self._find(name, now_ns).connection

    def end(self, name: bytes) -> list[Ended]:
        """The client of this connection said that it sends no more."""
        known = self._known.pop(_prefix(name), None)
        return [] if known is None else [Ended(known.connection.number)]

    def advance(self, now_ns: int) -> list[Ended]:
        """The connections that end because they are idle, or too many."""
        ended: list[Ended] = []
        while self._known:
            first = next(iter(self._known.values()))
            if len(self._known) <= self._limit and now_ns - first.seen_ns <= self._idle_ns:
                break
            self._known.popitem(last=False)
            ended.append(Ended(first.connection.number))
        return ended

    def finish(self) -> list[Ended]:
        """All the others end."""
        ended = [Ended(known.connection.number) for known in self._known.values()]
        self._known.clear()
        return ended

    def _find(self, name: bytes, now_ns: int) -> _Known:
        prefix = _prefix(name)
        known = self._known.get(prefix)
        if known is None:
            known = self._known[prefix] = _Known(connection_of(name, self._next))
            self._next += 1
        self._known.move_to_end(prefix)
        known.seen_ns = max(known.seen_ns, now_ns)
        return known


def connection_of(name: bytes, number: int) -> Connection:
    """What an ID says of the connection; where it says nothing, everything is zero."""
    parts = _PARTS.fullmatch(name)
    if parts is None:
        return Connection(number, Endpoint(_NOWHERE, 0), Endpoint(_NOWHERE, 0), None)
    client_port, server_port, address = (int(part, 16) for part in parts.groups())
    return Connection(
        number, Endpoint(IPv4Address(address), client_port), Endpoint(_NOWHERE, server_port), None
    )


def names_connection(name: bytes) -> bool:
    """Whether an ID says which connection its request belongs to."""
    return _PARTS.fullmatch(name) is not None


def _prefix(name: bytes) -> bytes:
    return name[:16] if _PARTS.fullmatch(name) is not None else name
