"""Messages stay messages: framing, codings, digests, and bodies that cannot be read."""

import gzip

import pytest

from masking.messages import request, response, sent
from shadowtap.content import content_of
from shadowtap.events import Fault, Flag, Outcome, Substitution
from shadowtap.http1 import payload
from shadowtap.masking import Masker

SECRET = b'{"password":"hunter2"}'


@pytest.fixture
def masker():
    return Masker(b"k" * 16)


def test_only_what_is_secret_changes(masker):
    head = b"POST /a?token=x HTTP/1.1\r\nHost:shop\r\ncookie:  a=b\r\nX-Odd : 1\r\nContent-length: 22\r\n\r\n"
    masked = masker.request(request(head, SECRET))
    stand_in = masker.header(b"X-Api-Key", b"x")
    cookie = masker.header(b"Cookie", b"a=b")
    assert masked.target == b"/a?token=" + stand_in
    assert masked.head == head.replace(b"token=x", b"token=" + stand_in).replace(b"a=b", cookie).replace(
        b"22", b"34"
    )
    assert masked.body == b'{"password":"' + masker.header(b"X-Api-Key", b"hunter2") + b'"}'


def test_a_folded_field_that_holds_a_secret_becomes_one_line(masker):
    head = b"GET / HTTP/1.1\r\nX-Note: a\r\n  b\r\nAuthorization: Bearer\r\n\tabc\r\n\r\n"
    masked = masker.request(request(head))
    stand_in = masker.header(b"X-Api-Key", b"abc")
    assert (
        masked.head
        == b"GET / HTTP/1.1\r\nX-Note: a\r\n  b\r\nAuthorization: Bearer " + stand_in + b"\r\n\r\n"
    )


def test_odd_line_ends_stay(masker):
    masked = masker.request(request(b"GET / HTTP/1.1\nCookie: a=b\nHost: x\n\n"))
    assert masked.head.count(b"\n") == 4
    assert b"\r" not in masked.head


def test_digests_of_what_was_changed_go(masker):
    fields = b"Content-MD5: x\r\nDigest: y\r\nETag: z\r\nContent-Length: %d\r\n\r\n"
    asked = request(b"POST / HTTP/1.1\r\n" + fields % len(SECRET), SECRET)
    assert b"Content-MD5" not in masker.request(asked).head
    assert b"ETag: z" in masker.request(asked).head
    plain = request(b"POST / HTTP/1.1\r\n" + fields % 2, b"{}")
    assert masker.request(plain) is plain


@pytest.mark.parametrize("coding", [b"br, x-unknown", b"gzip"])
def test_a_coding_that_cannot_be_undone_goes_with_the_body(masker, coding):
    body = b"\x1f\x8b\x08\0 not really gzip hunter2"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=x\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n"
    masked = masker.response(response(head % (coding, len(body)), body))
    assert masked.body.endswith(b" (%d bytes of text/html)" % len(body))
    assert b"Content-Encoding" not in masked.head
    assert b"Content-Length: %d\r\n" % len(masked.body) in masked.head
    assert masked.body_bytes == len(masked.body)
    assert masker.counts == {"body_unreadable": 1}
    assert masker.response(masked) == masked


def test_two_equal_bodies_have_equal_markers(masker):
    one, same, other = (masker.body("image/png", None, b"\0" + octets) for octets in (b"a", b"a", b"b"))
    assert one == same != other
    assert one.endswith(b" (2 bytes of image/png)")
    assert masker.body("", None, b"\0\0").endswith(b" (2 bytes of no type)")


def test_transfer_codings(masker):
    body = gzip.compress(SECRET)
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
    masked = masker.request(request(head, chunked, chunked=True))
    assert masked.head == head
    assert b"hunter2" not in gzip.decompress(payload(masked.body, True))
    broken = masker.request(request(head, b"3\r\nabc\r\n0\r\n\r\n", chunked=True))
    assert b"Transfer-Encoding: chunked\r\n" in broken.head
    assert content_of(broken, limit_bytes=100).data.endswith(b"bytes of no type)")


def test_words_in_chunked_framing(masker):
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b'2;token="abc"\r\nhi\r\n0\r\nX-Api-Key: abc\r\nX-Sum: 1\r\n\r\n'
    masked = masker.request(request(head, body, chunked=True, flags=(Flag.TRAILERS,)))
    assert (
        masked.body
        == b"2\r\nhi\r\n0\r\nX-Api-Key: " + masker.header(b"X-Api-Key", b"abc") + b"\r\nX-Sum: 1\r\n\r\n"
    )


@pytest.mark.parametrize(
    "body",
    [
        b"2\r\nhi\r\n0\r\n\r\n",
        b"2\nhi\n0\n\n",
        b"2\r\nhi\r\n",
        b"2\r\nhi\r\n1",
        b"5\r\nhi",
        b"2\r\nhi\r",
        b"",
    ],
)
def test_plain_framing_stays(masker, body):
    asked = request(
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", body, chunked=True, fault=Fault.GAP
    )
    assert masker.request(asked) is asked


def test_what_is_no_chunk_goes(masker):
    asked = request(
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\nhi\r\nZZ hunter2\r\n", chunked=True
    )
    assert b"hunter2" not in masker.request(asked).body


def test_what_broke_off_is_masked_as_far_as_it_goes(masker):
    head = b"POST / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
    masked = masker.request(request(head, b'{"a":1,"password":"hunter2', fault=Fault.GAP))
    assert b"hunter2" not in masked.body
    cut = gzip.compress(SECRET * 3)[:-9]
    coded = head.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
    masked = masker.request(request(coded, cut, fault=Fault.GAP))
    assert b"hunter2" not in gzip.decompress(masked.body)
    assert (
        b"hunter2"
        not in masker.request(request(b"GET / HTTP/1.1\r\nCookie: a=hunter2", fault=Fault.GAP)).head
    )


def test_octets_that_were_not_kept_stay_away(masker):
    answer = response(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nSet-Cookie: a=b\r\n\r\n")
    answer = type(answer)(
        *(1000 if name == "body_bytes" else getattr(answer, name) for name in answer.__match_args__)
    )
    masked = masker.response(answer)
    assert (masked.body, masked.body_bytes) == (b"", 1000)
    assert b"Content-Length: 1000" in masked.head


def test_values_of_sessions_that_were_put_into_a_request_are_hidden(masker):
    asked = request(b"GET / HTTP/1.1\r\n\r\n")
    put = (Substitution("cookie", "kJ8sD0aLq2ZxPw7R", "Zp3XmQ9dT1vBn5Ls"),)
    head = b"HTTP/1.1 204 None\r\n\r\n"
    masked = masker.outcome(Outcome("http://new", asked, 1, 2, 3, 204, head, b"", None, put))
    assert masked.substitutions == (("cookie", "***", "***"),)


def test_an_outcome_keeps_the_framing_that_its_head_names(masker):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"
    asked = request(b"GET / HTTP/1.1\r\n\r\n")
    framed = b"%x\r\n%b\r\n0\r\n\r\n" % (len(SECRET), SECRET)
    masked = masker.outcome(Outcome("http://new", asked, 1, 2, 3, 200, head, framed, None))
    assert masked.head == head
    assert payload(masked.body, True).startswith(b'{"password":"masked-')
    assert masked.request is asked


def test_a_framing_that_is_named_and_not_there_hides_secrets_all_the_same(masker):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"
    asked = request(b"GET / HTTP/1.1\r\n\r\n")
    masked = masker.outcome(Outcome("http://new", asked, 1, 2, 3, 200, head, SECRET, None))
    assert b"hunter2" not in masked.body


def test_start_lines(masker):
    odd = request(b"GET  /a?token=hunter2  me@shop.org HTTP/1.1\r\n\r\n", flags=(Flag.MALFORMED_START,))
    masked = masker.request(odd)
    assert b"hunter2" not in masked.head
    assert b"shop" not in masked.head
    answer = masker.response(response(b"HTTP/1.1 404 no me@shop.org\r\n\r\n"))
    assert answer.head == b"HTTP/1.1 404 " + answer.reason + b"\r\n\r\n"
    assert b"shop" not in answer.reason


def test_a_part_that_is_binary_is_replaced_and_the_others_stay(masker):
    body = b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nhello\r\n--b\r\nContent-Type: image/png\r\n\r\n\0\1\r\n--b--\r\n"
    masked = masker.body("multipart/form-data", None, body)
    assert masked.startswith(body[: body.index(b"\0")])
    assert masked.endswith(b" (2 bytes of image/png)\r\n--b--\r\n")
    coded = body.replace(b"name=a", b"name=a\r\nContent-Transfer-Encoding: base64")
    assert b"hello" not in masker.body("multipart/form-data", None, coded)
    assert masker.body("multipart/form-data", None, masked) == masked


def test_bodies_stay_what_they_are_to_the_reader(masker):
    asked = sent(b"text/plain; charset=utf-16", "naïve me@shop.org".encode("utf-16"), "gzip", in_chunks=True)
    text = content_of(masker.request(asked), limit_bytes=1000).text
    assert text.startswith("naïve masked-")
    assert text.endswith("@example.com")
