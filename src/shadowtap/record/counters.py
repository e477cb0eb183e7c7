"""What a recording counts. The law: offered = written + lost + waiting, and nothing waits after the end."""

from collections import Counter

import msgspec

QUEUE_FULL = "queue_full"
DISK_FULL = "disk_full"
READ_ONLY = "read_only"
PERMISSION = "permission"
IO_ERROR = "io_error"
STOPPED = "stopped"
BUG = "bug"
LOSSES = (QUEUE_FULL, DISK_FULL, READ_ONLY, PERMISSION, IO_ERROR, STOPPED, BUG)
"""Why an observation is not in the recording: the writer was behind; the disk's reasons; it came after the end; it
could not be masked or written for a fault of our own."""


class RecordCounters(msgspec.Struct):
    """One recording. `offered`, `written` and `lost` count observations; `files` and `file_bytes` what was
    finished; `removed_files` and `removed_bytes` what the quota took away, oldest first; `repaired_files` and
    `repaired` the files and observations saved from a run that was killed."""

    offered: int = 0
    written: int = 0
    lost: Counter[str] = msgspec.field(default_factory=Counter)
    files: int = 0
    file_bytes: int = 0
    removed_files: int = 0
    removed_bytes: int = 0
    repaired_files: int = 0
    repaired: int = 0

    @property
    def waiting(self) -> int:
        """Observations taken and not yet written or lost."""
        return self.offered - self.written - self.lost.total()
