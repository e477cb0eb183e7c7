"""A HAR file, plain or packed with gzip, as observations."""

from collections import Counter
from collections.abc import Iterator

from shadowtap.events import Observation
from shadowtap.formats.har.reader import HarReader
from shadowtap.formats.octets import Octets


class HarFile:
    """The log in the file at `path`, or on standard input for `-`. Raises RunError where it cannot be read.

    `lost` counts entries that are none, by reason; `stopped` says why the log ended early, or is None.
    """

    def __init__(self, path: str) -> None:
        self.name = f"har:{path}"
        self.lost: Counter[str] = Counter()
        self.stopped: str | None = None
        self._octets = Octets(path)

    def progress(self) -> float | None:
        """The share that was read, 0 to 1, or None for a pipe."""
        size = self._octets.size
        return min(self._octets.read_bytes / size, 1.0) if size else None

    def observations(self) -> Iterator[Observation]:
        """One for each entry, in the log's order."""
        reader = HarReader()
        for piece in self._octets:
            yield from reader.feed(piece)
        yield from reader.finish()
        self.lost += reader.lost
        self.stopped = self._octets.stopped or (reader.stopped and f"{self._octets.path}: {reader.stopped}")

    def close(self) -> None:
        """Read no more of it."""
        self._octets.close()
