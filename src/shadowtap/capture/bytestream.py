"""The bytes of a file, a pipe or standard input, in large pieces.

A regular file gives pieces of 1 MiB. A pipe gives what has arrived, at once, however little: the reader then
waits in poll(2) together with a pipe of its own, so that `close`, called by another thread, ends the wait. A
named pipe is opened without blocking and may get its writer later.
"""

import os
import select
import stat
import threading
from collections.abc import Iterator
from typing import Final

from shadowtap.errors import RunError

CHUNK_BYTES: Final = 1 << 20
"""Large enough that the work per piece vanishes, small enough for a processor's second cache."""

STDIN: Final = "-"


class ByteStream:
    """Reads one file once, from its start to its end; `path` `-` is standard input. Raises RunError.

    `read_bytes` is how far it has been read, `closed` whether `close` was called. One thread reads; any thread
    may close.
    """

    def __init__(self, *, name: str, path: str) -> None:
        self.name = name
        self.read_bytes = 0
        self._lock = threading.Lock()
        self._reading = False
        self.closed = False
        self._owned = path != STDIN
        self._fd = _open(name, path)
        status = os.fstat(self._fd)
        self.is_file = stat.S_ISREG(status.st_mode)
        self._size = status.st_size
        self._wake: tuple[int, int] | None = None if self.is_file else os.pipe()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.read, b"")

    def read(self) -> bytes:
        """The next bytes, at least one; none at the end or after `close`. May block."""
        with self._lock:
            if self.closed:
                return b""
            self._reading = True
        try:
            chunk = self._read()
        except OSError as error:
            raise RunError(f"{self.name}: cannot read: {error.strerror}") from None
        finally:
            with self._lock:
                self._reading = False
                if self.closed:
                    self._release()
        self.read_bytes += len(chunk)
        return chunk

    def _read(self) -> bytes:
        while self._wait():
            try:
                return os.read(self._fd, CHUNK_BYTES)
            except BlockingIOError:
                continue
        return b""

    def _wait(self) -> bool:
        """Until there is something to read; False when closed meanwhile."""
        if self._wake is None:
            return True
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        poll.register(self._wake[0], select.POLLIN)
        return self._wake[0] not in (fd for fd, _ in poll.poll())

    def progress(self) -> float | None:
        """The share of the file that was read, 0 to 1; None for a pipe."""
        if not self.is_file:
            return None
        return min(self.read_bytes / self._size, 1.0) if self._size else 1.0

    def close(self) -> None:
        """End reading, also a read that is under way in another thread."""
        with self._lock:
            if self.closed:
                return
            self.closed = True
            if not self._reading:
                self._release()
            elif self._wake is not None:
                os.write(self._wake[1], b"\0")

    def _release(self) -> None:
        for fd in self._wake or ():
            os.close(fd)
        if self._owned:
            os.close(self._fd)


def _open(name: str, path: str) -> int:
    if path == STDIN:
        return _standard_input(name)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            return fd
        os.close(fd)
    except FileNotFoundError:
        raise RunError(f"{name}: there is no such file; check the path") from None
    except PermissionError:
        raise RunError(f"{name}: no permission to read the file; chmod it or run as its owner") from None
    except (OSError, ValueError) as error:
        raise RunError(f"{name}: cannot open: {getattr(error, 'strerror', error)}") from None
    raise RunError(f"{name}: is a directory; name one capture file in it")


def _standard_input(name: str) -> int:
    try:
        os.fstat(0)
    except OSError:
        raise RunError(f"{name}: standard input is closed; pipe a capture into it") from None
    if os.isatty(0):
        raise RunError(f"{name}: standard input is a terminal; pipe a capture into it (tcpdump -w - | …)")
    return 0
