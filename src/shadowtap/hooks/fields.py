"""Header fields and query parameters as a hook sees them: text in, text out, everything else untouched.

Octets that are not UTF-8 come and go as surrogate escapes (PEP 383), so that text that is put back is the same
octets.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from urllib.parse import quote_plus, unquote_plus

from shadowtap.content import add_field, remove_field, set_field, values
from shadowtap.http1 import headers

_FRAMING = ("content-length", "transfer-encoding")


def text_of(octets: bytes) -> str:
    """Octets as text."""
    return octets.decode("utf-8", "surrogateescape")


def octets_of(text: str) -> bytes:
    """Text as octets."""
    return text.encode("utf-8", "surrogateescape")


class Headers:
    """The header fields of a message, in order; names are the same in any case.

    Content-Length and Transfer-Encoding can be read only: they follow the body.
    """

    __slots__ = ("_read", "_write")

    def __init__(self, read: Callable[[], bytes], write: Callable[[bytes], None] | None = None) -> None:
        self._read = read
        self._write = write

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value."""
        found = values(self._read(), octets_of(name))
        return text_of(found[0]) if found else default

    def all(self, name: str) -> list[str]:
        """All values, of which each had a line of its own."""
        return [text_of(value) for value in values(self._read(), octets_of(name))]

    def items(self) -> list[tuple[str, str]]:
        """Names and values in their order."""
        return [(text_of(name), text_of(value)) for name, value in headers(self._read())]

    def set(self, name: str, value: str) -> None:
        """Replace the value, or add the field; other fields of this name go."""
        self._change(name, set_field(self._read(), _name(name), octets_of(value)))

    def add(self, name: str, value: str) -> None:
        """One more field, behind the others."""
        self._change(name, add_field(self._read(), _name(name), octets_of(value)))

    def remove(self, name: str) -> None:
        """Take out all fields of this name."""
        self._change(name, remove_field(self._read(), _name(name)))

    def __contains__(self, name: str) -> bool:
        return bool(values(self._read(), octets_of(name)))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.items())

    def __repr__(self) -> str:
        return f"Headers({self.items()!r})"

    def _change(self, name: str, head: bytes) -> None:
        if self._write is None:
            raise TypeError("the headers of an answer cannot be changed")
        if name.lower() in _FRAMING:
            raise ValueError(f"{name} follows the body; set request.body instead")
        self._write(head)


class Query:
    """The parameters behind the question mark, in order, decoded. What is not changed keeps its octets."""

    __slots__ = ("_read", "_write")

    def __init__(self, read: Callable[[], str], write: Callable[[str], None]) -> None:
        self._read = read
        self._write = write

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value; empty where there is a name and no value."""
        return next((value for key, value in self.items() if key == name), default)

    def all(self, name: str) -> list[str]:
        """All values."""
        return [value for key, value in self.items() if key == name]

    def items(self) -> list[tuple[str, str]]:
        """Names and values in their order."""
        return [_decoded(pair) for pair in self._pairs()]

    def set(self, name: str, value: str) -> None:
        """Replace the value, or add the parameter; others of this name go."""
        pairs, new = self._pairs(), _encoded(name, value)
        at = next((n for n, pair in enumerate(pairs) if _decoded(pair)[0] == name), len(pairs))
        rest = [pair for pair in pairs[at + 1 :] if _decoded(pair)[0] != name]
        self._write("&".join([*pairs[:at], new, *rest]))

    def add(self, name: str, value: str) -> None:
        """One more parameter, behind the others."""
        self._write("&".join([*self._pairs(), _encoded(name, value)]))

    def remove(self, name: str) -> None:
        """Take out all parameters of this name."""
        pairs = self._pairs()
        kept = [pair for pair in pairs if _decoded(pair)[0] != name]
        if len(kept) < len(pairs):
            self._write("&".join(kept))

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.items())

    def __str__(self) -> str:
        return self._read()

    def __repr__(self) -> str:
        return f"Query({self.items()!r})"

    def _pairs(self) -> list[str]:
        text = self._read()
        return text.split("&") if text else []


def _decoded(pair: str) -> tuple[str, str]:
    name, _, value = pair.partition("=")
    return unquote_plus(name, errors="surrogateescape"), unquote_plus(value, errors="surrogateescape")


def _encoded(name: str, value: str) -> str:
    return f"{quote_plus(name, errors='surrogateescape')}={quote_plus(value, errors='surrogateescape')}"


@lru_cache(maxsize=512)
def _name(name: str) -> bytes:
    octets = octets_of(name)
    if not octets or any(octet <= 32 or octet in b':"(),/;<=>?@[\\]{}\x7f' for octet in octets):
        raise ValueError(f"{name!r} is no name of a header field")
    return octets
