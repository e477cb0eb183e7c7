"""Strategies: HTTP connections whose exchanges are numbered, and captures that lost some of their packets."""

import random
from typing import NamedTuple

from hypothesis import strategies as st

from transcript import MS, C, S, Segment, Talk


class Turn(NamedTuple):
    """One exchange: what was sent, and what came back."""

    method: str
    request: bytes
    response: bytes


class Dialogue(NamedTuple):
    """A connection. `of` tells for every segment with payload which exchanges it belongs to."""

    turns: list[Turn]
    segments: list[Segment]
    of: dict[int, frozenset[int]]
    opened: bool

    def __repr__(self) -> str:
        """The packets, one a line, for people."""
        return "\n" + "\n".join(
            f"{place:3} {'CS'[s.direction]} {s.seq}-{s.end} ack {s.ack} flags {s.flags:02x} {s.data!r}"
            for place, s in enumerate(self.segments)
        )


def turn(number: int, rnd: random.Random) -> Turn:
    """An exchange that names its number in the target and in a field of the answer."""
    method = rnd.choice(["GET", "GET", "POST", "PUT", "HEAD", "DELETE"])
    head = f"{method} /{number} HTTP/1.1\r\nHost: a\r\n"
    if method in ("POST", "PUT") and rnd.random() < 0.3:
        request = f"{head}Transfer-Encoding: chunked\r\n\r\n" + _chunked(rnd)
    elif method in ("POST", "PUT"):
        size = rnd.choice([1, 20, 90])
        request = f"{head}Content-Length: {size}\r\n\r\n" + "q" * size
    else:
        request = f"{head}\r\n"
    status = rnd.choice([200, 200, 201, 204, 304, 404])
    answer = f"HTTP/1.1 {status} x\r\nNumber: {number}\r\n"
    size = rnd.choice([0, 1, 40, 100])
    if status in (204, 304):
        response = f"{answer}\r\n"
    elif rnd.random() < 0.3:
        response = f"{answer}Transfer-Encoding: chunked\r\n\r\n" + (_chunked(rnd) if method != "HEAD" else "")
    else:
        response = f"{answer}Content-Length: {size}\r\n\r\n" + ("a" * size if method != "HEAD" else "")
    interim = f"HTTP/1.1 {rnd.choice([100, 103])} x\r\nNumber: {number}\r\n\r\n" * rnd.choice([1, 1, 2])
    return Turn(method, request.encode(), ((interim if rnd.random() < 0.2 else "") + response).encode())


def _chunked(rnd: random.Random) -> str:
    sizes = [rnd.choice([1, 30, 60]) for _ in range(rnd.randrange(3))]
    return "".join(f"{size:x}\r\n{'c' * size}\r\n" for size in sizes) + "0\r\n\r\n"


@st.composite
def dialogues(draw: st.DrawFn, *, bursts: bool = False, opened: bool | None = None) -> Dialogue:
    """A connection of a few exchanges; its client waits for each answer, or else sends several requests at once.
    `opened`: the handshake was captured."""
    rnd = random.Random(draw(st.integers(0, 1 << 32)))
    turns = [turn(number, rnd) for number in range(draw(st.integers(1, 7)))]
    talk = Talk(
        mss=draw(st.sampled_from([30, 60, 1448])), starts=(draw(st.sampled_from([1000, (1 << 32) - 90])), 5)
    )
    opened = opened if opened is not None else draw(st.booleans())
    if opened:
        talk.open()
    of: dict[int, frozenset[int]] = {}

    def say(direction: int, numbers: list[int], octets: bytes) -> None:
        before = len(talk.segments)
        talk.say(direction, octets, acked=rnd.random() < 0.5)
        for place in range(before, len(talk.segments)):
            of[place] = frozenset(numbers)

    waiting = list(range(len(turns)))
    while waiting:
        count = rnd.randint(1, 3) if bursts else 1
        group, waiting = waiting[:count], waiting[count:]
        if rnd.random() < 0.5:
            say(C, group, b"".join(turns[number].request for number in group))
        else:
            for number in group:
                say(C, [number], turns[number].request)
        for number in group:
            say(S, [number], turns[number].response)
    if draw(st.booleans()):
        talk.close(*rnd.choice([(C, S), (S, C)]))
    segments = [segment._replace(time_ns=number * MS) for number, segment in enumerate(talk.segments)]
    return Dialogue(turns, segments, of, opened)


@st.composite
def disturbed(draw: st.DrawFn, dialogue: Dialogue, lost: set[int]) -> list[Segment]:
    """What a capture shows of a connection that was opened: some packets cut short in place of lost, some repeated
    later, some out of order by a few places."""
    rnd = random.Random(draw(st.integers(0, 1 << 32)))
    amount, cuts = draw(st.sampled_from([0.0, 0.1, 0.4])), draw(st.booleans())
    found: list[tuple[float, Segment]] = []
    for place, segment in enumerate(dialogue.segments):
        late = place + rnd.random() * 8 * (rnd.random() < amount) * (place > 2)
        if place not in lost:
            found.append((late, segment))
            if rnd.random() < amount and place > 2:
                found.append((late + rnd.random() * 8, segment))
        elif cuts and len(segment.data) > 1:
            kept = rnd.randrange(len(segment.data))
            cut = segment._replace(data=segment.data[:kept], missing=len(segment.data) - kept)
            found.append((late, cut))
    found.sort(key=lambda entry: entry[0])
    return [segment._replace(time_ns=number * MS) for number, (_, segment) in enumerate(found)]


def lost_places(dialogue: Dialogue, *, handshake: bool = False) -> st.SearchStrategy[set[int]]:
    """Which segments the capture lost: any, those of the handshake only if `handshake`."""
    first = 3 if dialogue.opened and not handshake else 0
    if first >= len(dialogue.segments):
        return st.just(set())
    return st.sets(st.integers(first, len(dialogue.segments) - 1), max_size=6)
