"""Middleware as real programs: what they answer, and what happens when they do not."""

import asyncio
import os
import shutil
import signal
from contextlib import asynccontextmanager

import pytest

from formats.observing import connection, observe, outcome, request, response
from hooks.programs import node, python, shell
from hooks.test_in_flight import told
from replay.peer import live, until
from shadowtap.errors import UsageError
from shadowtap.events import Ended
from shadowtap.formats.gor import Splitter
from shadowtap.hooks.in_flight import Dropped, Passed, Reason
from shadowtap.hooks.middleware import Middleware


class Run:
    """A middleware, and everything that comes of it."""

    def __init__(self, command, **more):
        self.results = []
        self.said = []
        self.middleware = Middleware(command, on_result=self.results.append, notify=self.said.append, **more)
        self.counters = self.middleware.counters

    def ask(self, on, index, path=None, **more):
        """Offer a request."""
        octets = b"GET %b HTTP/1.1\r\nHost: shop\r\n\r\n" % (path or b"/%d/%d" % (on, index))
        asked = request(octets, on=connection(on), index=index, **more)
        assert self.middleware.offer(asked)
        return asked

    async def back(self, count):
        """Wait for so many results; what they are."""
        await until(lambda: len(self.results) >= count)
        return told(self.results)


@asynccontextmanager
async def running(command, *, grace_s=5, **more):
    """A middleware that runs."""
    run = Run(command, **more)
    await run.middleware.start()
    try:
        yield run
    finally:
        await run.middleware.close(grace_s)
        counters = run.counters
        assert counters.sent == counters.unchanged + counters.changed + counters.dropped.total()
        settled = [result for result in run.results if isinstance(result, Passed | Dropped)]
        assert len(settled) == counters.sent


@live
async def test_cat_hands_on_the_very_same_requests():
    async with running("cat") as run:
        asked = [run.ask(n % 7, n // 7) for n in range(700)]
        await run.back(700)
        assert all(result.request is result.sent for result in run.results)
        for on in range(7):
            of_it = [r.request for r in run.results if r.request.connection.number == on]
            assert of_it == asked[on::7]
    assert run.said == []


@live
async def test_a_large_request():
    async with running("cat") as run:
        body = os.urandom(8 << 20)
        octets = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        run.middleware.offer(request(octets))
        await run.back(1)
        assert run.results[0].request.body == body


@live
async def test_sed_changes_what_it_finds(tmp_path):
    old, new = b"/old".hex(), b"/new".hex()
    async with running(f"sed -u s/{old}/{new}/") as run:
        run.ask(0, 0, b"/old/thing")
        run.ask(0, 1, b"/other")
        assert await run.back(2) == [("goes on", "/new/thing"), ("goes on", "/other")]
    assert (run.counters.changed, run.counters.unchanged) == (1, 1)


@live
async def test_a_program_in_python(tmp_path):
    do = "payload = payload.replace(b'Host: shop', b'Host: shop\\r\\nX-Env: next')"
    async with running(python(tmp_path, do)) as run:
        run.ask(0, 0)
        await run.back(1)
        assert run.results[0].request.head == b"GET /0/0 HTTP/1.1\r\nHost: shop\r\nX-Env: next\r\n\r\n"


@live
async def test_a_program_in_node_that_answers_in_any_order(tmp_path):
    async with running(node(tmp_path, wait="Math.random() * 30")) as run:
        for n in range(300):
            run.ask(n % 5, n // 5, b"/old/%d" % n)
        await run.back(300)
        assert all(isinstance(result, Passed) for result in run.results)
        for on in range(5):
            of_it = [r.request.target for r in run.results if r.request.connection.number == on]
            assert of_it == [b"/new/%d" % n for n in range(on, 300, 5)]


@live
async def test_a_program_in_bash_that_leaves_out(tmp_path):
    async with running(shell(tmp_path), timeout_s=0.3) as run:
        run.ask(0, 0)
        await run.back(1)
        run.ask(0, 1, b"/skip")
        run.ask(0, 2)
        run.middleware.ended(Ended(0))
        found = await run.back(4)
    assert found == [("goes on", "/0/0"), ("dropped", "/skip"), ("goes on", "/0/2"), ("ends", 0)]
    assert run.counters.dropped == {Reason.MIDDLEWARE: 1}


@live
async def test_a_program_may_add_requests(tmp_path):
    do = "print((head + b'\\n' + payload.replace(b'/0/0', b'/more')).hex())"
    async with running(python(tmp_path, do)) as run:
        run.ask(0, 0)
        assert await run.back(2) == [("goes on", "/more"), ("added", "/0/0")]
    assert run.counters.added == 1


@live
async def test_answers_are_shown_to_the_program_with_the_id_of_their_request(tmp_path):
    seen = tmp_path / "seen"
    do = f"open({str(seen)!r}, 'ab').write(head + b'\\n' + payload + '\\n🐵🙈🙉\\n'.encode())"
    async with running(python(tmp_path, do)) as run:
        asked = run.ask(0, 0)
        run.middleware.answered(observe(asked, response()).exchange)
        run.middleware.answered(observe(asked).exchange)
        run.middleware.replayed(outcome(asked))
        await run.back(1)
        await run.middleware.drain()
    records = Splitter().feed(seen.read_bytes())
    assert [record.kind for record in records] == [1, 2, 3]
    assert len({record.id for record in records}) == 1
    assert records[1].payload == response().head + response().body
    assert (run.counters.answers_sent, run.counters.answers_back) == (2, 2)


@live
async def test_the_time_out_drops_what_does_not_come_back():
    async with running(f"{shutil.which('sed')} -u -e /2f302f30/!d", timeout_s=0.2) as run:
        run.ask(0, 0)
        await run.back(1)
        run.ask(0, 1)
        assert await run.back(2) == [("goes on", "/0/0"), ("dropped", "/0/1")]


@live
async def test_a_program_that_takes_its_time_to_start_loses_nothing(tmp_path):
    command = "bash -c 'sleep 0.5; exec cat'"
    async with running(command, timeout_s=0.1) as run:
        run.ask(0, 0)
        assert await run.back(1) == [("goes on", "/0/0")]


@live
async def test_what_is_out_is_bounded():
    async with running("sleep 60", grace_s=0.1, in_flight=3) as run:
        for index in range(3):
            run.ask(0, index)
        assert not run.middleware.offer(request(on=connection(0), index=3))
    assert run.counters.sent == 3


@live
async def test_a_program_that_dies_is_started_again(tmp_path):
    file = tmp_path / "count"
    do = f"n = open({str(file)!r}, 'a').write('x'); payload.find(b'/die') > 0 and __import__('os')._exit(3)"
    command = python(tmp_path, do)
    async with running(command) as run:
        run.ask(0, 0)
        await run.back(1)
        run.ask(0, 1, b"/die")
        run.ask(0, 2)
        assert await run.back(3) == [("goes on", "/0/0"), ("dropped", "/die"), ("dropped", "/0/2")]
        run.ask(0, 3)
        assert (await run.back(4))[3] == ("dropped", "/0/3")
        await until(lambda: run.counters.restarts == 1 and run.middleware.running)
        run.ask(0, 4)
        assert (await run.back(5))[4] == ("goes on", "/0/4")
    assert run.counters.dropped == {Reason.DOWN: 3}
    assert run.said == [
        f"middleware {command}: it ended with exit code 3; 2 requests that it had are dropped; "
        "it is started again in 0.1 s"
    ]


@live
async def test_a_program_that_keeps_dying_is_started_less_and_less_often():
    async with running("false") as run:
        await until(lambda: len(run.said) >= 3)
    waits = [line.rpartition(" in ")[2] for line in run.said]
    assert waits[:3] == ["0.1 s", "0.2 s", "0.4 s"]


@live
async def test_a_program_that_is_killed():
    async with running("bash -c 'kill -9 $$'") as run:
        await until(lambda: run.said)
    assert "it was killed by SIGKILL" in run.said[0]


def test_a_program_that_closes_its_output_is_of_no_use():
    async def go():
        async with running("bash -c 'exec 1>&-; sleep 60'", grace_s=0.1) as run:
            run.ask(0, 0)
            await until(lambda: run.said)
        assert run.counters.dropped == {Reason.DOWN: 1}

    asyncio.run(go())  # uvloop tells of it only when the program ends; until then requests time out


@live
async def test_a_program_that_writes_nonsense_is_counted(tmp_path):
    command = "bash -c 'while read -r line; do echo not hex; echo 6161; echo $line; done'"
    async with running(command) as run:
        run.ask(0, 0)
        assert await run.back(1) == [("goes on", "/0/0")]
    assert run.counters.unusable == {"not_hex": 1, "malformed_head": 1}


@live
async def test_the_end_lets_the_program_finish(tmp_path):
    async with running(python(tmp_path, "import time; time.sleep(0.01)")) as run:
        for index in range(20):
            run.ask(0, index)
    assert told(run.results) == [("goes on", f"/0/{index}") for index in range(20)]


@live
async def test_drain_waits_for_what_is_out(tmp_path):
    async with running(python(tmp_path, "import time; time.sleep(0.01)")) as run:
        for index in range(20):
            run.ask(0, index)
        await run.middleware.drain()
        assert len(run.results) == 20


@live
async def test_a_program_that_does_not_end_is_killed_with_its_children(tmp_path):
    pids = tmp_path / "pids"
    run = Run(f"bash -c 'sleep 61 & echo $$ $! > {pids}; trap \"\" TERM; wait; sleep 62'")
    await run.middleware.start()
    await until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    run.ask(0, 0)
    await run.middleware.close(0.1)
    assert told(run.results) == [("dropped", "/0/0")]
    for pid in pids.read_text().split():
        await until(lambda: is_gone(int(pid)))  # noqa: B023


def is_gone(pid):
    """Whether a process has ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@live
async def test_ctrl_c_does_not_reach_the_program(tmp_path):
    pid = tmp_path / "pid"
    async with running(f"bash -c 'echo $$ > {pid}; exec cat'") as run:
        await until(lambda: pid.exists() and pid.read_text().strip())
        assert os.getpgid(int(pid.read_text())) != os.getpgid(0)
        run.ask(0, 0)
        await run.back(1)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-program-anywhere", "no-such-program-anywhere: cannot be started: No such file"),
        ("/etc/passwd", "cannot be started: Permission denied"),
        ("", "name a program"),
        ("cat 'x", "No closing quotation"),
    ],
)
def test_a_program_that_cannot_be_started_is_said_at_once(command, said):
    async def start():
        await Run(command).middleware.start()

    with pytest.raises(UsageError, match=said):
        asyncio.run(start())


def test_another_event_loop_does_as_well():
    async def go():
        async with running("cat") as run:
            run.ask(0, 0)
            assert await run.back(1) == [("goes on", "/0/0")]

    asyncio.run(go())
    assert signal.getsignal(signal.SIGINT) is not None
