"""Who is the client? The SYN tells; without it the first bytes of either direction do."""

import re

from shadowtap.http1.head import LOOSE_REQUEST_LINE, REQUEST_LINE

HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""RFC 9113, section 3.4."""

_STATUS = re.compile(rb"HTTP/\d\.\d[ \t]+\d\d\d")
_METHODS = (b"GET ", b"POST ", b"PUT ", b"HEAD ", b"DELETE ", b"PATCH ", b"OPTIONS ", b"CONNECT ")
_REQUEST_SOMEWHERE = re.compile(rb"(?:GET|POST|PUT|DELETE|HEAD|OPTIONS|PATCH) [^ \r\n]+ HTTP/1\.[01]\r?\n")
_STATUS_SOMEWHERE = re.compile(rb"HTTP/1\.[01] [1-5]\d\d[ \r]")


def foreign(data: bytes) -> str | None:
    """The name of another protocol that these first octets of a stream surely are; None for all else."""
    if data[:2] == b"\x16\x03":
        return "tls"
    if data.startswith(b"SSH-"):
        return "ssh"
    if len(data) >= 4 and HTTP2_PREFACE.startswith(data[:24]):
        return "http2"
    return None


def looks_like_request(data: bytes) -> bool:
    """Whether these first octets of a stream begin a request."""
    return (
        data.startswith(_METHODS)
        or REQUEST_LINE.match(data) is not None
        or LOOSE_REQUEST_LINE.match(data.lstrip(b"\r\n")) is not None
    )


def looks_like_response(data: bytes) -> bool:
    """Whether these first octets of a stream begin a response."""
    return _STATUS.match(data) is not None


def is_client(data: bytes) -> bool | None:
    """Whether whoever sent these octets is the client; None where they do not tell."""
    if looks_like_response(data):
        return False
    if looks_like_request(data):
        return True
    if b"HTTP/1." not in data:
        return None
    if _REQUEST_SOMEWHERE.search(data):
        return True
    return False if _STATUS_SOMEWHERE.search(data) else None
