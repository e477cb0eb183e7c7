"""One Parquet file in the making: row groups of some megabytes, zstd, private to its owner, there all at once.

It grows beside the finished ones and takes its place by a rename, after the disk has it. Dictionaries are tried where
values recur, statistics kept where someone would search; heads and bodies have neither.
"""

import os
from pathlib import Path
from typing import Any

from shadowtap.record import layout
from shadowtap.record.arrow import pa, pq
from shadowtap.record.key import RecordingKey
from shadowtap.record.schema import SCHEMA

ROW_GROUP_BYTES = 16 << 20
"""Octets in memory after which a row group is written: what a reader holds at once, and a writer keeps waiting."""
ROW_GROUP_ROWS = 20_000
COMPRESSION_LEVEL = 1
"""Of zstd. Level 3 saves a tenth of the space and costs a third more time."""

_UNIQUE = ("target", "query")
_DICTIONARY = [
    *(f.name for f in SCHEMA if (f.type == pa.string() or f.type == pa.int32()) and f.name not in _UNIQUE),
    "request_flags.list.element",
    "response_flags.list.element",
    *(f"outcomes.list.element.{name}" for name in ("target", "status", "failure")),
    *(f"verdicts.list.element.{name}" for name in ("target", "skipped")),
]
_STATISTICS = [f.name for f in SCHEMA if not pa.types.is_nested(f.type) and f.type != pa.binary()]


class ParquetFile:
    """A file that becomes `finished_path` of its name. Its methods raise OSError."""

    def __init__(self, root: Path, name: str, schema: Any, key: RecordingKey | None) -> None:
        self.path = layout.finished_path(root, name)
        self._part = layout.part_path(root, name)
        self._batches: list[Any] = []
        self._waiting_bytes = 0
        self._waiting_rows = 0
        self.rows = 0
        encryption = None if key is None else key.encryption()
        os.close(os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
        self._file = pa.OSFile(str(self._part), "wb")
        self._writer = pq.ParquetWriter(
            self._file,
            schema,
            compression="zstd",
            compression_level=COMPRESSION_LEVEL,
            use_dictionary=_DICTIONARY,
            write_statistics=_STATISTICS,
            write_page_checksum=True,
            encryption_properties=encryption,
        )

    @property
    def size(self) -> int:
        """Octets written so far, those of waiting rows not counted."""
        return int(self._file.tell())

    def append(self, batch: Any) -> None:
        """Take a batch; written with its row group."""
        self._batches.append(batch)
        self._waiting_bytes += batch.nbytes
        self._waiting_rows += batch.num_rows
        self.rows += batch.num_rows
        if self._waiting_bytes >= ROW_GROUP_BYTES or self._waiting_rows >= ROW_GROUP_ROWS:
            self._write_group()

    def _write_group(self) -> None:
        batches, self._batches = self._batches, []
        table = pa.Table.from_batches(batches, self._writer.schema)
        self._waiting_bytes = self._waiting_rows = 0
        self._writer.write_table(table, row_group_size=max(table.num_rows, 1))

    def finish(self) -> int:
        """Write what waits, and take the file's place; its size."""
        if self._batches:
            self._write_group()
        self._writer.close()
        self._file.close()
        _sync_file(self._part)
        size = self._part.stat().st_size
        layout.make_private(self.path.parent)
        os.rename(self._part, self.path)
        layout.sync(self.path.parent)
        return size

    def abandon(self) -> None:
        """Throw away what there is of it."""
        try:
            self._writer.close()
            self._file.close()
        except (OSError, pa.ArrowException):
            pass
        self._part.unlink(missing_ok=True)


def _sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
