"""What was kept is sent again: recordings and GoReplay's files, on schedule or at once, in laps, in windows."""

import asyncio
import functools
import os

import pytest

from packets import mirrored as overlay
from replay.peer import OK, live, serving, until
from runner.running import Run, mirrored, run_to_the_end, running, to
from runner.traffic import ANSWER, NOON_NS, conversation, endpoint, get, visits, write
from shadowtap.api import exchanges
from shadowtap.capture.pcap_writer import PcapWriter
from shadowtap.config import SinkSettings, TransformSettings
from shadowtap.config.schedule import Moment, ScheduleSettings
from shadowtap.demo.packets import Connection
from shadowtap.errors import RunError
from shadowtap.runner.kept import ScheduledReader


async def recorded(tmp_path, frames, *, step_ns=100_000, kind="recording"):
    """A recording (or another kept form) of a capture; its URL."""
    source = write(tmp_path / "shop.pcap", frames, step_ns=step_ns)
    url = f"{kind}:{tmp_path / 'kept'}"
    await run_to_the_end([source], [], sinks=[SinkSettings(url=url)])
    return url


def targets(server):
    return [octets.split(b" ")[1].decode() for octets in server.requests]


class Sent:
    """The intended moment of each request that was sent, and by how much the most premature one was late."""

    def __init__(self):
        self.intended = []
        self.earliest_ns = 1 << 63

    def span_ns(self, lap, requests):
        """From the intended moment of the first request of a lap to that of the last."""
        moments = sorted(self.intended)[lap * requests : (lap + 1) * requests]
        return moments[-1] - moments[0]


def between_requests(frames):
    """How many steps the last request of a capture is behind the first."""
    places = [place for place, frame in enumerate(frames) if b"GET /" in frame]
    return places[-1] - places[0]


@pytest.fixture
def sent(monkeypatch):
    """What the schedule wanted, and what came of it; times are those of the outcomes, not of this test."""
    seen, outcome_of = Sent(), ScheduledReader.outcome

    def outcome(reader, outcome):
        request = outcome.request
        intended = reader.intended_ns(request)
        seen.intended.append(intended)
        seen.earliest_ns = min(seen.earliest_ns, outcome.sent_ns - reader._wall - intended)
        outcome_of(reader, outcome)

    monkeypatch.setattr(ScheduledReader, "outcome", outcome)
    return seen


EARLY_NS = 5_000_000
"""Timers count milliseconds, and the wall clock is not the clock they go by."""
EVERYTHING = [f"/{number}/{n}" for number in range(3) for n in range(3)]


@pytest.mark.parametrize("kind", ["recording", "gor"])
@live
async def test_what_was_kept_is_a_source_of_a_run(tmp_path, kind):
    url = await recorded(tmp_path, visits(3, 3), kind=kind)
    async with serving() as server:
        run = await run_to_the_end(
            [url], [to(server.port, pool=1)], transform=TransformSettings(skip=("path == /1/1",))
        )
    assert targets(server) == [path for path in EVERYTHING if path != "/1/1"]
    assert (run.ledger.requests.seen, run.ledger.requests.replayed) == (9, 8)
    assert run.ledger.production.statuses == {200: 9}
    assert [exchange.response.body for exchange in exchanges(url)] == [b"ok"] * 9


@live
async def test_a_rule_about_the_answer_knows_it_from_the_recording(tmp_path):
    url = await recorded(tmp_path, visits(1, 3))
    async with serving() as server:
        run = await run_to_the_end([url], [server.port], transform=TransformSettings(only=("status == 404",)))
    assert server.requests == []
    assert run.ledger.requests.filtered["not (status == 404)"] == 3


@pytest.mark.parametrize("kind", ["recording", "gor", "pcap"])
@live
async def test_production_s_timing_and_the_order_of_each_connection(tmp_path, kind, sent):
    frames = visits(3, 3)
    url = (
        write(tmp_path / "shop.pcap", frames, step_ns=10_000_000)
        if kind == "pcap"
        else await recorded(tmp_path, frames, step_ns=10_000_000, kind=kind)
    )
    async with serving() as server:
        run = await run_to_the_end([url], [server.port], schedule=ScheduleSettings())
    assert targets(server) == EVERYTHING
    assert sent.span_ns(0, 9) == 10_000_000 * between_requests(frames)
    assert sent.earliest_ns > -EARLY_NS
    schedule = run.ledger.schedule
    assert (schedule.sent, schedule.lateness.count) == (9, 9)
    assert schedule.from_intended(run.targets[0].name).count == 9
    assert schedule.share == 1.0


@live
async def test_faster_and_again(tmp_path, sent):
    url = await recorded(tmp_path, visits(3, 3), step_ns=100_000_000)
    async with serving() as server:
        run = await run_to_the_end([url], [server.port], schedule=ScheduleSettings(speed=50.0, laps=3))
    assert sorted(targets(server)) == sorted(EVERYTHING * 3)
    heard = [[path.split(b" ")[1] for path in peer.requests] for peer in server.peers[1:]]
    assert sorted(heard) == sorted([[b"/%d/%d" % (n, m) for m in range(3)] for n in range(3)] * 3)
    assert [sent.span_ns(lap, 9) for lap in range(3)] == [
        100_000_000 // 50 * between_requests(visits(3, 3))
    ] * 3
    assert sent.earliest_ns > -EARLY_NS
    assert run.ledger.requests.seen == 27
    assert (run.ledger.schedule.lap, run.ledger.schedule.laps) == (3, 3)


HOUR_SPEED = float(os.environ.get("SHADOWTAP_HOUR_SPEED", "3600"))


@functools.partial(live, patience_s=3600 / HOUR_SPEED + 40)
async def test_an_hour_in_a_moment_keeps_the_order_of_each_connection(tmp_path, sent):
    """Five connections that ask in turns every five seconds, for an hour. With SHADOWTAP_HOUR_SPEED=60 it takes a
    minute, as it does for users."""
    connections = [Connection(endpoint(f"10.0.8.9:{20_000 + n}"), endpoint("10.0.1.20:80")) for n in range(5)]
    with PcapWriter(tmp_path / "hour.pcap") as writer:
        for number in range(720):
            connection, at_ns = connections[number % 5], NOON_NS + number * 5 * 10**9
            frames = connection.open() if number < 5 else []
            frames += connection.send(0, get(f"/{number % 5}/{number // 5}")) + connection.send(1, ANSWER)
            for place, frame in enumerate(frames):
                writer.write(frame, at_ns + place * 1_000_000)
    await run_to_the_end(
        [f"pcap:{tmp_path}/hour.pcap"], [], sinks=[SinkSettings(url=f"recording:{tmp_path}/rec")]
    )
    async with serving() as server:
        run = await run_to_the_end(
            [f"recording:{tmp_path}/rec"], [server.port], schedule=ScheduleSettings(speed=HOUR_SPEED)
        )
    assert sent.span_ns(0, 720) == pytest.approx(3595e9 / HOUR_SPEED, rel=0.001)
    assert sent.earliest_ns > -EARLY_NS
    assert (run.ledger.requests.seen, run.targets[0].answered) == (720, 720)
    heard = [
        [octets.split(b" ")[1].decode() for octets in peer.requests] for peer in server.peers if peer.requests
    ]
    assert sorted(heard) == [[f"/{n}/{m}" for m in range(144)] for n in range(5)]


@live
async def test_as_fast_as_the_targets_take_it(tmp_path):
    url = await recorded(tmp_path, visits(3, 3), step_ns=10_000_000_000)
    async with serving() as server:
        run = await run_to_the_end([url], [server.port], schedule=ScheduleSettings(speed=None, laps=2))
    assert sorted(targets(server)) == sorted(EVERYTHING * 2)
    assert run.ledger.schedule is None


@live
async def test_copies_that_were_mirrored_at_both_ends_in_laps_and_beside_another_source(tmp_path):
    """What the first mirror has lost goes in the lane of the copies, whatever the numbers of the connections."""
    frames = conversation(1, [get(f"/{n}") for n in range(4)])
    lost = next(place for place, frame in enumerate(frames) if b"GET /2 " in frame)
    for name in ("one", "two"):
        with PcapWriter(tmp_path / f"{name}.pcap") as writer:
            for place, frame in enumerate(frames):
                for vni in (1, 2) if place != lost else (2,):
                    writer.write(overlay(frame, vni), NOON_NS + place * 1_000_000)
    async with serving() as server:
        run = await run_to_the_end(
            [f"pcap:{tmp_path}/one.pcap", f"pcap:{tmp_path}/two.pcap"],
            [server.port],
            schedule=ScheduleSettings(speed=None, laps=2),
        )
    assert not run.ledger.imbalances()
    assert {target: targets(server).count(target) for target in ("/0", "/1", "/3")} == dict.fromkeys(
        ("/0", "/1", "/3"), 4
    )


@live
async def test_many_laps(tmp_path):
    url = await recorded(tmp_path, visits(1, 1), kind="gor")
    async with serving() as server:
        run = await run_to_the_end([url], [server.port], schedule=ScheduleSettings(speed=None, laps=200))
    assert len(server.requests) == run.targets[0].answered == 200


@live
async def test_an_impossible_time_costs_its_record_only(tmp_path):
    separator = "\n🐵🙈🙉\n".encode()
    text = b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n"
    records = [
        b"1 a1 1795608000000000000 0\n" + text % b"1",
        b"1 a2 9999999999999999999 0\n" + text % b"2",
        b"1 a3 1795608000001000000 0\n" + text % b"3",
    ]
    (tmp_path / "b.gor").write_bytes(separator.join(records) + separator)
    async with serving() as server:
        await run_to_the_end([f"gor:{tmp_path}/b.gor"], [server.port], schedule=ScheduleSettings())
    assert targets(server) == ["/1", "/3"]


@live
async def test_a_window_of_time(tmp_path):
    url = await recorded(tmp_path, visits(3, 3), step_ns=1_000_000_000)
    window = {
        "since": Moment(1_000_000_000, from_start=True),
        "until": Moment(NOON_NS + 15 * 10**9, from_start=False),
    }
    for speed in (100.0, None):
        async with serving() as server:
            run = await run_to_the_end([url], [server.port], schedule=ScheduleSettings(speed=speed, **window))
        sent = targets(server)
        assert "/0/0" not in sent
        assert "/2/2" not in sent
        assert 2 <= len(sent) < 9
        assert run.ledger.requests.seen == len(sent)


@live
async def test_a_slow_target_shows_in_the_latency_from_the_intended_moment(tmp_path):
    async def slow(peer):
        while True:
            await peer.request()
            await asyncio.sleep(0.1)
            peer.send(OK)

    url = await recorded(tmp_path, visits(1, 5), step_ns=1_000_000)
    async with serving(slow) as server:
        run = await run_to_the_end([url], [server.port], schedule=ScheduleSettings())
    account = run.targets[0]
    intended = run.ledger.schedule.from_intended(account.name)
    assert intended.quantile(1.0) > max(350_000_000, account.answers.latency.quantile(1.0))
    assert run.ledger.schedule.lateness.quantile(1.0) > 250_000_000


@live
async def test_an_endless_replay_ends_when_interrupted(tmp_path):
    url = await recorded(tmp_path, visits(2, 2))
    async with (
        serving() as server,
        running([url], [server.port], schedule=ScheduleSettings(speed=10.0, laps=0)) as run,
    ):
        await until(lambda: run.targets[0].answered > 8)
        run.interrupt()
        ledger = await run.end()
    assert ledger.ended == "interrupted"


@live
async def test_a_recording_beside_live_packets(tmp_path):
    url = await recorded(tmp_path, visits(2, 2))
    async with serving() as server, mirrored([server.port], more=[url]) as (run, mirror):
        mirror.send(conversation(1, [get("/live")]))
        await until(lambda: run.targets[0].answered == 5)
        run.interrupt()
        await run.end()
    assert sorted(targets(server)) == ["/0/0", "/0/1", "/1/0", "/1/1", "/live"]


@live
async def test_what_is_not_there_is_said_before_anything_begins(tmp_path):
    async with serving() as server:
        for url in (f"recording:{tmp_path}/none", f"gor:{tmp_path}/none"):
            with pytest.raises(RunError, match="there is no such"):
                await Run([url], [server.port], schedule=ScheduleSettings()).runner.run()


@pytest.mark.parametrize(
    ("kind", "allowed", "warned"), [("gor", False, 1), ("gor", True, 0), ("recording", False, 0)]
)
@live
async def test_it_is_said_when_production_cannot_be_recognised(tmp_path, kind, allowed, warned):
    url = await recorded(tmp_path, visits(1, 1), kind=kind)
    async with serving() as server:
        run = await run_to_the_end([url], [server.port], allow_production_target=allowed)
    told = [
        event for event in run.watcher.events if "a target that is production cannot be recognised" in event
    ]
    assert len(told) == warned


@live
async def test_what_is_damaged_in_a_file_is_said(tmp_path):
    url = await recorded(tmp_path, visits(1, 2), kind="gor")
    file = tmp_path / "kept"
    file.write_bytes(b"no head\nx" + "\n🐵🙈🙉\n".encode() + file.read_bytes())
    async with serving() as server:
        run = await run_to_the_end([url], [server.port])
    assert len(server.requests) == 2
    assert any("not all of it can be read: malformed_record 1" in event for event in run.watcher.events)
