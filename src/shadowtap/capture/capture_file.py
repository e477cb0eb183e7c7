"""A capture file or a pipe that carries one: pcap or pcapng, plain or compressed, all recognised by content.

    ByteStream ─► (Decompressed) ─► Window ─► read_pcap | PcapngReader ─► Frames

A file that ends early or is corrupt gives everything before that place, and `stopped` says which place it is. A
file that is no capture at all is refused, with what it seems to be: a regular file when the source is made, a
pipe when its first bytes come. Memory is bounded, whatever the file says: a few pieces of 1 MiB (compressed: see
`compressed.py`).
"""

from collections.abc import Generator, Iterable, Iterator
from typing import Final

import numpy as np

from shadowtap.capture.bytestream import ByteStream
from shadowtap.capture.compressed import Decompressed, recognise
from shadowtap.capture.pcap import pcap_form, read_pcap
from shadowtap.capture.pcapng import SECTION_MAGIC, PcapngReader
from shadowtap.capture.records import Window
from shadowtap.errors import RunError
from shadowtap.events import Frames
from shadowtap.ledger import CaptureCounters

_EXPECTED: Final = "expected is a pcap or pcapng capture, plain or compressed with gzip or zstd"

_OTHER_KINDS: Final = (
    (b"BZh", "a bzip2 archive; pipe it: bzcat FILE | … pcap:-"),
    (b"\xfd7zXZ", "an xz archive; pipe it: xzcat FILE | … pcap:-"),
    (b"\x04\x22\x4d\x18", "an lz4 archive; pipe it: lz4cat FILE | … pcap:-"),
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"snoop\x00\x00\x00", "a Solaris snoop capture; convert it with editcap"),
    (b"GMBU", "a Microsoft Network Monitor capture; convert it with editcap"),
    (b"RTSS", "a Microsoft Network Monitor capture; convert it with editcap"),
    (b"\x1c\x00\x01\xab", "an IXIA capture; convert it with editcap"),
    (b"\x1c\x00\x01\xac", "an IXIA capture; convert it with editcap"),
    (b"PAR1", "a Parquet file"),
    (b"\x7fELF", "a program"),
    (b"%PDF", "a PDF document"),
)


_KEPT_BYTES: Final = 8 << 20


class CaptureFile:
    """A FileSource: the packets of the file at `path`, once; `-` is standard input. Raises RunError.

    Compressed files report progress by the compressed bytes. `counters.cut` are the packets that the capturing
    program cut (its snapshot length); `counters.kernel_drops` what it says it lost (pcapng).
    """

    def __init__(self, *, name: str, path: str) -> None:
        self.name = name
        self.counters = CaptureCounters()
        self.stopped: str | None = None
        _keep_memory()
        self._bytes = ByteStream(name=name, path=path)
        self._finished = False
        self._decompressed: Decompressed | None = None
        self._pcapng: PcapngReader | None = None
        self._reader: Generator[Frames, None, str | None] | None = None
        if self._bytes.is_file:
            try:
                self._reader = self._recognise()
            except RunError:
                self.close()
                raise

    def progress(self) -> float | None:
        """The share of the file that was read, 0 to 1, or None for a pipe."""
        return self._bytes.progress()

    def __iter__(self) -> Iterator[Frames]:
        if self._finished:
            return
        stopped = yield from self._counted(self._reader or self._recognise())
        self._finished = True
        unpacking = self._decompressed.stopped if self._decompressed else None
        if not self._bytes.closed:
            self.stopped = "; ".join(why for why in (unpacking, stopped) if why) or None

    def _counted(self, reader: Generator[Frames, None, str | None]) -> Generator[Frames, None, str | None]:
        counters = self.counters
        while True:
            try:
                frames = next(reader)
            except StopIteration as end:
                why: str | None = end.value
                return why
            finally:
                if self._pcapng is not None:
                    counters.kernel_drops = self._pcapng.dropped
            counters.frames += len(frames)
            counters.bytes += int(frames.captured.sum())
            counters.cut += int(np.count_nonzero(frames.captured < frames.on_wire))
            counters.batches += 1
            yield frames

    def _recognise(self) -> Generator[Frames, None, str | None]:
        """The reader for what the first bytes show."""
        window = Window(self._bytes)
        window.advance(0, 4)
        codec = recognise(window.buffer)
        if codec is not None:
            self._decompressed = Decompressed(_again(window.buffer, self._bytes), codec)
            window = Window(self._decompressed)
            window.advance(0, 4)
        first = window.buffer
        form = pcap_form(first)
        if form is not None:
            return read_pcap(window, form)
        if first.startswith(SECTION_MAGIC):
            self._pcapng = PcapngReader(window)
            return self._pcapng.frames()
        raise RunError(self._refusal(first))

    def _refusal(self, first: bytes) -> str:
        if self._decompressed is not None and self._decompressed.stopped is not None:
            return f"{self.name}: {self._decompressed.stopped}; {_EXPECTED}"
        if not first:
            return f"{self.name}: is empty; {_EXPECTED}"
        if len(first) < 4:
            return f"{self.name}: is too short, {len(first)} bytes; {_EXPECTED}"
        return f"{self.name}: is no capture{_resemblance(first)}; {_EXPECTED}"

    def close(self) -> None:
        """Stop reading, also when another thread is waiting in it."""
        self._bytes.close()


def _keep_memory() -> None:
    """Let buffers of 1 MiB be used again, instead of going back to the kernel and coming back page by page.

    Freeing one large block raises the thresholds of glibc's malloc above its size (M_MMAP_THRESHOLD in mallopt(3)
    says that they adapt). It halved the time to read a file from the main thread, 0.5 to 0.27 us a packet.
    """
    large = bytes(_KEPT_BYTES)
    del large


def _again(first: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _resemblance(first: bytes) -> str:
    for magic, kind in _OTHER_KINDS:
        if first.startswith(magic):
            return f", it looks like {kind}"
    start = first[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"{", b"[")):
        return ", it looks like JSON (a HAR file, perhaps)"
    if start.startswith((b"<", b"<?xml")):
        return ", it looks like HTML or XML"
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start):
        return ", it looks like text"
    return ""
