"""A share of the users, not of the requests: whoever is in the sample is in it with every request.

Each key (a session cookie, say) is hashed to a number between 0 and 1; it is in if the number lies below the share.
So a key is always in or always out: on every collector, in every process, for every target; and a larger share only
adds to a smaller one. The number is BLAKE2b of the key's octets (RFC 7693), 8 octets long, keyed with the salt, as a
big-endian integer divided by 2^64. Another salt draws another sample.

Where the key of a request is missing or empty, the next one of the list counts; at the end of every list stands the
client's address. Behind a load balancer all such requests share its few addresses, and are in or out together:
`connection` in front of it spreads them.
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b

from shadowtap.events import Request
from shadowtap.expression.values import cookie_values, header_values, query_values

Key = Callable[[Request], bytes]
"""What tells a user from another; empty where it is missing."""

_WHOLE = 1 << 64
_KINDS: dict[str, Callable[[bytes], Key]] = {
    "header": lambda name: _first(header_values(name.lower())),
    "cookie": lambda name: _first(cookie_values(name)),
    "query": lambda name: _first(query_values(name)),
}
_EXPECTED = "header:NAME, cookie:NAME, query:NAME, client or connection"
_MAX_SALT = 64
"""Octets that BLAKE2b takes as a key; a longer salt is hashed before."""
CACHED = 16_384
"""Keys whose fate is kept; with the longest ones kept, 4 MiB."""
_CACHED_OCTETS = 128


class Sample:
    """Decides which requests are in. `share` is between 0 and 1; `keys` are tried in order."""

    __slots__ = ("_fates", "_keys", "_limit", "_salt")

    def __init__(self, share: float, keys: Sequence[Key] = (), salt: bytes = b"") -> None:
        if not 0 <= share <= 1:
            raise ValueError(f"a share is between 0 and 1, not {share}")
        self._limit = round(share * _WHOLE)
        self._keys = (*keys, client)
        self._salt = salt if len(salt) <= _MAX_SALT else blake2b(salt).digest()
        self._fates: dict[bytes, bool] = {}

    def keeps(self, request: Request) -> bool:
        """Whether a request is in the sample."""
        for key in self._keys:
            value = key(request)
            if value:
                break
        known = self._fates.get(value)
        return self._draw(value) if known is None else known

    def _draw(self, value: bytes) -> bool:
        kept = number(value, self._salt) < self._limit
        if len(value) <= _CACHED_OCTETS:
            if len(self._fates) >= CACHED:
                self._fates.clear()
            self._fates[value] = kept
        return kept


def number(value: bytes, salt: bytes = b"") -> int:
    """Where a key stands among all, from 0 to 2^64 - 1. `salt` has at most 64 octets."""
    return int.from_bytes(blake2b(value, digest_size=8, key=salt).digest())


def client(request: Request) -> bytes:
    """The client's address: its 4 or 16 octets."""
    return request.connection.client.address.packed


def connection(request: Request) -> bytes:
    """Address and port (2 octets) of the client, then of the server; the same however it was captured."""
    ends = request.connection
    (here, port), (there, served) = ends.client, ends.server
    return b"".join((here.packed, port.to_bytes(2), there.packed, served.to_bytes(2)))


def parse_keys(text: str) -> tuple[Key, ...]:
    """Keys as `cookie:session,client`, in the order in which they are tried. Raises ValueError."""
    return tuple(_key(part.strip()) for part in text.split(","))


def _key(text: str) -> Key:
    if text in ("client", "connection"):
        return client if text == "client" else connection
    kind, _, name = text.partition(":")
    if kind not in _KINDS or not name:
        raise ValueError(f'expected {_EXPECTED}, not "{text}"')
    return _KINDS[kind](name.encode("utf-8", "surrogateescape"))


def _first(read: Callable[[Request], Sequence[bytes]]) -> Key:
    def key(request: Request) -> bytes:
        values = read(request)
        return values[0] if values else b""

    return key
