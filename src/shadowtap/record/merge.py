"""Many blocks, each nearly in order, as one stream in the order of time, holding few of them at once.

Rows are recorded when a request is over, so a slow one lies far behind its time. Each block is therefore put
in order and cut in three runs: the earliest 64th, the rest of the earliest eighth, and the others. A run is read when
the merge has come to its first row, so of a block with some slow requests only these are held early.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import count, pairwise
from typing import Any, NamedTuple

from shadowtap.events import Observation
from shadowtap.record.arrow import pa
from shadowtap.record.blocks import Block, Cache
from shadowtap.record.rows import observations

_CUTS = (64, 8)
_WHOLE = 512
"""Blocks with fewer rows are not cut."""
_SLICE = 256
"""Rows that are made values at once."""


class Recorded(NamedTuple):
    """An observation as it was recorded: when it began, and in which run."""

    time_ns: int
    run: str
    observation: Observation


def in_time(
    blocks: Iterable[Block],
    *,
    since_ns: int | None,
    until_ns: int | None,
    columns: list[str],
    on_damage: Callable[[Block, Exception], None],
) -> Iterator[Recorded]:
    """The rows of all blocks with since_ns <= time < until_ns, in the order of time, then of the blocks. A block that
    cannot be read is left out, and `on_damage` is told."""
    merge = _Merge(columns, since_ns, until_ns, on_damage)
    for block in blocks:
        merge.add(block.first_ns, _Unread(block))
    return merge.rows()


class _Unread(NamedTuple):
    block: Block


class _Run(NamedTuple):
    block: Block
    times: Any
    positions: Any


class _Reading:
    """A run that is being given out."""

    def __init__(self, run: _Run, table: Any) -> None:
        self.name = run.block.run
        self.times: list[int] = run.times.tolist()
        self.at = 0
        self._rows = _rows(table)

    def until(self, limit_ns: int | None) -> Iterator[Recorded]:
        """The rows up to a time, that one included."""
        times = self.times
        while self.at < len(times) and (limit_ns is None or times[self.at] <= limit_ns):
            self.at += 1
            yield Recorded(times[self.at - 1], self.name, next(self._rows))


class _Merge:
    def __init__(
        self,
        columns: list[str],
        since_ns: int | None,
        until_ns: int | None,
        on_damage: Callable[[Block, Exception], None],
    ) -> None:
        self._columns = columns
        self._since_ns = since_ns
        self._until_ns = until_ns
        self._on_damage = on_damage
        self._heap: list[tuple[int, int, _Unread | _Run | _Reading]] = []
        self._order = count()
        self._cache = Cache()
        self._damaged: set[Block] = set()

    def add(self, first_ns: int, what: _Unread | _Run | _Reading) -> None:
        heapq.heappush(self._heap, (first_ns, next(self._order), what))

    def rows(self) -> Iterator[Recorded]:
        heap = self._heap
        while heap:
            _, _, what = heapq.heappop(heap)
            if isinstance(what, _Reading):
                yield from what.until(heap[0][0] if heap else None)
                if what.at < len(what.times):
                    self.add(what.times[what.at], what)
                continue
            try:
                self._open(what)
            except (OSError, pa.ArrowException) as error:
                self._leave_out(what.block, error)

    def _leave_out(self, block: Block, error: Exception) -> None:
        if block not in self._damaged:
            self._damaged.add(block)
            self._on_damage(block, error)

    def _open(self, what: _Unread | _Run) -> None:
        if isinstance(what, _Run):
            table = self._cache.read(what.block, self._columns).take(what.positions)
            self.add(int(what.times[0]), _Reading(what, table))
            return
        for run in self._runs(what.block):
            self.add(int(run.times[0]), run)

    def _runs(self, block: Block) -> Iterator[_Run]:
        times = block.times_ns()
        positions = times.argsort(kind="stable")
        times = times[positions]
        first = 0 if self._since_ns is None else int(times.searchsorted(self._since_ns))
        last = len(times) if self._until_ns is None else int(times.searchsorted(self._until_ns))
        size = last - first
        cuts = [first, *(first + size // part for part in _CUTS if size >= _WHOLE), last]
        for begin, end in pairwise(cuts):
            if begin < end:
                yield _Run(block, times[begin:end], positions[begin:end])


def _rows(table: Any) -> Iterator[Observation]:
    for begin in range(0, table.num_rows, _SLICE):
        yield from observations(table.slice(begin, _SLICE))
