"""The journal of a segment: every batch at once, so that a killed process loses no more than the last.

    "shadowtap journal 1\\n"
    frame: length (4 octets), CRC-32 (4 octets), payload          the first: JSON that says what it is
    frame: …                                                      the others: an Arrow record batch each

Numbers are little-endian. With a key the payload of a batch is AES-GCM, its nonce the number of the frame, so frames
cannot be exchanged either. What comes behind the first incomplete or damaged frame is not read.
"""

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from shadowtap.record.arrow import pa
from shadowtap.record.key import RecordingKey, decrypted
from shadowtap.record.schema import VERSION

_MAGIC = b"shadowtap journal 1\n"
_PREFIX = 8
_SALT = 16


class JournalHeader(msgspec.Struct, frozen=True):
    """What a journal says of itself. `columns` is the Arrow schema of its batches, serialized; `salt` is empty where
    it is not encrypted."""

    schema: int
    run: str
    masked: bool
    writer: str
    columns: bytes
    salt: bytes = b""


class JournalError(Exception):
    """A journal that cannot be read at all; the text says why and what to do."""


class JournalWriter:
    """Appends batches to a new file that only its owner can read. Its methods raise OSError."""

    def __init__(self, path: Path, header: JournalHeader, key: RecordingKey | None) -> None:
        self._cipher = None
        if key is not None:
            header = msgspec.structs.replace(header, salt=os.urandom(_SALT))
            self._cipher = key.cipher(header.salt)
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._frames = 0
        self.size = 0
        try:
            self._write(_MAGIC + _frame(msgspec.json.encode(header)))
        except OSError:
            os.close(self._handle)
            raise

    def append(self, batch: Any) -> None:
        """Write a batch whole, or leave the file as it was."""
        payload = batch.serialize()
        if self._cipher is not None:
            payload = self._cipher.encrypt(self._frames.to_bytes(12), memoryview(payload).cast("B"), None)
        before = self.size
        try:
            self._write(_prefix(payload))
            self._write(payload)
        except OSError:
            os.ftruncate(self._handle, before)
            os.lseek(self._handle, before, os.SEEK_SET)
            self.size = before
            raise
        self._frames += 1

    def _write(self, octets: Any) -> None:
        view = memoryview(octets)
        while view:
            done = os.write(self._handle, view)
            self.size += done
            view = view[done:]

    def sync(self) -> None:
        """Have the disk keep what was written, so that it also survives the machine."""
        os.fdatasync(self._handle)

    def close(self) -> None:
        """Write no more."""
        os.close(self._handle)


class JournalReader:
    """The batches of a journal, also while it is being written. `header` is what it says of itself; `lost_bytes`,
    after reading, how much was left at the end that is no whole frame. Raises JournalError and OSError."""

    def __init__(self, path: Path, key: RecordingKey | None = None) -> None:
        self.path = path
        self.lost_bytes = 0
        self._file: BinaryIO = open(path, "rb")  # noqa: SIM115  kept open, so that it can be read after it is gone
        try:
            self.header = self._read_header()
            self._schema = pa.ipc.read_schema(pa.py_buffer(self.header.columns))
            self._cipher = self._open_cipher(key)
        except JournalError:
            self._file.close()
            raise

    def _read_header(self) -> JournalHeader:
        payload = self._payload() if self._file.read(len(_MAGIC)) == _MAGIC else None
        try:
            header = msgspec.json.decode(payload or b"", type=JournalHeader)
        except msgspec.DecodeError:
            raise JournalError("it has no readable beginning") from None
        if header.schema != VERSION:
            raise JournalError(f"it has schema {header.schema}, and this shadowtap knows {VERSION}")
        return header

    def _open_cipher(self, key: RecordingKey | None) -> Any:
        if not self.header.salt:
            return None
        if key is None:
            raise JournalError("it is encrypted; give its key with --recording-key")
        return key.cipher(self.header.salt)

    def batches(self) -> Iterator[tuple[int, Any]]:
        """Every whole batch, with the number of its frame."""
        self._file.seek(len(_MAGIC))
        self._payload()
        number = 0
        while True:
            begin = self._file.tell()
            payload = self._payload()
            if payload is None:
                self.lost_bytes = os.fstat(self._file.fileno()).st_size - begin
                return
            yield begin, self._decoded(number, payload)
            number += 1

    def batch(self, begin: int, number: int) -> Any:
        """The batch of a frame that `batches` has named."""
        self._file.seek(begin)
        payload = self._payload()
        return None if payload is None else self._decoded(number, payload)

    def _decoded(self, number: int, payload: bytes) -> Any:
        if self._cipher is not None:
            opened = decrypted(self._cipher, number.to_bytes(12), payload)
            if opened is None:
                raise JournalError("it was written with another key")
            payload = opened
        try:
            return pa.ipc.read_record_batch(pa.py_buffer(payload), self._schema)
        except pa.ArrowException as error:
            raise JournalError(f"frame {number} holds no batch: {error}") from None

    def _payload(self) -> bytes | None:
        prefix = self._file.read(_PREFIX)
        if len(prefix) < _PREFIX:
            return None
        size, check = int.from_bytes(prefix[:4], "little"), int.from_bytes(prefix[4:], "little")
        left = os.fstat(self._file.fileno()).st_size - self._file.tell()
        payload = self._file.read(size) if size <= left else b""
        return payload if size and len(payload) == size and zlib.crc32(payload) == check else None

    def close(self) -> None:
        """Read no more."""
        self._file.close()


def _prefix(payload: Any) -> bytes:
    size = memoryview(payload).nbytes
    return size.to_bytes(4, "little") + zlib.crc32(payload).to_bytes(4, "little")


def _frame(payload: bytes) -> bytes:
    return _prefix(payload) + payload
