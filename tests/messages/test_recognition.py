"""Who is the client, by what is said."""

import pytest

from shadowtap.messages.recognition import (
    HTTP2_PREFACE,
    foreign,
    is_client,
    looks_like_request,
    looks_like_response,
)

REQUESTS = [
    b"GET / HTTP/1.1\r\n",
    b"GET / HTTP/1.0\n",
    b"POST /a",
    b"\r\nDELETE /a HTTP/1.1\r\n",
    b"M-SEARCH * HTTP/1.1\r\n",
    b"GET  /a b HTTP/1.1\r\n",
]
RESPONSES = [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 404", b"HTTP/1.1  500\r\n"]
NEITHER = [b"", b"\0\1\2", b"hello", b"HTTP", b"half of a body", b"GE", b"{}"]


@pytest.mark.parametrize("data", REQUESTS)
def test_requests(data: bytes) -> None:
    assert looks_like_request(data)
    assert not looks_like_response(data)
    assert is_client(data) is True


@pytest.mark.parametrize("data", RESPONSES)
def test_responses(data: bytes) -> None:
    assert looks_like_response(data)
    assert not looks_like_request(data)
    assert is_client(data) is False


@pytest.mark.parametrize("data", NEITHER)
def test_neither(data: bytes) -> None:
    assert not looks_like_request(data)
    assert not looks_like_response(data)
    assert is_client(data) is None


def test_a_message_somewhere_within() -> None:
    assert is_client(b"rest of a body\r\nGET /a HTTP/1.1\r\nHost: a\r\n") is True
    assert is_client(b"rest of a page</p>HTTP/1.1 200 OK\r\nServer: a\r\n") is False
    assert is_client(b"about HTTP/1.1 and so on") is None


def test_other_protocols() -> None:
    assert foreign(b"\x16\x03\x01\x02\0") == "tls"
    assert foreign(b"SSH-2.0-OpenSSH_9.2\r\n") == "ssh"
    assert foreign(HTTP2_PREFACE + b"\0\0\0") == "http2"
    assert foreign(HTTP2_PREFACE[:10]) == "http2"
    assert foreign(b"PRI") is None
    assert foreign(b"PRI * HTTP/1.1\r\n") is None
    assert foreign(b"GET / HTTP/1.1\r\n") is None
