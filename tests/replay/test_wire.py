"""Answers as targets really give them: each is counted under its name, and the next request is answered."""

import asyncio
import itertools
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from replay.peer import OK, Peer, in_turn, live, serving, until
from replay.rig import aiming, get, post

MIB = 1 << 20


def answers(octets, *, close=False):
    """A script that answers one request with these octets."""

    async def script(peer):
        await peer.answer(octets)
        if close:
            await peer.flush()
            peer.close()

    return script


GOOD = {
    "with a length": (OK, True),
    "empty": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
    "chunked": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", True),
    "chunked with trailers": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nX-Sum: 1\r\nB: 2\r\n\r\n",
        True,
    ),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", True),
    "204 with a length": (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", True),
    "304 with a length": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", True),
    "100 before": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, True),
    "103 and 102 before": (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK,
        True,
    ),
    "bare line feeds": (OK.replace(b"\r\n", b"\n"), True),
    "no reason": (OK.replace(b" OK", b""), True),
    "a status of its own": (OK.replace(b"200 OK", b"299 Fine"), True),
    "empty lines before": (b"\r\n" + OK, True),
    "Connection: close": (OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1), False),
    "connection: Close among others": (
        OK.replace(b"\r\n", b"\r\nconnection:\tfoo, Close\r\n", 1),
        False,
    ),
    "HTTP/1.0": (OK.replace(b"1.1", b"1.0"), False),
    "HTTP/1.0 that stays": (OK.replace(b"1.1 200 OK", b"1.0 200 OK\r\nConnection: Keep-Alive"), True),
    "101": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n\x81\x02hi",
        False,
    ),
    "twice": (OK + OK, False),
    "and something else": (OK + b"what?", False),
}


EXCESSIVE = ("101", "twice", "and something else")
"""In pieces, what comes after the answer may come after the next request and be taken for its answer."""


@pytest.mark.parametrize(
    ("name", "pieces"),
    [
        *((name, "whole") for name in GOOD),
        *((name, "octet by octet") for name in GOOD if name not in EXCESSIVE),
    ],
)
@live
async def test_good_answers(name, pieces):
    octets, stays = GOOD[name]
    status = 101 if name == "101" else int(octets.rpartition(b"HTTP/1.")[2][2:5])

    async def script(peer):
        await peer.request()
        step = len(octets) if pieces == "whole" else 1
        for at in range(0, len(octets), step):
            peer.send(octets[at : at + step])
            await asyncio.sleep(0)
        await peer.serve()

    async with serving(in_turn(script, Peer.serve)) as server, aiming(server.port) as rig:
        await rig.replay(get("/odd"))
        await until(lambda: rig.target._resting or not rig.account.connections)
        await rig.replay(get("/next", index=1))
        assert rig.statuses == [str(status), "200"]
        assert len(server.peers) == (1 if stays else 2)


@live
async def test_head_has_no_body_whatever_its_length_says():
    async with serving(lambda peer: peer.serve(OK[:-2])) as server, aiming(server.port) as rig:
        await rig.replay(*(get("/", index=n, method="HEAD") for n in range(3)))
        assert rig.statuses == ["200"] * 3
        assert len(server.peers) == 1


@live
async def test_a_body_until_the_connection_closes():
    body = b"x" * 3 * MIB
    script = answers(b"HTTP/1.1 200 OK\r\n\r\n" + body, close=True)
    async with serving(script) as server, aiming(server.port, keep_answer_bodies=True) as rig:
        first, second = await rig.replay(get("/a"), get("/b", index=1))
        assert first.body == second.body == body
        assert len(server.peers) == 2


@live
async def test_a_large_answer():
    piece = bytes(MIB)

    async def script(peer):
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (100 * MIB))
        for _ in range(100):
            peer.send(piece)
            await peer.flush()
        await peer.serve()

    async with serving(script) as server, aiming(server.port) as rig:
        await rig.replay(get("/large"), get("/next", index=1))
        assert rig.statuses == ["200", "200"]
        assert len(server.peers) == 1


@live
async def test_bodies_and_heads_are_kept_when_asked_for():
    async with serving() as server, aiming(server.port, keep_answer_bodies=True) as rig:
        (outcome,) = await rig.replay(get("/"))
        assert outcome.head + outcome.body == OK
        assert 0 < outcome.first_byte_ns <= outcome.elapsed_ns
        assert outcome.sent_ns > 1_700_000_000 * 10**9


BAD = {
    "nothing": (b"", "closed"),
    "half a status line": (b"HTTP/1.1 20", "closed"),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-Le", "closed"),
    "no body": (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "closed"),
    "half a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "closed"),
    "half a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf", "closed"),
    "no last chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "closed"),
    "only 100": (b"HTTP/1.1 100 Continue\r\n\r\n", "closed"),
    "a banner": (b"220 mail.example ESMTP\r\n", "garbage"),
    "binary": (bytes(range(256)), "garbage"),
    "a request": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "garbage"),
    "a TLS alert": (b"\x15\x03\x01\x00\x02\x02\x46", "garbage"),
    "broken chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "garbage"),
    "no header": (b"HTTP/1.1 200 OK\r\n" + b"a" * 300_000, "garbage"),
    "100 and garbage": (b"HTTP/1.1 100 Continue\r\n\r\nwhat?\r\n", "garbage"),
    "HTTP/2": (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "garbage"),
}


@pytest.mark.parametrize("name", BAD)
@live
async def test_bad_answers(name):
    octets, failure = BAD[name]
    async with (
        serving(in_turn(answers(octets, close=failure == "closed"), Peer.serve)) as server,
        aiming(server.port) as rig,
    ):
        await rig.replay(get("/odd"), get("/next", index=1))
        assert rig.statuses == [failure, "200"]
        assert len(server.peers) == 2


STAGES = {
    "before the request": None,
    "after the request": b"",
    "in the status line": b"HTTP/1.",
    "in the head": b"HTTP/1.1 200 OK\r\nCont",
    "in the body": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
    "in a body without a length": b"HTTP/1.1 200 OK\r\n\r\nhalf",
    "after 100": b"HTTP/1.1 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("stage", STAGES)
@live
async def test_resets(stage):
    octets = STAGES[stage]

    async def script(peer):
        if octets is not None:
            await peer.answer(octets)
            await until(lambda: not octets or rig.heard)
        peer.reset()

    async with serving(in_turn(script, Peer.serve)) as server, aiming(server.port) as rig:
        await rig.replay(get("/odd"), get("/next", index=1))
        # The kernel may tell of a reset right after the handshake as the end of the connection attempt.
        assert rig.statuses[0] in (("reset", "connect", "closed") if octets is None else ("reset",))
        assert rig.statuses[1] == "200"


@pytest.mark.parametrize("stage", STAGES)
@live
async def test_hangs(stage):
    octets = STAGES[stage] or b""

    async def script(peer):
        await peer.answer(octets)
        await peer.gone()

    async with serving(in_turn(script, Peer.serve)) as server, aiming(server.port, timeout_s=0.1) as rig:
        await rig.replay(get("/odd"), get("/next", index=1))
        assert rig.statuses == ["timeout", "200"]


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: "], ids=["body", "header"]
)
@live
async def test_without_end(head):
    async def script(peer):
        await peer.answer(head)
        while True:
            peer.send(b"a" * 10_000)
            await peer.flush()
            await asyncio.sleep(0)

    async with serving(in_turn(script, Peer.serve)) as server, aiming(server.port, timeout_s=0.2) as rig:
        await rig.replay(get("/odd"), get("/next", index=1))
        assert rig.statuses == ["timeout" if head.endswith(b"\n") else "garbage", "200"]


@live
async def test_an_endless_row_of_interim_answers():
    async def script(peer):
        await peer.request()
        while True:
            peer.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 100)
            await peer.flush()
            await asyncio.sleep(0)

    async with serving(in_turn(script, Peer.serve)) as server, aiming(server.port, timeout_s=0.2) as rig:
        await rig.replay(get("/odd"), get("/next", index=1))
        assert rig.statuses == ["timeout", "200"]


@contextmanager
def speaking_first(octets):
    """A server in a thread of its own, which speaks (or closes: no octets) as soon as it has a connection."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=200)
    opened: list[socket.socket] = []
    spoken: list[socket.socket] = []

    def run():
        with suppress(OSError):
            while True:
                opened.append(listener.accept()[0])
                opened[-1].sendall(octets) if octets else opened[-1].close()
                spoken.append(opened[-1])

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield listener.getsockname()[1], spoken
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for sock in (listener, *opened):
            sock.close()


@pytest.mark.parametrize(
    "speech", [b"220 mail.example ESMTP\r\n", OK, b""], ids=["banner", "answer", "closes"]
)
@live
async def test_a_target_that_speaks_before_it_is_asked(speech):
    with speaking_first(speech) as (port, spoken):
        async with aiming(port, timeout_s=0.5) as rig:
            _be_busy(rig.target, spoken)
            for connection in range(3):
                await rig.replay(*(get("/", connection, index) for index in range(3)))
            assert set(rig.statuses) <= ({"garbage"} if speech else {"closed", "reset"})


def _be_busy(target, spoken):
    """The loop is so busy that it sees the handshake and the first octets at the same time."""
    connect, begun = target.connect, itertools.count(1)

    def slowly(*arguments):
        link, wanted = connect(*arguments), next(begun)
        while len(spoken) < wanted:
            time.sleep(0.0005)
        return link

    target.connect = slowly


@live
async def test_a_target_that_closes_at_once():
    async def script(peer):
        peer.close()

    async with serving(script) as server, aiming(server.port, timeout_s=5) as rig:
        async with asyncio.timeout(2):
            await rig.replay(*(get("/", connection, index) for connection in range(3) for index in range(3)))
        assert set(rig.statuses) <= {"closed", "reset", "connect"}


@live
async def test_octets_that_no_request_asked_for():
    async def script(peer):
        await peer.answer()
        await peer.flush()
        await until(lambda: rig.target._resting)
        peer.send(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
        await peer.gone()

    async with serving(in_turn(script, Peer.serve)) as server, aiming(server.port) as rig:
        await rig.replay(get("/"))
        await until(lambda: not rig.account.connections)
        await rig.replay(get("/next", index=1))
        assert rig.statuses == ["200", "200"]


TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("ends", ["close", "reset", "stay", "says so"])
@live
async def test_an_answer_before_the_request_is_read(ends):
    async def script(peer):
        await peer.head()
        says = b"\r\nConnection: close" if ends == "says so" else b""
        peer.send(TOO_LARGE.replace(b"\r\n\r\n", says + b"\r\n\r\n"))
        await peer.flush()
        if ends == "close":
            peer.close()
        elif ends == "reset":
            await until(lambda: rig.account.answered)
            peer.reset()
        elif ends == "stay":
            await asyncio.Event().wait()
        await peer.gone()

    async with serving(in_turn(script, Peer.serve)) as server, aiming(server.port) as rig:
        upload = post("/upload", bytes(40 * MIB))
        rig.offer(upload, post("/next", b"small", index=1))
        async with asyncio.timeout(5):
            await rig.settled()
        assert rig.statuses == ["413", "200"]
        assert server.requests == [] or server.requests[0].startswith(b"POST /next")
        await until(lambda: server.open <= 1 or ends == "stay")


@live
async def test_a_slow_reader_gets_the_whole_body():
    body = bytes(range(256)) * 40_000
    async with serving() as server, aiming(server.port) as rig:
        await rig.replay(post("/upload", body))
        assert server.requests[0].endswith(body)
        assert rig.account.bytes_sent == len(server.requests[0])
