"""Agreement with h11 on valid traffic: the same messages, fields and bodies, whatever the pieces."""

import h11
from hypothesis import given, settings
from hypothesis import strategies as st

from http1.reading import REQUEST, RESPONSE, read
from shadowtap.http1 import headers, payload

NAMES = st.sampled_from([b"host", b"X-Trace", b"accept", b"Cookie", b"set-cookie"])
VALUES = st.text("abcXYZ019 ;,=\"'/*\t\xe9", max_size=20).map(lambda text: text.strip().encode("latin-1"))
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=4)
METHODS = st.sampled_from(
    [b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"HEAD", b"PROPFIND", b"BREW"]
)
TARGETS = st.text("abc/?=&%20-_~", max_size=30).map(lambda text: b"/" + text.encode())
BODIES = st.one_of(st.none(), st.binary(max_size=200))
CHUNKS = st.lists(st.binary(min_size=1, max_size=50), max_size=4)
TRAILERS = st.lists(st.tuples(st.sampled_from([b"X-Sum", b"expires"]), st.just(b"0")), max_size=2)
SIZES = st.lists(st.integers(1, 90), max_size=20)


def _fields(fields: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b: %b\r\n" % field for field in fields)


@st.composite
def framed(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """Framing fields, the octets of a body, and the body."""
    kind = draw(st.sampled_from(["none", "length", "chunked"]))
    if kind == "none":
        return b"", b"", b""
    if kind == "length":
        body = draw(st.binary(max_size=200))
        return b"Content-Length: %d\r\n" % len(body), body, body
    extension = draw(st.sampled_from([b"", b";a=b", b';a="b ; c"', b" "]))
    chunks = draw(CHUNKS)
    octets = b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    octets += b"0\r\n" + _fields(draw(TRAILERS)) + b"\r\n"
    return b"Transfer-Encoding: chunked\r\n", octets, b"".join(chunks)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    fields, body, _ = draw(framed())
    line = b"%b %b HTTP/1.1\r\nhost: a\r\n" % (draw(METHODS), draw(TARGETS))
    own = [field for field in draw(FIELDS) if field[0] != b"host"]
    return line + _fields(own) + fields + b"\r\n" + body


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A method and the octets of the answers to it: any interim ones and a final one of known length."""
    method = draw(st.sampled_from([b"GET", b"HEAD", b"POST"]))
    octets = b"".join(
        b"HTTP/1.1 %d x\r\n%b\r\n" % (status, _fields(draw(FIELDS)))
        for status in draw(st.lists(st.sampled_from([100, 102, 103]), max_size=2))
    )
    status = draw(st.sampled_from([200, 201, 204, 206, 301, 304, 404, 500]))
    fields, body, _ = draw(framed())
    if status in (204, 304):
        fields, body = b"", b""
    elif not fields:
        fields = b"Content-Length: 0\r\n"
    reason = draw(st.sampled_from([b"", b"OK", b"Some \xe9 reason"]))
    head = b"HTTP/1.1 %d %b\r\n%b%b\r\n" % (status, reason, _fields(draw(FIELDS)), fields)
    return method, octets + head + (b"" if method == b"HEAD" else body)


def _pieces(octets: bytes, sizes: list[int]) -> list[bytes]:
    found = []
    for size in sizes:
        found.append(octets[:size])
        octets = octets[size:]
    return [piece for piece in [*found, octets] if piece]


def _drain(connection: h11.Connection) -> list[tuple]:
    """Messages as (start, fields, body)."""
    found: list[list] = []
    while True:
        event = connection.next_event()
        if event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
            return [tuple(message) for message in found]
        if isinstance(event, h11.Request):
            found.append([(event.method, event.target), list(event.headers.raw_items()), b""])
        elif isinstance(event, h11.Response | h11.InformationalResponse):
            found.append([(event.status_code, bytes(event.reason)), list(event.headers.raw_items()), b""])
        elif isinstance(event, h11.Data):
            found[-1][2] += bytes(event.data)


def _ours(message) -> tuple[list, bytes]:
    return headers(message.head), payload(message.body, message.chunked)


@settings(max_examples=200)
@given(st.lists(requests(), min_size=1, max_size=4), SIZES)
def test_requests(octets: list[bytes], sizes: list[int]) -> None:
    theirs = []
    connection = h11.Connection(h11.SERVER)
    for request in octets:
        connection.receive_data(request)
        theirs += _drain(connection)
        connection.send(h11.Response(status_code=204, headers=[]))
        connection.send(h11.EndOfMessage())
        connection.start_next_cycle()
    ours = read(REQUEST, *_pieces(b"".join(octets), sizes))
    assert [((m.first[0], m.first[1]), *_ours(m)) for m in ours] == theirs
    assert all(message.fault is None for message in ours)


@settings(max_examples=200)
@given(st.lists(exchanges(), min_size=1, max_size=4), SIZES)
def test_responses(answers: list[tuple[bytes, bytes]], sizes: list[int]) -> None:
    theirs = []
    connection = h11.Connection(h11.CLIENT)
    for method, octets in answers:
        connection.send(h11.Request(method=method, target="/", headers=[("host", "a")]))
        connection.send(h11.EndOfMessage())
        connection.receive_data(octets)
        theirs += _drain(connection)
        connection.start_next_cycle()
    methods = [method for method, _ in answers]
    ours = read(RESPONSE, *_pieces(b"".join(octets for _, octets in answers), sizes), methods=methods)
    assert [((int(m.first[1]), m.first[2]), *_ours(m)) for m in ours] == theirs
    assert all(message.fault is None for message in ours)


@given(FIELDS, st.binary(max_size=200), SIZES)
def test_a_response_until_close(fields: list[tuple[bytes, bytes]], body: bytes, sizes: list[int]) -> None:
    octets = b"HTTP/1.1 200 OK\r\n%b\r\n%b" % (_fields(fields), body)
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(octets)
    connection.receive_data(b"")
    (theirs,) = _drain(connection)
    (ours,) = read(RESPONSE, *_pieces(octets, sizes), methods=[b"GET"])
    assert _ours(ours) == theirs[1:]
