"""The recording of a run: a bounded queue, and a thread that empties it onto the disk.

`offer` costs the event loop less than a microsecond: it appends to a deque and adds up octets. The thread takes
batches, masks them, makes columns of them and writes; copying, compressing and writing happen outside the
interpreter's lock. It looks every half second, or when a batch is full.

The disk may fail. Then what is at hand is lost and counted under the disk's reason, one line says so, and the run
goes on; after a while the thread tries again, and what the journals held comes back by repair.
"""

import errno
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from shadowtap.events.outcomes import Observation
from shadowtap.record import counters as why
from shadowtap.record.counters import RecordCounters
from shadowtap.record.key import RecordingKey
from shadowtap.record.store import Store, StoreOptions

QUEUE = 65_536
"""Observations that may wait: some ten seconds of them at 5,000 a second."""
QUEUE_BYTES = 128 << 20
"""Octets of heads and bodies that may wait; one larger observation is taken when nothing waits."""
BATCH_ROWS = 2_500
BATCH_BYTES = 8 << 20
"""What is written at once, half a second of 5,000 a second: large enough for columns to pay, and for two threads that
share an interpreter to change places seldom."""
FLUSH_S = 0.5
"""How long an observation may wait for others: what a killed process loses."""
RETRY_NS = (1_000_000_000, 5_000_000_000, 30_000_000_000)
"""How long to wait before trying a failed disk again: the first time, the second, from then on."""
NOTICE_NS = 60_000_000_000
"""How often to say again that the writer cannot keep up."""

_REASONS = {
    errno.ENOSPC: why.DISK_FULL,
    errno.EDQUOT: why.DISK_FULL,
    errno.EROFS: why.READ_ONLY,
    errno.EACCES: why.PERMISSION,
    errno.EPERM: why.PERMISSION,
}


class Recorder:
    """Records into a folder from construction to `close`.

    `mask` makes of an observation what may be stored; it runs in the writer's thread, and so does `notify`, which is
    given single lines for people. Raises UsageError or RunError where the folder cannot be used: others may change
    it, another process writes into it, it cannot be written.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        mask: Callable[[Observation], Observation] | None = None,
        key: RecordingKey | None = None,
        options: StoreOptions | None = None,
        queue: int = QUEUE,
        queue_bytes: int = QUEUE_BYTES,
        run: str | None = None,
        counters: RecordCounters | None = None,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.root = Path(root)
        self.counters = RecordCounters() if counters is None else counters
        self._mask = mask
        self._notify = notify
        self._limit = queue
        self._limit_bytes = queue_bytes
        self._queue: deque[tuple[Observation, int]] = deque()
        self._put_bytes = self._taken_bytes = 0
        self._wake = threading.Event()
        self._ending = False
        self._reason = why.IO_ERROR
        self._retry_ns = self._failures = 0
        self._noticed_ns = self._noticed = 0
        self._store = Store(
            self.root,
            run=run or _run_name(time.time_ns()),
            masked=mask is not None,
            key=key,
            options=options or StoreOptions(),
            counters=self.counters,
            notify=notify,
        )
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    # -- the event loop's side -----------------------------------------------------------------------------------

    def offer(self, observation: Observation) -> bool:
        """Take an observation if there is room, and say whether it was; never waits."""
        counters = self.counters
        counters.offered += 1
        size = octets(observation)
        queue = self._queue
        waiting, waiting_bytes = len(queue), self._put_bytes - self._taken_bytes
        if self._ending or waiting >= self._limit or (waiting and waiting_bytes + size > self._limit_bytes):
            counters.lost[why.STOPPED if self._ending else why.QUEUE_FULL] += 1
            return False
        self._put_bytes += size
        queue.append((observation, size))
        if (waiting >= BATCH_ROWS or waiting_bytes >= BATCH_BYTES) and not self._wake.is_set():
            self._wake.set()
        return True

    @property
    def waiting_bytes(self) -> int:
        """Octets of heads and bodies in the queue."""
        return self._put_bytes - self._taken_bytes

    def close(self) -> None:
        """Write what waits, finish the files, let others in. Blocks for as long as the disk needs."""
        self._ending = True
        self._wake.set()
        self._thread.join()

    # -- the writer's thread -------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            self._try(self._store.repair)
            ending = False
            while not ending:
                self._wake.wait(FLUSH_S)
                self._wake.clear()
                ending = self._ending
                self._write_what_waits(all_of_it=ending)
                self._look_around()
            self._try(self._finish)
        except Exception as error:
            self._ending = True
            self._lose(self._take_all(), why.BUG)
            self._notify(f"recording:{self.root}: a bug in shadowtap ended it: {error!r}; please report it")

    def _write_what_waits(self, *, all_of_it: bool) -> None:
        """One batch, and more only where they are full: what came meanwhile may wait for others."""
        while batch := self._take():
            self._write(batch)
            if not all_of_it and len(self._queue) < BATCH_ROWS and self.waiting_bytes < BATCH_BYTES:
                return

    def _take(self) -> list[Observation]:
        batch: list[Observation] = []
        size = 0
        queue = self._queue
        while queue and len(batch) < BATCH_ROWS and size < BATCH_BYTES:
            observation, octets_ = queue.popleft()
            batch.append(observation)
            size += octets_
        self._taken_bytes += size
        return batch

    def _take_all(self) -> int:
        count = 0
        while batch := self._take():
            count += len(batch)
        return count

    def _write(self, batch: list[Observation]) -> None:
        now_ns = time.time_ns()
        if self._failures and now_ns < self._retry_ns:
            self._lose(len(batch), self._reason)
            return
        before = self.counters.written
        masked = self._masked(batch)
        try:
            if masked:
                self._store.write(masked, now_ns)
        except Exception as error:
            reason = self._fail(error, now_ns) if isinstance(error, OSError) else why.BUG
            self._lose(len(masked) - (self.counters.written - before), reason)
            if reason == why.BUG:
                raise
        else:
            if self._failures:
                self._heal()

    def _masked(self, batch: list[Observation]) -> list[Observation]:
        if self._mask is None:
            return batch
        masked = []
        for observation in batch:
            try:
                masked.append(self._mask(observation))
            except Exception as error:  # rather not recorded than recorded with its secrets
                if not self.counters.lost[why.BUG]:
                    self._notify(
                        f"recording:{self.root}: a bug in shadowtap: masking: {error!r}; please report it"
                    )
                self._lose(1, why.BUG)
        return masked

    def _look_around(self) -> None:
        now_ns = time.time_ns()
        if not self._failures:
            self._try(lambda: self._store.tick(now_ns))
        behind = self.counters.lost[why.QUEUE_FULL]
        if behind > self._noticed and now_ns - self._noticed_ns >= NOTICE_NS:
            self._notify(
                f"recording:{self.root}: the disk or the CPU cannot keep up: {behind} exchanges not recorded"
            )
            self._noticed, self._noticed_ns = behind, now_ns

    def _finish(self) -> None:
        self._store.close(time.time_ns())

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except OSError as error:
            self._fail(error, time.time_ns())

    def _fail(self, error: OSError, now_ns: int) -> str:
        """The disk has failed: say so once, and try again later. Why, as a name for what is lost."""
        self._reason = _REASONS.get(error.errno or 0, why.IO_ERROR)
        if not self._failures:
            said = error.strerror or str(error)
            self._notify(
                f"recording:{self.root} stopped: {said}; the run goes on, and what is not recorded is counted"
            )
        self._retry_ns = now_ns + RETRY_NS[min(self._failures, len(RETRY_NS) - 1)]
        self._failures += 1
        self._store.abandon()
        return self._reason

    def _heal(self) -> None:
        self._failures = 0
        lost = sum(n for reason, n in self.counters.lost.items() if reason in _REASONS.values())
        self._notify(f"recording:{self.root} goes on; {lost} exchanges were not recorded")
        self._try(self._store.repair)

    def _lose(self, count: int, reason: str) -> None:
        self.counters.lost[reason] += count


def octets(observation: Observation) -> int:
    """Octets of heads and bodies, in which an observation's size is counted."""
    request, response = observation.exchange.request, observation.exchange.response
    size = 0
    if request is not None:
        size = len(request.head) + len(request.body)
    if response is not None:
        size += len(response.head) + len(response.body)
    for outcome in observation.outcomes:
        size += len(outcome.head) + len(outcome.body)
    return size


def _run_name(now_ns: int) -> str:
    """A name that sorts by time, and that no other collector gives its run."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(now_ns // 1_000_000_000))}-{os.urandom(3).hex()}"
