"""How much a recording may keep: by size and by age, oldest first.

A file's age counts from when it was finished, not from the time of the traffic in it, so that an old capture can be
recorded. Only files that lie and are named as ours are ever removed.
"""

import os
from pathlib import Path
from typing import NamedTuple

from shadowtap.record import layout


class Removed(NamedTuple):
    """What went."""

    files: int
    size: int


def enforce(
    root: Path, *, max_bytes: int | None, max_age_s: float | None, open_bytes: int, now_ns: int
) -> Removed:
    """Remove the oldest finished files until the rest, with `open_bytes` of what is being written, keeps the limits.

    Files that vanish meanwhile are not missed. Raises OSError.
    """
    if max_bytes is None and max_age_s is None:
        return Removed(0, 0)
    found = sorted(_sizes(root))
    total = open_bytes + sum(size for _, size, _ in found)
    files = gone = 0
    for finished_ns, size, path in found:
        too_old = max_age_s is not None and now_ns - finished_ns > max_age_s * 1e9
        if not too_old and (max_bytes is None or total <= max_bytes):
            break
        _remove(path)
        total -= size
        files += 1
        gone += size
    return Removed(files, gone)


def _sizes(root: Path) -> list[tuple[int, int, Path]]:
    found = []
    for path in layout.finished(root):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        found.append((status.st_mtime_ns, status.st_size, path))
    return found


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    for folder in (path.parent, path.parent.parent):
        try:
            os.rmdir(folder)
        except OSError:
            return
