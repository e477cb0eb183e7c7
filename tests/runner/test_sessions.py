"""Log-in journeys at targets with tokens of their own: real servers, mirrored packets, many visitors at once."""

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from ipaddress import ip_address

import pytest

from replay.peer import live, serving, until
from runner.running import mirrored, run_to_the_end, to
from runner.shop import JOURNEY, Till, Visitor
from runner.traffic import endpoint, get, post
from shadowtap.compare import Comparison
from shadowtap.config import SinkSettings
from shadowtap.config.compare import CompareSettings
from shadowtap.config.hooks import HookSettings
from shadowtap.config.schedule import ScheduleSettings
from shadowtap.config.sessions import SessionSettings
from shadowtap.config.transform import TransformSettings
from shadowtap.demo.packets import Connection
from shadowtap.events import Endpoint

VISITORS = 12


def times(n: int) -> Counter:
    return Counter({seen: n * count for seen, count in JOURNEY.items()})


REBIND = SessionSettings(rebind=True)


@asynccontextmanager
async def shops(tills, make=to, **settings):
    """Production, a target for each of the tills, and a run between them: run, mirror, production, its port."""
    production = Till(1)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(production.script))
        servers = [await stack.enter_async_context(serving(till.script)) for till in tills]
        targets = [make(one.port) for one in servers]
        run, mirror = await stack.enter_async_context(mirrored(targets, **settings))
        yield run, mirror, production, server.port


async def visit(mirror, port, visitors=VISITORS):
    await asyncio.gather(*(Visitor(n, port, mirror).shop() for n in range(visitors)))


async def settled(run, requests):
    """Wait until all are answered everywhere, and end the run."""
    await until(lambda: all(t.answered + t.failed.total() == requests for t in run.targets))
    run.interrupt()
    await run.end()


@live
async def test_without_rebinding_the_journey_fails_and_with_it_it_succeeds():
    seen = {}
    for rebind in (False, True):
        till = Till(2)
        async with shops([till], sessions=SessionSettings(rebind=rebind)) as (run, mirror, production, port):
            await visit(mirror, port)
            await settled(run, 7 * VISITORS)
        assert production.statuses == times(VISITORS)
        seen[rebind] = till.statuses
    assert seen[False] == {
        ("GET /login", 200): VISITORS,
        ("POST /login", 403): VISITORS,
        ("GET /account", 401): 2 * VISITORS,
        ("POST /orders", 401): VISITORS,
        ("GET /orders", 401): 2 * VISITORS,
    }
    assert seen[True] == times(VISITORS)
    sessions = run.targets[0].sessions
    assert sessions.requests == 6 * VISITORS
    assert sessions.substituted == {
        "cookie": 11 * VISITORS,
        "body": VISITORS,
        "header": 2 * VISITORS,
        "target": 2 * VISITORS,
    }
    assert (sessions.late, sessions.dropped, sessions.waiting, sessions.given_up) == (0, 0, 0, 0)


@pytest.mark.parametrize("pool", [0, 3])
@live
async def test_each_target_has_bindings_of_its_own_also_over_pooled_connections(pool):
    tills = [Till(2), Till(3)]
    async with shops(tills, partial(to, pool=pool), sessions=REBIND) as (run, mirror, _, port):
        await visit(mirror, port)
        await settled(run, 7 * VISITORS)
    assert [till.statuses for till in tills] == [times(VISITORS)] * 2
    assert [account.sessions.bound > 6 * VISITORS for account in run.targets] == [True, True]


@live
async def test_it_works_behind_a_middleware_and_rules_and_shows_what_it_did(tmp_path):
    till, sink = Till(2), SinkSettings(url=f"jsonl:{tmp_path / 'seen'}", mask=False)
    settings = {
        "hooks": HookSettings(middleware="cat"),
        "transform": TransformSettings(only=("status < 500",)),
        "sinks": (sink,),
    }
    async with shops([till], sessions=REBIND, **settings) as (run, mirror, _, port):
        await visit(mirror, port, 3)
        await settled(run, 7 * 3)
    assert till.statuses == times(3)
    lines = [json.loads(line) for line in (tmp_path / "seen").read_text().splitlines()]
    shown = [line["targets"][0].get("substitutions", []) for line in lines if line["kind"] == "fate"]
    assert Counter(one["kind"] for several in shown for one in several) == run.targets[0].sessions.substituted
    sids = [one for several in shown for one in several if len(one["production"]) == 28]
    assert {one["target"] for one in sids} == {sid for sid in till.sessions if len(sid) == 28}


@live
async def test_answers_compared_after_rebinding_are_the_same():
    comparison = Comparison()
    every = CompareSettings(sampling=False)  # also where the machine is too busy for it
    async with shops([Till(2)], sessions=REBIND, comparison=comparison, compare=every) as shopping:
        run, mirror, _, port = shopping
        await visit(mirror, port)
        await settled(run, 7 * VISITORS)
    (result,) = comparison.result()
    assert (result.summary.compared, result.summary.mismatched) == (7 * VISITORS, 0)
    assert "replay: bound" in result.summary.noise


class Twice:
    """Mirrors every packet at both ends of the connection."""

    def __init__(self, mirror):
        self._mirror = mirror

    def send(self, frames):
        """Mirror some packets."""
        frames = list(frames)
        self._mirror.send(frames, vni=7)
        self._mirror.send(frames, vni=8)


@live
async def test_it_works_where_packets_are_mirrored_twice():
    till = Till(2)
    async with shops([till], sessions=REBIND) as (run, mirror, _, port):
        await visit(Twice(mirror), port, 4)
        await settled(run, 7 * 4)
    assert run.ledger.requests.refused["duplicate_packets"] == 7 * 4
    assert till.statuses == times(4)


@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize("speed", [None, 50.0])
@live
async def test_what_was_recorded_works_too(tmp_path, mask, speed):
    """At once or on schedule; masked values are stand-ins that are the same wherever the value stood."""
    sink = SinkSettings(url=f"recording:{tmp_path / 'kept'}", mask=mask)
    async with shops([], sinks=[sink]) as (run, mirror, _, port):
        await visit(mirror, port, 4)
        await until(lambda: run.ledger.production.latency.count == 7 * 4)
        run.interrupt()
        await run.end()
    till = Till(2)
    async with serving(till.script) as server:
        again = await run_to_the_end(
            [sink.url], [server.port], sessions=REBIND, schedule=ScheduleSettings(speed=speed)
        )
    assert again.ledger.requests.replayed == 7 * 4
    assert till.statuses == times(4)


# -- one request at a time -----------------------------------------------------------------------------------------

MINE, YOURS = "kJ8sD0aLq2ZxPw7R", "Zp3XmQ9dT1vBn5Ls"


def issuing(token, *fields):
    """An answer that issues a session cookie."""
    lines = ["HTTP/1.1 200 OK", f"Set-Cookie: sid={token}; Path=/", "Content-Length: 0", *fields, "", ""]
    return "\r\n".join(lines).encode()


class Line:
    """The packets of one client's connection, sent when the test says so."""

    def __init__(self, mirror, number):
        self._packets = Connection(Endpoint(ip_address("10.0.8.9"), number), endpoint("10.0.1.20:80"))
        self._mirror = mirror
        mirror.send(self._packets.open())

    def asks(self, octets):
        """Production's client sends a request."""
        self._mirror.send(self._packets.send(0, octets))

    def answers(self, token=MINE):
        """Production answers."""
        self._mirror.send(self._packets.send(1, issuing(token)))

    def loses(self):
        """Production answers, and the mirror loses it."""
        self._packets.send(1, issuing(MINE))

    def closes(self):
        """The connection ends."""
        self._mirror.send(self._packets.close())


class Slow:
    """A target that answers `/login` when it may, and everything else at once."""

    def __init__(self):
        self.may = asyncio.Event()

    async def script(self, peer):
        while True:
            octets = await peer.request()
            if b" /login " in octets.partition(b"\r")[0]:
                await self.may.wait()
            peer.send(issuing(YOURS))


def asked(server):
    return [octets.split(b" ")[1].decode() for octets in server.requests]


def cookie(server, path):
    """The session that a request came with."""
    octets = next(octets for octets in server.requests if octets.split(b" ")[1] == path.encode())
    return octets.partition(b"sid=")[2].partition(b"\r")[0].decode()


SESSION = f"Cookie: sid={MINE}"


@pytest.mark.parametrize("pool", [0, 1])
@live
async def test_only_who_depends_on_an_answer_waits_for_it(pool):
    slow = Slow()
    async with (
        serving(slow.script) as server,
        mirrored([to(server.port, pool=pool)], sessions=REBIND) as (run, mirror),
    ):
        first, second, third = (Line(mirror, 20_000 + n) for n in range(3))
        first.asks(get("/login"))
        first.answers()
        second.asks(get("/mine", SESSION))
        second.answers()
        third.asks(get("/other"))
        third.answers("AAAsD0aLq2ZxPw7R")
        await until(lambda: run.targets[0].sessions.waiting == 1 and run.ledger.requests.seen == 3)
        if not pool:  # on the one pooled connection it stands behind /login anyway
            await until(lambda: "/other" in asked(server))
        assert "/mine" not in asked(server)
        slow.may.set()
        await settled(run, 3)
        assert cookie(server, "/mine") == YOURS
        sessions = run.targets[0].sessions
        assert (sessions.waited, sessions.released, sessions.late) == (1, 1, 0)


@live
async def test_who_has_waited_too_long_goes_as_it_is():
    slow, sessions = Slow(), SessionSettings(rebind=True, wait_s=0.1)
    async with serving(slow.script) as server, mirrored([server.port], sessions=sessions) as (run, mirror):
        first, second = Line(mirror, 20_000), Line(mirror, 20_001)
        first.asks(get("/login"))
        first.answers()
        second.asks(get("/mine", SESSION))
        await until(lambda: "/mine" in asked(server))
        assert cookie(server, "/mine") == MINE
        slow.may.set()
        await settled(run, 2)
        assert (run.targets[0].sessions.waited, run.targets[0].sessions.late) == (1, 1)


@live
async def test_production_may_answer_later_than_the_target():
    async with serving(Slow().script) as server, mirrored([server.port], sessions=REBIND) as (run, mirror):
        line = Line(mirror, 20_000)
        line.asks(get("/first"))
        await until(lambda: run.targets[0].answered == 1)
        line.answers()
        line.asks(get("/mine", SESSION))
        await settled(run, 2)
        assert cookie(server, "/mine") == YOURS


@live
async def test_where_production_s_answer_is_lost_nobody_waits():
    async with serving(Slow().script) as server, mirrored([server.port], sessions=REBIND) as (run, mirror):
        line = Line(mirror, 20_000)
        line.asks(get("/first"))
        line.loses()
        line.asks(get("/mine", SESSION))
        line.closes()
        await settled(run, 2)
        assert cookie(server, "/mine") == MINE
        assert run.targets[0].sessions.waited == 0


@live
async def test_a_target_that_dies_takes_those_who_wait_with_it():
    slow = Slow()
    async with serving(slow.script) as server, mirrored([server.port], sessions=REBIND) as (run, mirror):
        first, second, third = (Line(mirror, 20_000 + n) for n in range(3))
        first.asks(get("/login"))
        first.answers()
        for line in (second, third):
            line.asks(get("/mine", SESSION))
            line.asks(get("/more", SESSION))
        await until(lambda: run.targets[0].sessions.waiting == 2)
        await server.stop()
        await settled(run, 5)
        account, sessions = run.targets[0], run.targets[0].sessions
        assert account.failed.total() == 5
        assert sessions.waited == sessions.released + sessions.dropped
        assert sessions.waiting == 0


@live
async def test_an_interrupt_ends_all_waiting():
    slow = Slow()
    async with (
        serving(slow.script) as server,
        mirrored([server.port], sessions=REBIND, grace_s=0.1) as (run, mirror),
    ):
        first, second = Line(mirror, 20_000), Line(mirror, 20_001)
        first.asks(get("/login"))
        first.answers()
        second.asks(get("/mine", SESSION))
        await until(lambda: run.targets[0].sessions.waiting == 1)
        run.interrupt()
        await run.end()
        assert run.targets[0].failed == {"interrupted": 2}
        assert (run.targets[0].sessions.dropped, run.targets[0].sessions.waiting) == (1, 0)


@live
async def test_requests_without_such_values_arrive_to_the_octet():
    odd = post("/a/b?c=d%20e&n=7", b'{"id": 7, "ok": true}', "Cookie:  x=y;z ", "X-A:\t odd  ", "x-a: 2")
    received = {}
    for rebind in (False, True):
        sessions = SessionSettings(rebind=rebind)
        async with (
            serving(Slow().script) as server,
            mirrored([server.port], sessions=sessions) as (run, mirror),
        ):
            line = Line(mirror, 20_000)
            line.asks(get("/first"))
            line.answers()
            line.asks(odd)
            await settled(run, 2)
            received[rebind] = [
                octets.replace(str(server.port).encode(), b"PORT") for octets in server.requests
            ]
    assert received[False] == received[True]
