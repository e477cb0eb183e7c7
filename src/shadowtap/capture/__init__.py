"""capture: the world in, `Frames` out.

A source is a UDP socket that mirrored packets are sent to, a network interface, or a capture file. It hands out
batches of frames as columns with their capture times, and counts exactly what was lost before it: kernel drops,
frames cut short, senders that are not allowed. It refuses to know what is inside a frame.
"""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from shadowtap.events import Frames
from shadowtap.ledger import CaptureCounters


@runtime_checkable
class LiveSource(Protocol):
    """Packets that come when they come. The runner waits until `fileno` is readable, then calls `receive`
    until it says None. The frames are valid until the next call."""

    name: str
    counters: CaptureCounters

    def fileno(self) -> int: ...
    def receive(self) -> Frames | None: ...
    def close(self) -> None: ...


@runtime_checkable
class FileSource(Protocol):
    """Packets that wait for the reader. Iterating may block (it runs in a thread) and ends where the file does;
    each batch has a buffer of its own. `stopped` says why it ended early, or is None. `progress` is the share
    of the file that was read, 0 to 1, or None where the length is unknown (a pipe)."""

    name: str
    counters: CaptureCounters
    stopped: str | None

    def progress(self) -> float | None: ...
    def __iter__(self) -> Iterator[Frames]: ...
    def close(self) -> None: ...
