"""What `Messages` promises of any connection, whatever the capture lost of it."""

from hypothesis import given
from hypothesis import strategies as st

from messages.hearing import Hearing
from packets import FIN
from properties.dialogues import Dialogue, dialogues, disturbed, lost_places
from properties.streams import SIZES, batched
from shadowtap.events import Ended, Exchange, Request, Response
from shadowtap.http1 import field
from transcript import C, S, Segment


def listen(dialogue: Dialogue, lost: set[int], sizes: list[int]) -> Hearing:
    return hear([segment for place, segment in enumerate(dialogue.segments) if place not in lost], sizes)


def hear(segments: list[Segment], sizes: list[int]) -> Hearing:
    hearing = Hearing()
    for batch in batched(segments, sizes):
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


def pairs(hearing: Hearing) -> dict[int | None, int | None]:
    """The numbers of requests, and of the final answers they were paired with."""
    return {number(e.request): number(e.response) for e in finals(hearing) if e.request and e.response}


def finals(hearing: Hearing) -> list[Exchange]:
    """All exchanges but those of interim answers."""
    return [e for e in hearing.exchanges if e.response is None or e.response.status > 199]


def of(dialogue: Dialogue, places: set[int], direction: int) -> set[int]:
    """The exchanges to which these packets of a direction belong."""
    found: set[int] = set()
    for place in places:
        segment = dialogue.segments[place]
        if segment.data and segment.direction == direction:
            found |= dialogue.of[place]
    return found


def check(dialogue: Dialogue, lost: set[int], hearing: Hearing) -> None:
    """What holds for every client, waiting or not."""
    whole = [request for request in hearing.requests if request.fault is None]
    for place, turn in enumerate(dialogue.turns):
        if place not in of(dialogue, lost, C):
            assert [r.head + r.body for r in whole if number(r) == place] == [turn.request]
    for request in hearing.requests:
        assert sum(e.request is request for e in finals(hearing)) == 1
    for exchange in hearing.exchanges:
        if exchange.request is not None and number(exchange.response) is not None:
            assert number(exchange.request) == number(exchange.response), "paired with another's answer"
    ended = sum(isinstance(message, Ended) for message in hearing.out)
    assert ended == 1 or not hearing.exchanges
    assert [r.index for r in hearing.requests] == list(range(len(hearing.requests)))
    assert hearing.counters.requests == len(hearing.requests)
    assert hearing.counters.responses == sum(e.response is not None for e in hearing.exchanges)
    unseen = sum(e.lost_request for e in hearing.exchanges)
    assert unseen + len({number(r) for r in hearing.requests}) <= len(dialogue.turns), "counted twice"


@given(st.data(), dialogues(), SIZES)
def test_a_client_that_waits(data: st.DataObject, dialogue: Dialogue, sizes: list[int]) -> None:
    """An exchange that was not hit is paired where the capture has what tells: the request before or behind it, or
    any packet of the answer before."""
    lost = data.draw(lost_places(dialogue))
    hearing = listen(dialogue, lost, sizes)
    check(dialogue, lost, hearing)
    found, numbers = pairs(hearing), range(len(dialogue.turns))
    no_request, no_answer = of(dialogue, lost, C), of(dialogue, lost, S)
    heard = of(dialogue, set(range(len(dialogue.segments))) - lost, S)
    first = min((place for place in numbers if place not in no_request), default=0)
    for place in numbers:
        if place in no_request | no_answer:
            continue
        if place == 0:
            told = dialogue.opened or not lost or 1 in set(numbers) - no_request
        else:
            told = place - 1 not in no_request or place - 1 in heard or place + 1 in set(numbers) - no_request
        if not dialogue.opened and place == first > 0:
            told = told and not any(turn.method == "HEAD" for turn in dialogue.turns[:first])
        assert found.get(place) == place or not told, "an exchange that was not hit"


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
    orphans = [e for e in finals(hearing) if e.request is None]
    assert {number(e.response) for e in orphans} == numbers
    assert all(e.lost_request for e in orphans)
    assert len(hearing.requests) + len(orphans) == len(dialogue.turns)


@given(st.data(), dialogues(bursts=True, opened=True), SIZES)
def test_a_client_that_sends_bursts(data: st.DataObject, dialogue: Dialogue, sizes: list[int]) -> None:
    lost = data.draw(lost_places(dialogue))
    check(dialogue, lost, listen(dialogue, lost, sizes))


@given(st.data(), dialogues(bursts=True), SIZES)
def test_a_capture_that_begins_anywhere(data: st.DataObject, dialogue: Dialogue, sizes: list[int]) -> None:
    """Even within a burst; but the server's last packet is there, without which nothing tells of answers that were
    lost behind the last that was not."""
    answers = [
        place for place, segment in enumerate(dialogue.segments) if segment.direction == S and segment.data
    ]
    begin = data.draw(st.integers(0, answers[-1]))
    lost = (data.draw(lost_places(dialogue, handshake=True)) | set(range(begin))) - {answers[-1]}
    check(dialogue, lost, listen(dialogue, lost, sizes))


@given(dialogues(), SIZES)
def test_joined_between_two_exchanges(dialogue: Dialogue, sizes: list[int]) -> None:
    for begin, segment in enumerate(dialogue.segments):
        if segment.direction == C and segment.data:
            found = listen(dialogue, set(range(begin)), sizes)
            first = min(dialogue.of[begin])
            whole = first if all(first not in dialogue.of.get(p, ()) for p in range(begin)) else first + 1
            assert pairs(found) == {place: place for place in range(whole, len(dialogue.turns))}


@given(st.data(), dialogues(opened=True), SIZES)
def test_out_of_order_repeated_and_cut_a_client_that_waits(
    data: st.DataObject, dialogue: Dialogue, sizes: list[int]
) -> None:
    lost = data.draw(lost_places(dialogue))
    hearing = hear(data.draw(disturbed(dialogue, lost)), sizes)
    check(dialogue, lost, hearing)
    if not lost:
        assert pairs(hearing) == {place: place for place in range(len(dialogue.turns))}


@given(st.data(), dialogues(opened=True, bursts=True), SIZES)
def test_out_of_order_repeated_and_cut_a_client_that_sends_bursts(
    data: st.DataObject, dialogue: Dialogue, sizes: list[int]
) -> None:
    lost = data.draw(lost_places(dialogue))
    hearing = hear(data.draw(disturbed(dialogue, lost)), sizes)
    check(dialogue, lost, hearing)
    if not lost:
        assert pairs(hearing) == {place: place for place in range(len(dialogue.turns))}


@given(st.one_of(dialogues(), dialogues(bursts=True, opened=True)), SIZES, SIZES)
def test_batches_make_no_difference(dialogue: Dialogue, sizes: list[int], others: list[int]) -> None:
    one, two = (listen(dialogue, set(), cut) for cut in (sizes, others))
    assert one.lines == two.lines
    exchanges = finals(one)
    assert [number(e.request) for e in exchanges] == list(range(len(dialogue.turns)))
    for exchange, turn in zip(exchanges, dialogue.turns, strict=True):
        assert exchange.response is not None
        assert turn.response.endswith(exchange.response.head + exchange.response.body)
        interim = [e.response.head for e in one.exchanges if e.request is exchange.request and e.response][
            :-1
        ]
        assert b"".join(interim) + exchange.response.head + exchange.response.body == turn.response


@given(st.data(), st.one_of(dialogues(opened=True), dialogues(opened=True, bursts=True)), SIZES)
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
    found = [(number(e.request), number(e.response)) for e in finals(hearing)]
    assert found == [(place, place) for place in range(len(dialogue.turns))]
    assert all(e.response is not None and e.response.fault is None for e in hearing.exchanges)
