"""A target: its limits, its breaker, its addresses, and its exact account, against real servers."""

import asyncio
import time
from ipaddress import ip_address

import pytest

from replay.peer import OK, in_turn, live, serving, until
from replay.ports import free_port, silent_port
from replay.rig import Rig, aiming, get, post
from replay.web import haproxy, nginx
from shadowtap.errors import RunError
from shadowtap.events import Endpoint
from shadowtap.replay.breaker import FAILURES

# -- limits --------------------------------------------------------------------------------------------------


class Gate:
    """A server that answers when it is told to, and knows how much it had to do at once."""

    def __init__(self):
        self.open = asyncio.Event()
        self.waiting = self.most = 0

    async def script(self, peer):
        """Count who waits; answer when the gate is open."""
        while True:
            await peer.request()
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            await self.open.wait()
            self.waiting -= 1
            peer.send(OK)


@live
async def test_the_queue_is_bounded_and_the_surplus_is_counted():
    gate = Gate()
    async with serving(gate.script) as server, aiming(server.port, queue=10) as rig:
        rig.offer(*(get("/", n % 3, n // 3) for n in range(30)))
        assert (rig.account.replayed, rig.account.overflowed) == (10, 20)
        gate.open.set()
        await rig.settled()
        await rig.replay(*(get("/", 9, n) for n in range(10)))
        assert (rig.account.answered, rig.account.overflowed) == (20, 20)


@live
async def test_the_octets_that_wait_are_bounded():
    gate = Gate()
    async with serving(gate.script) as server, aiming(server.port, queue_bytes=10_000) as rig:
        rig.offer(*(post("/", bytes(3_000), n) for n in range(10)), get("/small", 11))
        assert (rig.account.replayed, rig.account.overflowed) == (4, 7)
        rig.offer(post("/", bytes(20_000), 12))
        gate.open.set()
        await rig.settled()
        await rig.replay(*(post("/", bytes(3_000), n) for n in range(3)))
        assert (rig.account.answered, rig.account.overflowed) == (7, 8)


@live
async def test_requests_in_flight_are_bounded():
    gate = Gate()
    async with serving(gate.script) as server, aiming(server.port, in_flight=5) as rig:
        rig.offer(*(get("/", n % 20, n // 20) for n in range(100)))
        await until(lambda: gate.waiting == 5)
        assert len(server.peers) == 5
        gate.open.set()
        await rig.settled()
        assert rig.account.answered == 100
        assert gate.most == 5
        assert len(server.peers) == 20


@pytest.mark.parametrize("in_flight", [1, 2, 100])
@live
async def test_connections_are_bounded_and_all_lanes_get_on(in_flight):
    async with serving() as server, aiming(server.port, connections=3, in_flight=in_flight) as rig:
        most = 0

        async def watch():
            nonlocal most
            while True:
                most = max(most, rig.account.connections)
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        await rig.replay(*(get("/", n % 10, n // 10) for n in range(100)))
        assert rig.account.answered == 100
        assert most <= 3
        for n in range(20):
            await rig.replay(get("/", n % 10, 100 + n))
        watching.cancel()
        assert rig.account.answered == 120
        assert rig.account.failed == {}


@live
async def test_the_connection_that_rested_longest_makes_room():
    async with serving() as server, aiming(server.port, connections=2) as rig:
        for connection in (1, 2, 1, 3):
            await rig.replay(get("/", connection, len(rig.offered)))
        await until(lambda: server.peers[1].closed)
        assert [peer.closed for peer in server.peers] == [False, True, False]


@live
async def test_lanes_in_line_lose_their_connection_to_those_before_them():
    """All connections belong to lanes that wait behind one that has none."""
    gate = Gate()
    async with serving(gate.script) as server, aiming(server.port, connections=2) as rig:
        rig.offer(*(get("/", n % 3, n // 3) for n in range(9)))
        await until(lambda: gate.waiting == 2)
        gate.open.set()
        async with asyncio.timeout(2):
            await rig.settled()
        assert rig.account.answered == 9
        for peer in server.peers:
            assert len({octets.partition(b"Replay: ")[2][:1] for octets in peer.requests}) == 1


@live
async def test_a_connection_that_breaks_while_its_lane_is_in_line():
    gate = Gate()

    async def script(peer):
        await peer.answer()
        await peer.flush()
        await until(lambda: rig.target._line)
        peer.send(b"nobody asked")
        await peer.gone()

    async with (
        serving(in_turn(script, gate.script)) as server,
        aiming(server.port, in_flight=1) as rig,
    ):
        await rig.replay(get("/", 1))
        rig.offer(get("/", 2), get("/", 1, 1), get("/", 1, 2))
        await until(lambda: server.peers[0].closed)
        gate.open.set()
        await rig.settled()
        assert rig.statuses == ["200"] * 4
        assert len(server.peers) == 3


# -- time ----------------------------------------------------------------------------------------------------


@live
async def test_a_target_that_takes_its_time():
    async def script(peer):
        while True:
            await peer.request()
            await asyncio.sleep(0.02)
            peer.send(OK)

    async with serving(script) as server, aiming(server.port, timeout_s=5) as rig:
        await rig.replay(*(get("/", n % 10, n // 10) for n in range(100)))
        assert rig.account.answered == 100
        assert rig.account.answers.latency.quantile(0.5) >= 19_000_000


@live
async def test_the_time_out_runs_from_the_sending_not_from_the_queueing():
    async def script(peer):
        while True:
            await peer.request()
            await asyncio.sleep(0.1)
            peer.send(OK)

    async with serving(script) as server, aiming(server.port, timeout_s=1.0) as rig:
        await rig.replay(*(get("/", index=n) for n in range(12)))
        assert rig.statuses == ["200"] * 12


NEVER_S = 3600
"""Longer than any test may take."""


@live
async def test_connecting_has_a_time_out_of_its_own():
    with silent_port() as port:
        async with aiming(port, connect_timeout_s=0.1, timeout_s=NEVER_S) as rig:
            await rig.replay(get("/", 1), get("/", 2), get("/", 2, 1))
            assert rig.statuses == ["connect"] * 3
            assert rig.account.connections_opened == 0


# -- breaker -------------------------------------------------------------------------------------------------


@live
async def test_a_dead_target_fails_fast_and_heals_by_itself():
    async with serving() as server, aiming(server.port) as rig:
        await rig.replay(get("/", 0))
        await server.stop()
        await until(lambda: not rig.account.connections)
        await rig.replay(*(get("/", n) for n in range(FAILURES)))
        assert rig.failures == {"connect": FAILURES}
        assert rig.account.state == "down"
        rig.let_the_pause_last()
        await rig.replay(*(get("/", n) for n in range(1000)))
        assert rig.failures == {"connect": FAILURES, "breaker_open": 1000}
        await server.start(port=server.port)
        rig.let_the_pause_pass()
        await rig.replay(get("/trial"))
        await rig.replay(*(get("/", n) for n in range(100)))
        assert rig.account.answered == 1 + 1 + 100
        assert rig.account.failed["connect"] == FAILURES
        down, up = rig.notices
        assert "is down: connection refused" in down
        assert "answers again" in up


@live
async def test_what_waits_when_the_breaker_opens_fails_at_once():
    async def script(peer):
        await peer.request()
        peer.reset()

    async with serving(script) as server, aiming(server.port) as rig:
        await rig.replay(*(get("/", n % 5, n // 5) for n in range(200)))
        assert rig.account.failed["reset"] + rig.account.failed.get("connect", 0) <= FAILURES + 5
        assert rig.account.failed.total() == 200
        (notice,) = rig.notices
        assert "is down: reset" in notice


@live
async def test_lanes_that_end_while_they_wait_are_gone_when_the_breaker_opens():
    async def script(peer):
        await peer.request()
        peer.close()

    async with serving(script) as server, aiming(server.port, in_flight=2) as rig:
        rig.offer(*(get("/", n) for n in range(100)))
        rig.end(*range(100))
        await rig.settled()
        await until(lambda: not rig.kept()["lanes"])
        assert rig.account.failed["breaker_open"] >= 80


@live
async def test_a_hanging_target_opens_the_breaker_and_the_trial_is_one_request():
    async def script(peer):
        await peer.request()
        await peer.gone()

    async with serving(script) as server, aiming(server.port, timeout_s=0.1) as rig:
        await rig.replay(*(get("/", n) for n in range(FAILURES)))
        assert rig.account.state == "down"
        rig.let_the_pause_pass()
        await rig.replay(*(get("/trial", n) for n in range(50)))
        assert rig.failures == {"timeout": FAILURES + 1, "breaker_open": 49}


@live
async def test_a_trial_in_line_comes_to_its_end():
    gate = Gate()
    async with serving(gate.script) as server, aiming(server.port, in_flight=1, timeout_s=0.03) as rig:
        rig.offer(*(get("/", n) for n in range(3 * FAILURES)))
        await rig.settled()
        assert rig.account.state == "down"
        gate.open.set()
        rig.let_the_pause_pass()
        await rig.replay(get("/", 100), get("/", 101))
        await rig.replay(get("/", 100, 1))
        assert rig.statuses[-3:] == ["breaker_open", "200", "200"]


# -- real servers --------------------------------------------------------------------------------------------


@live
async def test_a_target_that_dies_and_comes_back_under_load(tmp_path):
    with nginx(tmp_path, free_port()) as web:
        async with aiming(web.port) as rig:
            running = asyncio.create_task(_stream(rig))
            await until(lambda: rig.account.answered > 100)
            await asyncio.to_thread(web.stop)
            await until(lambda: rig.account.failed["breaker_open"] > 50)
            await asyncio.to_thread(web.start)
            await until(lambda: rig.account.state == "up")
            failed = rig.account.failed.total()
            answered = rig.account.answered
            await until(lambda: rig.account.answered > answered + 300)
            running.cancel()
            await rig.settled()
            assert rig.account.failed.total() == failed, "afterwards everything is answered"
            assert ["down" in notice for notice in rig.notices] == [True, False]


async def _stream(rig: Rig) -> None:
    """Requests on 20 connections, without end."""
    n = 0
    while True:
        rig.offer(*(get("/", n % 20, n + more) for more in range(3)))
        n += 1
        await asyncio.sleep(0.001)


@live
async def test_idle_connections_that_haproxy_closes_cost_nothing(tmp_path):
    with haproxy(tmp_path, free_port(), client_ms=50) as web:
        async with aiming(web.port) as rig:
            for n in range(3):
                await rig.replay(*(post("/", b"abc", connection, n) for connection in range(10)))
                await until(lambda: not rig.account.connections)
            assert rig.statuses == ["200"] * 30
            assert rig.account.connections_opened == 30


@live
async def test_ten_thousand_connections_leave_nothing_behind(tmp_path):
    with nginx(tmp_path, free_port()) as web:
        async with aiming(web.port) as rig:
            for start in range(0, 10_000, 200):
                numbers = range(start, start + 200)
                rig.offer(*(get("/", number) for number in numbers))
                if start % 400:
                    await rig.settled()
                rig.end(*numbers)
                await until(lambda: len(rig.target._lanes) <= 200)
            await rig.settled()
            assert rig.account.answered == rig.account.connections_opened == 10_000
            await until(lambda: not any(rig.kept().values()))


# -- several targets -----------------------------------------------------------------------------------------


@live
async def test_a_hanging_target_never_slows_a_good_one():
    async def hang(peer):
        await peer.gone()

    async with (
        serving(hang) as bad_server,
        serving() as good_server,
        aiming(bad_server.port, timeout_s=30, queue=50) as bad,
        aiming(good_server.port) as good,
    ):
        for n in range(200):
            bad.offer(get("/", n % 10, n // 10))
            good.offer(get("/", n % 10, n // 10))
        async with asyncio.timeout(2):
            await good.settled()
        assert good.account.answered == 200
        assert (bad.account.answered, bad.account.in_flight, bad.account.overflowed) == (0, 50, 150)
        bad.target.stop()
        assert bad.failures == {"interrupted": 50}


# -- addresses -----------------------------------------------------------------------------------------------


def at(host: str, port: int) -> Endpoint:
    return Endpoint(ip_address(host), port)


@live
async def test_the_first_address_is_dead():
    async with serving(host="127.0.0.2") as server, aiming(server.port) as rig:
        both = [at("127.0.0.1", server.port), at("127.0.0.2", server.port)]
        rig.target.addresses = both.copy()
        await rig.target.try_connection()
        rig.target.addresses = both.copy()
        await rig.replay(*(get("/", n) for n in range(2 * FAILURES)))
        assert rig.account.answered == 2 * FAILURES
        assert rig.target.addresses == both[::-1]


@live
async def test_the_first_address_is_silent():
    async with serving(host="127.0.0.2") as server:
        with silent_port(port=server.port):
            async with aiming(server.port, connect_timeout_s=0.1) as rig:
                both = [at("127.0.0.1", server.port), at("127.0.0.2", server.port)]
                rig.target.addresses = both.copy()
                await rig.target.try_connection()
                assert rig.target.addresses[0] == both[1]
                rig.target.addresses = both.copy()
                await rig.replay(get("/", 1), get("/", 2))
                assert rig.statuses == ["connect", "connect"]
                await rig.replay(get("/", 1, 1), get("/", 2, 1))
                assert rig.statuses[2:] == ["200", "200"]


@live
async def test_the_address_in_use_stays_first_when_the_name_is_looked_up_again():
    async with serving() as server, aiming(server.port, host="localhost") as rig:
        names = rig.target.addresses
        assert at("127.0.0.1", server.port) in names
        rig.target.addresses = [at("127.0.0.1", server.port)]
        await rig.target.resolve()
        assert rig.target.addresses[0] == at("127.0.0.1", server.port)
        assert sorted(rig.target.addresses) == sorted(names)


@live
async def test_localhost_reaches_a_server_that_only_speaks_ipv4():
    async with serving() as server, aiming(server.port, host="localhost") as rig:
        rig.target.addresses = [at("::1", server.port), at("127.0.0.1", server.port)]
        await rig.target.try_connection()
        await rig.replay(get("/"))
        assert rig.statuses == ["200"]


@live
async def test_a_name_without_an_address():
    rig = Rig(80, host="no-such-host.invalid")
    with pytest.raises(RunError, match=r"no address for no-such-host\.invalid.*check the name"):
        await rig.target.resolve()


@live
async def test_a_name_that_cannot_be_one():
    rig = Rig(80, host="a" * 300)
    with pytest.raises(RunError, match="check the name"):
        await rig.target.resolve()


@live
async def test_a_target_that_cannot_be_reached_at_the_start():
    async with aiming(free_port()) as rig:
        with pytest.raises(RunError, match=r"cannot be reached: connection refused; is it running"):
            await rig.target.try_connection()
    with silent_port() as port:
        async with aiming(port, connect_timeout_s=0.05) as rig:
            with pytest.raises(RunError, match="no connection within the time-out"):
                await rig.target.try_connection()


@live
async def test_trying_leaves_nothing_open():
    async with serving() as server, aiming(server.port) as rig:
        await rig.target.try_connection()
        await until(lambda: server.peers and not server.open)
        assert (rig.account.connections, rig.account.connections_opened) == (0, 0)


@live
async def test_a_name_is_looked_up_again_and_its_new_addresses_are_checked():
    async with serving() as server:
        checked = []
        async with aiming(server.port, host="localhost", on_addresses=checked.append) as rig:
            rig.target.tick(time.monotonic() + 61)
            await until(lambda: checked)
            assert checked == [rig.target]


# -- refusal and end -----------------------------------------------------------------------------------------


@live
async def test_a_refused_target_gets_nothing_more():
    gate = Gate()
    async with serving(gate.script) as server, aiming(server.port, in_flight=3) as rig:
        rig.offer(*(get("/", n % 5, n // 5) for n in range(20)))
        await until(lambda: gate.waiting == 3)
        rig.target.refuse("production_guard")
        assert rig.failures == {"target_refused": 20}
        rig.offer(get("/", 1, 9))
        assert rig.account.refused == {"production_guard": 1}
        assert rig.account.state == "refused"
        gate.open.set()
        await until(lambda: not server.open)
        assert len(server.requests) == 3


@live
async def test_a_refusal_while_connecting():
    with silent_port() as port:
        async with aiming(port) as rig:
            rig.offer(*(get("/", n) for n in range(5)))
            await asyncio.sleep(0)
            rig.target.refuse("production_guard")
            assert rig.failures == {"target_refused": 5}
            await until(lambda: not rig.account.connections)


@live
async def test_stopping_accounts_for_what_is_left():
    gate = Gate()
    async with serving(gate.script) as server, aiming(server.port, in_flight=3) as rig:
        rig.offer(*(get("/", n % 5, n // 5) for n in range(20)))
        await until(lambda: gate.waiting == 3)
        rig.target.stop()
        assert rig.failures == {"interrupted": 20}
        await rig.settled()
        assert not rig.kept()["lanes"]


@live
async def test_an_outcome_tells_when_it_was_sent_and_how_long_it_took():
    async def script(peer):
        await peer.answer()
        await peer.request()
        await peer.gone()

    async with serving(in_turn(script)) as server, aiming(server.port, timeout_s=0.1, in_flight=1) as rig:
        began_ns = time.time_ns()
        rig.offer(get("/answered"), get("/hangs", index=1))
        await until(lambda: len(server.requests) == 2)
        rig.offer(get("/waits", 2))
        rig.target.refuse("production_guard")
        answered, *failed = sorted(rig.outcomes, key=lambda outcome: outcome.request.target)
        hangs, waits = failed
        assert answered.elapsed_ns > 0
        assert hangs.elapsed_ns > 0
        assert began_ns <= answered.sent_ns
        assert answered.sent_ns + answered.elapsed_ns <= hangs.sent_ns + hangs.elapsed_ns <= time.time_ns()
        assert (waits.sent_ns, waits.elapsed_ns) == (0, 0)
