"""/healthz of a run that really loses: red when it goes on, green again when it ends."""

import asyncio
import json

from replay.peer import Peer, live, serving
from replay.ports import free_port
from runner.running import mirrored, page, to
from runner.traffic import conversation, get
from shadowtap.config import HealthSettings

QUICK = HealthSettings(window_s=0.1, windows=2, loss=0.01)


async def health(port):
    """Status and body of /healthz."""
    head, _, body = (await page(port, "/healthz")).partition("\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


async def losing_until_red(port, lose):
    """Lose more and more until it is red; what is told then."""
    number = 0
    while (found := await health(port))[0] == 200:
        for _ in range(50):
            lose(number)
            number += 1
        await asyncio.sleep(0.02)
    return found


async def until_green(port):
    """Lose nothing until it is green."""
    while (found := await health(port))[0] != 200:
        await asyncio.sleep(0.05)
    return found


@live
async def test_requests_that_find_every_queue_full_turn_it_red_and_back():
    port = free_port()
    status = {"status": f"127.0.0.1:{port}", "health": QUICK, "grace_s": 0.1}
    async with (
        serving(Peer.gone) as server,
        mirrored([to(server.port, queue=1, in_flight=1)], **status) as (run, mirror),
    ):
        assert await health(port) == (200, {**(await health(port))[1], "status": "ok", "reasons": []})
        red, told = await losing_until_red(port, lambda n: mirror.send(conversation(n, [get("/")])))
        assert (red, told["status"]) == (503, "losing")
        assert told["reasons"][0].startswith("overflowed requests: ")
        assert "shadowtap_healthy 0" in await page(port, "/metrics")
        assert (await until_green(port))[1]["status"] == "ok"
        run.interrupt()
        ledger = await run.end()
    assert ledger.requests.overflowed > 20


@live
async def test_payload_that_never_comes_turns_it_red_and_back():
    port = free_port()
    async with (
        serving() as server,
        mirrored([server.port], status=f"127.0.0.1:{port}", health=QUICK) as (run, mirror),
    ):

        def half(number):
            frames = conversation(number, [get("/" + "x" * 8000) for _ in range(2)])
            mirror.send(frame for place, frame in enumerate(frames) if place % 4 != 1)

        red, told = await losing_until_red(port, half)
        assert (red, told["status"]) == (503, "losing")
        assert told["reasons"][0].startswith("lost payload: ")
        assert (await until_green(port))[0] == 200
        run.interrupt()
        ledger = await run.end()
    assert ledger.requests.incomplete.total() > 0
