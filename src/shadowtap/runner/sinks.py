"""Where observations go: sinks by their URL, each with an account in the ledger.

What a sink cannot take is lost there and counted; nothing waits for it, but for files that are read: those wait until
every sink has room. Masking happens in the sink's own thread, with a masker of its own.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from shadowtap.config import MaskSettings, SinkSettings
from shadowtap.errors import UsageError
from shadowtap.events import Observation
from shadowtap.ledger import SinkAccount
from shadowtap.masking import KEY_BYTES, Masker, key_of
from shadowtap.report.jsonl import JsonlSink

REPLAYED = "replayed"
_LEFT_OUT = ("filtered", "sampled_out", "refused: duplicate_packets", "refused: other_leg")
_ARROW_MEMORY = "ARROW_DEFAULT_MEMORY_POOL", "system"
"""Read when Arrow is loaded. Its own allocator gives memory back between batches, and the kernel clears two megabytes
at a time for the next one: a sixth of the writer's time."""
FILE_BACKLOG = 5_000
"""Observations that may wait in a sink before a file is read on."""


class Counted(Protocol):
    """What all sinks have."""

    def offer(self, observation: Observation, /) -> bool: ...
    def close(self) -> None: ...


class Sink:
    """A sink and its account. `refresh` brings the account up to date; `close` writes what waits, and may block."""

    def __init__(
        self, name: str, behind: Counted, figures: Callable[[], Any], *, left_out: bool, masker: Masker | None
    ) -> None:
        self.account = SinkAccount(name)
        self._behind = behind
        self._figures = figures
        self._wants_left_out = left_out
        self._masker = masker

    def offer(self, observation: Observation) -> None:
        """Give it an observation, if it is one that it wants."""
        fate = observation.fate
        if fate != REPLAYED and not self._wants_left_out and fate.startswith(_LEFT_OUT):
            self.account.left_out += 1
            return
        self.account.offered += 1
        if not self._behind.offer(observation):
            self.refresh()

    def has_room(self) -> bool:
        """Whether few enough wait that a file may be read on."""
        return self.account.waiting < FILE_BACKLOG or self._waiting() < FILE_BACKLOG

    def refresh(self) -> None:
        """Bring the account up to date."""
        account, figures = self.account, self._figures()
        account.written = figures.written
        account.lost = figures.lost.copy()
        account.state = getattr(figures, "error", "") or "up"
        if self._masker is not None:
            account.masked = self._masker.counts.copy()
        if isinstance(figures, msgspec.Struct):
            named = msgspec.to_builtins(figures)
            account.details = {k: n for k, n in named.items() if k not in ("offered", "written", "lost")}

    def close(self) -> None:
        """Write what waits."""
        self._behind.close()
        self.refresh()

    def _waiting(self) -> int:
        self.refresh()
        return self.account.waiting


def masking_key(settings: MaskSettings, random: Callable[[int], bytes]) -> bytes:
    """The key of the stand-ins: that of the file, or one of this run. Raises UsageError."""
    if settings.key_file is None:
        return random(KEY_BYTES)
    try:
        content = Path(settings.key_file).read_bytes()
    except OSError as error:
        raise UsageError(f"mask.key_file {settings.key_file}: cannot be read: {error.strerror}") from None
    return key_of(content, settings.key_file)


def masker_of(settings: MaskSettings, key: bytes) -> Masker:
    """A masker as the settings want it."""
    return Masker(key, fields=settings.fields, keep=settings.keep, shapes=settings.shapes)


def open_sink(settings: SinkSettings, masker: Masker | None, notify: Callable[[str], None]) -> Sink:
    """The sink that the settings name. Raises UsageError or RunError where it cannot be written."""
    return _OPENERS[settings.kind](settings, masker, notify)


def _recording(settings: SinkSettings, masker: Masker | None, notify: Callable[[str], None]) -> Sink:
    os.environ.setdefault(*_ARROW_MEMORY)
    from shadowtap.record import Recorder, StoreOptions, read_key  # noqa: PLC0415  it needs the extra

    named = {name: getattr(settings, name) for name in StoreOptions.__struct_fields__}
    options = StoreOptions(**{name: value for name, value in named.items() if value is not None})
    key = None if settings.key is None else read_key(settings.key)
    if key is not None and key.warning:
        notify(key.warning)
    mask = None if masker is None else masker.observation
    recorder = Recorder(settings.path, mask=mask, key=key, options=options, notify=notify)
    return Sink(settings.url, recorder, lambda: recorder.counters, left_out=settings.left_out, masker=masker)


def _gor(settings: SinkSettings, masker: Masker | None, notify: Callable[[str], None]) -> Sink:
    from shadowtap.formats.gor.sink import FILE_BYTES, GorSink  # noqa: PLC0415  not always needed

    mask = None if masker is None else masker.observation
    sink = GorSink(settings.path, mask=mask, file_bytes=settings.file_bytes or FILE_BYTES)
    return Sink(settings.url, sink, lambda: sink, left_out=settings.left_out, masker=masker)


def _jsonl(settings: SinkSettings, masker: Masker | None, notify: Callable[[str], None]) -> Sink:
    sink = JsonlSink(settings.path, keep_secrets=not settings.mask)
    return Sink(settings.url, sink, lambda: sink, left_out=settings.left_out, masker=None)


_OPENERS: dict[str, Callable[[SinkSettings, Masker | None, Callable[[str], None]], Sink]] = {
    "recording": _recording,
    "gor": _gor,
    "jsonl": _jsonl,
}
