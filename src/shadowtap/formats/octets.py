"""The octets of one file in bounded pieces, unpacked where they are gzip (RFC 1952), which GoReplay tells by the
name and we by the first two octets."""

import os
import sys
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from shadowtap.errors import RunError

PIECE_BYTES = 256 << 10
"""Octets read at once, and the most that are unpacked at once."""
_MAGIC = b"\x1f\x8b"


class Octets:
    """A file, or standard input for `-`. `stopped` says, at the end, why it came early, or is None."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.stopped: str | None = None
        self.read_bytes = 0
        self.size = 0
        self._file: BinaryIO | None = None
        if path != "-":
            try:
                self.size = os.stat(path).st_size
                with open(path, "rb"):
                    pass
            except OSError as error:
                raise RunError(f"{path}: cannot be read: {error.strerror}") from None

    def beginning(self, limit: int) -> bytes:
        """The first octets of a file, unpacked, at most `limit`, which is small."""
        if self.path == "-":
            return b""
        try:
            with open(self.path, "rb") as file:
                octets = file.read(limit)
            if octets.startswith(_MAGIC):
                octets = zlib.decompressobj(wbits=31).decompress(octets, limit)
        except (OSError, zlib.error):
            return b""
        return octets

    def __iter__(self) -> Iterator[bytes]:
        try:
            pieces = self._read()
            first = next(pieces, b"")
            if first.startswith(_MAGIC):
                yield from self._unpack(first, pieces)
            else:
                yield first
                yield from pieces
        except (OSError, zlib.error) as error:
            self.stopped = f"{self.path}: {error}, at byte {self.read_bytes} or shortly before"
        finally:
            self.close()

    def close(self) -> None:
        """Read no more of it."""
        if self._file is not None and self.path != "-":
            self._file.close()
        self._file = None

    def _read(self) -> Iterator[bytes]:
        self._file = sys.stdin.buffer if self.path == "-" else open(self.path, "rb")  # noqa: SIM115
        while piece := self._file.read(PIECE_BYTES):
            self.read_bytes += len(piece)
            yield piece

    def _unpack(self, packed: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Members may follow each other: a file that was appended to, or several put together."""
        member = zlib.decompressobj(wbits=31)
        while packed:
            yield member.decompress(packed, PIECE_BYTES)
            packed = member.unconsumed_tail
            if member.eof:
                packed = member.unused_data.lstrip(b"\0") or next(pieces, b"").lstrip(b"\0")
                member = zlib.decompressobj(wbits=31)
            elif not packed:
                packed = next(pieces, b"")
                if not packed:
                    self.stopped = f"{self.path}: the gzip data ends early, at byte {self.read_bytes}"
