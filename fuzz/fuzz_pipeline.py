"""Any packets through the whole middle: nothing raises, all is counted, and nothing is left at the end.

    python fuzz/fuzz_pipeline.py [--minutes N] [--plain] [FILE…]

The first record's kind chooses the link type; every further record is a frame, its kind says how many octets of it
the capture cut off, how much time passes before it, and whether a batch ends with it.
"""

from random import Random

import fuzz_frames
import fuzz_http
from drive import Target, change, change_records, main, pack, unpack, watched

with watched():
    import packets
    from shadowtap.config import FlowSettings, HttpSettings
    from shadowtap.events import Exchange, Frames, Link, Message, Request
    from shadowtap.ledger import Ledger
    from shadowtap.pipeline import Pipeline
    from shadowtap.report.jsonlines import JsonLines
    from transcript import MS, C, S, Talk, frame

LINKS = fuzz_frames.LINKS
FLOWS = FlowSettings(connections=4, buffer_bytes=4096, reorder_window_s=0.01, idle_s=1)
HTTP = HttpSettings(head_bytes=512, body_bytes=2048)
_PAUSES_NS = (0, 0, MS, 2_000 * MS)


def one_input(data: bytes) -> None:
    """Read packets; raises what a bug raises."""
    records = unpack(data)
    if not records:
        return
    link = LINKS[records[0][0] % len(LINKS)]
    ledger, writer = Ledger(), JsonLines()
    pipeline = Pipeline(ledger, flows=FLOWS, http=HTTP)
    road, found, now_ns = pipeline.road(), [], 0
    batch: list[tuple[int, bytes, int]] = []
    for kind, octets in records[1:]:
        now_ns += _PAUSES_NS[kind & 3]
        batch.append((kind >> 3 & 15, octets, now_ns))
        if kind & 4:
            found += pipeline.feed(_frames(batch, link), road)
            found += pipeline.advance(now_ns)
            batch = []
            assert ledger.flows.open_now <= FLOWS.connections
            assert ledger.flows.buffered_bytes <= FLOWS.buffer_bytes
    if batch:
        found += pipeline.feed(_frames(batch, link), road)
    found += pipeline.finish(now_ns)
    assert ledger.imbalances() == []
    assert ledger.packets.frames == len(records) - 1 + ledger.packets.reassembled
    assert ledger.flows.open_now == 0
    assert ledger.flows.buffered_bytes == 0
    assert ledger.messages.buffered_bytes == 0
    _check_ends(found)
    for message in found:
        writer.line(message)


def _check_ends(found: list[Message]) -> None:
    asked = [(m.connection.number, m.index) for m in found if isinstance(m, Request)]
    ended = [
        (m.request.connection.number, m.request.index)
        for m in found
        if isinstance(m, Exchange) and m.request is not None
        if m.response is None or m.response.status >= 200 or m.response.status == 101
    ]
    assert len(set(asked)) == len(asked)
    assert sorted(asked) == sorted(ended)


def _frames(batch: "list[tuple[int, bytes, int]]", link: int) -> Frames:
    frames = packets.frames(
        (octets for _, octets, _ in batch), link, times=(time_ns for _, _, time_ns in batch)
    )
    frames.on_wire = frames.captured + [cut for cut, _, _ in batch]
    return frames


def seeds() -> list[bytes]:
    """Exchanges of every kind as packets, in several link types; beside them the frames that decap knows."""
    found = []
    entries = list(zip(fuzz_http.REQUESTS.values(), list(fuzz_http.RESPONSES.values()) * 3, strict=False))
    for number, (request, answer) in enumerate(entries):
        talk = Talk(mss=(40, 1448)[number % 2], number=number % 3)
        if number % 4:
            talk.open()
        for _ in range(2):
            talk.say(C, request.octets).say(S, answer.octets)
        talk.close()
        octets = [frame(segment) for segment in talk.segments]
        for link, wrapped in (
            (Link.ETHERNET, octets),
            (Link.VXLAN, [packets.vxlan(part, 7) for part in octets]),
            (Link.RAW, [part[14:] for part in octets]),
        ):
            records = [((4 if n % 5 == 0 else 0) | (n % 7 == 0) * 2, part) for n, part in enumerate(wrapped)]
            found.append(pack([(LINKS.index(link), b""), *records]))
    return found + fuzz_frames.seeds()[::10]


def mutate(data: bytes, dice: Random) -> bytes:
    """As for frames; and what HTTP is made of."""
    if dice.random() < 0.5:
        return fuzz_frames.mutate(data, dice)
    head, *records = unpack(data) or [(1, b"")]
    spoil = fuzz_http._TOKENS
    return pack(
        [head, *change_records(records, dice, lambda d: d.randrange(256), lambda o, d: change(o, d, spoil))]
    )


TARGET = Target(one_input, seeds(), mutate)

if __name__ == "__main__":
    main(TARGET)
