"""Runs whose requests are chosen and changed on the way: rules, samples, rewriting, masks, hooks, rates, dry runs."""

import json
import sys

import pytest

from content.test_server import DECODERS
from masking.messages import CODINGS, sent
from replay.peer import live, serving, until
from replay.ports import free_port
from replay.web import nginx
from runner.running import mirrored, run_to_the_end, to
from runner.traffic import conversation, get, post, visits, write
from shadowtap.config import HookSettings, MaskSettings, RewriteSettings, SinkSettings, TransformSettings
from shadowtap.errors import UsageError
from shadowtap.runner import Runner


def targets(server):
    return [octets.split(b" ")[1].decode() for octets in server.requests]


def shop(tmp_path, frames=None):
    """A capture of three connections with three requests each, or of `frames`."""
    return write(tmp_path / "shop.pcap", visits(3, 3) if frames is None else frames)


# -- rules -----------------------------------------------------------------------------------------------------


@live
async def test_rules_leave_requests_out_and_each_has_its_line(tmp_path):
    rules = TransformSettings(only=("path ~ ^/[01]/",), skip=("path == /0/1", "path == /nowhere"))
    async with serving() as server:
        run = await run_to_the_end([shop(tmp_path)], [server.port], transform=rules)
    requests = run.ledger.requests
    assert sorted(targets(server)) == ["/0/0", "/0/2", "/1/0", "/1/1", "/1/2"]
    assert (requests.seen, requests.replayed) == (9, 5)
    assert requests.filtered == {"path == /0/1": 1, "path == /nowhere": 0, "not (path ~ ^/[01]/)": 3}
    assert run.ledger.changes.matched == {"path ~ ^/[01]/": 5, "path == /0/1": 1, "path == /nowhere": 0}


@live
async def test_a_rule_about_the_answer_waits_for_it_and_keeps_the_order(tmp_path):
    rules = TransformSettings(only=("status == 200 or method == POST",))
    frames = conversation(1, [get("/a"), post("/b", b"x"), get("/c")]) + conversation(
        2, [get("/mute")], answers=False
    )
    async with serving() as server:
        run = await run_to_the_end([shop(tmp_path, frames)], [server.port], transform=rules)
    assert targets(server) == ["/a", "/b", "/c"]
    assert run.ledger.requests.filtered["answer_missing"] == 1
    assert run.ledger.requests.waiting == 0


@live
async def test_a_live_request_waits_and_is_counted_as_waiting():
    rules = TransformSettings(only=("status == 200",))
    async with serving() as server, mirrored([server.port], transform=rules) as (run, mirror):
        visit = conversation(1, [get("/slow")])
        mirror.send(visit[:4])
        await until(lambda: run.ledger.requests.waiting == 1)
        assert run.ledger.imbalances() == []
        mirror.send(visit[4:])
        await until(lambda: run.targets[0].answered == 1)
        run.interrupt()
        ledger = await run.end()
    assert ledger.requests.waiting == 0


@live
async def test_a_sample_takes_whole_connections_and_what_is_out_is_counted(tmp_path):
    sample = TransformSettings(sample=0.5, sample_by="connection")
    async with serving() as server:
        run = await run_to_the_end([shop(tmp_path, visits(40, 2))], [server.port], transform=sample)
    requests = run.ledger.requests
    assert requests.replayed + requests.sampled_out == 80
    assert 10 < requests.replayed < 70
    heard = {path.split("/")[1] for path in targets(server)}
    assert len(targets(server)) == 2 * len(heard)


@live
async def test_writes_are_refused_but_those_that_are_allowed(tmp_path):
    safety = TransformSettings(allow=("POST /search",), idempotency_key=True, idempotency_run="test")
    frames = conversation(1, [get("/"), post("/search", b"q"), post("/order", b"7")])
    async with serving() as server:
        run = await run_to_the_end([shop(tmp_path, frames)], [server.port], transform=safety)
    assert targets(server) == ["/", "/search"]
    assert [b"\r\nIdempotency-Key: " in octets for octets in server.requests] == [False, True]
    assert run.ledger.requests.refused == {"unsafe_method": 1}
    assert run.ledger.changes.allowed == {"POST /search": 1}


@live
async def test_a_rate_leaves_out_at_one_target_what_another_takes(tmp_path):
    async with serving() as slow, serving() as fast:
        run = await run_to_the_end(
            [shop(tmp_path, visits(1, 50))], [to(slow.port, rate=0.001), to(fast.port)]
        )
    limited, free = run.targets
    assert (limited.replayed, limited.refused, free.replayed) == (2, {"rate_limit": 48}, 50)
    assert run.ledger.requests.replayed == 50


@live
async def test_what_no_target_may_take_because_of_its_rate_is_refused_for_that(tmp_path):
    async with serving() as server:
        run = await run_to_the_end([shop(tmp_path)], [to(server.port, rate=0.001)])
    assert (run.ledger.requests.replayed, run.ledger.requests.refused) == (2, {"rate_limit": 7})


# -- rewriting, masks, hooks -----------------------------------------------------------------------------------


@live
async def test_rewriting_and_masking_change_what_is_sent(tmp_path):
    rules = (RewriteSettings(path=("^/shop/ -> /",), set_header=("Host: staging.example",)),)
    frames = conversation(
        1, [get("/shop/cart?token=sesame", "Authorization: Bearer verysecretindeed"), get("/x")]
    )
    async with serving() as server:
        run = await run_to_the_end(
            [shop(tmp_path, frames)], [server.port], rewrite=rules, mask=MaskSettings(live=True)
        )
    first, second = server.requests
    assert first.startswith(b"GET /cart?token=")
    assert b"sesame" not in first
    assert b"verysecret" not in first
    assert b"Host: staging.example\r\n" in first
    assert second.startswith(b"GET /x HTTP/1.1")
    changes = run.ledger.changes
    assert (
        changes.rewritten == {"path ^/shop/ -> /": 1, "set header Host": 2}
        or sum(changes.rewritten.values()) == 3
    )
    assert sum(changes.masked.values()) == 2


@live
async def test_rewritten_bodies_in_every_dress_arrive_correct_at_nginx(tmp_path):
    """nginx writes down what it understood; one wrong length or chunk would break the requests behind it."""
    port, files = free_port(), tmp_path / "files"
    files.mkdir()
    files.chmod(0o777)
    put, dresses = [], [(coding, chunked) for coding in CODINGS for chunked in (False, True)]
    for number, dress in enumerate(dresses):
        line = b"PUT /up/%d HTTP/1.1" % number
        asked = sent(
            b"application/json",
            b'{"user": {"id": 1}, "rest": "as it was"}',
            dress[0],
            in_chunks=dress[1],
            line=line,
        )
        put.append(asked.head + asked.body)
    rules = (RewriteSettings(set_json=('$.user.id = "' + "n" * 5000 + '"',)),)
    dav = f"location /up/ {{ root {files}; dav_methods PUT; create_full_put_path on; }}"
    with nginx(tmp_path, port, dav):
        run = await run_to_the_end([shop(tmp_path, conversation(1, put))], [port], rewrite=rules)
    assert run.targets[0].answers.statuses == {201: len(dresses)}
    for number, (coding, _) in enumerate(dresses):
        arrived = DECODERS[coding.encode()]((files / "up" / str(number)).read_bytes())
        assert json.loads(arrived) == {"user": {"id": "n" * 5000}, "rest": "as it was"}


@live
async def test_hooks_change_drop_and_see_answers(tmp_path):
    file = tmp_path / "hooks.py"
    seen = tmp_path / "seen"
    file.write_text(
        "def request(request):\n"
        "    if request.path == '/1/1':\n"
        "        return None\n"
        "    if request.path == '/2/2':\n"
        "        raise KeyError('x')\n"
        "    request.headers.set('X-Hook', 'yes')\n"
        "    return request\n"
        "def answers(request, production, outcomes):\n"
        f"    with open({str(seen)!r}, 'a') as file:\n"
        "        print(request.path, production.text, [o.text for o in outcomes], file=file)\n"
    )
    async with serving() as server:
        run = await run_to_the_end([shop(tmp_path)], [server.port], hooks=HookSettings(file=str(file)))
    assert len(server.requests) == 8
    assert sum(b"\r\nX-Hook: yes\r\n" in octets for octets in server.requests) == 7
    assert run.ledger.requests.filtered == {"hook": 1}
    assert run.ledger.changes.hooks["failed: KeyError"] == 1
    assert sorted(seen.read_text().splitlines())[:2] == ["/0/0 ok ['ok']", "/0/1 ok ['ok']"]
    assert "/1/1 ok []" in seen.read_text()


@live
async def test_a_middleware_changes_drops_and_adds(tmp_path):
    program = tmp_path / "middleware.py"
    program.write_text(
        "import sys\n"
        "for line in sys.stdin:\n"
        "    text = bytes.fromhex(line.strip())\n"
        "    if text[:1] != b'1' or b'/1/1' in text:\n"
        "        continue\n"
        "    text = text.replace(b'Host: shop.example', b'Host: changed.example')\n"
        "    print(text.hex(), flush=True)\n"
        "    if b'/2/2' in text:\n"
        "        print(text.replace(text.split(b' ')[1], b'f' * 24).replace(b'/2/2', b'/more').hex(), flush=True)\n"
    )
    hooks = HookSettings(middleware=f"{sys.executable} {program}", timeout_s=1.0)
    async with serving() as server:
        target = to(server.port, keep_host=True)
        async with mirrored([target], hooks=hooks) as (run, mirror):
            mirror.send(visits(1, 3))
            await until(lambda: run.targets[0].answered == 3)
            mirror.send(visits(3, 3)[len(visits(1, 3)) :])
            await until(lambda: run.targets[0].answered == 9)
            run.interrupt()
            await run.end()
    assert sorted(targets(server)) == sorted(
        [f"/{n}/{m}" for n in range(3) for m in range(3) if (n, m) != (1, 1)] + ["/more"]
    )
    assert all(b"Host: changed.example" in octets for octets in server.requests)
    requests = run.ledger.requests
    assert (requests.seen, requests.added, requests.replayed) == (9, 1, 9)
    assert requests.filtered == {"middleware": 1}


def test_what_is_wrong_with_a_rule_is_said_before_anything_starts(tmp_path):
    with pytest.raises(UsageError, match=r"hooks none\.py: cannot be read"):
        run_of(tmp_path, hooks=HookSettings(file="none.py"))
    with pytest.raises(UsageError, match="PATTERN -> REPLACEMENT"):
        run_of(tmp_path, rewrite=(RewriteSettings(path=("^/a",)),))
    with pytest.raises(UsageError, match="cannot be read"):
        run_of(tmp_path, mask=MaskSettings(key_file="none.key"))


def run_of(tmp_path, **settings):
    import asyncio

    from shadowtap.config import Settings

    async def run():
        await Runner(Settings(sources=(shop(tmp_path),), targets=(to(1),), **settings), None).run()

    asyncio.run(run())


# -- copies ----------------------------------------------------------------------------------------------------


@live
async def test_packets_that_are_mirrored_at_both_ends_are_replayed_once():
    async with serving() as server, mirrored([server.port]) as (run, mirror):
        for number in range(5):
            for frame in conversation(number, [get(f"/{number}/{n}") for n in range(3)]):
                mirror.send([frame], vni=7)
                mirror.send([frame], vni=9)
        await until(lambda: run.ledger.requests.seen == 30)
        await until(lambda: run.targets[0].answered == 15)
        run.interrupt()
        ledger = await run.end()
    assert ledger.requests.refused == {"duplicate_packets": 15}
    assert len(server.requests) == 15
    assert len(server.peers) == 5 + 1
    assert ledger.changes.copies["found"] == 15


@live
async def test_one_leg_of_a_load_balancer_is_replayed(tmp_path):
    front = conversation(1, [get("/a")], server="10.0.1.20:80")
    back = conversation(
        2, [get("/a", "X-Forwarded-For: 10.0.8.9")], server="10.0.2.30:8080", client="10.0.1.20"
    )
    async with serving() as server:
        run = await run_to_the_end([shop(tmp_path, front[:4] + back + front[4:])], [server.port], legs="back")
    assert run.ledger.requests.refused == {"other_leg": 1}
    assert len(server.requests) == 1
    assert run.ledger.changes.legs == {"found": 1, "alone": 0}


# -- dry runs --------------------------------------------------------------------------------------------------


@live
async def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(tmp_path, capfdbinary):
    frames = conversation(1, [get("/a?token=sesame"), get("/b")])
    rules = TransformSettings(skip=("path == /b",))
    async with serving() as server:
        run = await run_to_the_end([shop(tmp_path, frames)], [server.port], transform=rules, dry_run=True)
        assert server.peers == []
    (line,) = capfdbinary.readouterr().out.splitlines()
    shown = json.loads(line)
    assert (shown["kind"], shown["method"]) == ("request", "GET")
    assert "sesame" not in shown["target"]
    assert run.ledger.requests.refused == {"dry_run": 1}
    assert run.ledger.requests.filtered == {"path == /b": 1}
    assert run.ledger.targets == {}


# -- everything at once ----------------------------------------------------------------------------------------


def everything(tmp_path):
    """Settings with every kind of rule, change and code of users at once."""
    program = tmp_path / "middleware.py"
    program.write_text(
        "import sys\n"
        "for line in sys.stdin:\n"
        "    text = bytes.fromhex(line.strip())\n"
        "    if text[:1] == b'1' and b'/4/1' not in text:\n"
        "        print(text.hex(), flush=True)\n"
    )
    file = tmp_path / "hooks.py"
    file.write_text(
        "def request(request):\n"
        "    return None if request.path == '/new/3/2' else request\n"
        "def answers(request, production, outcomes):\n"
        "    pass\n"
    )
    return {
        "transform": TransformSettings(
            only=("status == 200",), skip=("path ~ /2$ and path ~ ^/2",), sample=0.9, sample_by="connection",
            allow=("POST /0/**",), idempotency_key=True,
        ),
        "rewrite": (RewriteSettings(path=("^/ -> /new/",)),),
        "mask": MaskSettings(live=True),
        "hooks": HookSettings(file=str(file), middleware=f"{sys.executable} {program}", timeout_s=0.5),
        "legs": "front",
        "sinks": (SinkSettings(url=f"recording:{tmp_path}/kept", left_out=True), SinkSettings(url=f"jsonl:{tmp_path}/j")),
    }  # fmt: skip


async def visited(run, mirror):
    """Thirty connections of all kinds, some of them mirrored at both ends; the laws hold all the time."""
    for number in range(30):
        asked = [get(f"/{number}/{n}?token=x{n}") for n in range(3)] + [post(f"/{number % 2}/w", b"{}")]
        frames = conversation(number, asked, answers=number % 7 != 0)
        if number % 5 == 0:
            torn = conversation(number, [asked[0], post("/torn", bytes(3000))])
            frames = [frame for frame in torn if b"POST /torn" not in frame]
        for frame in frames:
            mirror.send([frame], vni=7)
            if number % 3 == 0:
                mirror.send([frame], vni=9)
        assert run.ledger.imbalances() == []
    await until(lambda: run.ledger.requests.seen >= 115)
    run.interrupt()
    return await run.end()


@live
async def test_with_all_of_it_at_once_every_request_has_one_fate(tmp_path):
    async with (
        serving() as one,
        serving() as two,
        mirrored([to(one.port, rate=50.0), two.port], **everything(tmp_path)) as (run, mirror),
    ):
        ledger = await visited(run, mirror)
    requests, observed = ledger.requests, ledger.observations
    assert requests.waiting == 0
    for bucket in ("filtered", "refused", "incomplete"):
        assert getattr(requests, bucket).total() > 0, bucket
    assert requests.refused["duplicate_packets"] > 0
    assert requests.refused["unsafe_method"] > 0
    assert requests.filtered["middleware"] + requests.filtered["hook"] >= 1
    assert (observed.emitted, observed.open_now) == (requests.seen, 0)
    everything_kept, some = ledger.sinks.values()
    assert (everything_kept.written, everything_kept.waiting) == (requests.seen, 0)
    assert some.written + some.left_out == requests.seen


@live
async def test_a_dry_run_with_all_of_it_counts_the_same_fates_and_sends_nothing(tmp_path, capfdbinary):
    async with serving() as server:
        async with mirrored([server.port], dry_run=True, **everything(tmp_path)) as (run, mirror):
            ledger = await visited(run, mirror)
        assert server.peers == []
    requests = ledger.requests
    assert (requests.replayed, requests.waiting, ledger.targets, ledger.sinks) == (0, 0, {}, {})
    for bucket in ("filtered", "refused", "incomplete"):
        assert getattr(requests, bucket).total() > 0, bucket
    shown = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert len(shown) == requests.refused["dry_run"] > 30
    assert all(line["target"].startswith("/new/") for line in shown)
    assert not (tmp_path / "kept").exists()
