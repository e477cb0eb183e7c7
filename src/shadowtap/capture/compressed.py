"""Captures that are compressed with gzip (RFC 1952) or zstd (RFC 8878), recognised by their first bytes.

Members or frames may follow each other, and zeros may follow them (tapes and some tools pad). The compressed
bytes are given to the decompressor in small pieces, which bounds what one step can produce: a block of zstd is at
most 128 KiB and at least 4 bytes, so 2 KiB become at most 64 MiB (of gzip: 2 MiB). A pipe gives what can be
decompressed so far, at once.
"""

import zlib
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, Protocol

import zstandard

from shadowtap.capture.bytestream import CHUNK_BYTES

_PIECE_BYTES: Final = 2048
_SKIPPABLE: Final = tuple(bytes((low, 0x2A, 0x4D, 0x18)) for low in range(0x50, 0x60))
_MAX_WINDOW: Final = 1 << 27
"""What a zstd frame may make us keep, 128 MiB: the limit of the zstd command without --long=28 or more."""


class Codec(StrEnum):
    """A kind of compression that is recognised."""

    GZIP = "gzip"
    ZSTD = "zstd"


class _Member(Protocol):
    """One gzip member or zstd frame being decompressed."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def recognise(first: bytes) -> Codec | None:
    """How bytes are compressed that begin so (4 bytes suffice), or None."""
    if first.startswith(b"\x1f\x8b"):
        return Codec.GZIP
    if first.startswith((b"\x28\xb5\x2f\xfd", *_SKIPPABLE)):
        return Codec.ZSTD
    return None


class Decompressed:
    """The decompressed bytes of `chunks`, in pieces. `stopped` says, at the end, why it came early, or is None."""

    def __init__(self, chunks: Iterator[bytes], codec: Codec) -> None:
        self.stopped: str | None = None
        self._chunks = chunks
        self._codec = codec
        self._begin = _gzip_member if codec is Codec.GZIP else _zstd_frame
        self._member: _Member | None = None
        self._consumed = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            yield from self._coalesced(chunk)
            if self.stopped is not None:
                return
        if self._member is not None:
            self.stopped = f"the {self._codec} data ends early, at byte {self._consumed} of the file"

    def _coalesced(self, chunk: bytes) -> Iterator[bytes]:
        parts: list[bytes] = []
        size = 0
        for part in self._parts(chunk):
            parts.append(part)
            size += len(part)
            if size >= CHUNK_BYTES:
                yield b"".join(parts)
                parts, size = [], 0
        if size:
            yield b"".join(parts)

    def _parts(self, chunk: bytes) -> Iterator[bytes]:
        for at in range(0, len(chunk), _PIECE_BYTES):
            piece = chunk[at : at + _PIECE_BYTES]
            try:
                yield from self._members(piece)
            except (zlib.error, zstandard.ZstdError) as error:
                where = f"at byte {self._consumed} of the file or shortly after"
                self.stopped = f"the {self._codec} data is corrupt, {where} ({error})"
                return
            self._consumed += len(piece)

    def _members(self, piece: bytes) -> Iterator[bytes]:
        while piece:
            if self._member is None:
                piece = piece.lstrip(b"\0")
                if not piece:
                    return
                self._member = self._begin()
            yield self._member.decompress(piece)
            if not self._member.eof:
                return
            piece = self._member.unused_data
            self._member = None


def _gzip_member() -> _Member:
    return zlib.decompressobj(wbits=31)


def _zstd_frame() -> _Member:
    return zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).decompressobj()
