"""Runs that keep what they see: recordings, GoReplay's files and JSON Lines beside targets, or alone."""

import json
import stat

import pytest

from replay.peer import live, serving, until
from runner.running import Run, mirrored, run_to_the_end
from runner.traffic import conversation, get, visits, write
from shadowtap.config import MaskSettings, SinkSettings, TransformSettings
from shadowtap.errors import RunError
from shadowtap.formats.gor import GorFiles
from shadowtap.record import Recording


def sink(url, **options):
    return SinkSettings(url=str(url), **options)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@live
async def test_every_exchange_is_kept_in_every_sink_with_its_outcome(tmp_path):
    source = write(tmp_path / "shop.pcap", [*visits(3, 3), *conversation(9, [get("/open")], answers=False)])
    kept = [sink(f"{kind}:{tmp_path / kind}") for kind in ("recording", "gor", "jsonl")]
    async with serving() as server:
        run = await run_to_the_end([source], [server.port], sinks=kept)
    for account in run.ledger.sinks.values():
        assert (account.offered, account.written, account.waiting, account.lost) == (10, 10, 0, {})
    observed = run.ledger.observations
    assert (observed.emitted, observed.open_now, observed.early, observed.late) == (10, 0, {}, 0)
    recorded = list(Recording(tmp_path / "recording").exchanges())
    assert [o.exchange.request.target for o in recorded][:3] == [b"/0/0", b"/0/1", b"/0/2"]
    assert [o.exchange.response and o.exchange.response.body for o in recorded] == [b"ok"] * 9 + [None]
    assert {o.fate for o in recorded} == {"replayed"}
    assert [[(a.target, a.status, a.body) for a in o.outcomes] for o in recorded] == [
        [(run.targets[0].name, 200, b"ok")]
    ] * 10
    assert len(list(GorFiles(str(tmp_path / "gor")).observations())) == 10
    told = lines(tmp_path / "jsonl")
    assert [line["kind"] for line in told].count("request") == 10
    fates = [line for line in told if line["kind"] == "fate"]
    assert [fate["targets"][0]["status"] for fate in fates] == [200] * 10
    assert all(told[fate["request"]]["kind"] == "request" for fate in fates)
    assert stat.S_IMODE((tmp_path / "jsonl").stat().st_mode) == 0o600


@live
async def test_a_run_needs_no_target_to_record(tmp_path):
    source = write(tmp_path / "shop.pcap", visits(2, 2))
    run = await run_to_the_end([source], [], sinks=[sink(f"recording:{tmp_path}/kept")])
    assert run.ledger.requests.recorded == 4
    recorded = list(Recording(tmp_path / "kept").exchanges())
    assert [o.exchange.request.target for o in recorded] == [b"/0/0", b"/0/1", b"/1/0", b"/1/1"]
    assert {o.fate for o in recorded} == {"recorded"}


@live
async def test_what_rules_leave_out_is_kept_only_where_it_is_asked_for(tmp_path):
    source = write(tmp_path / "shop.pcap", visits(2, 2))
    kept = [sink(f"jsonl:{tmp_path}/some"), sink(f"jsonl:{tmp_path}/all", left_out=True)]
    rules = TransformSettings(only=("path ~ ^/0",), safe_methods_only=True)
    async with serving() as server:
        run = await run_to_the_end([source], [server.port], sinks=kept, transform=rules)
    some, everything = run.ledger.sinks.values()
    assert (some.written, some.left_out, everything.written, everything.left_out) == (2, 2, 4, 0)
    assert [line["fate"] for line in lines(tmp_path / "all") if line["kind"] == "fate"].count(
        "filtered: not (path ~ ^/0)"
    ) == 2


@live
async def test_what_is_kept_is_masked_and_the_target_gets_it_as_it_was(tmp_path):
    secret = "sesame-open-the-door"
    frames = conversation(1, [get(f"/a?token={secret}", f"Authorization: Bearer {secret}")])
    source = write(tmp_path / "shop.pcap", frames)
    urls = [f"recording:{tmp_path}/r", f"gor:{tmp_path}/g", f"jsonl:{tmp_path}/j"]
    kept = [sink(url) for url in urls] + [sink(f"gor:{tmp_path}/open", mask=False)]
    async with serving() as server:
        run = await run_to_the_end([source], [server.port], sinks=kept, mask=MaskSettings())
    assert secret.encode() in server.requests[0]
    files = [
        path for path in tmp_path.rglob("*") if path.is_file() and path.name not in ("shop.pcap", "open")
    ]
    assert len(files) >= 3
    for path in files:
        assert secret.encode() not in path.read_bytes(), path
    assert secret.encode() in (tmp_path / "open").read_bytes()
    (recorded,) = Recording(tmp_path / "r").exchanges()
    assert secret.encode() not in recorded.exchange.request.head
    assert sum(run.ledger.sinks[urls[0]].masked.values()) == 2


@live
async def test_live_exchanges_are_kept_when_they_are_complete(tmp_path):
    path = tmp_path / "live.jsonl"
    async with (
        serving() as server,
        mirrored([server.port], sinks=[sink(f"jsonl:{path}")]) as (run, mirror),
    ):
        visit = conversation(1, [get("/a"), get("/b")], closes=False)
        mirror.send(visit[:-2])
        await until(lambda: run.targets[0].answered == 2)
        assert run.ledger.observations.open_now == 1
        assert run.ledger.imbalances() == []
        mirror.send(visit[-2:])
        await until(lambda: run.ledger.observations.emitted == 2)
        run.interrupt()
        ledger = await run.end()
    assert [line["fate"] for line in lines(path) if line["kind"] == "fate"] == ["replayed"] * 2
    assert ledger.observations.early == {}


@live
async def test_incomplete_and_lost_requests_are_kept_too(tmp_path):
    whole = conversation(1, [get("/a"), get("/b" + "x" * 3000), get("/c")])
    source = write(tmp_path / "shop.pcap", [frame for frame in whole if b"GET /bx" not in frame])
    async with serving() as server:
        run = await run_to_the_end(
            [source], [server.port], sinks=[sink(f"jsonl:{tmp_path}/j", left_out=True)]
        )
    fates = [line["fate"] for line in lines(tmp_path / "j") if line["kind"] == "fate"]
    assert len(fates) == run.ledger.requests.seen == 3
    assert sorted(fates)[0].startswith("incomplete: ")


@live
async def test_a_sink_that_cannot_be_written_stops_the_run_before_it_begins(tmp_path):
    source = write(tmp_path / "shop.pcap", visits(1, 1))
    with pytest.raises(RunError, match="jsonl:/nowhere/x: cannot be written"):
        await Run([source], [], sinks=[sink("jsonl:/nowhere/x")]).runner.run()
