"""Messages of every kind, each with what it is; and rows of them as one connection would carry them."""

from typing import NamedTuple

from http1.reading import CRLF2, REQUEST, RESPONSE
from shadowtap.events import Flag
from shadowtap.http1 import Role


class Entry(NamedTuple):
    """A message: its octets, the body without framing, and its flags. `method` is the request's that it answers."""

    role: Role
    octets: bytes
    body: bytes = b""
    flags: tuple[Flag, ...] = ()
    method: bytes = b"GET"
    ends_connection: bool = False


def _chunked(*pieces: bytes, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    return (
        b"".join(b"%x%b\r\n%b\r\n" % (len(p), extension, p) for p in pieces) + b"0\r\n" + trailers + b"\r\n"
    )


_TE = b"Transfer-Encoding: chunked\r\n\r\n"
_POST = b"POST /form HTTP/1.1\r\nHost: a\r\n"
_OK = b"HTTP/1.1 200 OK\r\nServer: x\r\n"

REQUESTS: dict[str, Entry] = {
    "bare": Entry(REQUEST, b"GET / HTTP/1.1" + CRLF2),
    "with fields": Entry(REQUEST, b"GET /a?b=c HTTP/1.1\r\nHost: a\r\nUser-Agent: b" + CRLF2),
    "1.0": Entry(REQUEST, b"GET / HTTP/1.0" + CRLF2),
    "absolute": Entry(REQUEST, b"GET http://a/b HTTP/1.1\r\nHost: a" + CRLF2),
    "asterisk": Entry(REQUEST, b"OPTIONS * HTTP/1.1\r\nHost: a" + CRLF2),
    "unusual method": Entry(REQUEST, b"M-SEARCH * HTTP/1.1\r\nHost: a" + CRLF2),
    "own method": Entry(REQUEST, b"X!#$%&'*+-.^_`|~9 /a HTTP/1.1" + CRLF2),
    "long target": Entry(REQUEST, b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: a" + CRLF2),
    "length": Entry(REQUEST, _POST + b"Content-Length: 5\r\n\r\nhello", b"hello"),
    "length 0": Entry(REQUEST, _POST + b"Content-Length: 0" + CRLF2),
    "length, oddly written": Entry(REQUEST, _POST + b"cOnTent-lenGTH:\t 0005 \r\n\r\nhello", b"hello"),
    "same length twice": Entry(
        REQUEST, _POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", b"hello"
    ),
    "body with blank lines": Entry(
        REQUEST,
        _POST + b"Content-Length: 24\r\n\r\n\r\n\r\nGET /no HTTP/1.1\r\n\r\n",
        b"\r\n\r\nGET /no HTTP/1.1\r\n\r\n",
    ),
    "body of zeros": Entry(REQUEST, _POST + b"Content-Length: 3000\r\n\r\n" + bytes(3000), bytes(3000)),
    "chunked": Entry(REQUEST, _POST + _TE + _chunked(b"hello ", b"world"), b"hello world"),
    "chunked, empty": Entry(REQUEST, _POST + _TE + _chunked()),
    "chunked, ending like an end": Entry(
        REQUEST, _POST + _TE + _chunked(b"x0\r\n", b"\r\n0\r\n\r\n"), b"x0\r\n\r\n0\r\n\r\n"
    ),
    "chunked, extensions": Entry(
        REQUEST, _POST + _TE + _chunked(b"a", b"b" * 16, extension=b' ;a=1;b="2\t;"'), b"a" + b"b" * 16
    ),
    "chunked, trailers": Entry(
        REQUEST, _POST + _TE + _chunked(b"ab", trailers=b"X: 1\r\nDigest: 2\r\n"), b"ab", (Flag.TRAILERS,)
    ),
    "chunked, bare LF": Entry(REQUEST, _POST + _TE + b"2\nab\n0\n\n", b"ab"),
    "chunked, zeros and capitals": Entry(
        REQUEST, _POST + _TE + b"000A\r\n0123456789\r\n00\r\n\r\n", b"0123456789"
    ),
    "bare LF": Entry(REQUEST, b"GET / HTTP/1.1\nHost: a\n\n", b"", (Flag.BARE_LF,)),
    "folded": Entry(REQUEST, b"GET / HTTP/1.1\r\nX: a\r\n b\r\n\tc" + CRLF2, b"", (Flag.FOLDED,)),
    "odd spaces": Entry(REQUEST, b"GET   /a b\t HTTP/1.1 \r\nHost: a" + CRLF2, b"", (Flag.MALFORMED_START,)),
    "both": Entry(
        REQUEST, _POST + b"Content-Length: 3\r\n" + _TE + _chunked(b"abc"), b"abc", (Flag.AMBIGUOUS_LENGTH,)
    ),
    "lengths that differ": Entry(
        REQUEST, _POST + b"Content-Length: 3, 4\r\n\r\nabc", b"abc", (Flag.AMBIGUOUS_LENGTH,)
    ),
}

RESPONSES: dict[str, Entry] = {
    "length": Entry(RESPONSE, _OK + b"Content-Length: 5\r\n\r\nhello", b"hello"),
    "length 0": Entry(RESPONSE, _OK + b"Content-Length: 0" + CRLF2),
    "no reason": Entry(RESPONSE, b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "empty reason": Entry(RESPONSE, b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", b"ok"),
    "chunked": Entry(RESPONSE, _OK + _TE + _chunked(b"hello ", b"world"), b"hello world"),
    "chunked, trailers": Entry(
        RESPONSE, _OK + _TE + _chunked(b"a", trailers=b"A: b\r\n"), b"a", (Flag.TRAILERS,)
    ),
    "HEAD": Entry(RESPONSE, _OK + b"Content-Length: 5000" + CRLF2, method=b"HEAD"),
    "HEAD, chunked": Entry(RESPONSE, _OK + _TE, method=b"HEAD"),
    "HEAD, no length": Entry(RESPONSE, _OK + b"\r\n", method=b"HEAD"),
    "204": Entry(RESPONSE, b"HTTP/1.1 204 No Content\r\nServer: x" + CRLF2),
    "304": Entry(RESPONSE, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5000" + CRLF2),
    "100": Entry(RESPONSE, b"HTTP/1.1 100 Continue" + CRLF2),
    "100 with fields": Entry(RESPONSE, b"HTTP/1.1 100 Continue\r\nX: y\r\nServer: z" + CRLF2),
    "103": Entry(RESPONSE, b"HTTP/1.1 103 Early Hints\r\nLink: </a>" + CRLF2),
    "CONNECT refused": Entry(
        RESPONSE, b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", b"no", method=b"CONNECT"
    ),
}

UNTIL_CLOSE: dict[str, Entry] = {
    "1.0": Entry(RESPONSE, b"HTTP/1.0 200 OK\r\n\r\nall there is", b"all there is", (Flag.UNTIL_CLOSE,)),
    "1.1": Entry(RESPONSE, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall", b"all", (Flag.UNTIL_CLOSE,)),
    "other coding": Entry(
        RESPONSE,
        _OK + b"Transfer-Encoding: gzip\r\n\r\nall",
        b"all",
        (Flag.AMBIGUOUS_LENGTH, Flag.UNTIL_CLOSE),
    ),
}
