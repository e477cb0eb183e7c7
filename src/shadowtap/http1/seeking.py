"""Where the next message begins, when it is not known where in a stream one is."""

import re

from shadowtap.http1.head import REQUEST_LINE, STATUS_LINE

_METHODS = (b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH", b"PROPFIND", b"REPORT")
_REQUEST = re.compile(rb"(?:%b) [^ \r\n]+ HTTP/1\.[01]\r?\n" % b"|".join(_METHODS))
_STATUS = re.compile(rb"HTTP/1\.[01] [1-5]\d\d(?: [^\r\n]{0,256}+)?\r?\n[!-9;-~]{1,256}+:")
_ENDS = frozenset(method[at:] for method in _METHODS for at in range(1, len(method)))
"""What is left of a method whose front was lost."""


def next_request(data: bytes, packet: int) -> int:
    """Where the next request line begins, or -1. At `packet`, where a packet begins (-1: nowhere), any method will
    do, if it is not the end of one that began before."""
    found = _REQUEST.search(data) if b"HTTP/1." in data else None
    start = found.start() if found is not None else -1
    if packet < 0 or 0 <= start < packet:
        return start
    line = REQUEST_LINE.match(data, packet)
    if line is None or line[1] in _ENDS or data[packet - 1 : packet].isupper():
        return start
    return packet


def next_response(data: bytes, packet: int, *, within: bool) -> int:
    """Where the next status line begins, or -1: at `packet`, where a packet begins (-1: nowhere), or, if `within`,
    anywhere where a field follows."""
    found = _STATUS.search(data) if within and b"HTTP/1." in data else None
    start = found.start() if found is not None else -1
    if packet < 0 or 0 <= start < packet:
        return start
    return packet if STATUS_LINE.match(data, packet) else start
