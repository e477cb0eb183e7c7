"""Runs on capture files: their packets wait, so nothing is lost; and they end by themselves."""

import asyncio
import os
from contextlib import suppress

import pytest

from replay.peer import OK, Peer, live, serving, until
from replay.ports import free_port
from runner.running import mirrored, run_to_the_end, running, to
from runner.traffic import NOON_NS, conversation, get, post, visits, write
from shadowtap.config import TargetSettings
from shadowtap.errors import RunError, UsageError


def paths(server):
    return [octets.split(b" ")[1].decode() for octets in server.requests]


@live
async def test_a_file_is_replayed_and_the_run_ends(tmp_path):
    source = write(tmp_path / "shop.pcap", visits(10, 20))
    async with serving() as server:
        run = await run_to_the_end([source], [server.port])
        assert run.ledger.requests.replayed == run.targets[0].answered == 200
        assert len(server.peers) == 1 + 10
        assert run.watcher.events == []


@live
async def test_a_file_with_more_requests_than_the_queue_loses_nothing(tmp_path):
    source = write(tmp_path / "shop.pcap", visits(300, 5))
    async with serving() as server:
        run = await run_to_the_end([source], [to(server.port, queue=7, in_flight=3)])
        assert run.targets[0].answered == 1500
        assert run.targets[0].overflowed == 0


@live
async def test_a_file_with_more_octets_than_the_queue_loses_only_what_never_fits(tmp_path):
    bodies = [30_000] * 20 + [150_000] + [30_000] * 20
    asked = [post(f"/{n}", bytes(size)) for n, size in enumerate(bodies)]
    source = write(tmp_path / "shop.pcap", conversation(1, asked))
    async with serving() as server:
        run = await run_to_the_end([source], [to(server.port, queue_bytes=100_000)])
        assert (run.targets[0].answered, run.targets[0].overflowed) == (40, 1)


@live
async def test_a_file_waits_for_targets_that_answer_not_for_one_that_is_refused_or_dead(tmp_path):
    async def slow(peer):
        while True:
            await peer.request()
            await asyncio.sleep(0.001)
            peer.send(OK)

    async with serving() as production, serving(slow) as server, serving() as dead:
        frames = conversation(0, [get("/")], server=f"127.0.0.1:{production.port}") + visits(100, 5)
        source = write(tmp_path / "shop.pcap", frames)
        targets = [production.port, to(server.port, queue=10), dead.port]
        async with running([source], targets) as run:
            await dead.stop()
            await run.end()
        assert production.requests == []
        assert run.targets[0].refused == {"production_guard": 501}
        assert run.targets[1].answered == 501
        assert run.targets[2].failed.total() == 501


@live
async def test_a_file_that_is_cut_gives_everything_before_the_cut_and_says_so(tmp_path):
    source = write(tmp_path / "shop.pcap", visits(10, 10))
    file = tmp_path / "shop.pcap"
    os.truncate(file, file.stat().st_size // 2)
    async with serving() as server:
        run = await run_to_the_end([source], [server.port])
        assert 45 <= run.targets[0].answered <= 51
        assert (
            run.ledger.requests.seen == run.ledger.requests.replayed + run.ledger.requests.incomplete.total()
        )
        (notice,) = run.watcher.events
        assert f"{source}: stopped: the file ends in the middle of packet" in notice


@live
async def test_open_connections_end_with_the_file(tmp_path):
    frames = visits(5, 2, closes=False) + conversation(9, [post("/cut", bytes(5000))], closes=False)[:5]
    async with serving() as server:
        run = await run_to_the_end([write(tmp_path / "shop.pcap", frames)], [server.port])
        assert run.targets[0].answered == 10
        assert run.ledger.requests.incomplete == {"capture_ended": 1}


@live
async def test_the_run_waits_for_slow_answers_after_the_file(tmp_path):
    async def slow(peer):
        while True:
            await peer.request()
            await asyncio.sleep(0.1)
            peer.send(OK)

    async with serving(slow) as server:
        run = await run_to_the_end([write(tmp_path / "shop.pcap", visits(2, 3))], [server.port], grace_s=0.05)
        assert run.targets[0].answered == 6


@live
async def test_a_signal_while_waiting_for_the_last_answers_begins_the_grace_period(tmp_path):
    source = write(tmp_path / "shop.pcap", visits(2, 3))
    async with serving(Peer.gone) as server, running([source], [server.port], grace_s=0.1) as run:
        await until(lambda: run.ledger.requests.seen == 6)
        await asyncio.sleep(0.05)
        assert not run.task.done()
        run.interrupt()
        await run.end()
        assert run.targets[0].failed == {"interrupted": 6}


@live
async def test_a_signal_in_the_middle_of_a_file(tmp_path):
    source = write(tmp_path / "shop.pcap", visits(400, 5))
    async with serving() as server, running([source], [to(server.port, queue=5)], grace_s=5) as run:
        await until(lambda: run.targets[0].answered > 50)
        run.interrupt()
        ledger = await run.end()
        assert ledger.requests.seen < 2000
        assert run.targets[0].answered + run.targets[0].failed.total() == run.targets[0].replayed


# -- several files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, -1])
@live
async def test_the_parts_of_a_rotated_capture_are_read_in_the_order_of_their_times(tmp_path, order):
    """An upload began in the first part and ended in the second, which begins 20 minutes later."""
    frames = conversation(60, [post("/upload", bytes(100_000))])
    first = write(tmp_path / "1.pcap", visits(50, 20) + frames[:40])
    second = write(tmp_path / "2.pcap", frames[40:], start_ns=NOON_NS + 10**9)
    async with serving() as server:
        run = await run_to_the_end([first, second][::order], [server.port])
        assert run.ledger.requests.incomplete == {}
        assert run.targets[0].answered == 1001


@live
async def test_files_of_different_days(tmp_path):
    """Neither makes the other's connections look idle."""
    sources = []
    for day in range(3):
        upload = conversation(30 + day, [post("/upload", bytes(10**6))])
        frames = [*visits(20, 20, server=f"10.0.1.{day}:80"), *upload]
        sources.append(write(tmp_path / f"{day}.pcap", frames, start_ns=NOON_NS + day * 86_400 * 10**9))
    async with serving() as server:
        run = await run_to_the_end(sources, [server.port])
        assert run.ledger.requests.incomplete == {}
        assert run.targets[0].answered == 3 * 401


@live
async def test_an_old_file_and_live_packets_together(tmp_path):
    """The file's connections are not idle because its packets are old, and numbers do not collide."""
    upload = conversation(1, [get("/first"), post("/upload", bytes(3 * 10**6)), get("/last")])
    source = write(tmp_path / "old.pcap", upload)
    async with serving() as server, mirrored([server.port], more=[source]) as (run, mirror):
        for number in range(20):
            mirror.send(conversation(number, [get(f"/{number}")]))
            await asyncio.sleep(0.01)
        await until(lambda: run.targets[0].answered == 23)
        run.interrupt()
        ledger = await run.end()
        assert ledger.requests.incomplete == {}
        assert len(server.peers) == 1 + 21
        from_file = [octets for octets in server.requests if b"Replay: 1099511627776." in octets]
        assert len(from_file) == 3


# -- pipes ---------------------------------------------------------------------------------------------------


@live
async def test_a_pipe_is_replayed_as_it_comes_and_a_signal_ends_a_silent_one(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    write(tmp_path / "shop.pcap", visits(3, 3))
    octets = (tmp_path / "shop.pcap").read_bytes()
    async with serving() as server, running([f"pcap:{pipe}"], [server.port]) as run:
        writer = os.open(pipe, os.O_WRONLY)
        try:
            os.write(writer, octets)
            await until(lambda: run.targets[0].answered == 9)
            run.interrupt()
            await run.end()  # though the pipe is still open
        finally:
            os.close(writer)


@live
async def test_a_pipe_that_carries_no_capture_ends_the_run(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    async with serving() as server, running([f"pcap:{pipe}"], [server.port]) as run:
        writer = os.open(pipe, os.O_WRONLY)
        os.write(writer, b"GIF89a")
        os.close(writer)
        with pytest.raises(RunError, match="is no capture"):
            await run.end()


@live
async def test_a_pipe_that_carries_no_capture_ends_a_run_with_live_packets_too(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    async with serving() as server, mirrored([server.port], more=[f"pcap:{pipe}"]) as (run, _):
        writer = os.open(pipe, os.O_WRONLY)
        os.write(writer, b"GIF89a")
        os.close(writer)
        with pytest.raises(RunError, match="is no capture"):
            await run.end()


# -- the start -----------------------------------------------------------------------------------------------


@live
async def test_a_target_that_cannot_be_reached_is_found_before_the_file_is_read(tmp_path):
    source = write(tmp_path / "shop.pcap", visits(1, 1))
    with pytest.raises(RunError, match="cannot be reached"):
        await run_to_the_end([source], [free_port()])


@live
async def test_one_of_two_targets_that_cannot_be_reached(tmp_path):
    source = write(tmp_path / "shop.pcap", visits(1, 1))
    async with serving() as server:
        with pytest.raises(RunError, match="cannot be reached"):
            await run_to_the_end([source], [server.port, free_port()])
        assert server.requests == []


@pytest.mark.parametrize("twin", ["http://127.0.0.1:{}/", "HTTP://127.0.0.1:{}"])
@live
async def test_the_same_target_twice(tmp_path, twin):
    source = write(tmp_path / "shop.pcap", visits(1, 1))
    async with serving() as server:
        with pytest.raises(UsageError, match="given twice"):
            await run_to_the_end([source], [server.port, TargetSettings(url=twin.format(server.port))])


@live
async def test_a_file_that_is_not_there():
    async with serving() as server:
        with pytest.raises(RunError, match="no such file"):
            await run_to_the_end(["pcap:/no/such/file.pcap"], [server.port])


@live
async def test_a_name_that_does_not_resolve(tmp_path):
    source = write(tmp_path / "shop.pcap", visits(1, 1))
    with pytest.raises(RunError, match=r"no address for no-such-host\.invalid"):
        await run_to_the_end([source], [TargetSettings(url="http://no-such-host.invalid")])


@live
async def test_the_status_port_goes_away_with_the_run(tmp_path):
    source = write(tmp_path / "shop.pcap", visits(1, 1))
    port = free_port()
    async with serving() as server:
        for _ in range(2):
            await run_to_the_end([source], [server.port], status=f"127.0.0.1:{port}")
            with suppress(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
                pytest.fail("the status port is still served")


# -- bugs ----------------------------------------------------------------------------------------------------


class Bug(Exception):
    """What nobody expected."""


@pytest.mark.parametrize(
    "where",
    [
        "shadowtap.pipeline.Pipeline.feed",
        "shadowtap.pipeline.Pipeline.finish",
        "shadowtap.runner.files._in_time",
    ],
)
@live
async def test_a_bug_ends_the_run_loudly(tmp_path, where, monkeypatch, caplog):
    def buggy(*_, **__):
        raise Bug("of a test")

    source = write(tmp_path / "shop.pcap", visits(1, 1))
    monkeypatch.setattr(where, buggy)
    async with serving() as server:
        with pytest.raises(RunError, match="a bug in shadowtap: Bug"):
            await run_to_the_end([source], [server.port])
        assert "of a test" in caplog.text
