"""kill -9 in the middle of a recording run: what was written is there, and the next start makes it whole."""

import asyncio
import itertools
import signal
import socket
import sys

import duckdb

from replay.peer import live
from replay.ports import free_port
from runner.traffic import Mirror, conversation, get, visits, write
from shadowtap.errors import RunError
from shadowtap.record import Recording, layout


def targets(root):
    """What is in a recording now, by the targets of its requests, in order."""
    try:
        return [one.exchange.request.target.decode() for one in Recording(root).exchanges()]
    except RunError:
        return []


def counted(root):
    """Exchanges that DuckDB finds in the finished files, by itself."""
    ((count,),) = duckdb.sql(f"SELECT count(*) FROM '{root}/date=*/**/*.parquet'").fetchall()
    return count


async def shadowtap(*argv):
    """Start it as users do."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "shadowtap",
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )


@live
async def test_kill_9_loses_at_most_the_open_segment_and_the_next_start_repairs(tmp_path):
    root = tmp_path / "rec"
    with Mirror(free_port(socket.SOCK_DGRAM)) as mirror:
        process = await shadowtap(
            "run", "--from", mirror.url, "--to", f"recording:{root}?roll=0.3s", "--no-live"
        )
        while b"to recording:" not in await process.stderr.readline():
            pass
        for number in itertools.count():
            mirror.send(conversation(number, (get(f"/{number}/{n}") for n in range(5))))
            await asyncio.sleep(0.02)
            if list(layout.finished(root)) and layout.journals(root) and number % 10 == 0:
                break
        process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL

    before = targets(root)
    finished = counted(root)
    assert 0 < finished <= len(before)
    everything = [f"/{n}/{m}" for n in range(number + 1) for m in range(5)]
    assert sorted(before) == sorted(everything[: len(before)])  # nothing is missing but at the end
    assert (
        len(before) >= len(everything) - 5 * 60
    )  # the batch of half a second, twenty milliseconds a connection

    again = write(tmp_path / "again.pcap", visits(1, 2))
    process = await shadowtap("run", "--from", again, "--to", f"recording:{root}", "--no-live")
    said = (await process.communicate())[1].decode()
    assert process.returncode == 0, said
    if len(before) > finished:
        told = next(line for line in said.splitlines() if ": repaired " in line)
        assert told.endswith(f", which was left unfinished: {len(before) - finished} exchanges saved")
    assert not (root / layout.OPEN).exists()
    assert sorted(targets(root)) == sorted([*before, "/0/0", "/0/1"])
    assert counted(root) == len(before) + 2
