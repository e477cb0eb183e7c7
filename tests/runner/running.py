"""A runner inside the test's own event loop, and everything it says."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from replay.peer import until
from replay.ports import free_port
from runner.traffic import Mirror
from shadowtap.config import Settings, TargetSettings
from shadowtap.ledger import Ledger
from shadowtap.runner import Runner


class Watcher:
    """A view that remembers."""

    def __init__(self):
        self.described: list[str] = []
        self.events: list[str] = []
        self.stopped = False

    def start(self, ledger, describe):
        """The run has begun."""
        self.described = describe

    def tick(self, ledger, now_ns):
        """The laws hold at every moment."""
        assert ledger.imbalances() == []

    def event(self, text):
        """A notice."""
        self.events.append(text)

    def stop(self, ledger, now_ns):
        """The run has ended."""
        self.stopped = True


class Run:
    """A run under way. `ledger` is live; `end` is what comes out of it."""

    def __init__(self, sources, targets, *, comparison=None, **settings):
        self.watcher = Watcher()
        named = tuple(target if isinstance(target, TargetSettings) else to(target) for target in targets)
        self.settings = Settings(sources=tuple(sources), targets=named, **settings)
        self.runner = Runner(self.settings, self.watcher, comparison)
        self.task: asyncio.Task[Ledger] | None = None

    @property
    def ledger(self) -> Ledger:
        """The account."""
        return self.runner.ledger

    @property
    def targets(self):
        """The accounts of the targets, in their order."""
        return list(self.ledger.targets.values())

    async def started(self) -> None:
        """Wait until it is ready for packets."""
        await until(lambda: self.watcher.described or (self.task is not None and self.task.done()))
        if self.task is not None and self.task.done():
            self.task.result()

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """As Ctrl-C does."""
        os.kill(os.getpid(), number)

    async def end(self) -> Ledger:
        """Wait for the end; the account, which must balance. Raises what the run raises."""
        assert self.task is not None
        try:
            return await self.task
        finally:
            assert self.ledger.imbalances() == []
            for account in self.targets:
                assert account.in_flight == 0
                assert account.connections == 0


def to(port: int, **options) -> TargetSettings:
    """A target on loopback."""
    return TargetSettings(url=f"http://127.0.0.1:{port}", **options)


@asynccontextmanager
async def running(sources, targets, **settings) -> AsyncIterator[Run]:
    """A run that has started; it is ended when the test has not."""
    run = Run(sources, targets, **settings)
    run.task = asyncio.create_task(run.runner.run())
    try:
        await run.started()
        yield run
    finally:
        if not run.task.done():
            run.task.cancel()
            await asyncio.gather(run.task, return_exceptions=True)


async def run_to_the_end(sources, targets, **settings) -> Run:
    """A run whose sources end by themselves."""
    run = Run(sources, targets, **settings)
    run.task = asyncio.create_task(run.runner.run())
    await run.end()
    return run


@asynccontextmanager
async def mirrored(targets, *, more: Sequence[str] = (), **settings) -> AsyncIterator[tuple[Run, Mirror]]:
    """A run that listens for mirrored packets (and reads `more` sources), and the mirror."""
    with Mirror(free_port(socket.SOCK_DGRAM)) as mirror:
        async with running([mirror.url, *more], targets, **settings) as run:
            yield run, mirror
