"""Files that are only ever appended to, whatever happened before: each rolled by its size and by the time in its
name.

Nothing is truncated. Where a crash has left half a record at the end of a file, a separator comes first, so that
only that record is lost. A packed file is never appended to, since nothing can be read behind a broken end: the
next number begins.
"""

import os
import zlib
from collections.abc import Callable
from pathlib import Path

from shadowtap.errors import RunError
from shadowtap.formats.gor.naming import dated, last_number, numbered
from shadowtap.formats.gor.records import SEPARATOR

_LEVEL = 1
"""zlib's fastest: it packs requests to a fifth, the slowest to a sixth at eight times the cost."""


class Appender:
    """Writes blocks of whole records to the file that `pattern` names now (see `naming`), readable by its owner
    only.

    A file that has `file_bytes` octets, as they are on the disk, is followed by the next. `error` says why a
    block could not be written, or is empty; the next block is tried again.
    """

    def __init__(self, pattern: str, *, file_bytes: int, clock: Callable[[], int]) -> None:
        self.error = ""
        self.path = Path()
        self._pattern = pattern
        self._limit = file_bytes
        self._clock = clock
        self._fd = -1
        self._size = 0
        self._base = ""
        self._packer: zlib._Compress | None = None

    def open(self) -> None:
        """Open the file now, to find out that it can be. Raises RunError."""
        try:
            self._roll()
        except OSError as error:
            where = error.filename or self._pattern
            raise RunError(f"{where}: cannot be written: {error.strerror}") from None

    def append(self, block: bytes) -> bool:
        """Write a block; False where that failed, and `error` says why."""
        try:
            self._roll()
            self._put(block if self._packer is None else _pack(block, self._packer))
        except OSError as error:
            self.error = f"{self.path}: {error.strerror}"
            self._release()
            return False
        self.error = ""
        return True

    def close(self) -> None:
        """End the file."""
        try:
            if self._fd >= 0 and self._packer is not None:
                self._put(self._packer.flush(zlib.Z_FINISH))
        except OSError as error:
            self.error = f"{self.path}: {error.strerror}"
        self._release()

    def _roll(self) -> None:
        base = dated(self._pattern, self._clock())
        if self._fd >= 0 and base == self._base and self._size < self._limit:
            return
        if self._fd >= 0:
            self.close()
        self._base = base
        path = Path(base)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        last = last_number(path)
        self._begin(path, max(last, 0), exists=last >= 0)

    def _begin(self, base: Path, number: int, *, exists: bool) -> None:
        packed = base.name.endswith(".gz")
        if exists and (packed or numbered(base, number).stat().st_size >= self._limit):
            number += 1
            exists = False
        self.path = numbered(base, number)
        self._packer = zlib.compressobj(_LEVEL, wbits=31) if packed else None
        self._fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._size = 0
        if exists:
            self._size = os.fstat(self._fd).st_size
            if self._size and not _ends_whole(self.path):
                self._put(SEPARATOR)

    def _put(self, octets: bytes) -> None:
        view = memoryview(octets)
        while view:
            written = os.write(self._fd, view)
            self._size += written
            view = view[written:]

    def _release(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


def _pack(block: bytes, packer: "zlib._Compress") -> bytes:
    """So that a crash loses nothing of it."""
    return packer.compress(block) + packer.flush(zlib.Z_SYNC_FLUSH)


def _ends_whole(path: Path) -> bool:
    """Whether a file ends behind a record."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - len(SEPARATOR), 0))
        return file.read(len(SEPARATOR)) == SEPARATOR
