"""Heads as anybody may write them, and messages around them."""

import re
from ipaddress import ip_address

from hypothesis import strategies as st

from shadowtap.events import Connection, Endpoint, Request, Response

CONNECTION = Connection(
    0, Endpoint(ip_address("10.0.8.9"), 40_000), Endpoint(ip_address("10.0.1.20"), 80), None
)
LINE_ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\n"])
SPACES = st.sampled_from([b" ", b"", b"  ", b"\t"])
NAMES = st.sampled_from(b"Host host Accept ACCEPT Cookie X-A x-a X-A-B X-Empty Content-Length".split())
VALUES = st.one_of(
    st.sampled_from([b"", b"shop.example", b"a: b", b"Host: inner", b"\xff\xfe", b"a, b"]),
    st.binary(max_size=20).map(lambda octets: re.sub(rb"[\r\n\0]", b"", octets)),
)


@st.composite
def lines(draw):
    """One field as it may be written, with its line end: odd spacing, folded lines."""
    name, value = draw(NAMES), draw(VALUES)
    folds = draw(st.lists(st.tuples(LINE_ENDS, st.sampled_from([b" ", b"\t"]), VALUES), max_size=2))
    folded = b"".join(b"".join(fold) for fold in folds if fold[2].strip())
    before = draw(st.sampled_from([b"", b"", b"", b" "]))
    return b"".join((name, before, b":", draw(SPACES), value, folded, draw(LINE_ENDS)))


@st.composite
def heads(draw, start=None):
    """(start line, field lines, the empty line)."""
    begin = start or draw(
        st.sampled_from([b"GET /a?b=c HTTP/1.1", b"POST  /x  HTTP/1.0", b"HTTP/1.1 200 OK"])
    )
    return begin + draw(LINE_ENDS), draw(st.lists(lines(), max_size=6)), draw(LINE_ENDS)


def request(octets: bytes) -> Request:
    """A request, from its octets."""
    head, body = split(octets)
    method, target, version = head.split(b"\n", 1)[0].split()
    chunked = b"transfer-encoding:" in head.lower() and b"chunked" in head.lower()
    return Request(CONNECTION, 0, 0, 0, method, target, version[5:], head, body, chunked, (), None)


def response(octets: bytes, *, body_bytes: int | None = None) -> Response:
    """An answer, from its octets."""
    head, body = split(octets)
    version, status, reason = head.split(b"\n", 1)[0].strip().split(b" ", 2)
    chunked = b"transfer-encoding:" in head.lower() and b"chunked" in head.lower()
    size = len(body) if body_bytes is None else body_bytes
    return Response(CONNECTION, 0, 0, int(status), reason, version[5:], head, body, size, chunked, (), None)


def split(octets: bytes) -> tuple[bytes, bytes]:
    """Head and body."""
    end = min(at + len(end) for end in (b"\n\r\n", b"\n\n") if (at := octets.find(end)) >= 0)
    return octets[:end], octets[end:]
