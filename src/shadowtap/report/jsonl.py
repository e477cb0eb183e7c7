"""A file of JSON Lines that observations are appended to while a run goes on: `jsonl:FILE`, `jsonl:-`.

`offer` puts into a bounded queue; a thread makes the lines and writes them, so a slow disk or a reader that does not
read never holds up the run.
"""

import os
import sys
import threading
from collections import Counter, deque
from typing import BinaryIO

from shadowtap.errors import RunError
from shadowtap.events import Observation
from shadowtap.report.jsonlines import JsonLines

QUEUE = 20_000
"""Observations that may wait: two seconds of 10,000 a second."""
QUEUE_BYTES = 64 << 20
"""Octets of heads and bodies that may wait."""
BATCH = 500
"""Observations whose lines are written at once."""
FLUSH_S = 0.25
QUEUE_FULL, FAILED, BUG = "queue_full", "write_failed", "bug"


class JsonlSink:
    """Appends to `path`, readable by its owner only; `-` is standard output. Raises RunError when it cannot be
    opened.

    Of observations, `offered` = `written` + those that wait + `lost` by reason; `error` is why writing last failed,
    or empty.
    """

    def __init__(self, path: str, *, keep_secrets: bool = False) -> None:
        self.name = f"jsonl:{path}"
        self.offered = 0
        self.written = 0
        self.lost: Counter[str] = Counter()
        self.error = ""
        self.lines = JsonLines(keep_secrets=keep_secrets)
        self._file = _opened(path)
        self._own = path != "-"
        self._queue: deque[tuple[Observation, int]] = deque()
        self._put_bytes = self._taken_bytes = 0
        self._closing = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._work, name=self.name, daemon=True)
        self._thread.start()

    def offer(self, observation: Observation) -> bool:
        """Take an observation if there is room, and say whether it was. Never waits for the file."""
        self.offered += 1
        request, response = observation.exchange.request, observation.exchange.response
        size = 0 if request is None else len(request.head) + len(request.body)
        size += 0 if response is None else len(response.head) + len(response.body)
        waiting = self._put_bytes - self._taken_bytes
        if len(self._queue) >= QUEUE or (waiting and waiting + size > QUEUE_BYTES):
            self.lost[QUEUE_FULL] += 1
            return False
        self._put_bytes += size
        self._queue.append((observation, size))
        if len(self._queue) == BATCH:
            self._wake.set()
        return True

    def close(self) -> None:
        """Write what waits, and end the file."""
        self._closing = True
        self._wake.set()
        self._thread.join()
        if self._own:
            self._file.close()

    # -- the writer's thread -----------------------------------------------------------------------------------

    def _work(self) -> None:
        while not (self._closing and not self._queue):
            self._wake.wait(0 if self._closing else FLUSH_S)
            self._wake.clear()
            while self._queue:
                self._write_batch()

    def _write_batch(self) -> None:
        blocks: list[bytes] = []
        taken = size = 0
        while self._queue and taken < BATCH:
            observation, octets = self._queue.popleft()
            taken += 1
            size += octets
            try:
                blocks.append(self.lines.observation(observation))
            except Exception:
                self.lost[BUG] += 1
        self._taken_bytes += size
        try:
            self._file.write(b"".join(blocks))
            self._file.flush()
        except OSError as error:
            self.error = error.strerror or str(error)
            self.lost[FAILED] += len(blocks)
        else:
            self.written += len(blocks)


def _opened(path: str) -> BinaryIO:
    if path == "-":
        return sys.stdout.buffer
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
    except OSError as error:
        raise RunError(f"jsonl:{path}: cannot be written: {error.strerror}") from None
