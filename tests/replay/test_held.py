"""A target that holds requests back until they may go, against real servers."""

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from replay.peer import live, serving, until
from replay.rig import Rig, aiming, get, post
from replay.test_conservation import ACTS, OPTIONS, STEPS, carry_out, script
from shadowtap.events import Failure, replace
from shadowtap.replay import HeldTarget


class Gatekeeper:
    """Holds back the requests whose path is in `held`; the others go with `/` before their path."""

    def __init__(self, *held):
        self.held = {path.encode() for path in held}
        self.resume = None
        self.asked = defaultdict(list)
        self.left = []

    def prepare(self, request, *, wait):
        self.asked[request.target.decode()].append(wait)
        if wait and request.target in self.held:
            return None
        target = b"/" + request.target
        return replace(request, target=target, head=request.head.replace(request.target, target))

    def leave(self, request):
        self.left.append(request.target.decode())


@asynccontextmanager
async def holding(port, keeper, *, wait_s=30.0, **options):
    """A target with a keeper; its laws hold, and nothing is left at the end."""
    rig = Rig(port, make=partial(HeldTarget, holder=keeper, wait_s=wait_s), **options)
    await rig.target.resolve()
    yield rig
    await rig.settled()
    rig.check()
    rig.target.stop()
    await until(lambda: not rig.target._turns)
    assert rig.target.waiting == 0
    kept = rig.kept()
    assert (kept["bytes"], kept["in_flight"]) == (0, 0)


def paths(server):
    return [octets.split(b" ")[1].decode()[1:] for octets in server.requests]


@pytest.mark.parametrize("pool", [0, 1, 3])
@live
async def test_only_the_connection_of_who_waits_waits(pool):
    keeper = Gatekeeper("/b")
    async with serving() as server, holding(server.port, keeper, pool=pool) as rig:
        rig.offer(get("/a", 1), get("/b", 1, 1), get("/c", 1, 2), get("/d", 2), get("/e", 3), get("/f", 4))
        await until(lambda: rig.account.answered == 4)
        assert sorted(paths(server)) == ["/a", "/d", "/e", "/f"]
        assert (rig.target.waiting, rig.account.in_flight) == (1, 2)
        keeper.held.clear()
        rig.target.resume(1)
        await rig.settled()
        assert [path for path in paths(server) if path in ("/a", "/b", "/c")] == ["/a", "/b", "/c"]


@pytest.mark.parametrize("pool", [0, 2])
@live
async def test_order_and_answers_are_those_of_any_target(pool):
    keeper = Gatekeeper()
    async with serving() as server, holding(server.port, keeper, pool=pool) as rig:
        rig.offer(*(post(f"/{n}", bytes(n), n % 7, n // 7) for n in range(140)))
        rig.end(*range(7))
        await rig.settled()
        for connection in range(7):
            mine = [path for path in paths(server) if int(path[1:]) % 7 == connection]
            assert mine == [f"/{n}" for n in range(connection, 140, 7)]
        assert rig.account.answered == 140
        if not pool:
            await until(lambda: rig.kept()["lanes"] == 0)


@live
async def test_a_connection_with_nothing_to_do_takes_a_request_on_the_spot():
    keeper = Gatekeeper("/c")
    async with serving() as server, holding(server.port, keeper) as rig:
        rig.offer(get("/a", 1))
        await until(lambda: rig.account.answered == 1 and not rig.target._turns)
        rig.offer(get("/b", 1, 1))
        assert rig.target._turns == {}
        rig.offer(get("/c", 1, 2), get("/d", 1, 3))
        assert keeper.asked["/c"] == []  # /b is under way
        await until(lambda: rig.target.waiting == 1)
        assert (paths(server), keeper.asked["/c"]) == (["/a", "/b"], [True])
        keeper.held.clear()
        rig.target.resume(1)
        await rig.settled()
        assert paths(server) == ["/a", "/b", "/c", "/d"]
        keeper.held.add(b"/e")
        await until(lambda: not rig.target._turns)
        rig.offer(get("/e", 1, 4), get("/f", 1, 5))
        assert (rig.target.waiting, keeper.asked["/f"]) == (1, [])
        keeper.held.clear()
        rig.target.resume(1)
        await rig.settled()
        assert paths(server)[-2:] == ["/e", "/f"]


@live
async def test_who_has_waited_long_enough_goes():
    keeper = Gatekeeper("/a")
    async with serving() as server, holding(server.port, keeper, wait_s=5.0) as rig:
        rig.offer(get("/a", 1))
        rig.target.tick(monotonic() + 4.0)
        assert keeper.asked["/a"] == [True]
        rig.target.resume(1)  # to no avail, and it does not begin to wait anew
        await until(lambda: len(keeper.asked["/a"]) == 2)
        rig.target.tick(monotonic() + 5.1)
        await rig.settled()
        assert keeper.asked["/a"] == [True, True, False]
        assert paths(server) == ["/a"]


@live
async def test_the_queue_is_bounded_and_who_waits_counts():
    keeper = Gatekeeper("/a")
    async with serving() as server, holding(server.port, keeper, queue=5) as rig:
        rig.offer(*(get("/a", n) for n in range(5)), get("/b", 9))
        assert (rig.account.replayed, rig.account.overflowed, keeper.left) == (5, 1, ["/b"])
        keeper.held.clear()
        for n in range(5):
            rig.target.resume(n)
        await rig.settled()
        assert rig.account.answered == 5


@live
async def test_a_refused_target_takes_those_who_wait_with_it():
    keeper = Gatekeeper("/a")
    async with serving() as server, holding(server.port, keeper) as rig:
        rig.offer(get("/a", 1), get("/b", 1, 1), get("/c", 2))
        rig.target.refuse("production_guard")
        assert rig.account.failed == {Failure.REFUSED: 3}
        rig.offer(get("/d", 3))
        assert keeper.left == ["/d"]
        assert server.requests == []


@live
async def test_an_open_breaker_fails_those_who_wait():
    keeper = Gatekeeper("/held")

    async def resets(peer):
        while True:
            await peer.request()
            peer.reset()

    async with serving(resets) as server, holding(server.port, keeper) as rig:
        rig.offer(get("/held", 1000), get("/behind", 1000, 1))
        rig.offer(*(get(f"/{n}", n) for n in range(200)))
        await rig.settled()
        assert rig.account.failed[Failure.BREAKER] >= 2
        assert rig.account.state == "down"
        assert rig.target.waiting == 0


@live
async def test_a_connection_that_ends_while_a_request_waits_ends_behind_it():
    keeper = Gatekeeper("/a")
    async with serving() as server, holding(server.port, keeper) as rig:
        rig.offer(get("/a", 1))
        rig.end(1)
        assert rig.target.waiting == 1
        keeper.held.clear()
        rig.target.resume(1)
        await rig.settled()
        await until(lambda: rig.kept()["lanes"] == 0)
        assert rig.account.connections == 0


class Moody:
    """Holds requests back as the draws say, lets some go a little later, and makes some longer or shorter."""

    def __init__(self, moods):
        self.moods = iter(moods)
        self.resume = None
        self.final = 0

    def prepare(self, request, *, wait):
        mood = next(self.moods, "as it is")
        if wait and mood in ("resume", "hold"):
            if mood == "resume":
                asyncio.get_running_loop().call_soon(self.resume, request.connection.number)
            return None
        self.final += 1
        return get("/" + "x" * 400, request.connection.number, request.index) if mood == "other" else request

    def leave(self, request):
        self.final += 1


MOODS = st.lists(st.sampled_from(["as it is", "other", "resume", "resume", "hold"]), max_size=60)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(MOODS, st.lists(ACTS, max_size=8), STEPS, OPTIONS)
def test_every_request_has_one_fate_whoever_is_held_back(moods, acts, steps, options):
    @live
    async def run():
        make = partial(HeldTarget, holder=Moody(moods), wait_s=0.01)
        async with (
            serving(script(acts)) as server,
            aiming(server.port, make=make, timeout_s=0.02, connect_timeout_s=0.5, **options) as rig,
        ):
            await carry_out(rig, server, steps)
        assert (rig.target._turns, rig.target._stalled) == ({}, {})

    run()
