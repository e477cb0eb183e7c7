"""What GoReplay gets wrong at its outputs, as a real run against real servers; each was seen with its 2.0.0."""

import asyncio
import socket

import pytest

from replay.peer import OK, live, serving, until
from runner.running import mirrored, to
from runner.traffic import conversation, get, visits
from shadowtap.cli import main


@live
async def test_every_request_keeps_its_own_path() -> None:
    paths = ["/", "/shop/products/7?color=red", "//double", "/a%2Fb", "/trailing/"]
    async with serving() as server, mirrored([server.port]) as (run, mirror):
        mirror.send(conversation(1, [get(path) for path in paths]))
        run.interrupt()
        await run.end()
        assert [octets.split(b" ")[1].decode() for octets in server.requests] == paths


def test_a_target_with_a_path_is_not_taken_for_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--from", "pcap:a", "--to", "http://staging:8080/v2"]) == 2
    assert 'leave out "/v2", each request keeps its own path' in capsys.readouterr().err


@live
async def test_a_slow_target_stalls_neither_another_nor_the_capture() -> None:
    """The slow one answers nothing until the other has answered all."""
    allowed = asyncio.Event()

    async def slow(peer):
        while True:
            await peer.request()
            await allowed.wait()
            peer.send(OK)

    async with serving(slow) as one, serving() as two, mirrored([one.port, two.port]) as (run, mirror):
        mirror.send(visits(20, 10))
        await until(lambda: run.targets[1].answered == 200)
        assert (run.ledger.requests.seen, run.targets[0].answered) == (200, 0)
        allowed.set()
        run.interrupt()
        await run.end()
        assert [target.answered for target in run.targets] == [200, 200]
        assert all(source.kernel_drops == 0 for source in run.ledger.capture.values())


@live
async def test_past_saturation_the_surplus_is_dropped_and_the_rest_is_answered() -> None:
    """The target takes 8 requests at a time and may have 30 waiting; it gets just these, and loses none of them."""
    allowed = asyncio.Event()

    async def slow(peer):
        while True:
            await peer.request()
            await allowed.wait()
            peer.send(OK)

    async with (
        serving(slow) as server,
        mirrored([to(server.port, in_flight=8, queue=30)]) as (run, mirror),
    ):
        mirror.send(visits(100, 1))
        await until(lambda: run.ledger.requests.seen == 100 and len(server.requests) == 8)
        allowed.set()
        run.interrupt()
        ledger = await run.end()
        (target,) = run.targets
        assert (target.answered, target.failed, target.overflowed) == (30, {}, 70)
        assert (ledger.requests.replayed, ledger.requests.overflowed) == (30, 70)


@live
async def test_connections_are_kept_as_production_kept_them() -> None:
    """Not two idle ones a host and a new one for each of the others."""
    async with serving() as server, mirrored([server.port]) as (run, mirror):
        mirror.send(visits(30, 20))
        run.interrupt()
        await run.end()
        assert len(server.requests) == 600
        assert len(server.peers) == 1 + 30, "one to try whether it can be reached"


@live
async def test_a_full_receive_buffer_is_counted() -> None:
    """What the kernel had to drop is not lost without a word."""
    async with serving() as server, mirrored([server.port]) as (run, mirror):
        (reader,) = run.runner._live
        reader._source._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sent = conversation(1, [get(f"/{n}") for n in range(200)])
        mirror.send(sent)
        await until(lambda: run.ledger.packets.frames > 0)
        mirror.send(sent[-1:])
        await until(lambda: sum(source.kernel_drops for source in run.ledger.capture.values()) > 0)
        run.interrupt()
        ledger = await run.end()
        (source,) = ledger.capture.values()
        assert source.frames + source.kernel_drops >= len(sent)
