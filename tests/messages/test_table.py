"""All connections together: events of many flows, each read for itself."""

from ipaddress import IPv4Address

from messages.hearing import Hearing, line
from shadowtap.events import Chunk, Closed, Endpoint, Flow, Gap, How, Opened
from shadowtap.messages import Messages
from transcript import C, S, Segment, Talk

GET = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLIENT, SERVER = Endpoint(IPv4Address("10.0.0.1"), 4000), Endpoint(IPv4Address("10.0.0.2"), 80)


def test_events_in_messages_out() -> None:
    messages = Messages()
    flow = Flow(7, CLIENT, SERVER, 42, 0)
    request = GET % 1
    out = messages.feed([Opened(flow), Chunk(7, 0, request, 5, 100, 200)])
    out += messages.feed([Chunk(7, 1, OK, 9, 200 + len(OK), 100)])
    assert [line(message) for message in out] == ["GET /1", "/1 -> 200 +2"]
    (asked, exchange) = out
    assert asked.connection.client == CLIENT  # type: ignore[union-attr]
    assert asked.connection.server == SERVER  # type: ignore[union-attr]
    assert (asked.connection.number, asked.connection.vni) == (7, 42)  # type: ignore[union-attr]
    assert exchange.latency_ns == 4  # type: ignore[union-attr]


def test_a_connection_is_forgotten_when_both_directions_have_ended() -> None:
    messages = Messages()
    out = messages.feed([Opened(Flow(1, CLIENT, SERVER, None, 0)), Chunk(1, 0, GET % 0, 1, 100, 1)])
    out += messages.feed([Closed(1, 0, How.FIN, 2), Gap(1, 1, 5, 2, 200, False)])
    assert messages._conversations
    out += messages.feed([Closed(1, 1, How.RESET, 3)])
    assert [line(message) for message in out] == ["GET /0", "end", "/0 -> ?"]
    assert not messages._conversations


def test_connections_do_not_disturb_each_other() -> None:
    talks = [Talk(number=number).open() for number in range(5)]
    for turn in range(3):
        for number, talk in enumerate(talks):
            talk.say(C, GET % (number * 10 + turn), acked=False).say(S, OK)
    segments: list[Segment] = []
    while any(talk.segments for talk in talks):
        segments += [talk.segments.pop(0) for talk in talks if talk.segments]
    hearing = Hearing()
    hearing.hear(*[segment._replace(time_ns=place) for place, segment in enumerate(segments)]).end()
    assert hearing.counters.requests == hearing.counters.responses == 15
    for number in range(5):
        mine = [e for e in hearing.exchanges if e.request and e.request.connection.client.port % 5 == number]
        assert len(mine) == 3
        assert all(e.response is not None for e in mine)
