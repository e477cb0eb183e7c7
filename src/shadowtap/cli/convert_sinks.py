"""What `convert` writes: a file that is there whole or not at all, or a recording."""

import os
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from shadowtap.errors import RunError, UsageError
from shadowtap.events import Observation

WRITTEN = "recording:DIR, gor:FILE, har:FILE, jsonl:FILE, k6:FILE, curl:FILE"
_WRITERS = {
    "gor": ("shadowtap.formats.gor", "Composer"),
    "har": ("shadowtap.formats.har", "HarWriter"),
    "k6": ("shadowtap.formats.k6", "K6Writer"),
    "curl": ("shadowtap.formats.curl", "CurlWriter"),
    "jsonl": ("shadowtap.cli.convert_lines", "LinesWriter"),
}
_WAITING = 2_000
"""Observations that may wait for a recording's thread before reading goes on."""


class Writer(Protocol):
    """Makes octets: `begin`, `entry` for each observation, `end`."""

    entries: int
    left_out: Counter[str]

    def begin(self) -> bytes: ...
    def entry(self, observation: Observation) -> bytes: ...
    def end(self) -> bytes: ...


class Sink(Protocol):
    """`written` counts observations, `left_out` what is not written, by reason. `abandon` instead of `close`
    leaves nothing behind, as far as it can."""

    name: str

    @property
    def left_out(self) -> Counter[str]: ...
    @property
    def written(self) -> int: ...
    def put(self, observation: Observation) -> None: ...
    def close(self) -> None: ...
    def abandon(self) -> None: ...


def open_sink(url: str, *, mask: Callable[[Observation], Observation] | None, key: str | None) -> Sink:
    """The sink that a URL names; `mask` makes what may be stored. Raises UsageError for what cannot be written or
    is there already, RunError where it cannot be opened."""
    kind, colon, name = url.partition(":")
    kind = kind.lower()
    if kind == "pcap":
        raise UsageError(f"{url}: packets cannot be made of messages; there are {WRITTEN}")
    if kind in ("http", "https"):
        raise UsageError(f"{url}: to send requests there, use: shadowtap replay SOURCE --to {url}")
    if not colon or (kind != "recording" and kind not in _WRITERS):
        raise UsageError(f"{url}: not something to write; there are {WRITTEN}")
    if not name or (name == "-" and kind == "recording"):
        raise UsageError(f"{url} names no file; write {kind}:{'DIR' if kind == 'recording' else 'FILE'}")
    if key is not None and kind != "recording":
        raise UsageError("--output-key is for recording:DIR; other files are not encrypted")
    path = Path(name)
    if (
        name != "-"
        and path.exists()
        and not (path.is_dir() and kind == "recording" and not any(path.iterdir()))
    ):
        raise UsageError(f"{url} is there already; remove it, or write to another name")
    if kind == "recording":
        return RecordingSink(url, path, mask, key)
    module, writer = _WRITERS[kind]
    made: Writer = getattr(import_module(module), writer)()
    return FileSink(url, name, made, mask)


class FileSink:
    """A file, or standard output for `-`; packed where its name ends with .gz. It gets its name when it is whole,
    and can be read by its owner only."""

    def __init__(
        self, url: str, name: str, writer: Writer, mask: Callable[[Observation], Observation] | None
    ) -> None:
        self.name = url
        self._path = None if name == "-" else Path(name)
        self._writer = writer
        self._mask = mask
        self._packer = zlib.compressobj(6, wbits=31) if name.endswith(".gz") else None
        self._partial = Path()
        self._file = self._open()
        self._write(writer.begin())

    @property
    def written(self) -> int:
        """Observations that are in it."""
        return self._writer.entries

    @property
    def left_out(self) -> Counter[str]:
        """What is not in it, by reason."""
        return self._writer.left_out

    def put(self, observation: Observation) -> None:
        """Write one. Raises RunError where the disk fails."""
        self._write(self._writer.entry(observation if self._mask is None else self._mask(observation)))

    def close(self) -> None:
        """Write the end, and give the file its name."""
        self._write(self._writer.end())
        try:
            if self._packer is not None:
                self._file.write(self._packer.flush())
            self._file.flush()
            if self._path is not None:
                self._file.close()
                self._partial.replace(self._path)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise RunError(f"{self.name}: cannot be written: {error.strerror}") from None

    def abandon(self) -> None:
        """Remove what there is of it."""
        if self._path is not None:
            self._file.close()
            self._partial.unlink(missing_ok=True)

    def _open(self) -> BinaryIO:
        if self._path is None:
            return sys.stdout.buffer
        self._partial = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            fd = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise RunError(f"{self.name}: cannot be written: {error.strerror}") from None
        return os.fdopen(fd, "wb", 1 << 20)

    def _write(self, octets: bytes) -> None:
        try:
            if octets:
                self._file.write(octets if self._packer is None else self._packer.compress(octets))
        except BrokenPipeError:
            raise
        except OSError as error:
            raise RunError(f"{self.name}: cannot be written: {error.strerror}") from None


class RecordingSink:
    """A recording. Its recorder never waits, so here its queue is waited for."""

    def __init__(
        self, url: str, path: Path, mask: Callable[[Observation], Observation] | None, key: str | None
    ) -> None:
        from shadowtap.record import Recorder, read_key  # noqa: PLC0415  it needs pyarrow

        self.name = url
        self._problems: list[str] = []
        self._recorder: Any = Recorder(
            path, mask=mask, key=None if key is None else read_key(key), notify=self._problems.append
        )

    @property
    def written(self) -> int:
        """Observations that are in it."""
        return int(self._recorder.counters.written)

    @property
    def left_out(self) -> Counter[str]:
        """What is not in it, by reason."""
        return cast("Counter[str]", self._recorder.counters.lost)

    def put(self, observation: Observation) -> None:
        """Write one. Raises RunError where the disk fails."""
        self._wait(_WAITING)
        self._recorder.offer(observation)

    def close(self) -> None:
        """Write what waits, and finish the files."""
        self._recorder.close()
        self._check()

    def abandon(self) -> None:
        """Finish what there is of it: a recording is whole at any moment."""
        self._recorder.close()

    def _wait(self, most: int) -> None:
        while self._recorder.counters.waiting > most or self._recorder.waiting_bytes > 64 << 20:
            self._check()
            time.sleep(0.002)

    def _check(self) -> None:
        if self._recorder.counters.lost:
            raise RunError("; ".join(self._problems) or f"{self.name}: not everything was recorded")
