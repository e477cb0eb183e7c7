"""One writer a folder: a lock that the kernel lets go of when its process dies, however that happens."""

import fcntl
import os
import stat
from pathlib import Path

from shadowtap.errors import RunError, UsageError
from shadowtap.record import layout

_READABLE_BY_OTHERS = stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class Lock:
    """The folder of a recording, made if it is missing, and ours alone until `release`.

    `warning` says what about the folder deserves a look, or is empty. Raises UsageError where the folder could be
    changed by others or is none, RunError where it cannot be written or another process writes into it.
    """

    def __init__(self, root: Path) -> None:
        self.warning = _prepare(root)
        self._path = root / layout.OPEN / "lock"
        self._handle = self._take(root)

    def _take(self, root: Path) -> int:
        try:
            layout.make_private(self._path.parent)
            while True:
                handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_still(handle):
                    break
                os.close(handle)
        except BlockingIOError:
            owner = os.read(handle, 32).decode(errors="replace").strip()
            os.close(handle)
            raise RunError(
                f"recording:{root}: another process (pid {owner or 'unknown'}) records into it; "
                "stop that one or name another folder"
            ) from None
        except OSError as error:
            raise _unwritable(root, error) from None
        os.truncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        return handle

    def _is_still(self, handle: int) -> bool:
        """Whether what we locked is still the file of that name; the one who had it may just have removed it."""
        try:
            return os.path.samestat(os.fstat(handle), os.stat(self._path))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let others in; an empty folder of open files goes, so that only Parquet files are left."""
        try:
            if not any(entry.name != "lock" for entry in self._path.parent.iterdir()):
                self._path.unlink()
                self._path.parent.rmdir()
        except OSError:
            pass
        finally:
            os.close(self._handle)


def _prepare(root: Path) -> str:
    try:
        layout.make_private(root)
        status = root.stat()
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"recording:{root}: this is a file; name a folder") from None
    except OSError as error:
        raise _unwritable(root, error) from None
    mode = status.st_mode
    if mode & _WRITABLE_BY_OTHERS and not mode & stat.S_ISVTX:
        raise UsageError(
            f"recording:{root}: others may change this folder (mode {mode & 0o777:o}); "
            f"close it with: chmod 700 {root}"
        )
    if mode & _READABLE_BY_OTHERS:
        return f"others may look into {root} (mode {mode & 0o777:o}), though not into its files; chmod 700 closes it"
    return ""


def _unwritable(root: Path, error: OSError) -> RunError:
    return RunError(f"recording:{root}: {error.strerror or error}; name a folder that can be written")
