"""What the readers of capture files share: a window on the file, headers as columns, batches.

Walking from record to record is the one thing that must be done record by record, since each length says where
the next one is. The readers do only this in Python and collect offsets; the headers at those offsets are then
copied into an array with one operation, through a view of the buffer as overlapping unaligned records of the
header's size.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shadowtap.events import Bytes, Frames, Ints

MAX_PACKET_BYTES: Final = 262_144
"""The longest packet that is believed: the largest snapshot length of libpcap and Wireshark. More is a corrupt
length."""

MAX_BATCH_FRAMES: Final = 4096
"""Frames of one batch: enough that the fixed cost of the stages behind vanishes, and columns still fit a cache."""

Words = NDArray[np.uint32]
Columns = tuple[Ints, Ints, Ints, Ints]


class Window:
    """The part of a file that is in memory: `buffer`, whose first byte is byte `base` of the (decompressed) file.

    Each buffer is a bytes object of its own, so frames may keep it.
    """

    __slots__ = ("_chunks", "base", "buffer")

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self.base = 0
        self.buffer = b""

    def advance(self, used: int, need: int) -> bool:
        """Forget the first `used` bytes and read on until `need` bytes are there; False when the file ends
        first."""
        parts = [self.buffer[used:]]
        size = len(parts[0])
        self.base += used
        while size < need and (chunk := next(self._chunks, b"")):
            parts.append(chunk)
            size += len(chunk)
        self.buffer = b"".join(parts)
        return size >= need

    def skip(self, used: int) -> bool:
        """Forget the first `used` bytes, of which some may not have been read; False when the file ends before."""
        while used > len(self.buffer):
            used -= len(self.buffer)
            self.base += len(self.buffer)
            self.buffer = next(self._chunks, b"")
            if not self.buffer:
                return False
        self.buffer = self.buffer[used:]
        self.base += used
        return True


def headers_at(buffer: bytes, offsets: Ints, words: int, order: str) -> Words:
    """The `words` 32-bit numbers at each offset, as n x words; `order` is `<` or `>`. All must lie inside."""
    size = 4 * words
    view: NDArray[np.void] = np.ndarray((max(len(buffer) - size + 1, 0),), f"V{size}", buffer, strides=(1,))
    return view[offsets].view(f"{order}u4").reshape(-1, words)


def batches(buffer: Bytes, columns: Columns, link: int) -> Iterator[Frames]:
    """The rows as Frames of at most MAX_BATCH_FRAMES each; columns: start, captured, on_wire, time_ns."""
    for low in range(0, len(columns[0]), MAX_BATCH_FRAMES):
        rows = slice(low, low + MAX_BATCH_FRAMES)
        start, captured, on_wire, time_ns = (column[rows] for column in columns)
        yield Frames(buffer, start, captured, on_wire, time_ns, link)
