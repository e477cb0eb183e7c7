"""What `Messages` promises of any connection, whatever the capture lost of it."""

from hypothesis import given
from hypothesis import strategies as st

from messages.hearing import Hearing
from packets import FIN
from properties.dialogues import Dialogue, dialogues, lost_places
from properties.streams import SIZES, batched
from shadowtap.events import Ended, Exchange, Request, Response
from shadowtap.http1 import field
from transcript import C, S


def listen(dialogue: Dialogue, lost: set[int], sizes: list[int]) -> Hearing:
    kept = [segment for place, segment in enumerate(dialogue.segments) if place not in lost]
    hearing = Hearing()
    for batch in batched(kept, sizes):
        hearing.hear(*batch)
    return hearing.end()


def number(message: Request | Response | None) -> int | None:
    """Which exchange it belongs to; None where it does not say."""
    if message is None:
        return None
    if isinstance(message, Request):
        return int(message.target[1:])
    value = field(message.head, b"number")
    return int(value) if value and value.isdigit() else None


def hit(dialogue: Dialogue, lost: set[int], direction: int) -> set[int]:
    """The exchanges of which a packet of this direction was lost."""
    found: set[int] = set()
    for place in lost:
        segment = dialogue.segments[place]
        if segment.data and segment.direction == direction:
            found |= dialogue.of[place]
    return found


def check(dialogue: Dialogue, lost: set[int], hearing: Hearing) -> None:
    """What holds for every client, waiting or not."""
    whole = {number(request): request for request in hearing.requests if request.fault is None}
    for place, turn in enumerate(dialogue.turns):
        if place not in hit(dialogue, lost, C):
            assert place in whole
            assert whole[place].head + whole[place].body == turn.request
    for request in hearing.requests:
        final = [
            e
            for e in hearing.exchanges
            if e.request is request and (e.response is None or e.response.status > 199)
        ]
        assert len(final) == 1
    for exchange in hearing.exchanges:
        if exchange.request is not None and number(exchange.response) is not None:
            assert number(exchange.request) == number(exchange.response), "paired with another's answer"
    ended = sum(isinstance(message, Ended) for message in hearing.out)
    assert ended == 1 or not hearing.exchanges
    assert [r.index for r in hearing.requests] == list(range(len(hearing.requests)))
    assert hearing.counters.requests == len(hearing.requests)
    assert hearing.counters.responses == sum(e.response is not None for e in hearing.exchanges)


@given(st.data(), dialogues(), SIZES)
def test_a_client_that_waits(data: st.DataObject, dialogue: Dialogue, sizes: list[int]) -> None:
    lost = data.draw(lost_places(dialogue))
    hearing = listen(dialogue, lost, sizes)
    check(dialogue, lost, hearing)
    pairs = {number(e.request): number(e.response) for e in hearing.exchanges if e.request and e.response}
    no_request, no_answer = hit(dialogue, lost, C), hit(dialogue, lost, S)
    for place in range(len(dialogue.turns)):
        if place not in no_request | no_answer:
            assert pairs.get(place) == place, "an exchange that was not hit"


@given(st.data(), dialogues(opened=True), SIZES)
def test_requests_that_were_lost_are_counted(
    data: st.DataObject, dialogue: Dialogue, sizes: list[int]
) -> None:
    """Whole requests are lost, and no answers: each answer tells of one."""
    numbers = data.draw(st.sets(st.integers(0, len(dialogue.turns) - 1)))
    lost = {
        place for place, of in dialogue.of.items() if of & numbers and dialogue.segments[place].direction == C
    }
    hearing = listen(dialogue, lost, sizes)
    check(dialogue, lost, hearing)
    orphans = [e for e in hearing.exchanges if e.request is None]
    assert {number(e.response) for e in orphans} == numbers
    assert all(e.lost_request for e in orphans)
    assert len(hearing.requests) + len(orphans) == len(dialogue.turns)


@given(st.data(), dialogues(pipelined=True, opened=True), SIZES)
def test_a_client_that_does_not_wait(data: st.DataObject, dialogue: Dialogue, sizes: list[int]) -> None:
    lost = data.draw(lost_places(dialogue))
    check(dialogue, lost, listen(dialogue, lost, sizes))


@given(st.one_of(dialogues(), dialogues(pipelined=True)), SIZES, SIZES)
def test_batches_make_no_difference(dialogue: Dialogue, sizes: list[int], others: list[int]) -> None:
    one, two = (listen(dialogue, set(), cut) for cut in (sizes, others))
    assert one.lines == two.lines
    exchanges = [e for e in one.exchanges if e.request is not None]
    assert [number(e.response) for e in exchanges] == list(range(len(dialogue.turns)))
    for exchange, turn in zip(exchanges, dialogue.turns, strict=True):
        assert exchange.response is not None
        assert exchange.response.head + exchange.response.body == turn.response


@given(st.data(), st.one_of(dialogues(opened=True), dialogues(opened=True, pipelined=True)), SIZES)
def test_answers_that_were_captured_before_their_requests(
    data: st.DataObject, dialogue: Dialogue, sizes: list[int]
) -> None:
    """Within each direction the order is kept; between them, the client's side comes late."""
    behind = data.draw(st.integers(1, 8))
    order = sorted(
        enumerate(dialogue.segments),
        key=lambda entry: entry[0] + behind * (entry[1].direction == C and entry[0] > 2),
    )
    late = [segment._replace(time_ns=place * 1_000_000) for place, (_, segment) in enumerate(order)]
    if any(segment.flags & FIN for segment in late):
        late = [segment for segment in late if not segment.flags & FIN]
    hearing = listen(dialogue._replace(segments=late), set(), sizes)
    pairs = [(number(e.request), number(e.response)) for e in hearing.exchanges]
    assert pairs == [(place, place) for place in range(len(dialogue.turns))]
    assert all(
        message.response.fault is None
        for message in hearing.out
        if isinstance(message, Exchange) and message.response
    )
