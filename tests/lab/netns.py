"""Network namespaces: made, entered, removed.

A socket belongs to the namespace of the thread that created it, for good. So a test enters a namespace just long
enough to open its socket and then works with it from where it is.
"""

import contextlib
import ctypes
import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_RUN = Path("/run/netns")
_PREFIX = "shadowtap"
_libc = ctypes.CDLL(None, use_errno=True)


class CommandFailed(Exception):
    """A program that sets up the lab failed; the text has its command line and what it said."""


def run(command: Sequence[str], *, text: str | None = None) -> str:
    """Run a short program to its end and return what it printed."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandFailed(
            f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}\n{text or ''}"
        )
    return done.stdout


class Namespace:
    """One network namespace, called shadowtap-PID-NAME so that several runs do not meet."""

    def __init__(self, name: str) -> None:
        self.name = f"{_PREFIX}-{os.getpid()}-{name}"
        run(["ip", "netns", "add", self.name])
        self.ip("link set lo up")

    def remove(self) -> None:
        """Take it down with its interfaces; the kernel waits for the last socket."""
        run(["ip", "netns", "del", self.name])

    def prefix(self) -> list[str]:
        """The words that start a program in here; the program keeps the process id it was started with."""
        return ["nsenter", f"--net={_RUN / self.name}", "--"]

    def ip(self, *lines: str) -> None:
        """Run lines of iproute2 in here, all in one process."""
        run(["ip", "-n", self.name, "-batch", "-"], text="\n".join(lines))

    def tc(self, *lines: str) -> None:
        """Run lines of traffic control in here, all in one process."""
        run(["tc", "-n", self.name, "-batch", "-"], text="\n".join(lines))

    def run(self, *command: str) -> str:
        """Run a short program in here and return what it printed."""
        return run([*self.prefix(), *command])

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Put the calling thread in here; sockets it opens meanwhile belong here."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _enter(_RUN / self.name)
            yield
        finally:
            _enter(home)
            os.close(home)

    def connect(self, address: tuple[str, int], timeout_s: float = 20.0) -> socket.socket:
        """A TCP connection from here, which sends small pieces as they are."""
        with self.entered():
            connection = socket.create_connection(address, timeout=timeout_s)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def sysctl(self, name: str, value: str) -> None:
        """Set one kernel setting of this namespace, where this kernel has it."""
        with self.entered(), contextlib.suppress(FileNotFoundError):
            Path("/proc/sys", *name.split(".")).write_text(value)

    def proc_net(self, table: str) -> list[str]:
        """The lines of /proc/net/TABLE as they are in here, without the heading."""
        with self.entered():
            return Path(f"/proc/thread-self/net/{table}").read_text().splitlines()[1:]


def _enter(namespace: Path | int) -> None:
    if isinstance(namespace, Path):
        handle = os.open(namespace, os.O_RDONLY)
        try:
            _enter(handle)
        finally:
            os.close(handle)
    elif _libc.setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def sweep() -> None:
    """Remove what runs that were killed have left behind."""
    for path in _RUN.glob(f"{_PREFIX}-*-*"):
        pid = path.name.split("-")[1]
        if pid.isdigit() and not Path("/proc", pid).exists():
            with contextlib.suppress(CommandFailed):
                run(["ip", "netns", "del", path.name])
