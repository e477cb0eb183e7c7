"""The folder of a recording, written by one: observations in, finished files out, the quota kept.

A segment collects the rows of one hour of traffic; around the full hour, and where captures of several hours are read
together, a few are open at once. A segment ends when its file or its journal is large enough or it has been open
long enough. There is no clock and no thread here; `Recorder` has both.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from shadowtap import __version__
from shadowtap.errors import UsageError
from shadowtap.events import Observation
from shadowtap.record import columns, layout
from shadowtap.record.counters import RecordCounters
from shadowtap.record.journal import JournalHeader
from shadowtap.record.key import RecordingKey
from shadowtap.record.lock import Lock
from shadowtap.record.quota import enforce
from shadowtap.record.repair import repair
from shadowtap.record.schema import SCHEMA, VERSION, file_schema
from shadowtap.record.segment import Segment

MAX_OPEN = 4
"""Segments open at once; another hour ends the one that was opened first."""
JOURNAL_BYTES = 512 << 20
"""A journal is not compressed, so a segment that compresses well ends by this."""
SYNC_NS = 5_000_000_000
"""How often the disk is made to keep the journals: what a crash of the whole machine may lose."""
QUOTA_NS = 60_000_000_000
"""How often ages are looked at when no file is finished."""


class StoreOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a recording is kept. `roll_bytes` and `roll_s` end a file; `max_bytes` and `max_age_s` are the quota (None:
    none); `free_bytes` of the disk are left alone."""

    roll_bytes: int = 128 << 20
    roll_s: float = 300.0
    max_bytes: int | None = None
    max_age_s: float | None = None
    free_bytes: int = 1 << 30


class DiskFullError(OSError):
    """Less is free than must be left alone."""


class Store:
    """Writes into `root`, locked until `close`. Methods raise OSError where the disk fails; then call `abandon`."""

    def __init__(
        self,
        root: Path,
        *,
        run: str,
        masked: bool,
        key: RecordingKey | None,
        options: StoreOptions,
        counters: RecordCounters,
        notify: Callable[[str], None],
    ) -> None:
        if options.max_bytes is not None and options.max_bytes < 1 << 20:
            raise UsageError(f"recording:{root}: a quota has at least 1 MiB, not {options.max_bytes} bytes")
        self.root = root
        self._run = run
        self._key = key
        self._options = options
        self._counters = counters
        self._notify = notify
        self._schema = file_schema(run, masked=masked, writer=__version__)
        self._header = JournalHeader(VERSION, run, masked, __version__, SCHEMA.serialize().to_pybytes())
        self._segments: dict[int, Segment] = {}
        self._named_ns = 0
        self._synced_ns = 0
        self._looked_ns = 0
        if key is not None:
            key.encryption()
            key.cipher(b"")
        self._lock = Lock(root)
        for warning in (self._lock.warning, key.warning if key is not None else ""):
            if warning:
                notify(warning)

    def repair(self) -> None:
        """Finish what a killed run, or a full disk, left."""
        leave = frozenset(segment.name for segment in self._segments.values())
        for found in repair(self.root, self._key, self._notify, leave=leave):
            self._counters.repaired_files += 1
            self._counters.repaired += found.rows
            lost = f", {found.lost_bytes} bytes at its end were lost" if found.lost_bytes else ""
            name = f"recording:{self.root}: repaired {found.path.name}"
            self._notify(f"{name}, which was left unfinished: {found.rows} exchanges saved{lost}")

    def write(self, observations: Sequence[Observation], now_ns: int) -> None:
        """Write a batch. Where it raises, `counters.written` says how many of them are safe."""
        self._look_at_free_space()
        times = columns.times_ns(observations, now_ns)
        hours = times // layout.HOUR_NS
        first = int(hours[0])
        if (hours == first).all():
            self._write_hour(first, observations, times, now_ns)
            return
        for hour in np.unique(hours).tolist():
            rows = (hours == hour).nonzero()[0]
            self._write_hour(hour, [observations[i] for i in rows.tolist()], times[rows], now_ns)

    def _write_hour(self, hour: int, observations: Sequence[Observation], times: Any, now_ns: int) -> None:
        batch = columns.batch(observations, times, self._run)
        segment = self._segments.get(hour) or self._open(hour, now_ns)
        segment.keep(batch)
        self._counters.written += len(observations)
        segment.append(batch)
        options = self._options
        limit = (
            options.roll_bytes
            if options.max_bytes is None
            else min(options.roll_bytes, options.max_bytes // 4)
        )
        if segment.size >= limit or segment.journal_size >= min(JOURNAL_BYTES, 8 * limit):
            self._finish(hour, now_ns)

    def _open(self, hour: int, now_ns: int) -> Segment:
        if len(self._segments) >= MAX_OPEN:
            self._finish(min(self._segments, key=lambda other: self._segments[other].opened_ns), now_ns)
        self._named_ns = max(
            now_ns, self._named_ns + 1
        )  # names sort as written, also where a clock is set back
        name = layout.new_name(hour, self._named_ns)
        made = Segment(self.root, name, self._header, self._schema, self._key, now_ns)
        self._segments[hour] = made
        return made

    def tick(self, now_ns: int) -> None:
        """What the passing of time asks for: to end segments, to sync, to keep the quota."""
        roll_ns = int(self._options.roll_s * 1e9)
        for hour, segment in list(self._segments.items()):
            if now_ns - segment.opened_ns >= roll_ns:
                self._finish(hour, now_ns)
        if now_ns - self._synced_ns >= SYNC_NS:
            self._synced_ns = now_ns
            for segment in self._segments.values():
                segment.sync()
        if now_ns - self._looked_ns >= QUOTA_NS:
            self._keep_quota(now_ns)

    def _finish(self, hour: int, now_ns: int) -> None:
        self._counters.file_bytes += self._segments[hour].finish()
        self._counters.files += 1
        del self._segments[hour]
        self._keep_quota(now_ns)

    def _keep_quota(self, now_ns: int) -> None:
        self._looked_ns = now_ns
        removed = enforce(
            self.root,
            max_bytes=self._options.max_bytes,
            max_age_s=self._options.max_age_s,
            open_bytes=sum(segment.size for segment in self._segments.values()),
            now_ns=now_ns,
        )
        self._counters.removed_files += removed.files
        self._counters.removed_bytes += removed.size

    def _look_at_free_space(self) -> None:
        disk = os.statvfs(self.root)
        free = disk.f_bavail * disk.f_frsize
        if free < min(self._options.free_bytes, disk.f_blocks * disk.f_frsize // 20):
            raise DiskFullError(
                28, f"less than the {self._options.free_bytes} bytes that are left alone are free"
            )

    def abandon(self) -> None:
        """After an OSError: leave the journals for `repair`, and begin anew with the next batch."""
        segments, self._segments = self._segments, {}
        for segment in segments.values():
            segment.abandon()

    def close(self, now_ns: int) -> None:
        """Finish everything, and let others in."""
        try:
            for hour in list(self._segments):
                self._finish(hour, now_ns)
        finally:
            self._lock.release()
