"""Any TCP segments: streams come out in order, without overlap, each octet once, and within the limits.

    python fuzz/fuzz_segments.py [--minutes N] [--plain] [FILE…]

The first record's kind chooses the limits. Every further record is a segment: its kind holds connection, direction
and whether a batch ends here; its octets are flags, place in the stream, acknowledgement, octets cut off, a pause
before it, and a length. What the octets of a stream are follows from their sequence numbers, so that it can be told
whether each came out at its place.
"""

import struct
from random import Random

from drive import Record, Target, change, change_records, main, pack, unpack, watched

with watched():
    from flows.witness import Witness
    from packets import ACK, FIN, PSH, RST, SYN
    from shadowtap.events import Chunk, Opened
    from shadowtap.flows import Flows
    from transcript import CLIENT, MASK, MS, C, S, Segment, Talk

_RECORD = struct.Struct(">BiiBBH")
_STARTS = (0xFFFFFF00, 0x7FFFFFF0)
_PAUSES_NS = (0, 0, MS // 10, MS, 50 * MS, 150 * MS, 1_100 * MS, 12_000 * MS, 400_000 * MS)
_PERIOD = 1 << 16
_OCTETS = Random(7).randbytes(_PERIOD) * 2
"""What streams say, over and over; the period divides that of sequence numbers."""
_LIMITS = ((1, 10), (2, 1 << 20), (1000, 100), (1000, 1 << 20))
"""Connections and octets that may wait."""


def one_input(data: bytes) -> None:
    """Read segments; raises what a bug raises."""
    records = unpack(data)
    if not records:
        return
    connections, buffer_bytes = _LIMITS[records[0][0] % len(_LIMITS)]
    flows = Flows(connections=connections, buffer_bytes=buffer_bytes)
    witness, counters = Witness(flows), flows.counters
    now_ns, batch, given = 1_000 * MS, [], 0
    for kind, octets in records[1:]:
        segment = _segment(kind, octets)
        now_ns += segment.time_ns
        batch.append(segment._replace(time_ns=now_ns))
        given += len(segment.data)
        if kind & 0x80:
            witness.feed(*batch)
            batch = []
            assert counters.open_now <= connections
            assert counters.buffered_bytes <= buffer_bytes
            assert len(flows._watched) <= connections
    witness.feed(*batch).finish(now_ns)
    assert counters.payload_bytes == given
    assert not flows._watched
    _check_octets(witness, given)


def _segment(kind: int, octets: bytes) -> Segment:
    """A segment; its time is the pause before it."""
    flags, ahead, behind, cut, pause, size = _RECORD.unpack(octets[: _RECORD.size].ljust(_RECORD.size, b"\0"))
    number, direction = kind & 3, kind >> 2 & 1
    seq, ack = (_STARTS[direction] + ahead) & MASK, (_STARTS[1 - direction] + behind) & MASK
    missing = cut % 64 if cut & 0x80 else 0
    data = _told(number, direction, seq + bool(flags & SYN), size % 3000)
    return Segment(direction, seq, data, flags, ack, missing, _PAUSES_NS[pause % len(_PAUSES_NS)], number)


def _told(number: int, direction: int, seq: int, size: int) -> bytes:
    begin = (seq + number * 997 + direction * 9_973) % _PERIOD
    return _OCTETS[begin : begin + size]


def _check_octets(witness: Witness, given: int) -> None:
    numbers, delivered = {}, 0
    for event in witness.events:
        if isinstance(event, Opened):
            numbers[event.flow.number] = event.flow.a.port - CLIENT.port
        elif isinstance(event, Chunk):
            delivered += len(event.data)
            begin = (event.end - len(event.data)) & MASK
            assert event.data == _told(numbers[event.flow], event.direction, begin, len(event.data))
    assert delivered <= given, "an octet came twice"


def seeds() -> list[bytes]:
    """Connections from beginning to end, one without, one reset, one used again, one with holes."""
    whole = Talk().open().say(C, bytes(100)).say(S, bytes(4000)).say(C, bytes(2000)).close()
    joined = Talk(number=1).say(C, bytes(50)).say(S, bytes(50)).reset(S)
    again = Talk(number=2, starts=(9_000_000, 5)).open().say(C, bytes(10)).close()
    holes = [segment for n, segment in enumerate(whole.segments) if n % 4 != 1]
    late = [*whole.segments[:4], *reversed(whole.segments[4:])]
    every = [*whole.segments, *joined.segments, *again.segments, *whole.segments]
    return [
        pack([(limits, b""), *_records(segments)])
        for limits in range(len(_LIMITS))
        for segments in (whole.segments, joined.segments, holes, late, every)
    ]


def _records(segments: list[Segment]) -> list[Record]:
    found = []
    for n, segment in enumerate(segments):
        kind = segment.connection | segment.direction << 2 | (n % 3 == 0) << 7
        ahead, behind = (
            segment.seq - (1000, 5000)[segment.direction],
            segment.ack - (5000, 1000)[segment.direction],
        )
        found.append((kind, _RECORD.pack(segment.flags, ahead, behind, 0, 3, len(segment.data))))
    return found


def mutate(data: bytes, dice: Random) -> bytes:
    """Segments in another order, with other numbers."""
    head, *records = unpack(data) or [(0, b"")]
    return pack([head, *change_records(records, dice, lambda d: d.randrange(256), _spoil)])


def _spoil(octets: bytes, dice: Random) -> bytes:
    if len(octets) < _RECORD.size or dice.random() < 0.1:
        return change(octets, dice, [b"\0"])[:40]
    flags, ahead, behind, cut, pause, size = _RECORD.unpack(octets[: _RECORD.size])
    step = dice.choice((-3000, -1, 1, 2, 17, 500, 1448, 65_536, 1 << 24, 1 << 26, 1 << 30, -(1 << 30)))
    match dice.randrange(7):
        case 0:
            flags = dice.choice((ACK, ACK, PSH | ACK, SYN, SYN | ACK, FIN | ACK, FIN, RST, RST | ACK, 0, 255))
        case 1:
            ahead = (ahead + step + (1 << 31)) % (1 << 32) - (1 << 31)
        case 2:
            behind = (behind + step + (1 << 31)) % (1 << 32) - (1 << 31)
        case 3:
            cut = dice.choice((0, 0x81, 0xBF))
        case 4:
            pause = dice.randrange(len(_PAUSES_NS))
        case 5:
            size = dice.choice((0, 1, 2, 40, 1448, 2999))
        case _:
            ahead, size = ahead + size // 2, dice.randrange(2, 3000)
            ahead = (ahead + (1 << 31)) % (1 << 32) - (1 << 31)
    return _RECORD.pack(flags, ahead, behind, cut, pause, size)


TARGET = Target(one_input, seeds(), mutate)

if __name__ == "__main__":
    main(TARGET)
