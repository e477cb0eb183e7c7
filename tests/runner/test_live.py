"""Runs on mirrored packets, in the event loop of the test, against real servers."""

import asyncio
import signal
import time

import pytest

from replay.peer import OK, Peer, live, serving, until
from replay.ports import free_port
from runner.running import mirrored, running, to
from runner.traffic import conversation, endpoint, get, post, visits
from shadowtap.config import TargetSettings
from shadowtap.errors import RunError
from shadowtap.replay.target import RESOLVE_EVERY_S


def paths(server):
    return [octets.split(b" ")[1].decode() for octets in server.requests]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@live
async def test_every_request_arrives_and_a_signal_ends_the_run(number):
    async with serving() as server, mirrored([server.port]) as (run, mirror):
        mirror.send(visits(10, 20))
        await until(lambda: run.targets[0].answered == 200)
        run.interrupt(number)
        ledger = await run.end()
        assert (ledger.requests.seen, ledger.requests.replayed) == (200, 200)
        assert ledger.production.statuses == {200: 200}
        assert run.targets[0].answers.statuses == {200: 200}
        assert sorted(paths(server)) == sorted(f"/{c}/{n}" for c in range(10) for n in range(20))
        assert len(server.peers) == 1 + 10, "one to try, then one per production connection"
        assert run.watcher.stopped


@live
async def test_bodies_of_all_sizes_are_replayed_to_the_octet():
    sent = [
        post(f"/{size}", bytes(n % 251 for n in range(size))) for size in (0, 1, 1447, 1448, 1449, 700_000)
    ]
    async with serving() as server, mirrored([server.port]) as (run, mirror):
        mirror.send(conversation(1, sent[:-1]))
        for frame in conversation(2, sent[-1:]):
            mirror.send([frame])
            await asyncio.sleep(0)
        await until(lambda: run.targets[0].answered == len(sent))
        run.interrupt()
        await run.end()
        received = {octets.split(b" ")[1]: octets.partition(b"\r\n\r\n")[2] for octets in server.requests}
        assert received == {octets.split(b" ")[1]: octets.partition(b"\r\n\r\n")[2] for octets in sent}


@live
async def test_what_is_not_replayed_has_a_reason():
    marked = get("/own", "X-Shadowtap-Replay: 1.2")
    ambiguous = get("/smuggled", "Content-Length: 3", "Transfer-Encoding: chunked") + b"0\r\n\r\n"
    tunnel = get("shop.example:443", method="CONNECT")
    cut = post("/cut", bytes(5000))[:2000]
    async with serving() as server, mirrored([server.port]) as (run, mirror):
        mirror.send(conversation(1, [get("/first"), marked, get("/last")]))
        mirror.send(conversation(2, [ambiguous]))
        mirror.send(conversation(3, [tunnel]))
        mirror.send(conversation(4, [cut], answers=False))
        await until(lambda: run.ledger.requests.seen == 6 and run.targets[0].answered == 2)
        run.interrupt()
        ledger = await run.end()
        assert ledger.requests.refused == {"own_mark": 1, "ambiguous_framing": 1, "connect_method": 1}
        assert ledger.requests.incomplete == {"closed_early": 1}
        assert paths(server) == ["/first", "/last"]


@live
async def test_ambiguous_requests_are_replayed_when_asked_for():
    ambiguous = get("/smuggled", "Content-Length: 3", "Transfer-Encoding: chunked") + b"0\r\n\r\n"
    async with serving() as server, mirrored([server.port], replay_ambiguous=True) as (run, mirror):
        mirror.send(conversation(2, [ambiguous]))
        await until(lambda: run.targets[0].answered == 1)
        run.interrupt()
        await run.end()
        assert server.requests[0].endswith(b"\r\n\r\n0\r\n\r\n")


@live
async def test_requests_only_go_to_the_target():
    """Wherever the request line and Host point to: here, at another server that really is there."""
    async with serving() as other, serving() as server, mirrored([server.port]) as (run, mirror):
        there = f"127.0.0.1:{other.port}"
        asked = [
            get(f"http://{there}/absolute"),
            get("/host", f"X: 1\r\nHost: {there}"),
            get(there, method="CONNECT"),
            get(f"//{there}/path"),
        ]
        mirror.send(frame for n, one in enumerate(asked) for frame in conversation(n, [one]))
        await until(lambda: run.ledger.requests.seen == 4 and run.targets[0].answered == 3)
        run.interrupt()
        await run.end()
        assert other.peers == []
        assert sorted(paths(server)) == sorted([f"http://{there}/absolute", "/host", f"//{there}/path"])


# -- safety --------------------------------------------------------------------------------------------------


@live
async def test_production_as_the_only_target_ends_the_run_before_anything_is_sent():
    async with serving() as production, mirrored([production.port]) as (run, mirror):
        mirror.send(visits(3, 5, server=f"127.0.0.1:{production.port}"))
        with pytest.raises(RunError, match=r"would go to production.*--allow-production-target"):
            await run.end()
        assert run.ledger.requests.refused["production_guard"] == run.ledger.requests.seen > 0
        assert production.requests == []
        assert run.targets[0].state == "refused"
        assert run.watcher.stopped


@live
async def test_production_among_the_targets_is_refused_and_the_others_go_on():
    async with (
        serving() as production,
        serving() as server,
        mirrored([production.port, server.port]) as (run, mirror),
    ):
        mirror.send(conversation(0, [get("/elsewhere")]))
        await until(lambda: run.targets[0].answered == 1)
        mirror.send(visits(3, 5, server=f"127.0.0.1:{production.port}"))
        await until(lambda: run.targets[1].answered == 16)
        run.interrupt()
        await run.end()
        assert paths(production) == ["/elsewhere"]
        assert run.targets[0].refused == {"production_guard": 15}
        (notice,) = run.watcher.events
        assert f"target http://127.0.0.1:{production.port} is refused" in notice


@live
async def test_another_port_of_loopback_is_another_server():
    async with serving() as server, mirrored([server.port]) as (run, mirror):
        mirror.send(visits(2, 2, server="127.0.0.1:1"))
        await until(lambda: run.targets[0].answered == 4)
        run.interrupt()
        await run.end()


@live
async def test_production_is_a_target_only_when_it_is_allowed_by_name():
    async with serving() as server, mirrored([server.port], allow_production_target=True) as (run, mirror):
        mirror.send(visits(2, 2, server=f"127.0.0.1:{server.port}"))
        await until(lambda: run.targets[0].answered == 4)
        run.interrupt()
        await run.end()


@live
async def test_production_is_recognised_by_an_answer_alone():
    async with serving() as production, mirrored([production.port]) as (run, mirror):
        frames = conversation(0, [get("/")], server=f"127.0.0.1:{production.port}")
        mirror.send(frames[:3] + frames[5:])
        with pytest.raises(RunError, match="would go to production"):
            await run.end()
        assert production.requests == []


@live
async def test_a_name_that_comes_to_mean_production(monkeypatch):
    async with (
        serving() as production,
        mirrored([TargetSettings(url=f"http://localhost:{production.port}")]) as (
            run,
            mirror,
        ),
    ):
        (target,) = run.runner._targets
        target.addresses = [endpoint("127.0.0.2:1")]
        mirror.send(conversation(0, [], server=f"127.0.0.1:{production.port}"))
        mirror.send(conversation(1, [get("/")], server=f"127.0.0.1:{production.port}"))
        await until(lambda: run.ledger.requests.seen == 1)
        assert target.refused is None
        target.tick(time.monotonic() + RESOLVE_EVERY_S + 1)
        with pytest.raises(RunError, match="would go to production"):
            await run.end()
        assert production.requests == []


# -- several targets -----------------------------------------------------------------------------------------


@live
async def test_a_hanging_target_slows_nobody():
    async def hang(peer):
        await peer.gone()

    async with (
        serving(hang) as bad,
        serving() as good,
        mirrored([to(bad.port, queue=30), good.port], grace_s=0) as (run, mirror),
    ):
        mirror.send(visits(10, 20))
        await until(lambda: run.targets[1].answered == 200)
        assert run.targets[0].overflowed == 170
        run.interrupt()
        ledger = await run.end()
        assert run.targets[0].failed == {"interrupted": 30}
        assert ledger.requests.replayed == 200


@live
async def test_a_target_dies_and_comes_back():
    async with serving() as server, mirrored([server.port]) as (run, mirror):
        mirror.send(visits(2, 2, closes=False))
        await until(lambda: run.targets[0].answered == 4)
        await server.stop()
        mirror.send(visits(40, 1)[5:])
        await until(lambda: run.targets[0].failed.total() >= 30)
        assert run.targets[0].state == "down"
        await server.start(port=server.port)
        n = 100
        while run.targets[0].state == "down":
            mirror.send(conversation(n, [get("/trial")]))
            n += 1
            await asyncio.sleep(0.01)
        failed = run.targets[0].failed.total()
        mirror.send(frame for more in range(50) for frame in conversation(n + more, [get("/later")]))
        await until(lambda: paths(server).count("/later") == 50)
        run.interrupt()
        await run.end()
        assert run.targets[0].failed.total() == failed
        assert ["is down" in event for event in run.watcher.events] == [True, False]


# -- the end -------------------------------------------------------------------------------------------------


@live
async def test_replays_under_way_get_the_grace_period():
    async def slow(peer):
        while True:
            await peer.request()
            await asyncio.sleep(0.05)
            peer.send(OK)

    async with serving(slow) as server, mirrored([server.port]) as (run, mirror):
        mirror.send(visits(4, 3))
        await until(lambda: run.ledger.requests.seen == 12)
        run.interrupt()
        await run.end()
        assert run.targets[0].answered == 12


@live
async def test_what_is_not_answered_within_the_grace_period_is_interrupted():
    async with serving(Peer.gone) as server, mirrored([server.port], grace_s=0.1) as (run, mirror):
        mirror.send(visits(4, 3))
        await until(lambda: run.ledger.requests.seen == 12)
        run.interrupt()
        await run.end()
        assert run.targets[0].failed == {"interrupted": 12}


@live
async def test_a_second_signal_does_not_wait():
    async with serving(Peer.gone) as server, mirrored([server.port], grace_s=1000) as (run, mirror):
        mirror.send(visits(4, 3))
        await until(lambda: run.ledger.requests.seen == 12)
        run.interrupt()
        await asyncio.sleep(0.05)
        assert not run.task.done()
        run.interrupt(signal.SIGTERM)
        await run.end()
        assert run.targets[0].failed == {"interrupted": 12}


@live
async def test_a_duration_ends_the_run():
    async with serving() as server, mirrored([server.port], duration_s=0.3) as (run, mirror):
        mirror.send(visits(4, 3))
        await run.end()
        assert run.targets[0].answered == 12


@live
async def test_what_waits_in_the_socket_at_the_end_is_taken():
    async with serving() as server, mirrored([server.port]) as (run, mirror):
        mirror.send(visits(20, 5))
        run.interrupt()
        await run.end()
        assert run.targets[0].answered == 100


# -- the start -----------------------------------------------------------------------------------------------


@live
async def test_a_target_that_cannot_be_reached():
    port = free_port()
    with pytest.raises(
        RunError, match=f"target http://127.0.0.1:{port} cannot be reached: connection refused"
    ):
        async with mirrored([port]):
            pass


@live
async def test_a_port_that_is_in_use():
    async with serving() as server, mirrored([server.port]) as (_, mirror):
        with pytest.raises(RunError, match="is in use"):
            async with running([mirror.url], [server.port]):
                pass


# -- bugs ----------------------------------------------------------------------------------------------------


class Bug(Exception):
    """What nobody expected."""


def buggy(*_, **__):
    raise Bug("of a test")


@pytest.mark.parametrize(
    "where",
    [
        "shadowtap.pipeline.Pipeline.feed",
        "shadowtap.pipeline.Pipeline.advance",
        "shadowtap.runner.fates.is_marked",
        "shadowtap.replay.target._due",
        "shadowtap.replay.lane.keeps_alive",
        "shadowtap.replay.outgoing.outgoing",
        "shadowtap.replay.wire.perf_counter_ns",
        "runner.running.Watcher.tick",
    ],
)
@live
async def test_a_bug_ends_the_run_loudly_and_with_its_account(where, monkeypatch, caplog):
    async with serving() as server, mirrored([server.port], grace_s=0.2) as (run, mirror):
        monkeypatch.setattr(where, buggy)
        mirror.send(visits(4, 3))
        with pytest.raises(RunError, match="a bug in shadowtap: Bug"):
            await run.task
        assert run.watcher.stopped
        assert "of a test" in caplog.text
