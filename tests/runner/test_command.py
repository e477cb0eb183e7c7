"""`shadowtap run` as users start it: signals, exit codes, one clear line, and a ledger that adds up."""

import asyncio
import json
import signal
import socket
import sys
from contextlib import asynccontextmanager

import pytest

from replay.peer import OK, PATIENCE_S, Peer, live, serving, until
from replay.ports import free_port
from runner.traffic import Mirror, conversation, get, visits, write


class Command:
    """The command under way. `summary` is there when it has ended."""

    def __init__(self, process, summary):
        self.process = process
        self._summary = summary
        self.said = ""

    async def line(self, part):
        """Wait for a line on stderr with this in it."""
        async with asyncio.timeout(2 * PATIENCE_S):
            while part not in self.said:
                line = await self.process.stderr.readline()
                assert line, self.said
                self.said += line.decode()

    async def end(self):
        """Wait for its end; the exit code."""
        async with asyncio.timeout(2 * PATIENCE_S):
            self.said += (await self.process.stderr.read()).decode()
            code = await self.process.wait()
        assert "Traceback" not in self.said, self.said
        return code

    @property
    def ledger(self):
        """The account it wrote, which must add up."""
        ledger = json.loads(self._summary.read_text())
        assert ledger["balanced"] is True
        for target in ledger["targets"]:
            assert target["in_flight"] == 0
            assert target["replayed"] == target["answered"] + sum(target["failed"].values())
        return ledger


@asynccontextmanager
async def command(tmp_path, sources, ports, *options, before=()):
    """Start it; kill it when the test has not ended it."""
    summary = tmp_path / "summary.json"
    words = [*before, sys.executable, "-m", "shadowtap", "run", "--from", *sources, "--summary", str(summary)]
    targets = [f"http://127.0.0.1:{port}" for port in ports]
    process = await asyncio.create_subprocess_exec(
        *words, "--to", *targets, *options, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield Command(process, summary)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@live
async def test_a_signal_in_the_middle(tmp_path, number):
    async def slow(peer):
        while True:
            await peer.request()
            await asyncio.sleep(0.01)
            peer.send(OK)

    with Mirror(free_port(socket.SOCK_DGRAM)) as mirror:
        async with serving(slow) as server, command(tmp_path, [mirror.url], [server.port]) as run:
            await run.line("to http://")
            mirror.send(visits(20, 20))
            await until(lambda: len(server.requests) > 20)
            run.process.send_signal(number)
            assert await run.end() == 0
            ledger = run.ledger
            assert ledger["requests"]["seen"] == 400
            assert ledger["targets"][0]["answered"] == len(server.requests) == 400


@live
async def test_a_second_signal(tmp_path):
    with Mirror(free_port(socket.SOCK_DGRAM)) as mirror:
        options = ("--grace", "1000", "--no-live")
        async with (
            serving(Peer.gone) as server,
            command(tmp_path, [mirror.url], [server.port], *options) as run,
        ):
            await run.line("to http://")
            mirror.send(visits(5, 5))
            await until(lambda: len(server.peers) == 6)
            run.process.send_signal(signal.SIGINT)
            await asyncio.sleep(0.1)
            run.process.send_signal(signal.SIGINT)
            assert await run.end() == 0
            assert run.ledger["targets"][0]["failed"] == {"interrupted": 25}


@live
async def test_a_file_as_a_whole(tmp_path):
    source = write(tmp_path / "shop.pcap", visits(10, 10))
    async with serving() as server, command(tmp_path, [source], [server.port]) as run:
        assert await run.end() == 0
        assert run.ledger["targets"][0]["answered"] == 100


@live
async def test_errors_are_one_line(tmp_path):
    source = write(tmp_path / "shop.pcap", visits(1, 1))
    (tmp_path / "other").write_text("this is no capture")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as busy:
        busy.bind(("127.0.0.1", 0))
        async with serving() as server:
            for sources, port, code, part in (
                ([source], free_port(), 3, "cannot be reached: connection refused"),
                ([f"vxlan://127.0.0.1:{busy.getsockname()[1]}"], server.port, 3, "is in use"),
                ([f"pcap:{tmp_path}/none"], server.port, 3, "no such file"),
                ([f"pcap:{tmp_path}/other"], server.port, 3, "is no capture"),
                (["nonsense"], server.port, 2, "no source"),
            ):
                async with command(tmp_path, sources, [port]) as run:
                    assert await run.end() == code
                    assert run.said.startswith("shadowtap: ")
                    assert run.said.count("\n") == 1
                    assert part in run.said


@live
async def test_production_as_the_target(tmp_path):
    with Mirror(free_port(socket.SOCK_DGRAM)) as mirror:
        async with serving() as production, command(tmp_path, [mirror.url], [production.port]) as run:
            await run.line("to http://")
            mirror.send(visits(2, 2, server=f"127.0.0.1:{production.port}"))
            assert await run.end() == 3
            assert "--allow-production-target" in run.said.splitlines()[-1]
            assert production.requests == []
            assert run.ledger["requests"]["replayed"] == 0


@live
async def test_few_file_descriptors(tmp_path):
    """More production connections are open than this process may have files."""
    before = ("sh", "-c", 'ulimit -n 64; exec "$@"', "sh")
    frames = [
        conversation(number, [get(f"/{number}/{n}") for n in range(3)], closes=False) for number in range(400)
    ]
    source = write(
        tmp_path / "shop.pcap", (frame for n in range(20) for part in frames for frame in part[n : n + 1])
    )
    async with (
        serving() as one,
        serving() as two,
        command(tmp_path, [source], [one.port, two.port], before=before) as run,
    ):
        assert await run.end() == 0
        for target in run.ledger["targets"]:
            assert target["failed"] == {}
            assert target["answered"] == 1200


@live
async def test_whoever_watches_may_leave(tmp_path):
    with Mirror(free_port(socket.SOCK_DGRAM)) as mirror:
        async with serving() as server, command(tmp_path, [mirror.url], [server.port]) as run:
            await run.line("to http://")
            await server.stop()
            run.process._transport.get_pipe_transport(2).close()
            mirror.send(visits(20, 1))
            async with asyncio.timeout(3 * PATIENCE_S):
                assert await run.process.wait() == 0, "as when the reader of a pipe has had enough"


@live
async def test_a_bug_is_told_with_its_traceback_and_the_account(tmp_path):
    broken = tmp_path / "sitecustomize.py"
    broken.write_text(
        "import shadowtap.runner.fates\n"
        "def buggy(*_):\n    raise ValueError('of a test')\n"
        "shadowtap.runner.fates.is_marked = buggy\n"
    )
    source = write(tmp_path / "shop.pcap", visits(2, 2))
    before = ("env", f"PYTHONPATH={tmp_path}")
    async with serving() as server, command(tmp_path, [source], [server.port], before=before) as run:
        said = (await run.process.stderr.read()).decode()
        assert await run.process.wait() == 3
        assert "Traceback" in said
        assert said.splitlines()[-1].startswith("shadowtap: a bug in shadowtap: ValueError('of a test')")
        assert run.ledger["requests"]["seen"] == 0
