"""What a killed run left: its journals become the Parquet files they would have been."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from shadowtap.record import layout
from shadowtap.record.journal import JournalError, JournalReader
from shadowtap.record.key import RecordingKey
from shadowtap.record.parquet import ParquetFile
from shadowtap.record.schema import file_schema


class Repaired(NamedTuple):
    """One journal that became a file: `rows` saved, and the octets at its end that were no whole batch."""

    path: Path
    rows: int
    size: int
    lost_bytes: int


def repair(
    root: Path,
    key: RecordingKey | None,
    notify: Callable[[str], None],
    *,
    leave: frozenset[str] = frozenset(),
) -> list[Repaired]:
    """Finish every journal but those of the names in `leave`; one that cannot be read stays, and `notify` says why.

    Raises OSError, after which everything is as repairable as before.
    """
    for part in (root / layout.OPEN).glob("*.part"):
        if part.stem not in leave:
            part.unlink(missing_ok=True)
    done = []
    for path in layout.journals(root):
        if path.stem in leave:
            continue
        if layout.finished_path(root, path.stem).exists():
            path.unlink()
            continue
        try:
            found = _finish(root, path, key)
        except JournalError as error:
            notify(f"{path}: left as it is: {error}")
            continue
        path.unlink()
        if found is not None:
            done.append(found)
    return done


def _finish(root: Path, path: Path, key: RecordingKey | None) -> Repaired | None:
    """The Parquet file of a journal; None where it holds no row. It is encrypted as its journal was."""
    journal = JournalReader(path, key)
    header = journal.header
    schema = file_schema(header.run, masked=header.masked, writer=header.writer)
    file: ParquetFile | None = None
    try:
        for _, batch in journal.batches():
            if file is None:
                file = ParquetFile(root, path.stem, schema, key if header.salt else None)
            file.append(batch)
        if file is None:
            return None
        return Repaired(file.path, file.rows, file.finish(), journal.lost_bytes)
    except BaseException:
        if file is not None:
            file.abandon()
        raise
    finally:
        journal.close()
