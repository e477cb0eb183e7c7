"""SIGINT and SIGTERM at any moment of `shadowtap run`, once, twice and without pause: never a traceback, never killed.

A moment is so many milliseconds after something that the program shows. Before Python has begun with our first line
nobody can take a signal; from there on these tests look.
"""

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from replay.peer import Peer, live, serving, until
from replay.ports import free_port, silent_port
from runner.test_command import Command, command
from runner.traffic import Mirror, visits, write

ENDS = (signal.SIGINT, signal.SIGTERM)
BOTH = pytest.mark.parametrize("number", ENDS)
STARTING_MS = (0, 10, 50, 120, 200, 300)
CONNECT_S = 4.0
"""Less than the time that a connection may take."""
ENDING_MS = (0, 2, 8, 30)


def caught(run: Command) -> bool:
    """Whether the program has taken SIGTERM into its hands, or is gone."""
    try:
        status = Path(f"/proc/{run.process.pid}/status").read_text()
    except OSError:
        return True
    words = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return int(words.get("SigCgt", "0"), 16) >> signal.SIGTERM - 1 & 1 == 1 or words["State"].startswith("Z")


def attempts(port: int) -> int:
    """How many attempts to connect to this port of loopback are under way."""
    return Path("/proc/net/tcp").read_text().count(f" 0100007F:{port:04X} 02 ")


def send(run: Command, number: int) -> None:
    """Send it, unless the program has ended."""
    with suppress(ProcessLookupError):
        run.process.send_signal(number)


async def hammer(run: Command, number: int) -> None:
    """A signal every millisecond or so until the program has ended."""
    while run.process.returncode is None:
        send(run, number)
        await asyncio.sleep(0.001)


@asynccontextmanager
async def started(tmp_path: Path, name: str, *options: str) -> AsyncIterator[tuple[Command, Mirror]]:
    """A command whose target answers nothing, from the moment at which it takes signals."""
    folder = tmp_path / name
    folder.mkdir()
    with Mirror(free_port(socket.SOCK_DGRAM)) as mirror:
        async with (
            serving(Peer.gone) as server,
            command(folder, [mirror.url], [server.port], *options) as run,
        ):
            await until(lambda: caught(run))
            yield run, mirror


@BOTH
@live
async def test_while_it_starts(tmp_path: Path, number: int) -> None:
    """It is gone with the code of the signal before the run begins, and in order afterwards."""

    async def one(after_ms: int) -> None:
        async with started(tmp_path, str(after_ms)) as (run, _):
            await asyncio.sleep(after_ms / 1000)
            send(run, number)
            code = await run.end()
            assert code in (0, 128 + number), (after_ms, code, run.said)
            assert code or run.said.endswith("Every request is accounted for.\n"), (after_ms, run.said)

    for at in range(0, len(STARTING_MS), 3):
        await asyncio.gather(*(one(after_ms) for after_ms in STARTING_MS[at : at + 3]))


@BOTH
@live
async def test_a_second_one_while_it_ends(tmp_path: Path, number: int) -> None:
    """The second does not wait for replays; whenever it comes there is a whole account."""

    async def one(after_ms: int) -> None:
        async with started(tmp_path, str(after_ms), "--grace", "30ms") as (run, mirror):
            await run.line("to http://")
            mirror.send(visits(5, 5))
            send(run, signal.SIGTERM)
            await asyncio.sleep(after_ms / 1000)
            send(run, number)
            assert await run.end() == 0, (after_ms, run.said)
            assert run.said.endswith("Every request is accounted for.\n"), (after_ms, run.said)
            assert run.ledger["exit_reason"] == "interrupted"

    for at in range(0, len(ENDING_MS), 4):
        await asyncio.gather(*(one(after_ms) for after_ms in ENDING_MS[at : at + 4]))


@BOTH
@live
async def test_without_pause_from_the_first_moment(tmp_path: Path, number: int) -> None:
    async with started(tmp_path, "hammered") as (run, _):
        asyncio.get_running_loop().create_task(hammer(run, number))
        assert await run.end() == 128 + number
        assert run.said == ""


@BOTH
@live
async def test_without_pause_from_the_middle_to_the_very_end(tmp_path: Path, number: int) -> None:
    async with started(tmp_path, "hammered") as (run, mirror):
        await run.line("to http://")
        mirror.send(visits(5, 5))
        hammering = asyncio.create_task(hammer(run, number))
        code = await run.end()
        await hammering
        assert code in (0, 128 + number), run.said
        assert run.said.endswith("Every request is accounted for.\n")
        assert run.ledger["exit_reason"] == "interrupted"


@BOTH
@live
async def test_while_the_sources_end_by_themselves(tmp_path: Path, number: int) -> None:
    """A file that is read to its end: signals come from when the account could be written to when it is."""
    source = write(tmp_path / "shop.pcap", visits(10, 10))
    async with serving() as server, command(tmp_path, [source], [server.port]) as run:
        await run.line("to http://")
        hammering = asyncio.create_task(hammer(run, number))
        code = await run.end()
        await hammering
        assert code in (0, 128 + number), run.said
        assert run.ledger["exit_reason"] in ("interrupted", "the sources have ended")


@BOTH
@live
async def test_while_a_target_does_not_let_us_in(tmp_path: Path, number: int) -> None:
    """The five seconds that a connection may take are not waited for."""
    with silent_port() as port, Mirror(free_port(socket.SOCK_DGRAM)) as mirror:
        before = attempts(port)
        async with command(tmp_path, [mirror.url], [port]) as run:
            await until(lambda: attempts(port) > before)
            send(run, number)
            async with asyncio.timeout(CONNECT_S):
                assert await run.end() == 0
            assert run.said.splitlines()[2].endswith("interrupted.")


@BOTH
@live
async def test_while_a_summary_is_written(tmp_path: Path, number: int) -> None:
    """A reader never finds half of it: it is there and whole, or it is not."""
    async with started(tmp_path, "summary") as (run, mirror):
        await run.line("to http://")
        mirror.send(visits(3, 3))
        send(run, signal.SIGTERM)
        hammering = asyncio.create_task(hammer(run, number))
        await run.end()
        await hammering
        assert json.loads((tmp_path / "summary" / "summary.json").read_text())["balanced"] is True
        assert [file.name for file in (tmp_path / "summary").iterdir()] == ["summary.json"]
