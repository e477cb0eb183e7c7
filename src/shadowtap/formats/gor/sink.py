"""A file that observations are appended to while a run goes on: `gor:FILE`.

`offer` puts into a bounded queue; a thread masks, makes the records, packs and writes them: a slow disk never
holds up the run.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Self

from shadowtap.events import Observation
from shadowtap.formats.gor.append import Appender
from shadowtap.formats.gor.compose import Composer

QUEUE_BYTES = 64 << 20
"""Octets of heads and bodies that may wait: two seconds of a disk that writes 32 MB a second."""
BATCH_BYTES = 1 << 20
"""Octets that are written at once rather than wait for more."""
FLUSH_S = 0.5
"""How long an observation may wait for others: what a killed process loses."""
FILE_BYTES = 1 << 30
"""Octets of a file before the next begins."""
NOTHING, QUEUE_FULL, FAILED, BUG = "nothing_to_write", "queue_full", "write_failed", "bug"


class GorSink:
    """Appends to the file that `pattern` names (see `append`). Raises RunError when it cannot be opened.

    `mask` makes of an observation what may be stored; it runs in the writer's thread. Of observations, `offered`
    = `written` + those that wait + `lost` by reason; `left_out` counts single messages that are not written, by
    reason; `error` is why writing last failed, or empty.
    """

    def __init__(
        self,
        pattern: str,
        *,
        mask: Callable[[Observation], Observation] | None = None,
        file_bytes: int = FILE_BYTES,
        queue_bytes: int = QUEUE_BYTES,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.name = f"gor:{pattern}"
        self.offered = 0
        self.written = 0
        self.lost: Counter[str] = Counter()
        self._mask = mask
        self._composer = Composer()
        self._file = Appender(pattern, file_bytes=file_bytes, clock=clock)
        self._file.open()
        self._limit = queue_bytes
        self._queue: deque[tuple[Observation, int]] = deque()
        self._put_bytes = self._taken_bytes = 0
        self._closing = False
        self._wake = threading.Event()
        self._done = threading.Condition()
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
        """Take an observation if there is room, and say whether it was. Never waits for the disk."""
        self.offered += 1
        size = _octets(observation)
        waiting = self._put_bytes - self._taken_bytes
        if waiting and waiting + size > self._limit:
            self.lost[QUEUE_FULL] += 1
            return False
        self._put_bytes += size
        self._queue.append((observation, size))
        if waiting < BATCH_BYTES <= waiting + size:
            self._wake.set()
        return True

    def flush(self) -> None:
        """Wait until everything that was taken is written, or lost."""
        until = self._put_bytes
        self._wake.set()
        with self._done:
            self._done.wait_for(lambda: self._taken_bytes >= until)

    def close(self) -> None:
        """Write what waits, and end the file."""
        self._closing = True
        self._wake.set()
        self._thread.join()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- the writer's thread -----------------------------------------------------------------------------------

    def _write(self) -> None:
        while not (self._closing and not self._queue):
            self._wake.wait(0 if self._closing else FLUSH_S)
            self._wake.clear()
            while self._queue:
                self._write_batch()

    def _write_batch(self) -> None:
        blocks: list[bytes] = []
        size = 0
        while self._queue and size < BATCH_BYTES:
            observation, octets = self._queue.popleft()
            size += octets
            block = self._block(observation)
            if block:
                blocks.append(block)
        if blocks and self._file.append(b"".join(blocks)):
            self.written += len(blocks)
        elif blocks:
            self.lost[FAILED] += len(blocks)
        with self._done:
            self._taken_bytes += size
            self._done.notify_all()

    def _block(self, observation: Observation) -> bytes:
        try:
            octets = self._composer.entry(observation if self._mask is None else self._mask(observation))
        except Exception:
            self.lost[BUG] += 1
            return b""
        if not octets:
            self.lost[NOTHING] += 1
        return octets


def _octets(observation: Observation) -> int:
    """About what an observation holds."""
    request, response = observation.exchange.request, observation.exchange.response
    size = 256 if request is None else 256 + len(request.head) + len(request.body)
    size += 0 if response is None else len(response.head) + len(response.body)
    return size + sum(len(outcome.head) + len(outcome.body) for outcome in observation.outcomes)
