"""Any frames of any link type: each becomes a segment or is dropped for one reason, whatever is in it.

    python fuzz/fuzz_frames.py [--minutes N] [--plain] [FILE…]

The first record's kind chooses the link type, its octets the ports that are wanted; every further record is a frame,
its kind says how many octets of it the capture cut off. The frames are read in one batch and one by one: nothing
may come of it but the same segments, unless fragments come in several encapsulations, which take their turn in a
batch. What waits to be put together stays within its limits.
"""

import struct
from random import Random

from drive import Record, Target, change, change_records, main, pack, unpack, watched

with watched():
    import packets
    from decap.samples import SAMPLES
    from shadowtap.decap import Decapsulator
    from shadowtap.decap.fragments import MAX_BYTES, MAX_DATAGRAMS, Fragments
    from shadowtap.decap.rows import Drop
    from shadowtap.events import Frames, Link, SegmentRow

LINKS = [*Link, 4711]
_SECOND = 1_000_000_000
_HEADERS = [octets for _, octets in SAMPLES.values()]
_TOKENS = [
    *(octets[:n] for octets in _HEADERS[:40:3] for n in (4, 8, 14, 18, 34, 54)),
    *(
        struct.pack(">H", kind)
        for kind in (0x0800, 0x86DD, 0x8100, 0x88A8, 0x8847, 0x8864, 0x6558, 0x22EB, 0x8200)
    ),
    *(struct.pack(">H", port) for port in (4789, 6081, 2152, 3544, 80)),
    *(bytes([number]) for number in (0, 4, 6, 17, 41, 43, 44, 47, 51, 60, 0x45, 0x4F, 0x60, 0x11)),
    packets.vxlan(b"", 7),
    packets.geneve(b"", 7, kind=0x6558),
    bytes(40),
]


def one_input(data: bytes) -> None:
    """Read frames; raises what a bug raises."""
    records = unpack(data)
    if not records:
        return
    (choice, wanted), rest = records[0], records[1:]
    link = LINKS[choice % len(LINKS)]
    ports = frozenset(struct.unpack(f">{len(wanted) // 2}H", wanted[: len(wanted) // 2 * 2]))
    whole = _frames(rest, link)
    together, fragments = _read([whole] if rest else [], ports)
    one_by_one, _ = _read([_frames([record], link, n) for n, record in enumerate(rest)], ports)
    assert fragments or together == one_by_one, "the batch made a difference"
    if ports:
        every, _ = _read([whole] if rest else [], frozenset())
        chosen = [row for row in every if {_ports(row[0]) >> 16, _ports(row[0]) & 0xFFFF} & ports]
        assert together == chosen, "the ports made another difference"


def _ports(key: bytes) -> int:
    tail: int = struct.unpack("=5Q", key)[4]
    return tail >> 32


def _frames(records: list[Record], link: int, first: int = 0) -> Frames:
    octets = [part for _, part in records]
    times = [(first + n) * _SECOND // 4 for n in range(len(octets))]
    frames = packets.frames(octets, link, times=times)
    frames.on_wire = frames.captured + [cut % 100 for cut, _ in records]
    return frames


def _read(batches: list[Frames], ports: frozenset[int]) -> "tuple[list[tuple[object, ...]], bool]":
    """All segments, as values that can be compared, in an order that does not depend on the batches; and whether
    there were fragments."""
    fragments = Fragments()
    road = Decapsulator(ports=ports, fragments=fragments)
    found: list[tuple[object, ...]] = []
    for frames in batches:
        for segments in road.feed(frames):
            rows = list(segments.rows(acks=True))
            busy = [row for row in rows if row[5] or row[4] & 7 or row[6]]
            assert list(segments.rows(acks=False)) == busy
            assert len(rows) == len(segments)
            found += [_row(row) for row in rows]
        assert len(fragments) <= MAX_DATAGRAMS
        assert fragments._bytes <= MAX_BYTES + 0xFFFF
        assert not fragments.ready
    counters = road.counters
    assert counters.frames == counters.segments + counters.dropped.total()
    assert counters.segments == len(found)
    assert counters.frames == sum(map(len, batches)) + counters.reassembled
    assert min(counters.dropped.values(), default=0) >= 0
    assert counters.cut_segments == sum(1 for row in found if row[-1])
    waited = counters.reassembled or counters.dropped[Drop.FRAGMENT] or counters.dropped[Drop.FRAGMENT_BAD]
    return sorted(found, key=repr), bool(waited)


def _row(row: SegmentRow) -> "tuple[object, ...]":
    key, direction, seq, ack, flags, data, missing, time_ns = row
    assert direction in (0, 1)
    assert len(key) == 40
    assert 0 <= seq <= 0xFFFFFFFF
    assert 0 <= ack <= 0xFFFFFFFF
    assert 0 <= flags <= 0xFF
    assert 0 <= missing <= 1 << 20
    return key, direction, seq, ack, time_ns, flags, data, missing


def seeds() -> list[bytes]:
    """Every kind of frame that the tests know, alone and in batches with fragments."""
    found = []
    for link, octets in SAMPLES.values():
        header = LINKS.index(link), b""
        found += [pack([header, (0, octets)]), pack([header, (0, octets), (9, octets[:-9]), (0, octets)])]
    ethernet = LINKS.index(Link.ETHERNET), struct.pack(">H", 80)
    for wrap, cut in ((packets.ipv4, packets.fragments4), (packets.ipv6, packets.fragments6)):
        segment = packets.tcp(bytes(range(200)))
        parts = [packets.ethernet(part) for part in cut(wrap(segment), 32, 64, 96)]
        found.append(pack([ethernet, *((0, part) for part in parts)]))
        found.append(pack([ethernet, *((0, packets.mirrored(part)) for part in reversed(parts))]))
    plain = packets.ethernet(packets.ipv4(packets.tcp(b"GET / HTTP/1.1\r\n\r\n")))
    found.append(pack([ethernet, *((0, plain) for _ in range(60))]))
    return found


def mutate(data: bytes, dice: Random) -> bytes:
    """Another header around a frame, fragments of it, or octets that changed."""
    records = unpack(data) or [(LINKS.index(Link.ETHERNET), b"")]
    if len(records) > 1 and dice.random() < 0.3:
        at = dice.randrange(1, len(records))
        records[at : at + 1] = [(records[at][0], octets) for octets in _wrapped(records[at][1], dice)]
        return pack(records)
    return pack(change_records(records, dice, lambda d: d.randrange(256), lambda o, d: change(o, d, _TOKENS)))


def _wrapped(octets: bytes, dice: Random) -> list[bytes]:
    """A frame inside something else: a header of a sample, a tunnel many times over, tags, or fragments."""
    octets, inner = octets[:4000], octets[14:4000]
    match dice.randrange(5):
        case 0:
            return [dice.choice(_HEADERS)[: dice.choice((8, 14, 18, 34, 42, 50, 58))] + octets]
        case 1:
            return [packets.mirrored(octets)]
        case 2:
            for _ in range(dice.choice((2, 8, 30))):
                inner = packets.ipv4(inner, protocol=4)
            return [packets.ethernet(inner)]
        case 3 if len(inner) > 40:
            cuts = sorted({8 * dice.randrange(1, len(inner) // 8 + 1) for _ in range(dice.choice((1, 3, 9)))})
            whole = packets.ipv4(inner[20:])
            parts = packets.fragments4(
                whole, *(cut for cut in cuts if cut < len(inner) - 20), ident=dice.randrange(3)
            )
            dice.shuffle(parts)
            return [packets.ethernet(part) for part in parts]
        case _:
            tags = dice.choices((0x8100, 0x88A8), k=dice.choice((1, 2, 40)))
            return [packets.ethernet(inner, *tags, kind=0x0800)]


TARGET = Target(one_input, seeds(), mutate)

if __name__ == "__main__":
    main(TARGET)
