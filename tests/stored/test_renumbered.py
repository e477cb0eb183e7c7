"""Connections of several sources and laps have numbers of their own, and small ones."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.events import Connection, Ended, Endpoint, Exchange, Message, Request, Response
from shadowtap.stored import Numbers, renumbered

ENDS = Endpoint(ip_address("10.0.0.1"), 4711), Endpoint(ip_address("10.0.0.2"), 80)


def asked(number: int, index: int = 0) -> Request:
    return Request(
        Connection(number, *ENDS, 7), index, 1, 2, b"GET", b"/", b"HTTP/1.1", b"h", b"", False, (), None
    )


def answered(number: int) -> Response:
    return Response(
        Connection(number, *ENDS, 7), 3, 4, 200, b"OK", b"HTTP/1.1", b"h", b"", 0, False, (), None
    )


def number_of(message: Message) -> int:
    if isinstance(message, Ended):
        return message.connection
    side = message if isinstance(message, Request) else message.request or message.response
    assert side is not None
    return side.connection.number


messages = st.integers(0, 1 << 50).flatmap(
    lambda number: st.sampled_from(
        [
            asked(number),
            asked(number, 3),
            Exchange(asked(number), answered(number)),
            Exchange(None, answered(number)),
            Exchange(asked(number), None),
            Ended(number),
        ]
    )
)


@given(st.lists(st.lists(messages, max_size=20), min_size=1, max_size=3), st.integers(1, 4))
def test_sources_and_laps_share_no_number(sources: list[list[Message]], laps: int) -> None:
    numbers, taken = Numbers(), dict[int, tuple[int, int, int]]()
    for lap in range(laps):
        for place, source in enumerate(sources):
            moved = numbers.source(alone=len(sources) == 1)
            for message in source:
                new = number_of(moved(message))
                if isinstance(message, Ended) and new not in taken:
                    continue  # nobody knows it
                assert taken.setdefault(new, (lap, place, number_of(message))) == (
                    lap,
                    place,
                    number_of(message),
                )
                assert numbers.lap_of(new) == lap
        numbers.next_lap()


def test_alone_a_source_keeps_its_numbers_in_the_first_lap() -> None:
    numbers = Numbers()
    first = numbers.source(alone=True)
    request = asked(1 << 44)
    assert first(request) is request
    numbers.next_lap()
    assert number_of(numbers.source(alone=True)(request)) == (1 << 44) + 1
    assert number_of(Numbers(5).source(alone=True)(request)) == 5


def test_numbers_stay_small_however_many_laps_there_are() -> None:
    numbers = Numbers()
    for lap in range(1000):
        moved = numbers.source(alone=False)
        assert number_of(moved(asked(1 << 62))) == number_of(moved(Ended(1 << 62))) == lap
        numbers.next_lap()


def test_both_sides_of_an_exchange_have_the_new_number() -> None:
    moved = Numbers(3).source(alone=False)(Exchange(asked(9), answered(9)))
    assert isinstance(moved, Exchange)
    assert moved.request is not None
    assert moved.response is not None
    assert moved.request.connection.number == moved.response.connection.number == 3


def test_what_is_known_of_connections_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renumbered, "MAX_CONNECTIONS", 1000)
    moved = Numbers().source(alone=False)
    assert number_of(moved(asked(0))) == 0
    for number in range(1, 1010):
        moved(asked(number))
        assert number_of(moved(asked(0))) == 0  # not silent
    assert number_of(moved(asked(1))) >= 1000
