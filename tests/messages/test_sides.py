"""Who is client and who is server; other protocols; connections that change theirs."""

import pytest

from messages.hearing import Hearing, hear
from transcript import C, S, Talk

GET = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def ends(hearing: Hearing) -> set[tuple[int, int]]:
    """The ports of the clients and servers of all requests."""
    return {(r.connection.client.port, r.connection.server.port) for r in hearing.requests}


def test_the_syn_tells() -> None:
    hearing = hear(Talk().open().say(C, GET % 0).say(S, OK))
    assert hearing.lines == ["GET /0", "/0 -> 200 +2", "end"]
    (pair,) = ends(hearing)
    assert pair[1] == 80


@pytest.mark.parametrize("first", [C, S])
def test_the_first_octets_tell(first: int) -> None:
    talk = Talk()
    if first == S:
        talk.say(S, b"half of an answer")
        talk.say(S, OK)
    hearing = hear(talk.say(C, GET % 0).say(S, OK))
    assert "/0 -> 200 +2" in hearing.lines
    assert {server for _, server in ends(hearing)} == {80}


def test_the_client_is_the_server() -> None:
    """A reverse tunnel: whoever opened the connection is asked on it."""
    hearing = hear(Talk().open().say(S, GET % 0).say(C, OK).say(S, GET % 1).say(C, OK))
    assert hearing.lines == ["GET /0", "/0 -> 200 +2", "GET /1", "/1 -> 200 +2", "end"]
    assert {client for client, _ in ends(hearing)} == {80}


def test_a_proxy_is_asked_first() -> None:
    """SOCKS5: a handshake in both directions, then HTTP."""
    talk = Talk().open().say(C, b"\x05\x01\x00").say(S, b"\x05\x00")
    talk.say(C, b"\x05\x01\x00\x01\x0a\0\0\x01\0\x50").say(S, b"\x05\x00\x00\x01\x0a\0\0\x01\0\x50")
    hearing = hear(talk.say(C, GET % 0).say(S, OK).say(C, GET % 1).say(S, OK))
    assert hearing.lines == ["GET /0", "/0 -> 200 +2", "GET /1", "/1 -> 200 +2", "end"]
    assert hearing.counters.skipped_bytes == 3 + 2 + 10 + 10


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "tls"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "ssh"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2"),
    ],
)
def test_other_protocols_are_counted_once_a_connection(octets: bytes, name: str) -> None:
    hearing = hear(Talk().open().say(C, octets).say(S, octets).say(C, GET % 0).say(S, OK))
    assert hearing.lines == []
    assert hearing.counters.not_http == {name: 1}


def test_what_is_never_http() -> None:
    hearing = hear(Talk().say(C, b"\0\1\2\3" * 10).say(S, b"\4\5\6\7" * 10))
    assert hearing.lines == []
    assert hearing.counters.skipped_bytes == 80


def test_an_upgraded_connection_has_no_more_messages() -> None:
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    talk = Talk().open().say(C, GET % 0).say(S, switch + OK).say(C, GET % 1).say(S, OK)
    assert hear(talk).lines == ["GET /0", "/0 -> 101", "end"]


@pytest.mark.parametrize("status", [200, 403])
def test_connect_is_a_tunnel_where_it_was_accepted(status: int) -> None:
    talk = Talk().open().say(C, b"CONNECT a:443 HTTP/1.1\r\n\r\n")
    talk.say(S, b"HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n" % status).say(C, GET % 1).say(S, OK)
    behind = [] if status == 200 else ["GET /1", "/1 -> 200 +2"]
    assert hear(talk).lines == ["CONNECT a:443", f"a:443 -> {status}", *behind, "end"]
