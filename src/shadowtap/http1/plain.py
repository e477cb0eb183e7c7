"""The common message: exactly one packet, with a plain head and at most a Content-Length. Any other is for `Reader`.

Clients and servers repeat themselves: the fields behind the request line are often those of the request before, and
answers of one kind often have the very same head for a second. So what was read once is remembered.
"""

import re
from typing import NamedTuple

from shadowtap.http1.head import REQUEST_LINE, STATUS_LINE

_KNOWN, _KNOWN_BYTES = 512, 1024
"""Heads of each kind that are remembered, and octets of one: half a megabyte at most. All are forgotten when there
are more."""
_MARKS = re.compile(
    rb"\n(?:\r?(\n)|content-length:[ \t]*+([0-9]{1,15})[ \t]*+\r(?=\n)|content-length|transfer-encoding|[ \t])",
    re.IGNORECASE,
).search
"""The next blank line, plain Content-Length, or line that needs a closer look, in one pass over a head."""
_BLANK_MARK, _LENGTH_MARK = 1, 2
NO_BODY_METHODS = frozenset((b"HEAD", b"CONNECT"))
"""Methods whose answers have no body, or none of the usual kind."""
_METHODS = frozenset((b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS"))
_P = ord("P")  # POST, PUT, PATCH: what follows the request line is hardly ever the same again

PlainRequest = tuple[bytes, bytes, bytes, bytes, bytes]
"""Method, target, version, head and body of a request; the head runs through the empty line."""


class PlainAnswer(NamedTuple):
    """The head of an answer that has a body of `length` octets, unless it answers a HEAD or CONNECT. `first` is its
    start line: version, status and reason, as they were."""

    first: tuple[bytes, bytes, bytes]
    status: int
    head: bytes
    length: int


_known_ends: dict[
    bytes, bytes
] = {}  # the version and all that follows it, of requests without a body: the version
_known_answers: dict[bytes, PlainAnswer] = {}


def plain_request(data: bytes) -> PlainRequest | None:
    """A request, where these octets are exactly that."""
    if len(data) <= _KNOWN_BYTES and data[0] != _P:
        parts = data.split(b" ", 2)
        if len(parts) == 3:
            method, target, end = parts
            version = _known_ends.get(end)
            if version is not None and method in _METHODS and target.split() == [target]:
                return method, target, version, data, b""
    return _new_request(data)


def _new_request(data: bytes) -> PlainRequest | None:
    line = REQUEST_LINE.match(data)
    mark = _MARKS(data, line.end() - 1) if line is not None else None
    length = 0
    if mark is not None and mark.lastindex == _LENGTH_MARK:
        length = int(mark[_LENGTH_MARK])
        mark = _MARKS(data, mark.end())
    if line is None or mark is None or mark.lastindex != _BLANK_MARK:
        return None
    end = mark.end()
    if end + length != len(data) or data[end - 4 : end] != b"\r\n\r\n":
        return None
    method, target, version = line.groups(b"")
    if end < len(data):
        return method, target, version, data[:end], data[end:]
    if end <= _KNOWN_BYTES:
        if len(_known_ends) >= _KNOWN:
            _known_ends.clear()
        _known_ends[data[line.start(3) - 5 :]] = version
    return method, target, version, data, b""


def plain_answer(data: bytes) -> PlainAnswer | None:
    """The head of an answer, where these octets are exactly that and the body that it promises."""
    end = data.find(b"\r\n\r\n") + 4
    head = data[:end]
    known = _known_answers.get(head) or _new_answer(head)
    return known if known is not None and end + known.length == len(data) else None


def _new_answer(head: bytes) -> PlainAnswer | None:
    line = STATUS_LINE.match(head)
    mark = _MARKS(head, line.end() - 1) if line is not None else None
    if line is None or mark is None or mark.lastindex != _LENGTH_MARK:
        return None
    length = int(mark[_LENGTH_MARK])
    mark = _MARKS(head, mark.end())
    version, status, reason = line.groups(b"")
    if mark is None or mark.lastindex != _BLANK_MARK or mark.end() != len(head):
        return None
    if status < b"200" or status in (b"204", b"304"):
        return None
    found = PlainAnswer((version, status, reason), int(status), head, length)
    if len(head) <= _KNOWN_BYTES:
        if len(_known_answers) >= _KNOWN:
            _known_answers.clear()
        _known_answers[head] = found
    return found
