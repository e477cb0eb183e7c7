"""The row groups of finished files and the batches of open journals, alike: blocks of rows, read one by one.

A block knows the earliest time in it before anything is read, from the file's statistics, and keeps nothing open.
"""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from shadowtap.record.arrow import pa, pq
from shadowtap.record.journal import JournalReader
from shadowtap.record.key import RecordingKey

CACHED = 3
"""Blocks kept after reading, since parts of one are often wanted one after the other."""
_TIMES = ["time", "request_time_ns", "response_time_ns"]
_INDEX = "request_index"


class Block:
    """Some thousand rows. `first_ns` and `last_ns` are bounds, to the microsecond; `read` gives a table of the
    columns asked for, those that there are."""

    __slots__ = ("first_ns", "last_ns", "path", "read", "rows", "run")

    def __init__(
        self, path: Path, run: str, rows: int, first_ns: int, last_ns: int, read: Callable[[list[str]], Any]
    ) -> None:
        self.path = path
        self.run = run
        self.rows = rows
        self.first_ns = first_ns
        self.last_ns = last_ns
        self.read = read

    def order(self) -> tuple[Any, Any]:
        """When each row began, and which request of its connection it is (-1: none was seen): int64."""
        table = self.read([*_TIMES, _INDEX])
        return exact_times(table), _indices(table)


def exact_times(table: Any) -> Any:
    """The nanoseconds that `columns.times_ns` gave; for rows without a request or an answer to the microsecond."""
    rough = table.column("time").cast(pa.int64()).to_numpy() * 1000
    exact = pa.compute.coalesce(*(table.column(name) for name in _TIMES[1:] if name in table.column_names))
    return np.where(exact.is_null().to_numpy(), rough, exact.fill_null(0).to_numpy())


def _indices(table: Any) -> Any:
    if _INDEX not in table.column_names:
        return np.full(table.num_rows, -1)
    return table.column(_INDEX).fill_null(-1).to_numpy()


class Cache:
    """The blocks last read, so that reading parts of one does not read it again and again."""

    def __init__(self) -> None:
        self._tables: OrderedDict[int, tuple[Block, list[str], Any]] = OrderedDict()

    def read(self, block: Block, columns: list[str]) -> Any:
        """The columns of a block."""
        known = self._tables.pop(id(block), None)
        table = known[2] if known is not None and known[1] == columns else block.read(columns)
        self._tables[id(block)] = (block, columns, table)
        if len(self._tables) > CACHED:
            self._tables.popitem(last=False)
        return table


class Footer(NamedTuple):
    """What the end of a finished file says."""

    metadata: dict[bytes, bytes]
    rows: int
    groups: list[tuple[int, int, int]]
    """Rows, and the first and last microsecond, of each row group."""


def read_footer(path: Path, key: RecordingKey | None) -> Footer:
    """Raises OSError or pa.ArrowException for a file that is no whole Parquet file, or that the key does not open."""
    found = pq.read_metadata(path, decryption_properties=None if key is None else key.decryption())
    groups = []
    for number in range(found.num_row_groups):
        group = found.row_group(number)
        statistics = group.column(0).statistics
        known = group.column(0).path_in_schema == "time" and statistics is not None and statistics.has_min_max
        bounds = (statistics.min_raw, statistics.max_raw) if known else (-(1 << 53), 1 << 53)
        groups.append((group.num_rows, *bounds))
    return Footer(dict(found.metadata or {}), found.num_rows, groups)


def file_blocks(path: Path, footer: Footer, run: str, key: RecordingKey | None) -> list[Block]:
    """The row groups of a finished file."""

    def reading(number: int) -> Callable[[list[str]], Any]:
        def read(columns: list[str]) -> Any:
            decryption = None if key is None else key.decryption()
            with pq.ParquetFile(
                path, decryption_properties=decryption, page_checksum_verification=True
            ) as file:
                return file.read_row_group(number, columns=columns)

        return read

    return [
        Block(path, run, rows, first_us * 1000, last_us * 1000 + 999, reading(number))
        for number, (rows, first_us, last_us) in enumerate(footer.groups)
    ]


def journal_blocks(journal: JournalReader) -> list[Block]:
    """The batches that are whole in a journal by now."""

    def reading(begin: int, number: int) -> Callable[[list[str]], Any]:
        def read(columns: list[str]) -> Any:
            table = pa.Table.from_batches([journal.batch(begin, number)])
            return table.select([name for name in columns if name in table.column_names])

        return read

    blocks = []
    for number, (begin, batch) in enumerate(journal.batches()):
        times = exact_times(pa.Table.from_batches([batch]))
        bounds = int(times.min()), int(times.max())
        read = reading(begin, number)
        blocks.append(Block(journal.path, journal.header.run, batch.num_rows, *bounds, read))
    return blocks
