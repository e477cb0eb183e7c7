"""A recording, files of GoReplay, and captures through the pipeline, each as batches of messages."""

from collections.abc import Iterator
from itertools import islice
from typing import Protocol

from shadowtap.capture.capture_file import CaptureFile
from shadowtap.capture.sources import FileSpec, open_source
from shadowtap.config.sources import StoredSpec
from shadowtap.errors import RunError
from shadowtap.events import Exchange, Message
from shadowtap.pipeline import Pipeline

BATCH = 256
"""Messages read at once."""
_EXPECTED = "replayed_answers"
"""What targets answered is in the files of GoReplay, and of no matter where production's traffic is asked for."""


class Stored(Protocol):
    """Kept messages, read once. `stopped` says why they ended early or what could not be read, or is None;
    `progress` is the share that was read, None where that is unknown. Reading may block."""

    name: str

    @property
    def stopped(self) -> str | None: ...
    def progress(self) -> float | None: ...
    def batches(self) -> Iterator[list[Message]]: ...
    def close(self) -> None: ...


def is_masked(spec: StoredSpec, *, key_file: str | None) -> bool:
    """Whether it is a recording in which secrets are masked. Raises RunError as opening it does."""
    if spec.kind != "recording":
        return False
    from shadowtap.record import Recording, read_key  # noqa: PLC0415  it needs the extra

    return Recording(spec.path, key=None if key_file is None else read_key(key_file)).masked


class RecordingSource:
    """A recording. Raises RunError where there is none, or its key is missing."""

    def __init__(self, spec: StoredSpec, *, key_file: str | None = None) -> None:
        from shadowtap.record import Recording, read_key  # noqa: PLC0415  it needs the extra

        self.name = spec.url
        key = None if key_file is None else read_key(key_file)
        self._recording = Recording(spec.path, key=key)
        self._read = 0

    def progress(self) -> float | None:
        """The share of its exchanges that was read."""
        rows = self._recording.rows
        return min(self._read / rows, 1.0) if rows else None

    def batches(self) -> Iterator[list[Message]]:
        """Its messages; those that production's clients sent once and the mirror showed twice come once."""
        messages = self._recording.messages()
        while batch := list(islice(messages, BATCH)):
            self._read += sum(type(message) is Exchange for message in batch)
            yield batch

    @property
    def stopped(self) -> str | None:
        """What could not be read."""
        return "; ".join(self._recording.problems[:3]) or None

    def close(self) -> None:
        """Nothing is open between batches."""


class GorSource:
    """Files of GoReplay, or a pipe. Raises RunError where there are none."""

    def __init__(self, spec: StoredSpec) -> None:
        from shadowtap.formats.gor import GorFiles  # noqa: PLC0415  not always needed

        self.name = spec.url
        self._files = GorFiles(spec.path)

    @property
    def stopped(self) -> str | None:
        """Why a file ended early, or what in it could not be read."""
        lost = {name: n for name, n in self._files.lost.items() if n and name != _EXPECTED}
        told = ", ".join(f"{name} {n}" for name, n in sorted(lost.items()))
        return self._files.stopped or (f"not all of it can be read: {told}" if told else None)

    def progress(self) -> float | None:
        """The share that was read."""
        return self._files.progress()

    def batches(self) -> Iterator[list[Message]]:
        """Their messages."""
        batch: list[Message] = []
        found = False
        for messages in self._files.messages():
            found = found or bool(messages)
            batch += messages
            if len(batch) >= BATCH:
                yield batch
                batch = []
        if not found and self.stopped is not None:
            raise RunError(f"{self.name}: nothing in it is traffic that GoReplay kept; {self.stopped}")
        yield batch

    def close(self) -> None:
        """Close what is open."""
        self._files.close()


class CaptureSource:
    """A capture file through a pipeline of its own."""

    def __init__(self, spec: FileSpec, pipeline: Pipeline, ports: frozenset[int]) -> None:
        source = open_source(spec)
        if not isinstance(source, CaptureFile):
            raise RunError(f"{spec.url}: is no file")
        self.name = spec.url
        self.counters = source.counters
        self._source = source
        self._pipeline = pipeline
        self._road = pipeline.road(vnis=spec.vnis, ports=spec.ports | ports)

    @property
    def stopped(self) -> str | None:
        """Why it ended early."""
        return self._source.stopped

    def progress(self) -> float | None:
        """The share that was read."""
        return self._source.progress()

    def batches(self) -> Iterator[list[Message]]:
        """Its messages; what is open at the end comes last."""
        now_ns = 0
        for frames in self._source:
            now_ns = int(frames.time_ns[-1])
            yield self._pipeline.feed(frames, self._road) + self._pipeline.advance(now_ns)
        yield self._pipeline.finish(now_ns)

    def close(self) -> None:
        """Close the file."""
        self._source.close()


def open_stored(spec: StoredSpec, *, key_file: str | None = None) -> Stored:
    """The kept messages that a spec describes. Raises RunError."""
    return RecordingSource(spec, key_file=key_file) if spec.kind == "recording" else GorSource(spec)
