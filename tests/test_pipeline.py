"""Frames in, messages out: the pure stages as one, and what holds for whatever they are given."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

import packets
from properties.dialogues import Dialogue, dialogues
from shadowtap.config import FlowSettings, HttpSettings
from shadowtap.decap import Decapsulator
from shadowtap.events import Ended, Exchange, Fault, Frames, Link, Message, Request
from shadowtap.ledger import Ledger
from shadowtap.pipeline import Pipeline
from transcript import MS, C, S, Segment, Talk, frame

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SECOND = 1_000 * MS


def batch(segments: list[Segment], overlay: bool = False) -> Frames:
    """Segments as a batch of frames, as from a VXLAN socket or from Ethernet."""
    octets = [packets.vxlan(frame(s), 7) if overlay else frame(s) for s in segments]
    link = Link.VXLAN if overlay else Link.ETHERNET
    return packets.frames(octets, link, times=[segment.time_ns for segment in segments])


def told(
    segments: list[Segment], sizes: list[int], *, overlay: bool = False, ledger: Ledger | None = None
) -> list[Message]:
    """All messages of a capture that comes in batches of these sizes."""
    ledger = ledger if ledger is not None else Ledger()
    pipeline = Pipeline(ledger)
    road = pipeline.road()
    found: list[Message] = []
    at = turn = 0
    while at < len(segments):
        part = segments[at : at + sizes[turn % len(sizes)]]
        at, turn = at + len(part), turn + 1
        found += pipeline.feed(batch(part, overlay), road)
        found += pipeline.advance(part[-1].time_ns)
    found += pipeline.finish(segments[-1].time_ns + SECOND)
    assert ledger.imbalances() == []
    assert (ledger.flows.open_now, ledger.flows.buffered_bytes, ledger.messages.buffered_bytes) == (0, 0, 0)
    return found


def requests(messages: list[Message]) -> list[bytes]:
    """The octets of the whole requests among them."""
    return [m.head + m.body for m in messages if isinstance(m, Request) and m.fault is None]


def answers(messages: list[Message]) -> list[tuple[bytes, bytes]]:
    """Requests with the answers to them, interim and final, as octets."""
    found: dict[bytes, bytes] = {}
    for m in messages:
        if isinstance(m, Exchange) and m.request is not None and m.response is not None:
            asked = m.request.head + m.request.body
            found[asked] = found.get(asked, b"") + m.response.head + m.response.body
    return list(found.items())


def test_a_request_comes_at_once_and_the_exchange_with_its_answer() -> None:
    talk, pipeline = Talk().open(), Pipeline(Ledger())
    road = pipeline.road()
    assert pipeline.feed(batch(talk.segments), road) == []
    seen: list[list[type]] = []
    for direction, octets in ((C, GET), (S, OK)):
        before = len(talk.segments)
        talk.say(direction, octets)
        seen.append([type(m) for m in pipeline.feed(batch(talk.segments[before:]), road)])
    before = len(talk.segments)
    talk.close()
    seen.append([type(m) for m in pipeline.feed(batch(talk.segments[before:]), road)])
    assert seen == [[Request], [Exchange], [Ended]]


SIZES = st.lists(st.integers(1, 60), min_size=1, max_size=3)


@given(dialogues(opened=True), SIZES, st.booleans())
def test_batches_and_overlays_make_no_difference(talk: Dialogue, sizes: list[int], overlay: bool) -> None:
    found = told(talk.segments, sizes, overlay=overlay)
    assert requests(found) == [turn.request for turn in talk.turns]
    assert answers(found) == [(turn.request, turn.response) for turn in talk.turns]
    assert [m.index for m in found if isinstance(m, Request)] == list(range(len(talk.turns)))


@given(st.data(), dialogues(opened=True, bursts=True), SIZES)
def test_copies_and_neighbours_that_change_places_make_no_difference(
    data: st.DataObject, talk: Dialogue, sizes: list[int]
) -> None:
    rnd = random.Random(data.draw(st.integers(0, 1 << 32)))
    places = [(number + 3 * rnd.random() * (rnd.random() < 0.3), s) for number, s in enumerate(talk.segments)]
    places += [(number + 4 * rnd.random(), s) for number, s in enumerate(talk.segments) if rnd.random() < 0.2]
    opening, rest = places[:2], sorted(places[2:], key=lambda place: place[0])
    segments = [s._replace(time_ns=n * MS) for n, (_, s) in enumerate([*opening, *rest])]
    assert requests(told(segments, sizes)) == [turn.request for turn in talk.turns]


@settings(max_examples=50)
@given(st.data(), dialogues(opened=True), SIZES)
def test_what_was_not_hit_arrives(data: st.DataObject, talk: Dialogue, sizes: list[int]) -> None:
    lost = set(data.draw(st.lists(st.integers(3, len(talk.segments) - 1), max_size=4)))
    hit = {
        number
        for place in lost
        for number in talk.of.get(place, ())
        if talk.segments[place].direction == C and talk.segments[place].data
    }
    kept = [segment for place, segment in enumerate(talk.segments) if place not in lost]
    found = told(kept, sizes)
    assert requests(found) == [turn.request for n, turn in enumerate(talk.turns) if n not in hit]
    assert len([m for m in found if isinstance(m, Request) and m.fault is not None]) <= len(hit)


# -- limits and options --------------------------------------------------------------------------------------


def test_connections_are_numbered_from_where_the_caller_says() -> None:
    pipeline = Pipeline(Ledger(), first_connection=7)
    (message,) = pipeline.feed(batch(Talk().open().say(C, GET).segments), pipeline.road())
    assert isinstance(message, Request)
    assert message.connection.number == 7


def test_answers_without_their_bodies() -> None:
    talk = Talk().open().say(C, GET).say(S, OK)
    pipeline = Pipeline(Ledger(), keep_answer_bodies=False)
    (_, exchange) = pipeline.feed(batch(talk.segments), pipeline.road())
    assert isinstance(exchange, Exchange)
    assert exchange.response is not None
    assert (exchange.response.body, exchange.response.body_bytes) == (b"", 2)


def test_sources_share_connections_but_not_their_limits() -> None:
    """One direction comes from one interface, the other from another."""
    talk, pipeline = Talk().open().say(C, GET).say(S, OK), Pipeline(Ledger())
    roads: list[Decapsulator] = [pipeline.road(), pipeline.road(ports=frozenset([80]))]
    found: list[Message] = []
    for segment in talk.segments:
        found += pipeline.feed(batch([segment]), roads[segment.direction])
    assert answers(found) == [(GET, OK)]
    nothing = pipeline.feed(batch(talk.segments), pipeline.road(ports=frozenset([8080])))
    assert nothing == []


def test_a_memory_budget_ends_the_connections_that_were_silent_longest() -> None:
    ledger = Ledger()
    pipeline = Pipeline(ledger, flows=FlowSettings(buffer_bytes=10_000), http=HttpSettings())
    road, found = pipeline.road(), []
    upload = b"POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + bytes(1000)
    for number in range(50):
        talk = Talk(number=number).open().say(C, upload)
        later = [segment._replace(time_ns=segment.time_ns + number * SECOND) for segment in talk.segments]
        found += pipeline.feed(batch(later), road)
        found += pipeline.advance(later[-1].time_ns)
        assert ledger.messages.buffered_bytes <= 10_000 + len(upload)
    evicted = [m.connection.client.port for m in found if isinstance(m, Request)]
    assert {m.fault for m in found if isinstance(m, Request)} == {Fault.EVICTED}
    assert evicted == sorted(evicted)
    assert ledger.flows.closed["evicted"] == len(evicted) > 30
    assert len([m for m in pipeline.finish(100 * SECOND) if isinstance(m, Request)]) == 50 - len(evicted)


def test_a_body_beyond_the_limit_is_incomplete_and_the_next_request_is_read() -> None:
    large = b"POST /large HTTP/1.1\r\nContent-Length: 5000\r\n\r\n" + bytes(5000)
    talk = Talk().open().say(C, large).say(S, OK).say(C, GET).say(S, OK)
    pipeline = Pipeline(Ledger(), http=HttpSettings(body_bytes=1000))
    found = pipeline.feed(batch(talk.segments), pipeline.road())
    faults = [message.fault for message in found if isinstance(message, Request)]
    assert faults == [Fault.TOO_LARGE, None]


def test_a_capture_that_ends_in_the_middle() -> None:
    upload = b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf"
    pipeline = Pipeline(Ledger())
    assert pipeline.feed(batch(Talk().open().say(C, upload).segments), pipeline.road()) == []
    (request, ended, exchange) = pipeline.finish(SECOND)
    assert isinstance(request, Request)
    assert (request.fault, request.body) == (Fault.END, b"half")
    assert isinstance(ended, Ended)
    assert isinstance(exchange, Exchange)
    assert exchange.response is None
