"""One production connection at one target: order, its own connection, its end, and the one retry."""

import asyncio

import pytest

from replay.peer import OK, Peer, in_turn, live, serving, until
from replay.rig import aiming, get, post


def paths(requests):
    """The targets of requests, in order."""
    return [octets.split(b" ")[1].decode() for octets in requests]


def marks(requests):
    """The values of the mark, in order."""
    return [octets.partition(b"X-Shadowtap-Replay: ")[2].split(b"\r\n")[0].decode() for octets in requests]


@live
async def test_requests_of_a_connection_keep_their_order_and_share_one_connection():
    async with serving() as server, aiming(server.port) as rig:
        await rig.replay(*(get(f"/{n}", n % 7, n // 7) for n in range(70)))
        assert rig.account.answered == 70
        assert rig.account.connections_opened == len(server.peers) == 7
        for peer in server.peers:
            connections, indexes = zip(*(mark.split(".") for mark in marks(peer.requests)), strict=True)
            assert len(set(connections)) == 1
            assert [int(index) for index in indexes] == list(range(10))


@live
async def test_what_production_pipelined_is_sent_one_after_another():
    order = []

    async def script(peer):
        while True:
            order.append(paths([await peer.request()])[0])
            await asyncio.sleep(0.002)
            assert not peer._reader._buffer, "the next request came before the answer"
            order.append("answer")
            peer.send(OK)

    async with serving(script) as server, aiming(server.port) as rig:
        await rig.replay(*(get(f"/{n}", index=n) for n in range(5)))
        assert order == [word for n in range(5) for word in (f"/{n}", "answer")]


@live
async def test_the_connection_closes_when_production_closes_it():
    async with serving() as server, aiming(server.port) as rig:
        await rig.replay(get("/", 1), get("/", 2))
        assert server.open == 2
        rig.end(1)
        await until(lambda: server.open == 1)
        assert not server.peers[1].closed
        rig.end(2)
        await until(lambda: server.open == 0)


@live
async def test_production_closes_before_all_is_answered():
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def script(peer):
        await peer.request()
        asked.set()
        await may_answer.wait()
        peer.send(OK)
        await peer.serve()

    async with serving(script) as server, aiming(server.port) as rig:
        rig.offer(get("/a"), post("/b", b"body", index=1), get("/c", index=2))
        rig.end(0)
        await asked.wait()
        may_answer.set()
        await rig.settled()
        assert rig.statuses == ["200"] * 3
        await until(lambda: server.open == 0)
        assert len(server.peers) == 1


@live
async def test_production_closes_while_we_connect():
    async with serving() as server, aiming(server.port) as rig:
        rig.offer(get("/"))
        rig.end(0)
        await rig.settled()
        assert rig.statuses == ["200"]
        await until(lambda: not rig.kept()["lanes"])


@live
async def test_a_pool_shares_connections_and_keeps_the_order_of_each():
    async with serving() as server, aiming(server.port, pool=3) as rig:
        await rig.replay(*(get(f"/{n}", n % 20, n // 20) for n in range(200)))
        assert rig.account.answered == 200
        assert len(server.peers) == 3
        seen: dict[str, list[int]] = {}
        for mark in marks(server.requests):
            connection, index = mark.split(".")
            seen.setdefault(connection, []).append(int(index))
        assert len(seen) == 20
        assert all(indexes == list(range(10)) for indexes in seen.values())
        rig.end(*range(20))
        assert server.open == 3, "pooled connections outlive production's"


def closing_when_asked_again(how):
    """A script that answers once, and breaks off when the second request comes."""

    async def script(peer):
        await peer.answer()
        await peer.head()
        getattr(peer, how)()

    return script


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"])
@live
async def test_a_kept_connection_that_closes_costs_an_idempotent_request_nothing(method, how):
    async with (
        serving(
            in_turn(
                closing_when_asked_again(how), lambda peer: peer.serve(OK[:-2] if method == "HEAD" else OK)
            )
        ) as server,
        aiming(server.port) as rig,
    ):
        await rig.replay(get("/1"), get("/2", index=1, method=method), get("/3", index=2, method=method))
        assert rig.statuses == ["200"] * 3
        assert rig.account.retries == 1
        assert paths(server.requests) == ["/1", "/2", "/3"]


@pytest.mark.parametrize("how", ["close", "reset"])
@live
async def test_other_requests_are_never_sent_twice(how):
    async with (
        serving(in_turn(closing_when_asked_again(how), Peer.serve)) as server,
        aiming(server.port) as rig,
    ):
        await rig.replay(get("/1"), post("/2", b"money", index=1), get("/3", index=2))
        assert rig.statuses == ["200", "closed" if how == "close" else "reset", "200"]
        assert rig.account.retries == 0
        assert paths(server.requests) == ["/1", "/3"]


@live
async def test_a_fresh_connection_that_closes_is_no_reason_to_try_again():
    async def script(peer):
        await peer.request()
        peer.close()

    async with serving(script) as server, aiming(server.port) as rig:
        await rig.replay(get("/1"))
        assert rig.statuses == ["closed"]
        assert len(server.requests) == 1


@live
async def test_once_more_is_once():
    async def once(peer):
        await peer.request()
        peer.close()

    async with (
        serving(
            in_turn(closing_when_asked_again("close"), once, closing_when_asked_again("close"), Peer.serve)
        ) as server,
        aiming(server.port) as rig,
    ):
        await rig.replay(*(get(f"/{n}", index=n) for n in range(1, 6)))
        assert rig.statuses == ["200", "closed", "200", "200", "200"]
        assert rig.account.retries == 2, "a later request has its own second try"


@live
async def test_half_an_answer_is_no_reason_to_try_again():
    async def script(peer):
        await peer.answer()
        await peer.answer(b"HTTP/1.1 2")
        await peer.flush()
        peer.close()

    async with serving(in_turn(script, Peer.serve)) as server, aiming(server.port) as rig:
        await rig.replay(get("/1"), get("/2", index=1))
        assert rig.statuses == ["200", "closed"]
        assert len(server.requests) == 2


@live
async def test_nothing_is_sent_on_a_connection_that_the_target_has_closed():
    """The end has been read, and the loop has not yet come round to tell that the connection is gone."""
    async with serving() as server, aiming(server.port) as rig:
        await rig.replay(get("/1"))
        rig.target._lanes[0].wire.eof_received()
        await rig.replay(post("/2", b"money", index=1))
        assert rig.statuses == ["200", "200"]
        assert len(server.peers) == 2


@live
async def test_an_idle_connection_that_closes_costs_nothing_at_all():
    async def script(peer):
        await peer.answer()
        await peer.flush()
        peer.close()

    async with serving(script) as server, aiming(server.port) as rig:
        for n in range(5):
            await rig.replay(post("/", b"x", index=n))
            await until(lambda: not rig.account.connections)
        assert rig.statuses == ["200"] * 5
        assert (rig.account.retries, rig.account.connections_opened) == (0, 5)
