"""Kept messages read by a process of its own.

Reading costs tens of microseconds a message, and blocks of a recording cost tens of milliseconds at a time: in a
thread of the process that sends requests, every one of its callbacks would wait for the interpreter's lock. The pipe
between the two is what limits how far ahead is read.

The process writes frames: four octets of length, then a pickle of `(share read, messages)`, last `(None, why it
stopped or None)`, or an exception. Both ends are this program, started by itself, so unpickling is safe.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

from shadowtap.config.sources import StoredSpec, parse
from shadowtap.errors import RunError, ShadowtapError
from shadowtap.events import Message
from shadowtap.stored.sources import open_stored

FRAME = 64
"""Messages in a frame: unpickling them takes some tenths of a millisecond."""
_NICE = 10
"""It reads seconds ahead, so whoever sends goes first. Not last of all: on a busy machine the policy for idle times
(SCHED_IDLE) leaves it without the processor for so long that what was read ahead runs out."""
_CODE = "from shadowtap.stored.apart import serve; serve()"


class Apart:
    """A source that another process reads. Raises RunError or UsageError where it cannot be opened."""

    def __init__(self, spec: StoredSpec, *, key_file: str | None = None) -> None:
        self.name = spec.url
        self.stopped: str | None = None
        self._share: float | None = None
        self._process = subprocess.Popen(  # noqa: S603  this program itself
            [sys.executable, "-c", _CODE, spec.url, key_file or ""],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            process_group=0,  # Ctrl-C is not for it; a session of its own would count as much as its parent's
        )
        opened = self._next()
        if isinstance(opened, ShadowtapError):
            self.close()
            raise opened

    def progress(self) -> float | None:
        """The share that was read."""
        return self._share

    def batches(self) -> Iterator[list[Message]]:
        """Its messages."""
        while True:
            frame = self._next()
            if isinstance(frame, Exception):
                raise frame
            share, found = frame
            if not isinstance(found, list):
                self.stopped = found
                return
            self._share = share
            yield found

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    def _next(self) -> tuple[float | None, list[Message] | str | None] | Exception:
        pipe = self._process.stdout
        head = b"" if pipe is None or pipe.closed else pipe.read(4)
        if pipe is None or len(head) < 4:
            return RunError(f"{self.name}: the process that reads it has ended")
        frame: tuple[float | None, list[Message] | str | None] | Exception = pickle.loads(  # noqa: S301
            pipe.read(int.from_bytes(head))
        )
        return frame


def serve() -> None:
    """What the process does: read the source that its arguments name."""
    url, key_file = sys.argv[1:3]
    pipe = sys.stdout.buffer
    try:
        spec = parse(url)
        if not isinstance(spec, StoredSpec):
            raise RunError(f"{url}: is not read apart")
        source = open_stored(spec, key_file=key_file or None)
        _write(pipe, (None, []))
        os.nice(_NICE)  # from here on: until it is open, everybody waits for it
        for batch in source.batches():
            for start in range(0, len(batch), FRAME):
                _write(pipe, (source.progress(), batch[start : start + FRAME]))
        _write(pipe, (None, source.stopped))
    except BrokenPipeError:
        return
    except ShadowtapError as error:
        _write(pipe, error)


def _write(pipe: IO[bytes], value: object) -> None:
    octets = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    pipe.write(len(octets).to_bytes(4) + octets)
    pipe.flush()
