"""What acknowledgements tell, number by number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.messages.acknowledged import may_answer, shows_lead

MASK = 0xFFFFFFFF


def test_an_answer_comes_behind_what_was_read_and_acknowledges_its_request() -> None:
    """The request was sent from 100 on, when its client had read up to 50."""
    assert may_answer(100, 50, 50, 130)
    assert may_answer(100, 50, 60, 101)
    assert not may_answer(100, 50, 49, 130), "it was read before"
    assert not may_answer(100, 50, 50, 100), "nothing of the request had come"


def test_the_first_answer_of_all_is_the_one_that_was_awaited() -> None:
    assert may_answer(100, 50, 50, 130, first=True)
    assert not may_answer(100, 50, 60, 130, first=True)


def test_a_packet_that_was_read_and_acknowledges_all_before() -> None:
    assert shows_lead(40, 100, 100, 50)
    assert shows_lead(40, 120, 100, 50)
    assert not shows_lead(40, 99, 100, 50), "something before the request may have come later"
    assert not shows_lead(50, 100, 100, 50), "it was sent later"


@pytest.mark.parametrize("ack", [-1])
def test_packets_without_numbers_tell_nothing(ack: int) -> None:
    assert may_answer(100, ack, 60, 130)
    assert may_answer(100, 50, 10, ack)
    assert not shows_lead(40, ack, 100, 50)
    assert not shows_lead(40, 100, 100, ack)


@given(*[st.integers(0, 1000)] * 4, st.integers(0, MASK), st.integers(0, MASK), st.booleans())
def test_numbers_wrap_around(
    at: int, seen: int, begin: int, ack: int, client: int, server: int, first: bool
) -> None:
    def moved(position: int, start: int) -> int:
        return (position + start) & MASK

    numbers = moved(at, client), moved(seen, server), moved(begin, server), moved(ack, client)
    assert may_answer(*numbers, first=first) == may_answer(at, seen, begin, ack, first=first)
    assert shows_lead(numbers[2], numbers[3], numbers[0], numbers[1]) == shows_lead(begin, ack, at, seen)
