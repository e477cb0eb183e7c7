"""Requests wait for answers, in order within a connection, within limits, and not for ever."""

from expression.asking import answered, asked, connection
from shadowtap.events import Ended
from shadowtap.transform.waiting import Waiting

GET = b"GET / HTTP/1.1\r\n\r\n"


def get(number: int, index: int):
    return asked(GET, connection(number), index)


A0, A1, A2, A3 = (get(0, index) for index in range(4))
B0, B1 = (get(1, index) for index in range(2))


def test_what_is_decided_goes_on_at_once():
    waiting = Waiting()
    assert waiting.hold(A0, 0)
    assert waiting.holds(0)
    assert waiting.knows(answered(A0))
    assert waiting.settle(A0, keep=True) == [A0]
    assert not waiting.holds(0)
    assert (waiting.requests, waiting.octets) == (0, 0)


def test_nothing_overtakes_within_a_connection():
    waiting = Waiting()
    waiting.hold(A0, 0)
    waiting.follow(A1)
    waiting.hold(A2, 0)
    waiting.follow(A3)
    waiting.follow_end(Ended(0))
    waiting.hold(B0, 0)
    assert waiting.settle(A2, keep=True) == []
    assert waiting.settle(B0, keep=True) == [B0]
    assert waiting.settle(A0, keep=True) == [A0, A1, A2, A3, Ended(0)]
    assert (waiting.requests, waiting.octets) == (0, 0)


def test_what_is_given_up_leaves_its_place():
    waiting = Waiting()
    waiting.hold(A0, 0)
    waiting.hold(A1, 0)
    waiting.follow(A2)
    assert waiting.settle(A1, keep=False) == []
    assert (waiting.requests, waiting.octets) == (2, 2 * len(GET))
    assert waiting.settle(A0, keep=False) == [A2]
    assert (waiting.requests, waiting.octets) == (0, 0)


def test_time_goes_by():
    waiting = Waiting(wait_ns=10)
    waiting.hold(A0, 0)
    waiting.hold(B0, 5)
    assert waiting.overdue(9) == []
    assert waiting.overdue(10) == [A0]
    waiting.settle(A0, keep=False)
    assert waiting.overdue(14) == []
    assert waiting.overdue(15) == [B0]


def test_limits():
    waiting = Waiting(requests=2)
    assert waiting.hold(A0, 0)
    assert waiting.follow(A1)
    assert not waiting.follow(A2)
    assert not waiting.hold(B0, 0)
    assert not waiting.holds(1)
    waiting = Waiting(octets=len(GET) * 2)
    assert waiting.hold(A0, 0)
    assert waiting.hold(B0, 0)
    assert not waiting.hold(B1, 0)


def test_only_what_waits_for_its_own_answer_is_known_by_it():
    waiting = Waiting()
    waiting.hold(A0, 0)
    waiting.follow(A1)
    assert not waiting.knows(answered(A1))
    assert waiting.undecided() == [A0]
