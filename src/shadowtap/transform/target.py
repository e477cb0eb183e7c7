"""A request target taken apart (RFC 9112, section 3.2), and its query edited without touching other octets.

Names of query fields are compared decoded, so `user%5Fid` is `user_id`; a field that is not meant keeps its spelling.
"""

import re
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]*://[^/?#]*")


class Parts(NamedTuple):
    """`before` is scheme and authority of the absolute form, else empty; `query` is None where there is no `?`."""

    before: bytes
    path: bytes
    query: bytes | None

    @property
    def whole(self) -> bytes:
        """The target again."""
        rest = self.path if self.query is None else self.path + b"?" + self.query
        return self.before + rest


def split(target: bytes) -> Parts | None:
    """The parts of a target; None for forms that have no path (`*`, and CONNECT's host:port)."""
    before = b""
    if not target.startswith(b"/"):
        found = _ABSOLUTE.match(target)
        if found is None:
            return None
        before = found[0]
    path, mark, query = target[len(before) :].partition(b"?")
    return Parts(before, path, query if mark else None)


def set_query(query: bytes | None, name: bytes, value: bytes) -> bytes:
    """The query with this value in the first field of this name and no other field of it; added where there is
    none. `name` and `value` are given decoded."""
    fields = query.split(b"&") if query else []
    at = [n for n, field in enumerate(fields) if _name(field) == name]
    if not at:
        return add_query(query, name, value)
    fields[at[0]] = fields[at[0]].partition(b"=")[0] + b"=" + _quoted(value)
    return b"&".join(field for n, field in enumerate(fields) if n not in at[1:])


def add_query(query: bytes | None, name: bytes, value: bytes) -> bytes:
    """The query with one more field at its end."""
    field = _quoted(name) + b"=" + _quoted(value)
    return query + b"&" + field if query else field


def remove_query(query: bytes | None, name: bytes) -> bytes | None:
    """The query without the fields of this name; None where none is left, the same object where none is meant."""
    if not query:
        return query
    fields = query.split(b"&")
    kept = [field for field in fields if _name(field) != name]
    return query if len(kept) == len(fields) else b"&".join(kept) if kept else None


def _name(field: bytes) -> bytes:
    name = field.partition(b"=")[0]
    return unquote_to_bytes(name.replace(b"+", b" ")) if b"%" in name or b"+" in name else name


def _quoted(text: bytes) -> bytes:
    return quote_from_bytes(text, safe="").encode()
