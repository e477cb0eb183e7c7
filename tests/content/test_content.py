"""Messages read and made again."""

import gzip
import zlib

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content.heads import request, response
from http1.reading import REQUEST, read
from shadowtap.content import (
    Content,
    Reason,
    Unreadable,
    content_of,
    is_chunked,
    make_body,
    read_content,
    values,
    with_content,
    with_head,
    with_target,
)
from shadowtap.content.codings import encode
from shadowtap.events import Fault, replace
from shadowtap.http1 import headers, payload

LIMIT = 1 << 20
CODINGS = st.lists(st.sampled_from(["gzip", "deflate", "zstd", "br"]), max_size=2).map(tuple)
BODIES = st.one_of(st.binary(max_size=200), st.text(max_size=50).map(str.encode))


def chunks(octets: bytes, size: int, trailers: bytes = b"", extension: bytes = b"") -> bytes:
    """A chunked body."""
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    coded = b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
    return coded + b"0\r\n" + trailers + b"\r\n"


@st.composite
def posts(draw):
    """(a request, what its body says, its codings, its trailers)."""
    said, codings = draw(BODIES), draw(CODINGS)
    octets = encode(said, codings)
    fields = [b"Host: shop", b"content-type: application/json", b"X-Odd:1\r\n\t2"]
    if codings:
        fields.append(b"Content-Encoding: " + ", ".join(codings).encode())
    trailers = b""
    if draw(st.booleans()):
        trailers = draw(st.sampled_from([b"", b"X-Sum: 1\r\n"]))
        octets = chunks(octets, draw(st.integers(1, 50)), trailers, draw(st.sampled_from([b"", b";a=b"])))
        fields.append(b"Transfer-Encoding: chunked")
    else:
        fields.append(b"CONTENT-length:%d" % len(octets))
    head = b"\r\n".join([b"POST /a HTTP/1.1", *draw(st.permutations(fields)), b"", b""])
    return request(head + octets), said, codings, trailers


@settings(deadline=None)
@given(posts())
def test_what_a_request_says_is_read(made):
    asked, said, codings, _ = made
    assert content_of(asked, limit_bytes=LIMIT) == (Content("application/json", None, said, codings))


@settings(deadline=None)
@given(posts())
def test_saying_the_same_again_is_the_same_object(made):
    asked, said, _, _ = made
    assert with_content(asked, said) is asked


@settings(deadline=None)
@given(posts(), BODIES)
def test_saying_something_else_keeps_the_dress(made, new):
    asked, said, codings, trailers = made
    changed = with_content(asked, new)
    assert content_of(changed, limit_bytes=LIMIT) == Content("application/json", None, new, codings)
    if new != said and asked.chunked:
        assert changed.body.endswith(b"0\r\n" + trailers + b"\r\n")
    old = [pair for pair in headers(asked.head) if pair[0].lower() != b"content-length"]
    assert [pair for pair in headers(changed.head) if pair[0].lower() != b"content-length"] == old
    assert with_content(changed, new) is changed


@settings(deadline=None)
@given(posts(), BODIES)
def test_h11_reads_what_was_made(made, new):
    asked, _, codings, _ = made
    changed = with_content(asked, new)
    server = h11.Connection(h11.SERVER)
    server.receive_data(changed.head.replace(b"\r\n\t", b" ") + changed.body)
    events = []
    while not events or type(events[-1]) is not h11.EndOfMessage:
        events.append(server.next_event())
        assert events[-1] not in (h11.NEED_DATA, h11.PAUSED)
    octets = b"".join(bytes(event.data) for event in events if type(event) is h11.Data)
    assert octets == payload(changed.body, changed.chunked)
    assert server.trailing_data == (b"", False)
    if codings == ("gzip",):
        assert gzip.decompress(octets) == new


@settings(deadline=None)
@given(posts(), BODIES)
def test_our_own_reader_reads_what_was_made(made, new):
    changed = with_content(made[0], new)
    (found,) = read(REQUEST, changed.head + changed.body)
    assert (found.head, found.body, found.fault) == (changed.head, changed.body, None)


@settings(deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=300), st.booleans())
def test_nothing_raises(head, body, chunked):
    found = read_content(b"GET / HTTP/1.1\r\n" + head, body, chunked, limit_bytes=100)
    assert isinstance(found, Unreadable) or len(found.data) <= 100
    make_body(head, body, chunked, b"x")
    is_chunked(head)
    if isinstance(found, Content):
        assert isinstance(found.text, str)


@settings(deadline=None)
@given(
    st.binary(max_size=60), st.sampled_from([None, "utf-8", "latin-1", "utf-16", "shift_jis", "zip", "no"])
)
def test_text_never_raises(octets, charset):
    assert isinstance(Content("", charset, octets).text, str)


@pytest.mark.parametrize(
    ("octets", "charset", "text"),
    [
        (b"caf\xc3\xa9", None, "café"),
        (b"caf\xe9", None, "café"),
        (b"caf\xe9", "iso-8859-1", "café"),
        (b"\xef\xbb\xbfa", "utf-8", "a"),
        (b"\xff\xfea\0", "utf-16-le", "a"),
        (b"\xc3\xa9", "no-such", "é"),
        (b"\xe9", "us-ascii", "é"),
    ],
)
def test_text(octets, charset, text):
    assert Content("text/plain", charset, octets).text == text


def test_a_byte_order_mark_counts_more_than_the_header():
    answer = response(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=latin1\r\nContent-Length: 4\r\n\r\n\xff\xfea\0"
    )
    found = content_of(answer, limit_bytes=LIMIT)
    assert found == Content("text/plain", "utf-16-le", b"\xff\xfea\0")
    assert found.text == "a"


def test_a_transfer_coding_under_chunked_is_undone_and_done_again():
    octets = chunks(gzip.compress(b"abc"), 9)
    asked = request(b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip,\r\n  Chunked\r\n\r\n" + octets)
    assert content_of(asked, limit_bytes=9) == Content("", None, b"abc", ("gzip",))
    changed = with_content(asked, b"x")
    assert gzip.decompress(payload(changed.body, True)) == b"x"


def test_codings_in_several_fields_are_one_list():
    octets = zlib.compress(gzip.compress(b"abc"))
    head = b"Content-Encoding: gzip\r\nX: y\r\nContent-Encoding: , identity, DEFLATE\r\nContent-Length: %d\r\n\r\n"
    asked = request(b"POST / HTTP/1.1\r\n" + head % len(octets) + octets)
    assert content_of(asked, limit_bytes=99) == Content("", None, b"abc", ("gzip", "deflate"))


def test_a_request_without_a_length_gets_one():
    asked = request(b"DELETE /a HTTP/1.1\r\nHost: a\r\n\r\n")
    assert with_content(asked, b"") is asked
    changed = with_content(asked, b"{}")
    assert changed.head == b"DELETE /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"
    assert changed.body == b"{}"


def test_an_answer_until_close_gets_no_length():
    answer = response(b"HTTP/1.1 200 OK\r\nServer: a\r\n\r\nabc")
    changed = with_content(answer, b"defg")
    assert (changed.head, changed.body, changed.body_bytes) == (answer.head, b"defg", 4)


def test_lengths_that_agree_become_one():
    asked = request(b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc")
    assert values(with_content(asked, b"x").head, b"content-length") == [b"1"]


def test_an_answer_that_was_not_kept_cannot_be_read():
    answer = response(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", body_bytes=5)
    found = content_of(answer, limit_bytes=LIMIT)
    assert found == Unreadable(Reason.NOT_KEPT, "the octets of this answer were not kept")


def test_a_message_with_a_fault_is_cut():
    asked = request(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc")
    asked = replace(asked, fault=Fault.GAP)
    assert content_of(asked, limit_bytes=LIMIT) == Content("", None, b"abc", (), True)


def test_more_than_the_limit_is_unreadable():
    asked = request(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde")
    assert content_of(asked, limit_bytes=5) == Content("", None, b"abcde")
    assert content_of(asked, limit_bytes=4) == Unreadable(Reason.TOO_LARGE, "more than 4 octets")


def test_heads_and_targets():
    asked = request(b"GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n")
    assert with_head(asked, asked.head) is asked
    assert with_target(asked, b"/a?b") is asked
    changed = with_target(asked, b"/c d")
    assert (changed.target, changed.head) == (b"/c%20d", b"GET /c%20d HTTP/1.1\r\nHost: a\r\n\r\n")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, Chunked\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nX-Transfer-Encoding: chunked\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: notchunked\r\n\r\n", False),
    ],
)
def test_is_chunked(head, expected):
    assert is_chunked(head) is expected
