"""A file that observations are appended to while a run goes on: `gor:FILE`.

`offer` makes the records and hands them to a thread, which packs and writes them: a slow disk never holds up the
run. What waits for the thread is bounded; beyond that, observations are dropped and counted.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Self

from shadowtap.events import Observation
from shadowtap.formats.gor.append import Appender
from shadowtap.formats.gor.compose import Composer

QUEUE_BYTES = 64 << 20
"""Octets that may wait to be written: two seconds of a disk that writes 32 MB a second."""
BATCH_BYTES = 1 << 20
"""Octets that are written at once rather than wait for more."""
FLUSH_S = 0.5
"""How long a record may wait for others, so that many are written together."""
FILE_BYTES = 1 << 30
"""Octets of a file before the next begins."""
NOTHING, OVERFLOWED, FAILED = "nothing_to_write", "overflowed", "write_failed"


class GorSink:
    """Appends to the file that `pattern` names (see `append`). Raises RunError when it cannot be opened.

    `offered` is `written` and what waits and, of observations, `lost` by reason; `left_out` counts single messages
    that are not written, by reason; `error` is why writing last failed, or empty.
    """

    def __init__(
        self,
        pattern: str,
        *,
        file_bytes: int = FILE_BYTES,
        queue_bytes: int = QUEUE_BYTES,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.name = f"gor:{pattern}"
        self.offered = 0
        self.written = 0
        self.lost: Counter[str] = Counter()
        self._composer = Composer()
        self._file = Appender(pattern, file_bytes=file_bytes, clock=clock)
        self._file.open()
        self._limit = queue_bytes
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._hurry = False
        self._closing = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._write, name=self.name, daemon=True)
        self._thread.start()

    @property
    def left_out(self) -> Counter[str]:
        """Messages that are not written, by reason."""
        return self._composer.left_out

    @property
    def error(self) -> str:
        """Why writing last failed, or empty."""
        return self._file.error

    def offer(self, observation: Observation) -> bool:
        """Take an observation; False where nothing of it will be written. Never waits for the disk."""
        self.offered += 1
        octets = self._composer.octets(observation)
        with self._wake:
            why = NOTHING if not octets else OVERFLOWED if self._is_full(octets) else ""
            if why:
                self.lost[why] += 1
                return False
            self._waiting.append(octets)
            self._waiting_bytes += len(octets)
            if self._waiting_bytes >= BATCH_BYTES:
                self._wake.notify_all()
        return True

    def flush(self) -> None:
        """Wait until everything that was taken is written, or lost."""
        with self._wake:
            self._hurry = True
            self._wake.notify_all()
            self._wake.wait_for(lambda: not self._waiting_bytes)
            self._hurry = False

    def close(self) -> None:
        """Write what waits, and end the file."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self._thread.join()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _is_full(self, octets: bytes) -> bool:
        return self._waiting_bytes + len(octets) > self._limit

    def _write(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(self._is_due, FLUSH_S)
                batch, self._waiting = self._waiting, []
                if not batch and self._closing:
                    return
            if batch:
                self._settle(batch, self._file.append(b"".join(batch)))

    def _is_due(self) -> bool:
        return self._closing or self._waiting_bytes >= BATCH_BYTES or (self._hurry and bool(self._waiting))

    def _settle(self, batch: list[bytes], written: bool) -> None:
        with self._wake:
            if written:
                self.written += len(batch)
            else:
                self.lost[FAILED] += len(batch)
            self._waiting_bytes -= sum(map(len, batch))
            self._wake.notify_all()
