"""GoReplay files read as one, in the order of their records' times.

Within a file records are sorted over a small window, since GoReplay writes a message when it is complete and
times it by its beginning. Files are opened when their time has come, so a folder of rotated files needs few open
at once.

A file that ends early or is corrupt gives everything before that place, and `stopped` says which place it is.
"""

import glob
import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from shadowtap.errors import RunError
from shadowtap.events import Message, Observation
from shadowtap.formats.gor.gather import Gatherer
from shadowtap.formats.gor.join import Joiner
from shadowtap.formats.gor.records import HEAD_LIMIT_BYTES, Record, Splitter, parse
from shadowtap.formats.octets import Octets

SORTED = 100
"""Records of a file that are sorted together, as many as GoReplay does by default."""
SORTED_BYTES = 16 << 20
"""Their octets."""

_Timed = tuple[int, int, Record]
"""A record with its place in time: nanoseconds, and a number that keeps equals in their order."""


class GorFiles:
    """The files that `patterns` name: paths, globs, or `-` for standard input. Read once.

    `lost` counts what became no message, by reason; `stopped` says why a file ended early, or is None.
    Raises RunError where there is no such file, or it cannot be read.
    """

    def __init__(self, *patterns: str) -> None:
        self.name = "gor:" + " ".join(patterns)
        self.lost: Counter[str] = Counter()
        self.stopped: str | None = None
        self.records_read = 0
        self._files = [Octets(path) for path in _paths(patterns)]
        self._size = sum(file.size for file in self._files)

    def progress(self) -> float | None:
        """The share that was read, 0 to 1, or None for a pipe."""
        if not self._size:
            return None
        return min(sum(file.read_bytes for file in self._files) / self._size, 1.0)

    def records(self) -> Iterator[Record]:
        """All records of all files, in order of time."""
        begins = [(_begin_ns(file), number) for number, file in enumerate(self._files)]
        closed = sorted(begins, reverse=True)
        heap: list[tuple[int, int, int, Record, Iterator[_Timed]]] = []
        while closed or heap:
            if closed and (not heap or closed[-1][0] <= heap[0][0]):
                number = closed.pop()[1]
                more = _in_order(self._records(self._files[number]))
            else:
                _, number, _, record, more = heapq.heappop(heap)
                self.records_read += 1
                yield record
            timed = next(more, None)
            if timed is not None:
                heapq.heappush(heap, (timed[0], number, *timed[1:], more))

    def messages(self, *, first_connection: int = 0) -> Iterator[list[Message]]:
        """What the pipeline would give: requests, exchanges, and the ends of connections, which are numbered from
        `first_connection` on. Replayed answers are passed over."""
        joiner = Joiner(first_connection=first_connection)
        for record in self.records():
            yield joiner.feed(record)
        yield joiner.finish()
        self.lost += joiner.lost

    def observations(self) -> Iterator[Observation]:
        """One for each request, in the order of the requests."""
        gatherer = Gatherer()
        for record in self.records():
            yield from gatherer.feed(record)
        yield from gatherer.finish()
        self.lost += gatherer.lost

    def close(self) -> None:
        """Close what is open."""
        for file in self._files:
            file.close()

    def _records(self, file: Octets) -> Iterator[Record]:
        splitter = Splitter()
        for piece in file:
            yield from splitter.feed(piece)
        yield from splitter.finish()
        self.lost += splitter.lost
        self.stopped = self.stopped or file.stopped


def _paths(patterns: Sequence[str]) -> list[str]:
    paths: dict[str, None] = {}
    for pattern in patterns:
        found = [pattern] if pattern == "-" or Path(pattern).exists() else sorted(glob.glob(pattern))
        if not found:
            raise RunError(f"{pattern}: there is no such file")
        paths |= dict.fromkeys(found)
    return list(paths)


def _begin_ns(file: Octets) -> int:
    record = parse(file.beginning(HEAD_LIMIT_BYTES))
    return 0 if record is None else record.time_ns


def _in_order(records: Iterator[Record]) -> Iterator[_Timed]:
    """Sorted as far as the window reaches. A record without a time keeps its place behind the one before it."""
    heap: list[_Timed] = []
    octets = last_ns = 0
    for number, record in enumerate(records):
        last_ns = record.time_ns or last_ns
        heapq.heappush(heap, (last_ns, number, record))
        octets += len(record.payload)
        while len(heap) > SORTED or octets > SORTED_BYTES:
            timed = heapq.heappop(heap)
            octets -= len(timed[2].payload)
            yield timed
    while heap:
        yield heapq.heappop(heap)
