"""Any bytes as packets: frames of every link type, segments in any order, any HTTP. Nothing raises, all is counted.

    python fuzz/fuzz_pipeline.py [libFuzzer options] [CORPUS…]        until stopped; needs atheris

The first byte chooses what the rest is: frames of one link type, each behind a length; or the payloads of TCP
segments of one connection, each behind a direction, an offset in sequence numbers, flags and a length.
"""

import contextlib
import struct
import sys

import numpy as np

if __name__ == "__main__":
    import atheris

    watched = atheris.instrument_imports(include=["shadowtap"])
else:
    watched = contextlib.nullcontext()

with watched:
    from shadowtap.config import FlowSettings, HttpSettings
    from shadowtap.events import Frames, Link
    from shadowtap.http1 import Limits, Reader, Role
    from shadowtap.ledger import Ledger
    from shadowtap.pipeline import Pipeline

LINKS = [*Link, 4711]
FLOWS = FlowSettings(connections=4, buffer_bytes=4096, reorder_window_s=0.01, idle_s=1)
HTTP = HttpSettings(head_bytes=512, body_bytes=2048)
_SECOND = 1_000_000_000


def one_input(data: bytes) -> None:
    """Read `data` as packets; raises what a bug raises."""
    if not data:
        return
    ledger = Ledger()
    pipeline = Pipeline(ledger, flows=FLOWS, http=HTTP)
    choice, rest = data[0] % (len(LINKS) + 2), data[1:]
    if choice == len(LINKS) + 1:
        _read_http(rest)
        return
    link = LINKS[choice] if choice < len(LINKS) else Link.RAW
    packets = list(_lengths(rest)) if choice < len(LINKS) else list(_segments(rest))
    road = pipeline.road()
    for now, batch in enumerate(packets[i : i + 8] for i in range(0, len(packets), 8)):
        pipeline.feed(_frames(batch, link, now * _SECOND // 50), road)
        pipeline.advance(now * _SECOND // 50)
    pipeline.finish(len(packets) * _SECOND)
    assert ledger.imbalances() == []
    assert ledger.flows.open_now == 0
    assert ledger.flows.buffered_bytes == 0
    assert ledger.messages.buffered_bytes == 0


def _lengths(data: bytes) -> "list[bytes]":
    found, at = [], 0
    while at < len(data):
        size = data[at]
        found.append(data[at + 1 : at + 1 + size])
        at += 1 + size
    return found


def _segments(data: bytes) -> "list[bytes]":
    found, at = [], 0
    while at + 6 <= len(data):
        way, flags, ahead, behind, size = struct.unpack_from(">BBBHB", data, at)
        payload = data[at + 6 : at + 6 + size]
        at += 6 + size
        ends = [(0x0A000001, 40000), (0x0A000002, 80)]
        (src, sport), (dst, dport) = ends if way & 1 else ends[::-1]
        seq, ack = (0xFFFFFF00 + ahead) & 0xFFFFFFFF, behind
        tcp = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 0x50, flags & 0x17, 0, 0, 0) + payload
        cut = way >> 6
        whole = 20 + len(tcp) + cut
        head = struct.pack(">BBHHHBBHII", 0x45, 0, whole, 0, 0, 64, 6, 0, src, dst)
        found.append(head + tcp)
    return found


def _frames(packets: "list[bytes]", link: int, now_ns: int) -> Frames:
    buffer = np.frombuffer(b"".join(packets), np.uint8)
    captured = np.array([len(packet) for packet in packets], np.int64)
    start = np.concatenate((np.zeros(1, np.int64), np.cumsum(captured)[:-1]))
    return Frames(buffer, start, captured, captured, np.full(len(packets), now_ns, np.int64), link)


def _read_http(data: bytes) -> None:
    role = Role.RESPONSE if data[:1] > b"\x80" else Role.REQUEST
    reader = Reader(role, limits=Limits(head_bytes=256, body_bytes=512), seek=data[:1] in b"AB")
    for piece in _lengths(data[1:]):
        if piece[:1] == b"\xff":
            reader.gap(len(piece), 0)
        else:
            reader.feed(piece)
    reader.close(None)
    assert reader.held == 0


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
