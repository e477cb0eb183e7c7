"""Programs that run while a test runs: started in a namespace, ready when they say so, ended by process id."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from .netns import Namespace

PATIENCE_S = 20.0
_POLL_S = 0.005


class Unready(Exception):
    """What a test waits for did not happen; the text says what, and what the program has said so far."""


def wait_until(met: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Return as soon as `met()` is true; raise `Unready` when it is not within `patience_s`."""
    deadline = time.monotonic() + patience_s
    while not met():
        if time.monotonic() > deadline:
            raise Unready(f"not within {patience_s:g} s: {what}")
        time.sleep(_POLL_S)


class Process:
    """A program in a namespace. What it prints is kept in files, so that it can never block on us."""

    def __init__(self, namespace: Namespace, command: Sequence[str]) -> None:
        self.namespace = namespace
        self.command = list(command)
        self._stdout = tempfile.TemporaryFile("w+b", buffering=0)  # noqa: SIM115 - lives as long as this
        self._stderr = tempfile.TemporaryFile("w+b", buffering=0)  # noqa: SIM115
        self._popen = subprocess.Popen(
            [*namespace.prefix(), *command],
            stdin=subprocess.DEVNULL,
            stdout=self._stdout,
            stderr=self._stderr,
            start_new_session=True,
        )
        self.pid = self._popen.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stdout(self) -> str:
        """What it has printed so far."""
        return _content(self._stdout.fileno())

    def stderr(self) -> str:
        """What it has complained about so far."""
        return _content(self._stderr.fileno())

    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._popen.poll() is None

    def wait_for(self, met: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
        """Like `wait_until`, and fails at once when the program ends before."""

        def met_or_ended() -> bool:
            return met() or not self.running()

        try:
            wait_until(met_or_ended, what, patience_s)
        except Unready as slow:
            raise Unready(f"{slow}\n{self._said()}") from None
        if not met():
            raise Unready(f"ended with {self._popen.returncode} before {what}\n{self._said()}")

    def wait_for_line(self, line: str) -> None:
        """Wait until it has printed `line`."""
        self.wait_for(lambda: line in self.stdout().splitlines(), f"the line {line!r}")

    def stop(self, signal_number: int = signal.SIGTERM, patience_s: float = PATIENCE_S) -> int:
        """End it, kill it when it does not obey, and return its exit code (negative: the signal)."""
        if self.running():
            self._popen.send_signal(signal_number)
        try:
            return self.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
            slow = f"did not end within {patience_s:g} s after signal {signal_number}"
            raise Unready(f"{slow}\n{self._said()}") from None
        finally:
            self._sweep_group()

    def wait(self, patience_s: float = PATIENCE_S) -> int:
        """Wait until it ends by itself; its exit code."""
        return self._popen.wait(patience_s)

    def _sweep_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _said(self) -> str:
        return f"$ {' '.join(self.command)}\n{self.stdout()[-4000:]}\n{self.stderr()[-4000:]}"


def _content(handle: int) -> str:
    return os.pread(handle, os.fstat(handle).st_size, 0).decode(errors="replace")


def wait_for_tcp(process: Process, address: tuple[str, int]) -> None:
    """Wait until something accepts connections at `address` in the process's namespace."""

    def accepts() -> bool:
        try:
            process.namespace.connect(address, timeout_s=1.0).close()
        except OSError:
            return False
        return True

    process.wait_for(accepts, f"a listener at {address}")
