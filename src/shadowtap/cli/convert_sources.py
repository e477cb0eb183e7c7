"""What `convert` reads: each source as observations, one after the other."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from shadowtap.capture import FileSource
from shadowtap.errors import RunError, UsageError
from shadowtap.events import Exchange, Observation

READ = "recording:DIR, gor:FILE (or a pattern), har:FILE, pcap:FILE"
_LIVE = ("vxlan", "geneve", "iface", "nats")
_WRITTEN_ONLY = {
    "k6": "scripts are written, not read",
    "curl": "scripts are written, not read",
    "jsonl": "its lines hold digests of bodies, not the bodies; extract it anew from where it came from",
}


class Source(Protocol):
    """`lost` counts what became no observation, by reason; `stopped` says why it ended early, or is None."""

    name: str
    lost: Counter[str]

    @property
    def stopped(self) -> str | None: ...
    def progress(self) -> float | None: ...
    def observations(self) -> Iterator[Observation]: ...
    def close(self) -> None: ...


def open_source(url: str, *, ports: Sequence[int], key: str | None) -> Source:
    """The source that a URL names. Raises UsageError for what cannot be read, RunError for what is not there."""
    kind, colon, name = url.partition(":")
    kind = kind.lower()
    if kind in _WRITTEN_ONLY:
        raise UsageError(f"{url}: {_WRITTEN_ONLY[kind]}")
    if kind in _LIVE:
        raise UsageError(
            f"{url}: a live source is for shadowtap run, such as: run --from {url} --to gor:FILE"
        )
    if not colon or kind not in ("recording", "gor", "har", "pcap"):
        raise UsageError(f"{url}: not a source; there are {READ}")
    if not name:
        raise UsageError(f"{url} names no file; write {kind}:{'DIR' if kind == 'recording' else 'FILE'}")
    if ports and kind != "pcap":
        raise UsageError(f"--port is for pcap:FILE; for {kind}: there is --only 'port == {ports[0]}'")
    if key is not None and kind != "recording":
        raise UsageError("--recording-key is for recording:DIR; --output-key encrypts what is written")
    return _opened(kind, name, ports, key)


def _opened(kind: str, name: str, ports: Sequence[int], key: str | None) -> Source:
    if kind == "gor":
        from shadowtap.formats.gor import GorFiles  # noqa: PLC0415  only what is asked for is imported

        return GorFiles(name)
    if kind == "har":
        from shadowtap.formats.har import HarFile  # noqa: PLC0415

        return HarFile(name)
    return _Recorded(name, key) if kind == "recording" else _Captured(name, ports)


class _Captured:
    """A capture file, through the pipeline. Interim answers are left out, as everywhere but in `extract`."""

    def __init__(self, path: str, ports: Sequence[int]) -> None:
        from shadowtap.api import Reading  # noqa: PLC0415

        self.name = f"pcap:{path}"
        self.lost: Counter[str] = Counter()
        self._reading = Reading(self.name, ports=ports)

    @property
    def stopped(self) -> str | None:
        source = self._reading.source
        return source.stopped if isinstance(source, FileSource) else None

    def progress(self) -> float | None:
        source = self._reading.source
        return source.progress() if isinstance(source, FileSource) else None

    def observations(self) -> Iterator[Observation]:
        for found in self._reading.batches():
            for message in found:
                if isinstance(message, Exchange) and _is_final(message):
                    request = message.request
                    fault = None if request is None else request.fault
                    yield Observation(message, "" if fault is None else f"incomplete: {fault}", ())

    def close(self) -> None:
        self._reading.source.close()


class _Recorded:
    """A recording."""

    def __init__(self, path: str, key: str | None) -> None:
        from shadowtap.record import Recording, read_key  # noqa: PLC0415

        self.name = f"recording:{path}"
        self.lost: Counter[str] = Counter()
        self.stopped: str | None = None
        self._read = 0
        if not Path(path).is_dir():
            raise RunError(f"{self.name}: there is no such folder")
        self._recording = Recording(path, key=None if key is None else read_key(key))

    def progress(self) -> float | None:
        rows = self._recording.rows
        return min(self._read / rows, 1.0) if rows else None

    def observations(self) -> Iterator[Observation]:
        for observation in self._recording.exchanges():
            self._read += 1
            yield observation
        if self._recording.skipped_rows:
            self.lost["damaged_rows"] += self._recording.skipped_rows
        if self._recording.problems:
            self.stopped = "; ".join(self._recording.problems[:3])

    def close(self) -> None:
        """Nothing is open between observations."""


def _is_final(exchange: Exchange) -> bool:
    response = exchange.response
    return response is None or response.status >= 200 or response.status == 101
