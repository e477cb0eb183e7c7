"""The common message: exactly one packet, with a plain head and at most a Content-Length. Any other is for `Reader`.

Clients and servers repeat themselves: the fields behind a request line are often those of the request before, and an
answer's head that of the answer before. So what was read last is remembered for each direction of a connection.
"""

import re

from shadowtap.http1.head import REQUEST_LINE, STATUS_LINE

_KNOWN_BYTES = 1024
"""Octets of a head that is remembered, for each direction of a connection."""
_FIELDS = rb"(?:[^CcTt \t\r\n][^\n]*+\n|(?!(?i:content-length|transfer-encoding))[CcTt][^\n]*+\n)*"
"""Header fields that say nothing of the body, and are not folded; what they begin with tells nearly all at once."""
_LENGTH = rb"(?i:content-length):[ \t]*+([0-9]{1,15})[ \t]*+\r\n" + _FIELDS
_END = rb"(?<=\r\n)\r\n"
_REQUEST = re.compile(REQUEST_LINE.pattern + _FIELDS + rb"(?:" + _LENGTH + rb")?" + _END).match
_ANSWER = re.compile(STATUS_LINE.pattern + _FIELDS + _LENGTH + _END).fullmatch
"""Whole heads. No field can be taken in two ways, so that what does not match costs no more than what does."""
_METHODS = frozenset((b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS"))
_CR, _LF = b"\r\n"
_BODILESS = (b"204", b"304")

NO_BODY_METHODS = frozenset((b"HEAD", b"CONNECT"))
"""Methods whose answers have no body, or none of the usual kind."""
PlainRequest = tuple[bytes, bytes, bytes, bytes, bytes]
"""Method, target, version, head and body of a request; the head runs through the empty line."""


PlainAnswer = tuple[tuple[bytes, bytes, bytes], int, bytes, int]
"""Version, status and reason of an answer as they were; the status; the head; and how many octets the body has,
unless it answers a HEAD or CONNECT."""


class Plain:
    """Cuts out the plain messages of one direction."""

    __slots__ = ("_answer", "_answer_bytes", "_answer_head", "_end", "_version")

    def __init__(self) -> None:
        self._end: bytes | None = None  # of the last request without a body: the version and all that follows
        self._version = b""
        self._answer: PlainAnswer | None = None  # the last one
        self._answer_head = b""
        self._answer_bytes = 0

    def another(self) -> "Plain":
        """One for another connection, whose messages may well be like these."""
        another = Plain()
        another._end, another._version = self._end, self._version
        another._answer, another._answer_head = self._answer, self._answer_head
        another._answer_bytes = self._answer_bytes
        return another

    def request(self, data: bytes) -> PlainRequest | None:
        """A request, where these octets are exactly that."""
        # Of POST, PUT and PATCH what follows the request line is hardly ever the same again.
        if len(data) > _KNOWN_BYTES or data.startswith(b"P"):
            return _request(data)
        method, _, rest = data.partition(b" ")
        target, _, end = rest.partition(b" ")
        if end == self._end and method in _METHODS and target and _CR not in target and _LF not in target:
            return method, target, self._version, data, b""
        found = _request(data)
        if found is not None and not found[4]:
            self._end, self._version = end, found[2]
        return found

    def answer(self, data: bytes) -> PlainAnswer | None:
        """An answer, where these octets are exactly that and the body that it promises."""
        if len(data) == self._answer_bytes and data.startswith(self._answer_head):
            return self._answer
        end = data.find(b"\r\n\r\n") + 4
        head = data[:end]
        found = _answer(head)
        if found is None or end + found[3] != len(data):
            return None
        if end <= _KNOWN_BYTES:
            self._answer, self._answer_head, self._answer_bytes = found, head, len(data)
        return found


def _request(data: bytes) -> PlainRequest | None:
    head = _REQUEST(data)
    if head is None:
        return None
    method, target, version, length = head.groups()
    end = head.end()
    if end + int(length or 0) != len(data):
        return None
    return (
        (method, target, version, data[:end], data[end:]) if length else (method, target, version, data, b"")
    )


def _answer(head: bytes) -> PlainAnswer | None:
    line = _ANSWER(head)
    if line is None:
        return None
    version, status, reason, length = line.groups(b"")
    if status < b"200" or status in _BODILESS:
        return None
    return (version, status, reason), int(status), head, int(length)
