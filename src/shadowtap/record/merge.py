"""Many blocks, each nearly in order, as one stream in the order of time, holding few of them at once.

The order is total, so that a recording reads the same while it is written and when it is finished: by time, then
by the request's place in its connection (requests of one packet have one time; -1 where no request was seen), then as
they were written: by block, then by row.

Rows are recorded when a request is over, so a slow one lies far behind its time. Each block is therefore put
in order and cut in three runs: the earliest 64th, the rest of the earliest eighth, and the others. A run is read when
the merge has come to its first row, so of a block with some slow requests only these are held early.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

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
    """The rows of all blocks, which come as they were written, with since_ns <= time < until_ns, in order. A block
    that cannot be read is left out, and `on_damage` is told."""
    merge = _Merge(columns, since_ns, until_ns, on_damage)
    for written, block in enumerate(blocks):
        merge.add(_Unread(block, written))
    return merge.rows()


_Key = tuple[int, int, int, int]
"""Where a row comes in the order: time, index of the request, number of the block, number of the run in the block.
Within a run the rows are in order already."""


class _Unread(NamedTuple):
    block: Block
    written: int

    @property
    def first(self) -> _Key:
        """No row of it comes before this."""
        return self.block.first_ns, -1, self.written, 0


class _Run(NamedTuple):
    block: Block
    written: int
    number: int
    times: Any
    indices: Any
    positions: Any

    @property
    def first(self) -> _Key:
        return int(self.times[0]), int(self.indices[0]), self.written, self.number


class _Reading:
    """A run that is being given out."""

    def __init__(self, run: _Run, table: Any) -> None:
        self._name = run.block.run
        self._keys: list[_Key] = [
            (time_ns, index, run.written, run.number)
            for time_ns, index in zip(run.times.tolist(), run.indices.tolist(), strict=True)
        ]
        self._at = 0
        self._rows = _rows(table)

    @property
    def first(self) -> _Key:
        """The row that comes next."""
        return self._keys[self._at]

    @property
    def is_over(self) -> bool:
        return self._at == len(self._keys)

    def until(self, limit: _Key | None) -> Iterator[Recorded]:
        """The rows that come before another."""
        keys = self._keys
        while self._at < len(keys) and (limit is None or keys[self._at] < limit):
            self._at += 1
            yield Recorded(keys[self._at - 1][0], self._name, next(self._rows))


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
        self._heap: list[tuple[_Key, _Unread | _Run | _Reading]] = []
        self._cache = Cache()
        self._damaged: set[Block] = set()

    def add(self, what: _Unread | _Run | _Reading) -> None:
        heapq.heappush(self._heap, (what.first, what))  # keys differ: a block is here unread, or as its runs

    def rows(self) -> Iterator[Recorded]:
        heap = self._heap
        while heap:
            _, what = heapq.heappop(heap)
            if isinstance(what, _Reading):
                yield from what.until(heap[0][0] if heap else None)
                if not what.is_over:
                    self.add(what)
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
            self.add(_Reading(what, table))
            return
        for run in self._runs(what):
            self.add(run)

    def _runs(self, unread: _Unread) -> Iterator[_Run]:
        block, written = unread
        times, indices = block.order()
        positions = np.lexsort((indices, times))  # which is stable
        times, indices = times[positions], indices[positions]
        first = 0 if self._since_ns is None else int(times.searchsorted(self._since_ns))
        last = len(times) if self._until_ns is None else int(times.searchsorted(self._until_ns))
        size = last - first
        cuts = [first, *(first + size // part for part in _CUTS if size >= _WHOLE), last]
        for number, (begin, end) in enumerate(pairwise(cuts)):
            if begin < end:
                part = slice(begin, end)
                yield _Run(block, written, number, times[part], indices[part], positions[part])


def _rows(table: Any) -> Iterator[Observation]:
    for begin in range(0, table.num_rows, _SLICE):
        yield from observations(table.slice(begin, _SLICE))
