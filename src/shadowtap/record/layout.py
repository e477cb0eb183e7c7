"""Where the files of a recording lie, and what their names say.

    DIR/date=2026-11-23/hour=14/20261123T14-1795442400123456789-9f3a.parquet     finished
    DIR/_open/20261123T14-1795442400123456789-9f3a.journal                       being written, or left by a crash
    DIR/_open/20261123T14-1795442400123456789-9f3a.part                          the Parquet file in the making
    DIR/_open/lock                                                               held by the one writer

A name begins with the UTC hour of its rows, then the time it was opened, so names sort by time. Readers of
partitioned data leave out folders that begin with `_`; the folder is gone when a writer has ended in order.
"""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

OPEN = "_open"
HOUR_NS = 3_600_000_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)-\d+-[0-9a-f]+")


def new_name(hour: int, now_ns: int) -> str:
    """A name for rows of this hour (hours since the epoch)."""
    begin = _EPOCH + timedelta(hours=hour)
    return f"{begin:%Y%m%dT%H}-{now_ns:019d}-{os.urandom(2).hex()}"


def finished_path(root: Path, name: str) -> Path:
    """Where the finished file of this name lies. Raises ValueError for a name that is none of ours."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(name)
    year, month, day, hour = found.groups()
    return root / f"date={year}-{month}-{day}" / f"hour={hour}" / f"{name}.parquet"


def journal_path(root: Path, name: str) -> Path:
    """Where its journal lies while it is written."""
    return root / OPEN / f"{name}.journal"


def part_path(root: Path, name: str) -> Path:
    """Where its Parquet file grows."""
    return root / OPEN / f"{name}.part"


def finished(root: Path) -> list[Path]:
    """The finished files, oldest hour first."""
    found = root.glob("date=*/hour=*/*.parquet")
    return sorted((path for path in found if is_ours(root, path)), key=lambda path: path.name)


def is_ours(root: Path, path: Path) -> bool:
    """Whether a file lies where its name says, so that we may take it for one of ours and remove it."""
    try:
        hour_of(path.stem)
        return finished_path(root, path.stem) == path
    except ValueError:
        return False


def journals(root: Path) -> list[Path]:
    """The journals, oldest first."""
    found = (root / OPEN).glob("*.journal")
    return sorted(path for path in found if _NAME.fullmatch(path.stem))


def hours(root: Path, since_ns: int | None, until_ns: int | None) -> Iterator[Path]:
    """The finished files whose hour may hold rows in [since_ns, until_ns)."""
    for path in finished(root):
        begin_ns = hour_of(path.stem) * HOUR_NS
        if (since_ns is None or begin_ns + HOUR_NS > since_ns) and (until_ns is None or begin_ns < until_ns):
            yield path


def hour_of(name: str) -> int:
    """The hour of a name's rows, in hours since the epoch."""
    begin = datetime.strptime(name.partition("-")[0], "%Y%m%dT%H").replace(tzinfo=UTC)
    return (begin - _EPOCH) // timedelta(hours=1)


def make_private(path: Path) -> None:
    """A folder that only its owner can look into, with those above it that are missing. Raises OSError."""
    if not path.is_dir():
        if path.parent != path:
            make_private(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def sync(path: Path) -> None:
    """Have the disk keep a folder's entries. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
