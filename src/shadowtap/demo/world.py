"""The world around the collector, in a process of its own: production, the mirror and the target.

The parent learns the target's port over a pipe, says when to begin, and ends the world by closing the pipe (so it
also ends when the parent is killed). Ctrl-C reaches every process of a terminal; this one leaves it to its parent.
"""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from random import Random
from typing import NamedTuple

from shadowtap.demo.mirror import Mirror
from shadowtap.demo.production import Production
from shadowtap.demo.regressions import ALL, Regression
from shadowtap.demo.target import Target
from shadowtap.errors import RunError


class World(NamedTuple):
    """The parent's end."""

    target_port: int
    pipe: Connection

    def begin(self) -> None:
        """Let the visitors come."""
        self.pipe.send("begin")


@contextmanager
def world(
    collector_port: int,
    rate: float,
    seconds: float,
    seed: int,
    regressions: frozenset[Regression] = ALL,
) -> Iterator[World]:
    """A running world, whose target has these regressions. Raises RunError when it cannot be started."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    told = theirs, collector_port, rate, seconds, seed, regressions
    process = context.Process(target=_main, args=told, daemon=True)
    process.start()
    theirs.close()
    try:
        yield World(_port(ours), ours)
    finally:
        ours.close()
        process.join(3)
        if process.is_alive():
            process.terminate()
            process.join()


def _port(pipe: Connection) -> int:
    try:
        return int(pipe.recv())
    except EOFError:
        raise RunError("the demo's shop could not be started; its error is above") from None


def _main(
    pipe: Connection,
    collector_port: int,
    rate: float,
    seconds: float,
    seed: int,
    regressions: frozenset[Regression],
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    dice = Random(seed)
    production = Production(Mirror(collector_port, dice), dice, rate)
    asyncio.run(_live(pipe, production, Target(dice, regressions), seconds))


async def _live(pipe: Connection, production: Production, target: Target, seconds: float) -> None:
    await target.start()
    with suppress(BrokenPipeError):  # the parent may be gone already
        pipe.send(target.port)
    if await _told(pipe) is None:
        return
    playing = asyncio.create_task(production.play(seconds))
    await _told(pipe)
    playing.cancel()


async def _told(pipe: Connection) -> object:
    """What the parent says next; None when it is gone."""
    loop = asyncio.get_running_loop()
    said = asyncio.Event()
    loop.add_reader(pipe.fileno(), said.set)
    await said.wait()
    loop.remove_reader(pipe.fileno())
    try:
        return pipe.recv()
    except EOFError:
        return None
