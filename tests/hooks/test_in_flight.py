"""What a middleware has: lines in, results out, in the order of each connection."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.observing import connection, request
from shadowtap.events import Ended, replace
from shadowtap.formats.gor import Kind, Record
from shadowtap.formats.gor.compose import record_of_request
from shadowtap.hooks.in_flight import TRUST, Added, Dropped, InFlight, MiddlewareCounters, Passed, Reason


class Table:
    """Requests that are out, by their place."""

    def __init__(self, **limits):
        self.counters = MiddlewareCounters()
        self.out = InFlight(self.counters, **{"limit": 1_000_000, "limit_bytes": 1 << 30} | limits)
        self.lines = {}

    def put(self, on, index, due_ns=10):
        """A request goes out."""
        asked = request(
            b"GET /%d/%d HTTP/1.1\r\nHost: shop\r\n\r\n" % (on, index), on=connection(on), index=index
        )
        self.lines[on, index] = record_of_request(asked, self.out.put(asked, due_ns))
        return asked

    def back(self, on, index, octets=None):
        """Its line comes back."""
        line = self.lines[on, index]
        return told(self.out.back(line if octets is None else line._replace(payload=octets)))


def told(results):
    """Results in a few words."""
    found = []
    for result in results:
        if isinstance(result, Ended):
            found.append(("ends", result.connection))
        else:
            what = {Passed: "goes on", Dropped: "dropped", Added: "added"}[type(result)]
            found.append((what, result.request.target.decode()))
    return found


def test_a_line_that_comes_back_unchanged_is_the_very_same_request():
    table = Table()
    asked = table.put(0, 0)
    ((request_back, sent),) = table.out.back(table.lines[0, 0])
    assert request_back is sent is asked
    assert (table.counters.sent, table.counters.unchanged, len(table.out)) == (1, 1, 0)


def test_a_line_that_comes_back_changed_keeps_its_place():
    table = Table()
    asked = table.put(3, 5)
    octets = b"POST /new HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"
    ((made, sent),) = table.out.back(table.lines[3, 5]._replace(payload=octets))
    assert sent is asked
    assert (made.method, made.target, made.body) == (b"POST", b"/new", b"hi")
    assert (made.connection, made.index, made.time_ns) == (asked.connection, 5, asked.time_ns)
    assert table.counters.changed == 1


def test_requests_of_a_connection_go_on_in_their_order():
    table = Table()
    for index in range(3):
        table.put(0, index)
    table.put(1, 0)
    assert table.back(0, 2) == []
    assert table.back(1, 0) == [("goes on", "/1/0")]
    assert table.back(0, 0) == [("goes on", "/0/0")]
    assert table.back(0, 1) == [("goes on", "/0/1"), ("goes on", "/0/2")]


def test_what_does_not_come_back_in_time_is_dropped_and_holds_up_no_longer():
    table = Table()
    table.put(0, 0, due_ns=10)
    table.put(0, 1, due_ns=20)
    assert table.back(0, 1) == []
    assert told(table.out.expire(9)) == []
    assert told(table.out.expire(10)) == [("dropped", "/0/0"), ("goes on", "/0/1")]
    assert table.counters.dropped == {Reason.MIDDLEWARE: 1}


def test_what_was_to_wait_long_can_be_hastened():
    table = Table()
    table.put(0, 0, due_ns=1_000)
    table.put(0, 1, due_ns=5)
    table.out.hasten(20)
    assert told(table.out.expire(19)) == []
    assert told(table.out.expire(20)) == [("dropped", "/0/0"), ("dropped", "/0/1")]


def test_the_end_of_a_connection_waits_for_its_requests():
    table = Table()
    assert told(table.out.end(Ended(7))) == [("ends", 7)]
    table.put(0, 0)
    assert told(table.out.end(Ended(0))) == []
    assert table.back(0, 0) == [("goes on", "/0/0"), ("ends", 0)]


def test_a_program_that_answers_in_order_is_believed():
    table = Table()
    for index in range(TRUST + 20):
        table.put(index, 0)
    for index in range(TRUST):
        assert table.back(index, 0) == [("goes on", f"/{index}/0")]
    assert table.back(TRUST + 2, 0) == [
        ("dropped", f"/{TRUST}/0"),
        ("dropped", f"/{TRUST + 1}/0"),
        ("goes on", f"/{TRUST + 2}/0"),
    ]


def test_the_first_that_comes_too_late_ends_that_for_good():
    table = Table()
    for index in range(TRUST * 4):
        table.put(index, 0)
    for index in range(TRUST):
        table.back(index, 0)
    assert len(table.back(TRUST + 1, 0)) == 2
    assert table.back(TRUST, 0) == []
    assert table.counters.late == 1
    for index in range(TRUST + 2, TRUST * 3):
        table.back(index, 0)
    assert table.back(TRUST * 3 + 5, 0) == [("goes on", f"/{TRUST * 3 + 5}/0")]
    assert table.back(TRUST * 3, 0) == [("goes on", f"/{TRUST * 3}/0")]


def test_one_at_a_time_says_nothing_of_order():
    table = Table()
    for index in range(TRUST * 2):
        table.put(index, 0)
        table.back(index, 0)
    table.put(1_000, 0)
    table.put(1_001, 0)
    assert table.back(1_001, 0) == [("goes on", "/1001/0")]
    assert table.back(1_000, 0) == [("goes on", "/1000/0")]


def test_more_lines_add_requests():
    table = Table()
    asked = table.put(0, 0)
    table.back(0, 0)
    (again,) = table.out.back(table.lines[0, 0])
    assert isinstance(again, Added)
    assert again.request.connection == asked.connection
    assert again.request.head == asked.head
    added, ended = table.out.back(Record(Kind.REQUEST, b"mine", 5, -1, b"GET /own HTTP/1.1\r\n\r\n"))
    assert added.request.target == b"/own"
    assert ended.connection == added.request.connection.number >= 1 << 42
    assert table.counters.added == 2


def test_answers_that_come_back_are_counted():
    table = Table()
    table.put(0, 0)
    for kind in (Kind.RESPONSE, Kind.REPLAYED):
        assert table.out.back(table.lines[0, 0]._replace(kind=kind)) == []
    assert table.counters.answers_back == 2
    assert len(table.out) == 1


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"nonsense", "not_http"),
        (b"", "not_http"),
        (b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf", "wrong_length"),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nmore than that", "wrong_length"),
        (b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n", "several_requests"),
        (b"CONNECT a:1 HTTP/1.1\r\n\r\n", "unsafe"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "unsafe"),
    ],
)
def test_what_cannot_be_replayed_is_dropped_and_counted(octets, why):
    table = Table()
    table.put(0, 0)
    assert table.back(0, 0, octets) == [("dropped", "/0/0")]
    assert table.counters.unusable == {why: 1}
    assert table.out.back(Record(Kind.REQUEST, b"mine", 5, -1, octets)) == []
    assert table.counters.unusable == {why: 2}


def test_room_is_bounded_in_number_and_in_octets():
    table = Table(limit=2)
    assert table.out.has_room(request())
    table.put(0, 0)
    table.put(0, 1)
    assert not table.out.has_room(request())
    table.back(0, 1)
    assert not table.out.has_room(request())  # it waits for the one before it
    table.back(0, 0)
    assert table.out.has_room(request())
    assert not Table(limit_bytes=20).out.has_room(request())


steps = st.lists(st.tuples(st.sampled_from("pbbbeed"), st.integers(0, 3), st.integers(0, 30)), max_size=150)


@given(steps)
def test_every_request_ends_once_in_the_order_of_its_connection(plan):
    table, results, counts, ended = Table(), [], [0] * 4, set()
    for step, on, number in plan:
        if step == "p" and on not in ended:
            table.put(on, counts[on], due_ns=number)
            counts[on] += 1
        elif step == "b" and (on, number % 7) in table.lines:
            results += table.out.back(table.lines[on, number % 7])
        elif step == "e":
            results += table.out.expire(number)
        elif step == "d" and on not in ended and number == 0:
            ended.add(on)
            results += table.out.end(Ended(on))
    results += table.out.give_up(Reason.DOWN)
    for on in range(4):
        of_it = [r for r in results if not isinstance(r, Added | Ended) and r.request.connection.number == on]
        assert [r.request.index for r in of_it] == list(range(counts[on]))
        ends = [place for place, r in enumerate(results) if isinstance(r, Ended) and r.connection == on]
        assert len(ends) == (on in ended)
        if ends:
            assert not [
                r for r in results[ends[0] :] if isinstance(r, Passed) and r.request.connection.number == on
            ]
    counters = table.counters
    assert counters.sent == sum(counts) == counters.unchanged + counters.changed + counters.dropped.total()
    assert len(table.out) == 0
    assert table.out.has_room(replace(request(), body=bytes(1 << 29)))
