"""Classic pcap: a file header of 24 bytes, then records of a 16-byte header and the packet.

Both byte orders, in micro- and nanoseconds, and the "modified" form of old Linux systems, whose record headers
have 8 more bytes. Format: draft-ietf-opsawg-pcap. The numbers of the file header are magic, major, minor, zone,
accuracy, snaplen and link type; of the link type only the lower 16 bits are one, above are the presence and
length of frame check sequences. Of the record header: seconds, fraction, captured length, length on the wire.
"""

import struct
from collections.abc import Generator, Iterator
from typing import Final, NamedTuple

import numpy as np

from shadowtap.capture.records import MAX_PACKET_BYTES, Window, Words, batches, headers_at
from shadowtap.events import Frames, Ints

FILE_HEADER_BYTES: Final = 24
LINK_MASK: Final = 0xFFFF

_GIGA: Final = 1_000_000_000
_LENGTH_AT: Final = 8


class PcapForm(NamedTuple):
    """One of the six ways to write the format."""

    order: str
    unit_ns: int
    header_bytes: int


_FORMS: Final = {
    struct.pack(f"{order}I", magic): PcapForm(order, unit_ns, header_bytes)
    for order in "<>"
    for magic, unit_ns, header_bytes in (
        (0xA1B2C3D4, 1000, 16),
        (0xA1B23C4D, 1, 16),
        (0xA1B2CD34, 1000, 24),
    )
}


def pcap_form(first: bytes) -> PcapForm | None:
    """The form of a file that begins so (4 bytes suffice), or None when it is no classic pcap."""
    return _FORMS.get(first[:4])


def read_pcap(window: Window, form: PcapForm) -> Generator[Frames, None, str | None]:
    """The packets of a file, whose start is in the window. Returns why it stopped early, or None."""
    if not window.advance(0, FILE_HEADER_BYTES):
        return f"the file ends in the middle of its header, at byte {len(window.buffer)}"
    (link,) = struct.unpack_from(f"{form.order}I", window.buffer, 20)
    count, used, need = 0, FILE_HEADER_BYTES, form.header_bytes
    while window.advance(used, need):
        buffer, base = window.buffer, window.base
        starts, used, need = _walk(buffer, form)
        rows, corrupt = _believed(headers_at(buffer, starts, 4, form.order))
        if len(rows):
            yield from _frames(buffer, starts[: len(rows)], rows, form, link & LINK_MASK)
        count += len(rows)
        if corrupt is not None:
            at = base + int(starts[len(rows)])
            return _corrupt(count + 1, at, corrupt)
        if need - form.header_bytes > MAX_PACKET_BYTES:
            return _corrupt(count + 1, base + used, need - form.header_bytes)
    if not window.buffer:
        return None
    return f"the file ends in the middle of packet {count + 1}, which begins at byte {window.base}"


def _walk(buffer: bytes, form: PcapForm) -> tuple[Ints, int, int]:
    """Where the complete records begin, where the first incomplete one does, and how many bytes that needs."""
    header, little, size = form.header_bytes, form.order == "<", len(buffer)
    starts: list[int] = []
    used = before = 0
    while used + _LENGTH_AT + 4 <= size:
        starts.append(used)
        at, before = used + _LENGTH_AT, used
        first, second, third, fourth = buffer[at], buffer[at + 1], buffer[at + 2], buffer[at + 3]
        if little:
            used += header + (first | second << 8 | third << 16 | fourth << 24)
        else:
            used += header + (first << 24 | second << 16 | third << 8 | fourth)
    need = header
    if used > size:
        starts.pop()
        used, need = before, used - before if size - before >= header else header
    return np.array(starts, np.int64), used, need


def _believed(rows: Words) -> tuple[Words, int | None]:
    """The headers before the first with an impossible captured length, and that length."""
    captured = rows[:, 2]
    if not len(rows) or int(captured.max()) <= MAX_PACKET_BYTES:
        return rows, None
    first = int(np.argmax(captured > MAX_PACKET_BYTES))
    return rows[:first], int(captured[first])


def _frames(buffer: bytes, starts: Ints, rows: Words, form: PcapForm, link: int) -> Iterator[Frames]:
    numbers = rows.astype(np.int64)
    captured = numbers[:, 2].copy()
    time_ns = numbers[:, 0] * _GIGA + numbers[:, 1] * form.unit_ns
    columns = (starts + form.header_bytes, captured, np.maximum(numbers[:, 3], captured), time_ns)
    return batches(np.frombuffer(buffer, np.uint8), columns, link)


def _corrupt(number: int, at: int, length: int) -> str:
    return (
        f"packet {number}, at byte {at}, says it is {length} bytes long, where at most {MAX_PACKET_BYTES} are "
        "possible: the file is corrupt from there on"
    )
