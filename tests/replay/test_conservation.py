"""Whatever targets do and whenever production's connections end: every request has one fate, and nothing is left."""

import asyncio
import time
from collections import defaultdict

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replay.peer import OK, live, serving
from replay.rig import aiming, get, post

SPEECHES = {
    "answer": OK,
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "interim": b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK,
    "twice": OK + OK,
    "close after": OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1),
    "switch": b"HTTP/1.1 101 Switching Protocols\r\n\r\n\0",
    "garbage": b"\0\1\2\3",
    "interim and garbage": b"HTTP/1.1 100 Continue\r\n\r\n\0\1",
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nCont",
    "half a body": OK[:-1],
    "until close": b"HTTP/1.1 200 OK\r\n\r\nok",
}
ENDS = ("stay", "close", "reset")
ACTS = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from([*SPEECHES, *("answer",) * 20]),
        st.sampled_from([*ENDS, *("stay",) * 7]),
    ),
    max_size=8,
)
"""What one connection does, request by request: whether it reads it first, what it says, whether it goes on."""

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("offer"), st.integers(0, 5), st.sampled_from([0, 0, 0, 300_000])),
        st.tuples(st.just("end"), st.integers(0, 5), st.none()),
        st.tuples(st.just("turn"), st.integers(1, 5), st.none()),
        st.tuples(st.sampled_from(["stall", "late", "pause"]), st.none(), st.none()),
        st.tuples(st.just("rest"), st.none(), st.none()),
        st.tuples(st.just("die"), st.none(), st.none()),
        st.tuples(st.just("return"), st.none(), st.none()),
        st.tuples(st.just("refuse"), st.none(), st.none()),
    ),
    max_size=60,
)

OPTIONS = st.fixed_dictionaries(
    {
        "pool": st.sampled_from([0, 0, 0, 1, 2]),
        "in_flight": st.sampled_from([1, 2, 3, 100]),
        "connections": st.sampled_from([1, 2, 3, 100]),
        "queue": st.sampled_from([3, 1000]),
        "queue_bytes": st.sampled_from([500_000, 1 << 30]),
    }
)


def script(acts):
    """Connections play their acts one after the other; when there are no more they answer."""

    async def play(peer):
        mine = acts[peer.number] if peer.number < len(acts) else []
        for reads, speech, end in mine:
            if reads:
                await peer.request()
            peer.send(SPEECHES[speech])
            await peer.flush()
            if end != "stay":
                return peer.close() if end == "close" else peer.reset()
        await peer.serve()
        return None

    return play


async def carry_out(rig, server, steps):
    """Do what the steps say; some of them mean nothing where they stand."""
    asked = defaultdict(int)
    for step, what, size in steps:
        if step == "offer":
            asked[what] += 1
            index = asked[what]
            rig.offer(
                post("/", bytes(size), what, index) if size or index % 3 == 2 else get("/", what, index)
            )
        elif step == "end":
            rig.end(what)
        elif step == "turn":
            for _ in range(what):
                await asyncio.sleep(0)
        elif step == "stall":
            time.sleep(0.003)  # so that much happens at once
        elif step == "late":
            rig.target.tick(time.monotonic() + 1)
        elif step == "pause":
            rig.let_the_pause_pass()
        elif step == "rest":
            await rig.settled()
        elif step == "die":
            await server.stop()
        elif step == "return":
            await server.start(port=server.port)
        elif step == "refuse" and len(rig.offered) > 20:
            rig.target.refuse("production_guard")
        rig.check()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(ACTS, max_size=8), STEPS, OPTIONS)
def test_every_request_has_one_fate(acts, steps, options):
    @live
    async def run():
        async with (
            serving(script(acts)) as server,
            aiming(server.port, timeout_s=0.02, connect_timeout_s=0.5, **options) as rig,
        ):
            await carry_out(rig, server, steps)

    run()
