"""Writes classic pcap files: little-endian, in micro- or nanoseconds."""

import struct
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from shadowtap.events import Link

_MAGIC: Final = {False: 0xA1B2C3D4, True: 0xA1B23C4D}
_SNAPLEN: Final = 262_144
_GIGA: Final = 1_000_000_000


class PcapWriter:
    """Writes packets to a path, which it opens and closes, or to a binary file, which stays its owner's.

    `link` is a LINKTYPE_ number (not one of the overlays below zero). Use it as a context manager, or `close` it.
    """

    def __init__(
        self, to: str | Path | BinaryIO, link: int = Link.ETHERNET, *, nanoseconds: bool = True
    ) -> None:
        self._owned = isinstance(to, str | Path)
        self._file = open(to, "wb") if isinstance(to, str | Path) else to  # noqa: SIM115 (`close` does)
        self._unit_ns = 1 if nanoseconds else 1000
        self._file.write(struct.pack("<IHHiIII", _MAGIC[nanoseconds], 2, 4, 0, 0, _SNAPLEN, link))

    def write(self, packet: bytes, time_ns: int, on_wire: int | None = None) -> None:
        """Append a packet of `time_ns` (since the epoch), which had `on_wire` bytes (None: as many as it has
        now)."""
        seconds, rest = divmod(time_ns, _GIGA)
        length = len(packet) if on_wire is None else on_wire
        header = struct.pack("<IIII", seconds, rest // self._unit_ns, len(packet), length)
        self._file.write(header + packet)

    def close(self) -> None:
        """Finish; closes the file if it was opened here."""
        if self._owned:
            self._file.close()
        else:
            self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
