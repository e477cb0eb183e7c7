"""Requests joined with all their answers: each given out once, whatever comes in whichever order, or does not come."""

from ipaddress import ip_address
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from shadowtap.events import Connection, Endpoint, Exchange, Outcome, Request, Response, replace
from shadowtap.ledger import ObservationCounters
from shadowtap.runner.observe import Joiner

CLIENT, SERVER = Endpoint(ip_address("10.0.0.1"), 4711), Endpoint(ip_address("10.0.0.2"), 80)


def asked(number=1, index=0, size=10):
    connection = Connection(number, CLIENT, SERVER, 7)
    return Request(connection, index, 1, 2, b"GET", b"/", b"HTTP/1.1", b"h" * size, b"", False, (), None)


def answered(request, status=200):
    return Response(request.connection, 3, 4, status, b"OK", b"HTTP/1.1", b"a" * 10, b"", 0, False, (), None)


def outcome(request, target="a"):
    return Outcome(target, request, 1, 2, 3, 200, b"o" * 10, b"", None)


class Joining:
    """A joiner and what it gave out."""

    def __init__(self, **limits):
        self.given = []
        self.counters = ObservationCounters()
        self.joiner = Joiner(self.given.append, self.counters, now=0.0, **limits)


def test_all_orders_give_the_same():
    request = asked()
    exchange = Exchange(request, answered(request))
    steps = {
        "fate": lambda j: j.fated(request, "replayed", 2),
        "exchange": lambda j: j.exchanged(exchange),
        "a": lambda j: j.outcome(outcome(request, "a")),
        "b": lambda j: j.outcome(outcome(request, "b")),
    }
    for order in permutations(steps):
        joining = Joining()
        joining.joiner.began(request)
        for step in order:
            assert joining.given == []
            steps[step](joining.joiner)
        (given,) = joining.given
        assert given.exchange is exchange
        assert (given.fate, sorted(o.target for o in given.outcomes)) == ("replayed", ["a", "b"])
        assert (joining.counters.emitted, joining.counters.open_now) == (1, 0)


def test_interim_answers_end_nothing():
    joining, request = Joining(), asked()
    joining.joiner.began(request)
    joining.joiner.fated(request, "replayed", 0)
    joining.joiner.exchanged(Exchange(request, answered(request, 103)))
    assert joining.given == []
    joining.joiner.exchanged(Exchange(request, answered(request, 101)))
    assert joining.given[0].exchange.response.status == 101


def test_a_request_that_was_lost_is_given_out_too():
    joining, request = Joining(), asked()
    joining.joiner.exchanged(Exchange(None, answered(request), lost_request=True))
    joining.joiner.exchanged(Exchange(None, answered(request)))
    assert [given.fate for given in joining.given] == ["incomplete: never_seen"]


def test_what_waits_too_long_is_given_out_with_what_there_is_and_the_rest_is_late():
    joining, request = Joining(wait_s=10.0), asked()
    joining.joiner.began(request)
    joining.joiner.fated(request, "replayed", 1)
    joining.joiner.tick(9.9)
    assert joining.given == []
    joining.joiner.tick(10.0)
    assert [(given.exchange.response, given.outcomes) for given in joining.given] == [(None, ())]
    joining.joiner.outcome(outcome(request))
    joining.joiner.exchanged(Exchange(request, answered(request)))
    assert (joining.counters.early, joining.counters.late) == ({"too_late": 1}, 2)
    assert len(joining.given) == 1


def test_too_many_and_too_large_make_the_oldest_go():
    joining = Joining(limit=3)
    for n in range(5):
        joining.joiner.began(asked(n))
    assert [given.exchange.request.connection.number for given in joining.given] == [0, 1]
    assert joining.counters.early == {"too_many": 2}
    joining = Joining(limit_bytes=100)
    for n in range(5):
        joining.joiner.began(asked(n, size=40))
    assert (len(joining.given), joining.counters.early) == (3, {"too_large": 3})


def test_in_the_lane_of_another_connection_a_request_is_still_known():
    request = asked(number=1 << 62, index=3)
    moved = replace(request, connection=replace(request.connection, lane=2))
    assert (moved.connection.lane_number(), request.connection.lane_number()) == (2, 1 << 62)
    joining = Joining()
    joining.joiner.began(request)
    joining.joiner.exchanged(Exchange(request, None))
    joining.joiner.fated(moved, "replayed", 1)
    joining.joiner.outcome(outcome(moved))
    assert joining.given[0].exchange.request is request


class Odd:
    """Wants the requests of connections with odd numbers."""

    def __init__(self):
        self.told = []

    def takes(self, request):
        return request.connection.number % 2 == 1

    def left(self, outcome):
        self.told.append(outcome.request.connection.number)


def test_outside_of_the_sample_nothing_is_joined_and_nothing_is_late():
    request = asked(2)
    exchange = Exchange(request, answered(request))
    steps = [
        lambda j: j.fated(request, "replayed", 2),
        lambda j: j.exchanged(exchange),
        lambda j: j.outcome(outcome(request, "a")),
        lambda j: j.outcome(outcome(request, "b")),
    ]
    for order in permutations(steps):
        sample = Odd()
        joining = Joining(sample=sample)
        joining.joiner.began(request)
        joining.joiner.exchanged(Exchange(request, answered(request, 103)))
        for step in order:
            step(joining.joiner)
        counters = joining.counters
        assert (counters.not_joined, counters.emitted, counters.open_now, counters.late) == (1, 0, 0, 0)
        assert (joining.given, sample.told) == ([], [2, 2])
        joining.joiner.outcome(outcome(request))
        assert counters.late == 1  # only now


def test_what_is_known_of_requests_outside_of_the_sample_is_bounded():
    joining = Joining(limit=3, sample=Odd())
    for n in range(0, 20, 2):
        joining.joiner.began(asked(n))
    assert (joining.counters.not_joined, len(joining.joiner._left), joining.given) == (10, 3, [])


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(["began", "fate", "exchange", "outcome", "tick"])),
        max_size=60,
    ),
    st.booleans(),
)
def test_each_request_exactly_once(steps, sampled):
    joining = Joining(limit=3, wait_s=5.0, sample=Odd() if sampled else None)
    joiner, begun, now = joining.joiner, set(), 0.0
    requests = [asked(n) for n in range(5)]
    for n, step in steps:
        request = requests[n]
        now += 1.0
        if step == "began" and n not in begun:
            begun.add(n)
            joiner.began(request)
        elif step == "tick":
            joiner.tick(now)
        elif n in begun:
            {
                "fate": lambda r: joiner.fated(r, "replayed", 1),
                "exchange": lambda r: joiner.exchanged(Exchange(r, None)),
                "outcome": lambda r: joiner.outcome(outcome(r)),
                "began": lambda r: None,
            }[step](request)
        counters = joining.counters
        assert counters.emitted + counters.open_now + counters.not_joined == len(begun)
    joiner.finish()
    wanted = [n for n in begun if n % 2 or not sampled]
    assert sorted(given.exchange.request.connection.number for given in joining.given) == sorted(wanted)
    assert joining.counters.open_now == 0
