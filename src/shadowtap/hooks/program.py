"""A program with lines on its standard input and output, as the event loop sees it."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from shadowtap.hooks.hexlines import HexLines

_LINGER_S = 1.0
"""How long a program may live on that has closed its input or its output, or leave them open after its end."""


class Program(asyncio.SubprocessProtocol):
    """One life of a program. `took` gets what it writes, `exited` its end, once, when everything it wrote was
    read.

    `lines` cuts its output; `answered` is whether it has ever written a line that is one.
    """

    def __init__(self, took: Callable[["Program", bytes], None], exited: Callable[["Program"], None]) -> None:
        self.lines = HexLines()
        self.answered = False
        self._took = took
        self._exited = exited
        self._transport: asyncio.SubprocessTransport | None = None
        self._input: asyncio.WriteTransport | None = None
        self._lines: list[bytes] = []
        self._lines_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False
        self._gone = asyncio.Event()

    @property
    def backlog_bytes(self) -> int:
        """Octets that it has not read."""
        return self._lines_bytes + (0 if self._input is None else self._input.get_write_buffer_size())

    def write(self, line: bytes) -> None:
        """Let it read a line; the lines of one turn of the event loop are written together."""
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._flush)
        self._lines.append(line)
        self._lines_bytes += len(line)

    async def end(self, grace_s: float) -> None:
        """End its input and wait for its end; kill it after the grace period."""
        self._flush()
        self._closing = True
        if self._input is not None:
            self._input.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), grace_s)
        self._kill()
        await self._gone.wait()

    def how_it_ended(self) -> str:
        """In words."""
        code = None if self._transport is None else self._transport.get_returncode()
        if code is None:
            return "it closed its output"
        if code >= 0:
            return f"it ended with exit code {code}"
        try:
            return f"it was killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"it was killed by signal {-code}"

    # -- what the event loop calls ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It runs."""
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self._input = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))
        self._flush()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """It wrote something."""
        self._took(self, data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """It closed its input or its output: without both it is of no use."""
        if fd == 0:
            self._input = None
        if fd == 1 or not self._closing:
            self._linger()

    def process_exited(self) -> None:
        """It has ended; what it wrote may still be on its way."""
        self._linger()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended, and everything it wrote was read."""
        if self._timer is not None:
            self._timer.cancel()
        if not self._gone.is_set():
            self._gone.set()
            self._exited(self)

    def _flush(self) -> None:
        if self._transport is None or not self._lines:
            return
        octets, self._lines, self._lines_bytes = b"".join(self._lines), [], 0
        if self._input is not None:
            self._input.write(octets)

    def _linger(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LINGER_S, self._kill)

    def _kill(self) -> None:
        """End it with its children; let go of pipes that one of them keeps open all the same."""
        transport = self._transport
        if transport is None or self._gone.is_set():
            return
        if transport.get_returncode() is not None:
            self._let_go()
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(transport.get_pid(), signal.SIGKILL)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(_LINGER_S, self._let_go)

    def _let_go(self) -> None:
        if self._transport is not None:
            self._transport.close()
        self.connection_lost(None)
