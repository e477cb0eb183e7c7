"""Messages that are exactly one packet: what is cut out at once, what is left to the reader, what is remembered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http1.catalogue import REQUESTS, RESPONSES, UNTIL_CLOSE, Entry
from http1.reading import CRLF2, REQUEST, RESPONSE, read, reader
from shadowtap.http1 import plain
from shadowtap.http1.plain import Plain

FIELDS = b"Host: a\r\nUser-Agent: b\r\n\r\n"


def test_a_request_is_taken_apart() -> None:
    octets = b"GET /a?b=c HTTP/1.1\r\n" + FIELDS
    assert Plain().request(octets) == (b"GET", b"/a?b=c", b"1.1", octets, b"")
    head = b"POST /a HTTP/1.0\r\nContent-Length: 5\r\n\r\n"
    assert Plain().request(head + b"hello") == (b"POST", b"/a", b"1.0", head, b"hello")


def test_an_answer_is_taken_apart() -> None:
    head = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n"
    assert Plain().answer(head + b"hello") == ((b"1.1", b"404", b"Not Found"), 404, head, 5)


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_are_read_as_by_the_reader_or_left_to_it(name: str) -> None:
    agrees_twice(REQUESTS[name])


@pytest.mark.parametrize("name", RESPONSES | UNTIL_CLOSE)
def test_answers_are_read_as_by_the_reader_or_left_to_it(name: str) -> None:
    agrees_twice((RESPONSES | UNTIL_CLOSE)[name])


def agrees_twice(entry: Entry) -> None:
    """When it is new, and when it is known."""
    (message,) = read(entry.role, entry.octets[:1], entry.octets[1:], methods=[entry.method])
    cut = Plain()
    for _ in range(2):
        if entry.role is REQUEST:
            assert cut.request(entry.octets) in (None, (*message.first, message.head, message.body))
        elif (answer := cut.answer(entry.octets)) is not None:
            assert answer[:3] == (message.first, int(message.first[1]), message.head)


def test_most_are_cut_out_at_once() -> None:
    assert sum(Plain().request(entry.octets) is not None for entry in REQUESTS.values()) >= 12
    assert sum(Plain().answer(entry.octets) is not None for entry in RESPONSES.values()) >= 4


@pytest.mark.parametrize(
    "target",
    [b"", b"/a\r", b"\r/a", b"/a\nb", b"/a\r\nX:", b"\n", b"/a b"],
)
def test_odd_targets_are_left_to_the_reader(target: bytes) -> None:
    cut = Plain()
    assert cut.request(b"GET / HTTP/1.1\r\n" + FIELDS) is not None
    assert cut.request(b"GET " + target + b" HTTP/1.1\r\n" + FIELDS) is None


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        b"GET / HTTP/1.1\r\n" + FIELDS + b"more",
        b"GET / HTTP/1.1\r\n" + FIELDS + b"GET / HTTP/1.1\r\n" + FIELDS,
        b"GET / HTTP/1.1\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1" + CRLF2,
        b"G T / HTTP/1.1\r\n" + FIELDS,
        b"GET /",
        b"\r\n",
    ],
)
def test_all_else_is_left_to_the_reader(octets: bytes) -> None:
    assert Plain().request(octets) is None
    cut = Plain()
    assert cut.request(b"GET / HTTP/1.1\r\n" + FIELDS) is not None
    assert cut.request(octets) is None


FIELD = st.sampled_from(
    [
        b"Host: a\r\n",
        b"X: y\n",
        b"Content-Length: 0\r\n",
        b" folded\r\n",
        b"\r\n",
        b"TE: x\r\n",
        b"Cookie: a\r\n",
    ]
)
LINE = st.one_of(st.binary(max_size=20), st.sampled_from([b"/a", b"/a b", b"/a\r", b"/a HTTP/1.1\r\nX: y"]))


@given(LINE, LINE, st.lists(FIELD, max_size=4), st.sampled_from([b"GET", b"POST", b"BREW"]))
def test_what_is_remembered_of_one_request_is_right_for_the_next(
    one: bytes, two: bytes, fields: list[bytes], method: bytes
) -> None:
    cut, end = Plain(), b" HTTP/1.1\r\n" + b"".join(fields) + b"\r\n"
    for line in (one, two, one):
        octets = method + b" " + line + end
        assert cut.request(octets) == Plain().request(octets)


@given(st.lists(st.tuples(st.lists(FIELD, max_size=3), st.integers(0, 12), st.integers(0, 12)), max_size=6))
def test_what_is_remembered_of_one_answer_is_right_for_the_next(
    answers: list[tuple[list[bytes], int, int]],
) -> None:
    cut = Plain()
    for fields, length, size in answers:
        octets = (
            b"HTTP/1.1 200 OK\r\n" + b"".join(fields) + b"Content-Length: %d\r\n\r\n" % length + b"a" * size
        )
        assert cut.answer(octets) == Plain().answer(octets)


def test_nothing_is_no_message() -> None:
    cut = Plain()
    assert (cut.request(b""), cut.answer(b"")) == (None, None)
    assert (reader(REQUEST).feed(b"", 1), reader(RESPONSE).feed(b"", 1)) == ([], [])


def test_what_is_remembered_has_a_limit() -> None:
    cut = Plain()
    long = b"Long: " + b"a" * plain._KNOWN_BYTES + CRLF2
    assert cut.request(b"GET / HTTP/1.1\r\n" + long) is not None
    assert cut.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + long) is not None
    assert cut._end is None
    assert not cut._answer_head


def test_lines_that_match_in_part_cost_no_more() -> None:
    """A hostile head is looked at a few times: once for each of its lines would be minutes, each way to take them
    for ever."""
    fields = b"Content-Type: a\r\nTE: b\r\n" * 100_000
    for octets in (b"GET / HTTP/1.1\r\n" + fields + b"\r", b"HTTP/1.1 200 OK\r\n" + fields + CRLF2):
        assert Plain().request(octets) is None
        assert Plain().answer(octets) is None


def test_roles_do_not_mix() -> None:
    assert Plain().request(RESPONSES["length"].octets) is None
    assert Plain().answer(REQUESTS["length"].octets) is None
