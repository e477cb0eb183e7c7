"""Hostile octets: nothing raises, and work grows with the size and with nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masking.messages import request, response, sent
from shadowtap.events import Fault, Flag
from shadowtap.masking import Masker
from work import Work

TYPES = [
    "application/json",
    "text/html",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "",
]
CHARSETS = [
    None,
    "utf-8",
    "utf-16",
    "utf-32-be",
    "iso-8859-1",
    "shift_jis",
    "utf-7",
    "rot13",
    "no-such",
    "\0",
    "zip",
]


@settings(deadline=None)
@given(st.binary(), st.sampled_from(TYPES), st.sampled_from(CHARSETS))
def test_bodies(octets, media_type, charset):
    Masker(b"k" * 16).body(media_type, charset, octets)


@settings(deadline=None)
@given(st.binary(), st.binary())
def test_headers_and_targets(name, value):
    masker = Masker(b"k" * 16)
    masker.header(name, value)
    for known in (b"Cookie", b"Set-Cookie", b"Authorization", b"X-Note"):
        masker.header(known, value)
    masker.target(value)
    masker.text(value)


@settings(deadline=None)
@given(st.text())
def test_texts(text):
    Masker(b"k" * 16).text(text)
    Masker(b"k" * 16).text(text + "\ud800 me@shop.org")


@settings(deadline=None)
@given(
    st.binary(), st.binary(), st.booleans(), st.sets(st.sampled_from(Flag)), st.sampled_from([None, *Fault])
)
def test_messages(head, body, chunked, flags, fault):
    masker = Masker(b"k" * 16)
    masker.request(request(head, body, chunked=chunked, flags=tuple(flags), fault=fault))
    masker.response(response(b"HTTP/1.1 200 OK\r\n" + head, body, chunked=chunked, fault=fault))
    for line in (b"Content-Encoding: gzip", b"Content-Type: multipart/mixed", b"Content-Encoding: br, x"):
        masker.request(request(b"POST / HTTP/1.1\r\n" + line + b"\r\n\r\n", body, chunked=chunked))


PIECES = [
    b'{"token":', b'"token":"', b'{"pass\\u0077ord":', b"[", b'"', b"\\", b"\\\\", b"\\u0025", b"\\u005c", b"%25", b"%5C",
    b"&#37;", b"&amp;", b"&", b"<token>", b"</token>", b"<", b"<input name=token ", b' name="token" ', b"@", b"a@a", b"a.",
    b"@a.", b"://", b"://a", b"1 ", b"4", b"4111-", b"4111 1111 1111 1111 ", b"DE89", b"DE89 ", b"eyJ", b"eyJhbGci.",
    b"sk-", b"AKIA", b"AKIAIOSFODNN7EXAMPLE ", b"-----BEGIN PRIVATE KEY-----", b"+1", b"+", b"token=", b"token ", b"=", b";",
    b"; a=", b"Bearer ", b"authorization: Bearer ", b"--x\r\n", b"\r\n\r\n", b"]]></token>", b"<![CDATA[", b"a", b"\xc3",
    b"DE89sk-", b'{"pass\\u0077ord":4', b"\\\\token=://]]></token>4111 1111 1111 1111 ", b";%25%25</token><token>",
    b"token[", b"token[]", b"?token=", b"eyJhbGciOiJIUzI1NiJ9", b"x" * 50 + b"@", b"name=",
]  # fmt: skip


@pytest.mark.parametrize(
    "media_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/mixed"]
)
@pytest.mark.parametrize("piece", PIECES)
def test_work(piece, media_type):
    """Four times the octets make about four times the work; a square would make sixteen."""
    small, large = (work(piece, media_type, size) for size in (1 << 12, 1 << 14))
    assert not large.grew(small, 6, calls=1_000, octets=1 << 15)


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=4), st.sampled_from(TYPES))
def test_work_of_mixtures(pieces, media_type):
    small, large = (work(b"".join(pieces), media_type, size) for size in (1 << 11, 1 << 13))
    assert not large.grew(small, 6, calls=1_000, octets=1 << 15)


def work(piece, media_type, size):
    body = b'{"a":' * (media_type == "application/json") + piece * (size // len(piece))
    masker = Masker(b"k" * 16)
    masker.body(media_type, None, b"{")
    with Work() as done:
        masker.body(media_type, None, body)
        masker.header(b"X-Note", body[: size // 4])
        masker.target(body[: size // 4])
    return done


def test_a_body_beyond_the_limit_is_not_let_through():
    masker = Masker(b"k" * 16, limit_bytes=1000)
    bomb = sent(b"application/json", b'"' + b"0" * 10_000_000 + b'"', "gzip")
    masked = masker.request(bomb)
    assert len(masked.body) < 100
    assert masked.body.endswith(b"bytes of application/json)")
    assert b"Content-Encoding" not in masked.head
    assert b"Content-Length: %d\r\n" % len(masked.body) in masked.head
    assert masker.request(masked) == masked
    assert masker.counts == {"body_too_large": 1}
