"""What is being recorded of one hour: a journal, for a crash, and beside it the Parquet file it will be.

A batch is in the journal before it counts as written. The Parquet file grows a row group at a time, so that the end
of a segment is as quick as any other moment. When it is finished, the journal has done its duty and goes. Where a
segment breaks (a full disk), the journal stays: `repair` makes the Parquet file of it when there is room again.
"""

from pathlib import Path
from typing import Any

from shadowtap.record import layout
from shadowtap.record.journal import JournalHeader, JournalWriter
from shadowtap.record.key import RecordingKey
from shadowtap.record.parquet import ParquetFile


class Segment:
    """One hour's rows since `opened_ns`, in the file of this name. Its methods raise OSError."""

    def __init__(
        self,
        root: Path,
        name: str,
        header: JournalHeader,
        schema: Any,
        key: RecordingKey | None,
        now_ns: int,
    ) -> None:
        self.name = name
        self.opened_ns = now_ns
        self._journal_path = layout.journal_path(root, self.name)
        self._journal = JournalWriter(self._journal_path, header, key)
        try:
            self._parquet = ParquetFile(root, self.name, schema, key)
        except BaseException:
            self._journal.close()
            self._journal_path.unlink(missing_ok=True)
            raise

    @property
    def rows(self) -> int:
        """How many there are."""
        return self._parquet.rows

    @property
    def size(self) -> int:
        """Octets of the Parquet file so far."""
        return self._parquet.size

    @property
    def journal_size(self) -> int:
        """Octets of the journal so far."""
        return self._journal.size

    def keep(self, batch: Any) -> None:
        """Write a batch into the journal, where it is safe; after an OSError the journal is as it was before."""
        self._journal.append(batch)

    def append(self, batch: Any) -> None:
        """Add a batch that is kept to the Parquet file."""
        self._parquet.append(batch)

    def sync(self) -> None:
        """Have the disk keep what was written."""
        self._journal.sync()

    def finish(self) -> int:
        """Make it a finished file; its size."""
        size = self._parquet.finish()
        self._journal.close()
        self._journal_path.unlink(missing_ok=True)
        return size

    def abandon(self) -> None:
        """Leave the journal for `repair`."""
        self._parquet.abandon()
        self._journal.close()
