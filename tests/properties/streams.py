"""Strategies: TCP connections as a capture may show them."""

import random
from typing import NamedTuple

from hypothesis import strategies as st

from packets import ACK, FIN, SYN
from transcript import MASK, MS, C, S, Segment

STARTS = st.one_of(st.integers(0, MASK), st.integers(MASK - 300, MASK), st.just(0))


class Spoken(NamedTuple):
    """A connection: its octets in both directions, the first sequence number of each, and its segments in order."""

    octets: tuple[bytes, bytes]
    starts: tuple[int, int]
    segments: list[Segment]


@st.composite
def spoken(draw: st.DrawFn, *, handshake: st.SearchStrategy[bool] | None = None, limit: int = 300) -> Spoken:
    """Both sides say something in segments of any size, in any order of turns; then both say FIN."""
    octets = (draw(st.binary(max_size=limit)), draw(st.binary(max_size=limit)))
    isn = (draw(STARTS), draw(STARTS))
    starts = ((isn[C] + 1) & MASK, (isn[S] + 1) & MASK)
    rnd = random.Random(draw(st.integers(0, 1 << 32)))
    segments: list[Segment] = []
    said = [0, 0]

    def put(direction: int, flags: int, data: bytes = b"", seq: int | None = None) -> None:
        at = (starts[direction] + said[direction]) & MASK if seq is None else seq
        ack = (starts[1 - direction] + said[1 - direction]) & MASK if flags & ACK else 0
        segments.append(Segment(direction, at, data, flags, ack, 0, len(segments) * MS // 10))

    if handshake is None or draw(handshake):
        put(C, SYN, seq=isn[C])
        put(S, SYN | ACK, seq=isn[S])
        put(C, ACK)
    sizes = draw(st.sampled_from([(1, 1), (1, 7), (1, 80), (50, 300)]))
    while said[C] < len(octets[C]) or said[S] < len(octets[S]):
        direction = rnd.randrange(2)
        data = octets[direction][said[direction] :][: rnd.randint(*sizes)]
        put(direction, ACK, data)
        said[direction] += len(data)
    ends = [(C, S), (S, C)][rnd.randrange(2)]
    for direction in ends:
        put(direction, FIN | ACK)
        said[direction] += 1
    put(ends[0], ACK)
    return Spoken(octets, starts, segments)


@st.composite
def disturbed(draw: st.DrawFn, talk: Spoken, *, copies: bool = True, near: int = 8) -> list[Segment]:
    """The same segments repeated, cut anew with overlaps, and out of order by at most `near` places, the handshake
    excepted: where a direction begins to be seen there is nothing that a segment could be too early for."""
    rnd = random.Random(draw(st.integers(0, 1 << 32)))
    amount = draw(st.sampled_from([0.0, 0.1, 0.5]))
    found = []
    for place, segment in enumerate(talk.segments):
        found.append((place + rnd.random() * near * (rnd.random() < amount), segment))
        if copies and rnd.random() < amount:
            found.append((place + rnd.random() * near, _again(rnd, talk, segment)))
    opening = talk.segments[:2] if talk.segments[0].flags & SYN else []
    found.sort(key=lambda entry: (not any(entry[1] is segment for segment in opening), entry[0]))
    return [segment._replace(time_ns=number * MS // 10) for number, (_, segment) in enumerate(found)]


def _again(rnd: random.Random, talk: Spoken, segment: Segment) -> Segment:
    """A copy, or other borders around the same octets."""
    if not segment.data or rnd.random() < 0.5:
        return segment
    octets, start = talk.octets[segment.direction], talk.starts[segment.direction]
    begin = (segment.seq - start) & MASK
    end = begin + len(segment.data)
    begin, end = max(begin - rnd.randrange(20), 0), end - rnd.randrange(len(segment.data))
    return segment._replace(seq=(start + begin) & MASK, data=octets[begin:end], flags=ACK)


def batched(segments: list[Segment], sizes: list[int]) -> list[list[Segment]]:
    """The segments in batches of these sizes, over and over."""
    found, at, turn = [], 0, 0
    while at < len(segments):
        found.append(segments[at : at + sizes[turn % len(sizes)]])
        at += sizes[turn % len(sizes)]
        turn += 1
    return found


SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=4)
