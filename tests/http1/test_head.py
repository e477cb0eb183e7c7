"""Start lines, header fields, and the fields that frame a body."""

import pytest

from shadowtap.events import Flag
from shadowtap.http1 import field, headers
from shadowtap.http1.head import (
    LOOSE_REQUEST_LINE,
    NO_FRAMING,
    REQUEST_LINE,
    REQUEST_PREFIX,
    STATUS_LINE,
    framing,
    is_folded,
    proxy_end,
)


def head(*fields: bytes) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: a\r\n" + b"".join(line + b"\r\n" for line in fields) + b"\r\n"


@pytest.mark.parametrize(
    ("fields", "length", "chunked"),
    [
        ([b"Content-Length: 5"], 5, False),
        ([b"content-length:5"], 5, False),
        ([b"CONTENT-LENGTH: \t005\t "], 5, False),
        ([b"Content-Length: 5, 5"], 5, False),
        ([b"Content-Length: 5", b"Content-Length: 5"], 5, False),
        ([b"Transfer-Encoding: chunked"], None, True),
        ([b"transfer-encoding: Chunked"], None, True),
        ([b"Transfer-Encoding: gzip, chunked"], None, True),
        ([b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked"], None, True),
        ([b"Transfer-Encoding:\r\n chunked"], None, True),
        ([b"Transfer-Encoding: identity"], None, False),
        ([b"X-Content-Length: 5"], None, False),
        ([b"X: Content-Length: 5"], None, False),
    ],
)
def test_framing_that_is_clear(fields: list[bytes], length: int | None, chunked: bool) -> None:
    found = framing(head(*fields))
    assert (found.length, found.chunked, found.flags) == (length, chunked, ())


@pytest.mark.parametrize(
    "fields",
    [
        [b"Content-Length: 5", b"Transfer-Encoding: chunked"],
        [b"Transfer-Encoding: chunked", b"Content-Length: 5"],
        [b"Content-Length: 5", b"Transfer-Encoding: identity"],
        [b"Content-Length: 5", b"Content-Length: 6"],
        [b"Content-Length: 5, 6"],
        [b"Content-Length: +5"],
        [b"Content-Length: -5"],
        [b"Content-Length: 5.0"],
        [b"Content-Length: 0x5"],
        [b"Content-Length: five"],
        [b"Content-Length:"],
        [b"Content-Length: 5 5"],
        [b"Content-Length: 5\r\n 5"],
        [b"Content-Length: 99999999999999999999"],
        [b"Content-Length : 5"],
        [b"Content-Length: \x0b5"],
        [b"Transfer-Encoding : chunked"],
        [b"Transfer-Encoding\t: chunked"],
        [b"Transfer-Encoding: xchunked"],
        [b"Transfer-Encoding: chunked, gzip"],
        [b"Transfer-Encoding: chunked, identity"],
        [b"Transfer-Encoding: chunked, chunked"],
        [b"Transfer-Encoding: chunked", b"Transfer-Encoding: x"],
        [b"Transfer-Encoding: \x0bchunked"],
        [b"Transfer-Encoding: chunked\0"],
        [b"Transfer-Encoding: gzip"],
    ],
)
def test_framing_that_two_readers_may_read_differently_is_flagged(fields: list[bytes]) -> None:
    assert Flag.AMBIGUOUS_LENGTH in framing(head(*fields)).flags


def test_a_head_without_framing_costs_nothing() -> None:
    assert framing(head(b"Accept: a", b"X-Length: 5")) is NO_FRAMING


def test_fields_as_they_were() -> None:
    octets = b"GET / HTTP/1.1\r\nHost: a\r\nX-Odd :  b \r\nEmpty:\r\nno colon\r\nfolded: a\r\n \tb\r\n c\r\n: d\r\n\xe9: \xff\r\n\r\n"
    assert headers(octets) == [
        (b"Host", b"a"),
        (b"X-Odd", b"b"),
        (b"Empty", b""),
        (b"no colon", b""),
        (b"folded", b"a b c"),
        (b"", b"d"),
        (b"\xe9", b"\xff"),
    ]
    assert headers(octets.replace(b"\r\n", b"\n")) == headers(octets)
    assert headers(b"GET / HTTP/1.1\r\n\r\n") == []


def test_one_field() -> None:
    octets = head(b"X-Host: no", b"hOsT : second", b"Hostess: no", b"Last:x")
    assert field(octets, b"host") == b"a"
    assert field(octets, b"last") == b"x"
    assert field(octets, b"hostess") == b"no"
    assert field(octets, b"absent") is None
    assert field(b"GET / HTTP/1.1\r\nX: host: y\r\n\r\n", b"host") is None
    assert field(b"GET / HTTP/1.1\r\nX: cut off", b"x") == b"cut off"


def test_start_lines() -> None:
    assert REQUEST_LINE.match(b"GET /a HTTP/1.1\r\n")
    for octets in (
        b"GET /a b HTTP/1.1\r\n",
        b"GET  /a HTTP/1.1\r\n",
        b"G\xe9T / HTTP/1.1\r\n",
        b"GET / HTTP/2.0\r\n",
    ):
        assert not REQUEST_LINE.match(octets)
    loose = LOOSE_REQUEST_LINE.match(b"get \t/a  b HTTP/1.1 x  http/1.0 \r\n")
    assert loose is not None
    assert loose.groups() == (b"get", b"/a  b HTTP/1.1 x", b"1.0")
    for octets, reason in [(b" OK", b"OK"), (b"", None), (b" ", b""), (b"  a b ", b"a b ")]:
        line = STATUS_LINE.match(b"HTTP/1.1 200" + octets + b"\r\n")
        assert line is not None
        assert line.groups() == (b"1.1", b"200", reason)
    for octets in (b"HTTP/1.1 20\r\n", b"HTTP/1.1 2000\r\n", b"HTTP/1 200 OK\r\n", b"HTTP/1.1 200 OK"):
        assert not STATUS_LINE.match(octets)


def test_what_may_become_a_request_line() -> None:
    for octets in (b"G", b"GET", b"GET ", b"GET /a b", b"GET / HTTP/1.1\r"):
        assert REQUEST_PREFIX.match(octets)
    for octets in (b"\0", b"GET /\0", b"X" * 33, b"{json"):
        assert not REQUEST_PREFIX.match(octets)


def test_hostile_lines_cost_no_more_than_others() -> None:
    """Patterns that step back would take hours for these."""
    spaces = b" \t" * 50_000
    for octets in (b"GET" + spaces, b"GET /" + spaces + b"\r\n", b"GET / HTTP/1.1" + spaces + b"x\r\n"):
        assert not LOOSE_REQUEST_LINE.match(octets)
        assert not REQUEST_LINE.match(octets)
    assert not STATUS_LINE.match(b"HTTP/1.1 200" + spaces)
    assert not STATUS_LINE.match(b"HTTP/1.1" + spaces + b"x")
    assert not LOOSE_REQUEST_LINE.match(b"GET " + b"HTTP/1.1 " * 20_000 + b"x\r\n")


def test_folds() -> None:
    assert is_folded(b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n")
    assert is_folded(b"GET / HTTP/1.1\nA: b\n\tc\n\n")
    assert not is_folded(b"GET / HTTP/1.1\r\nA: b  c\r\n\r\n")


def test_proxy_headers() -> None:
    assert proxy_end(b"PROXY TCP6 ::1 ::1 1 2\r\nGET", 0) == 24
    assert proxy_end(b"..\0\r\nQUIT\n\x21\x21\0\3abcGET", 2) == 17
    for octets in (
        b"PROXY x",
        b"PROXY " + b"x" * 200 + b"\r\n",
        b"\0\r\nQUIT\n\x21\x21\0\4abc",
        b"\0\r\nQUIT\n\x21",
    ):
        assert proxy_end(octets, 0) == 0
