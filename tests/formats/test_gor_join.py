"""Records in, the pipeline's messages out."""

from ipaddress import IPv4Address

from hypothesis import given

from formats.observing import MS, NOON_NS, observe, request, response, runs
from shadowtap.events import Ended, Exchange, Fault, Request
from shadowtap.formats.gor import Composer, Joiner, Kind, Record
from shadowtap.formats.gor.waiting import WAIT_NS, WAITING

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def name(port=40000, ack=1):
    """An ID as GoReplay makes it."""
    return b"%04x0050%08x%08x" % (port, int(IPv4Address("10.0.8.9")), ack)


def asks(path=b"/", *, id=None, at=0, lines=b""):
    """A request's record, `at` milliseconds after noon."""
    octets = b"GET %b HTTP/1.1\r\nHost: shop\r\n%b\r\n" % (path, lines)
    return Record(Kind.REQUEST, id or name(), NOON_NS + at * MS, -1, octets)


def answers(octets=OK, *, id=None, at=1, kind=Kind.RESPONSE):
    """An answer's record."""
    return Record(kind, id or name(), NOON_NS + at * MS, -1, octets)


def told(message):
    """A message in a few words."""
    if isinstance(message, Request):
        return "asks", message.target.decode(), message.connection.number, message.index
    if isinstance(message, Ended):
        return "ends", message.connection
    asked, answered = message.request, message.response
    return "gets", asked and asked.target.decode(), answered and answered.status


def heard(*records, joiner=None):
    """What comes of records, and then what comes at the end."""
    joiner = joiner or Joiner()
    during = [told(message) for record in records for message in joiner.feed(record)]
    return during, [told(message) for message in joiner.finish()], joiner.lost


@given(runs())
def test_every_request_once_and_every_exchange_once(observations):
    composer, joiner = Composer(), Joiner()
    records = [record for observation in observations for record in composer.records(observation)]
    found = [message for record in records for message in joiner.feed(record)] + joiner.finish()
    requests = [message for message in found if isinstance(message, Request)]
    exchanges = [message for message in found if isinstance(message, Exchange)]
    assert [r.head for r in requests] == [o.exchange.request.head for o in observations]
    assert [r.index for r in requests] == [o.exchange.request.index for o in observations]
    assert sorted((e.request.target, e.response is not None) for e in exchanges) == sorted(
        (o.exchange.request.target, o.exchange.response is not None) for o in observations
    )
    ended = [message.connection for message in found if isinstance(message, Ended)]
    assert sorted(ended) == sorted({r.connection.number for r in requests})


def test_a_request_comes_at_once_and_its_exchange_with_the_answer():
    during, after, _ = heard(asks(b"/a"), answers(), asks(b"/b", id=name(ack=2)))
    assert during == [("asks", "/a", 0, 0), ("gets", "/a", 200), ("asks", "/b", 0, 1)]
    assert after == [("gets", "/b", None), ("ends", 0)]


def test_an_answer_may_stand_in_front_of_its_request():
    during, _, _ = heard(answers(at=1), asks(b"/a"))
    assert during == [("asks", "/a", 0, 0), ("gets", "/a", 200)]


def test_an_answer_without_a_request():
    assert heard(answers()) == ([], [("gets", None, 200), ("ends", 0)], {})


def test_same_ports_and_address_are_one_connection_until_they_are_silent():
    during, after, _ = heard(
        asks(b"/1", id=name(ack=1)),
        asks(b"/2", id=name(port=40001)),
        asks(b"/3", id=name(ack=2), at=2),
        asks(b"/4", id=name(ack=3), at=301_000),
    )
    assert [part for part in during if part[0] == "asks"] == [
        ("asks", "/1", 0, 0),
        ("asks", "/2", 1, 0),
        ("asks", "/3", 0, 1),
        ("asks", "/4", 2, 0),
    ]
    assert [part for part in during if part[0] == "ends"] == [("ends", 1), ("ends", 0)]
    assert after[-1] == ("ends", 2)


def test_a_request_that_closes_ends_its_connection():
    during, _, _ = heard(
        asks(b"/a", lines=b"Connection: close\r\n"), answers(), asks(b"/b", id=name(ack=9), at=5)
    )
    assert during == [("asks", "/a", 0, 0), ("ends", 0), ("gets", "/a", 200), ("asks", "/b", 1, 0)]


def test_ids_that_say_nothing_of_connections_make_one_each():
    during, _, _ = heard(
        asks(b"/a", id=b"932079936fa4306fc308d67588178d17d823647c"),
        asks(b"/b", id=b"932079936fa4306fc308d67588178d17d823647d"),
    )
    assert during == [("asks", "/a", 0, 0), ("ends", 0), ("asks", "/b", 1, 0), ("ends", 1)]


def test_requests_that_share_an_id_are_answered_in_order():
    during, _, _ = heard(
        asks(b"/a", id=b"1"),
        asks(b"/b", id=b"1"),
        answers(id=b"1"),
        answers(OK.replace(b"200", b"404"), id=b"1"),
    )
    assert [part for part in during if part[0] == "gets"] == [("gets", "/a", 200), ("gets", "/b", 404)]


def test_an_interim_answer_makes_an_exchange_of_its_own():
    during, after, lost = heard(asks(b"/a"), answers(b"HTTP/1.1 100 Continue\r\n\r\n" + OK))
    assert during[1:] == [("gets", "/a", 100), ("gets", "/a", 200)]
    assert after == [("ends", 0)]
    assert not lost


def test_pipelined_requests_in_one_record():
    record = asks(b"/a")
    during, _, _ = heard(record._replace(payload=record.payload + asks(b"/b").payload), answers(OK + OK))
    assert during == [("asks", "/a", 0, 0), ("asks", "/b", 0, 1), ("gets", "/a", 200), ("gets", "/b", 200)]


def test_an_answer_to_head_has_no_body_whatever_its_length():
    record = asks()._replace(payload=b"HEAD / HTTP/1.1\r\n\r\n")
    joiner = Joiner()
    joiner.feed(record)
    (exchange,) = joiner.feed(answers(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"))
    assert exchange.response.fault is None


def test_a_request_that_was_cut_says_so():
    record = asks()._replace(payload=b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf")
    (found,) = Joiner().feed(record)
    assert found.fault is Fault.CLOSED
    assert found.body == b"half"


def test_times_of_requests_and_answers():
    joiner = Joiner()
    (asked,) = joiner.feed(asks()._replace(latency_ns=5))
    (exchange,) = joiner.feed(answers()._replace(latency_ns=7))
    assert (asked.time_ns, asked.end_ns) == (NOON_NS, NOON_NS + 5)
    assert (exchange.response.time_ns, exchange.response.end_ns) == (NOON_NS + MS, NOON_NS + MS + 7)


def test_an_answer_of_an_old_file_that_has_a_duration_only():
    joiner = Joiner()
    joiner.feed(asks())
    (exchange,) = joiner.feed(answers()._replace(time_ns=0, latency_ns=3 * MS))
    assert exchange.latency_ns == 3 * MS


def test_what_is_no_http_is_counted():
    during, after, lost = heard(asks()._replace(payload=b"\x16\x03\x01\0"), answers(b"nonsense"))
    assert (during, after) == ([], [])
    assert lost == {"not_http": 2}


def test_octets_behind_a_message_are_counted():
    during, _, lost = heard(asks()._replace(payload=asks().payload + b"more of it"))
    assert during == [("asks", "/", 0, 0)]
    assert lost == {"octets_behind_messages": 10}


def test_replayed_answers_are_passed_over():
    during, _, lost = heard(asks(), answers(kind=Kind.REPLAYED))
    assert during == [("asks", "/", 0, 0)]
    assert lost == {"replayed_answers": 1}


def test_what_waits_is_bounded_by_number():
    joiner = Joiner()
    found = []
    for number in range(WAITING + 6):
        found += joiner.feed(asks(b"/%d" % number, id=name(ack=number)))
    given_up = [told(message) for message in found if isinstance(message, Exchange)]
    assert given_up == [("gets", f"/{number}", None) for number in range(5)]


def test_what_waits_is_bounded_by_time():
    joiner = Joiner()
    joiner.feed(asks(b"/a"))
    during = [told(message) for message in joiner.feed(asks(b"/b", id=name(ack=2), at=WAIT_NS // MS + 1))]
    assert ("gets", "/a", None) in during


def test_messages_are_as_the_pipeline_makes_them():
    asked, answered = request(took=3), response(took=4)
    records = Composer().records(observe(asked, answered))
    joiner = Joiner(first_connection=1 << 40)
    (found,), (exchange,) = (joiner.feed(record) for record in records)
    assert exchange.request is found
    assert found.connection.number == 1 << 40
    assert exchange.latency_ns == answered.time_ns - asked.end_ns
