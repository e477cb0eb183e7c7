"""The reader: every kind of message, in any pieces, with losses and limits; and against h11."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from http1.catalogue import REQUESTS, RESPONSES, UNTIL_CLOSE, Entry
from http1.reading import CRLF2, REQUEST, RESPONSE, Read, Waiting, cuts, plain, read, reader
from shadowtap.events import Fault
from shadowtap.http1 import Limits, Role, payload
from shadowtap.http1.reader import State

ENTRIES = {
    **{f"request: {name}": entry for name, entry in REQUESTS.items()},
    **{f"response: {name}": entry for name, entry in RESPONSES.items()},
    **{f"until close: {name}": entry for name, entry in UNTIL_CLOSE.items()},
}
GET = b"GET /next HTTP/1.1" + CRLF2
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def agrees(found: Read, entry: Entry) -> None:
    assert payload(found.body, found.chunked) == entry.body
    assert found.flags == entry.flags
    assert found.fault is None
    assert found.head + found.body == entry.octets
    assert found.body_bytes == len(found.body)


# -- every kind, in any pieces -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ENTRIES)
def test_every_kind_is_read(name: str) -> None:
    entry = ENTRIES[name]
    (found,) = read(entry.role, entry.octets, methods=[entry.method])
    agrees(found, entry)


@pytest.mark.parametrize("name", ENTRIES)
def test_it_makes_no_difference_where_a_message_is_cut(name: str) -> None:
    entry = ENTRIES[name]
    whole = read(entry.role, entry.octets, methods=[entry.method])
    places = range(1, min(len(entry.octets), 300))
    for at in places:
        pieces = entry.octets[:at], entry.octets[at:]
        assert read(entry.role, *pieces, methods=[entry.method]) == whole
    for size in (1, 2, 3, 7):
        assert read(entry.role, *cuts(entry.octets, size), methods=[entry.method]) == whole


@given(
    st.lists(st.sampled_from(sorted(REQUESTS)), min_size=1, max_size=6),
    st.lists(st.integers(1, 200), max_size=12),
)
def test_requests_one_behind_the_other(names: list[str], sizes: list[int]) -> None:
    entries = [REQUESTS[name] for name in names]
    found = read(REQUEST, *pieces(b"".join(entry.octets for entry in entries), sizes))
    assert len(found) == len(entries)
    for message, entry in zip(found, entries, strict=True):
        agrees(message, entry)


@given(
    st.lists(st.sampled_from(sorted(RESPONSES)), min_size=1, max_size=6),
    st.sampled_from([None, *sorted(UNTIL_CLOSE)]),
    st.lists(st.integers(1, 200), max_size=12),
)
def test_responses_one_behind_the_other(names: list[str], last: str | None, sizes: list[int]) -> None:
    entries = [RESPONSES[name] for name in names] + ([UNTIL_CLOSE[last]] if last else [])
    finals = [entry.method for entry in entries if entry.octets[9:10] != b"1"]
    found = read(RESPONSE, *pieces(b"".join(entry.octets for entry in entries), sizes), methods=finals)
    assert len(found) == len(entries)
    for message, entry in zip(found, entries, strict=True):
        agrees(message, entry)


def pieces(octets: bytes, sizes: list[int]) -> list[bytes]:
    """The octets cut at these distances, and the rest."""
    found = []
    for size in sizes:
        found.append(octets[:size])
        octets = octets[size:]
    return [piece for piece in [*found, octets] if piece]


def test_empty_lines_between_requests_belong_to_none() -> None:
    for between in (b"\r\n", b"\n", b"\r\n\r\n", b"\r"):
        octets = REQUESTS["length"].octets + between + GET
        for size in (1, 4, 1000):
            assert [m.head for m in read(REQUEST, *cuts(octets, size))] == [
                REQUESTS["length"].octets[:-5],
                GET,
            ]


def test_times_and_acks_are_those_of_the_piece_that_began_a_message_and_positions_are_exact() -> None:
    found = reader(REQUEST)
    assert found.feed(b"GET / HT", 10, 100, 7) == []
    assert found.under_way == (100, 7)
    (one, two) = found.feed(b"TP/1.1\r\n\r\n" + GET, 20, 108, 8)
    assert (one.time_ns, one.end_ns, one.begin, one.ack) == (10, 20, 100, 7)
    assert (two.time_ns, two.end_ns, two.begin, two.ack) == (20, 20, 118, 8)
    assert found.under_way is None


def test_bodies_that_nobody_wants_are_counted() -> None:
    for octets in (OK, RESPONSES["chunked"].octets):
        for size in (1, 1000):
            (found,) = read(RESPONSE, *cuts(octets, size), methods=[b"GET"], keep_body=False)
            assert found.body == b""
            assert found.body_bytes == len(octets) - len(found.head)


# -- one step or many ----------------------------------------------------------------------------------------------

FIELD = st.sampled_from(
    [
        b"Host: a\r\n", b"Content-Length: 5\r\n", b"Content-Length: 5\r\n 0\r\n", b"content-length:\t5 \r\n",
        b"Content-Length : 5\r\n", b"Content-Length: +5\r\n", b"Content-Length: 5\n", b"Content-Length-X: 9\r\n",
        b"Content-Length: 5, 5\r\n", b"Content-Length: 12\r\n", b"Transfer-Encoding: chunked\r\n", b"X: y\n",
        b"Transfer-Encoding: identity\r\n", b"X: a\r\n b\r\n", b"\r\n", b"\n", b"X: y\r\r\n", b"Content-Length: 5\r",
        b"Content-Length: 00000000000000000000005\r\n", b"Content-Length:\r\n",
    ]
)  # fmt: skip
START = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\n", b"POST /a HTTP/1.0\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 304 Not\r\n", b"GE", b"\0",
        b"HTTP/1.1 100 Continue\r\n", b"GET  /x y HTTP/1.1\r\n", b"HTTP/1.1 204\n", b"PRI * HTTP/2.0\r\n", b"H",
    ]
)  # fmt: skip
REST = st.sampled_from(
    [b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"0\r\n\r\n", b"hello, world", b"\r\n", GET, OK]
)
HEADS = st.builds(
    lambda start, fields, rest: start + b"".join(fields) + b"\r\n" + rest,
    START,
    st.lists(FIELD, max_size=4),
    REST,
)
LIMITS = st.builds(Limits, head_bytes=st.sampled_from([20, 60, 1000]), body_bytes=st.sampled_from([3, 1000]))


@settings(max_examples=200)
@given(st.sampled_from(Role), st.lists(HEADS, max_size=3), LIMITS, st.sampled_from([b"GET", b"HEAD", b"CONNECT"]),
       st.integers(1, 40))  # fmt: skip
def test_the_short_way_says_what_the_long_way_says(
    role: Role, messages: list[bytes], limits: Limits, method: bytes, size: int
) -> None:
    """As long as a stream is HTTP, one piece or many is the same; where the reader seeks, packet borders count."""
    octets = b"".join(messages)
    readers = [reader(role, methods=[method] * 9, limits=limits) for _ in range(3)]
    found = []
    for one, parts in zip(readers, ([octets], cuts(octets, size), cuts(octets, 1)), strict=True):
        found.append(plain([raw for part in parts if part for raw in one.feed(part)]))
    if all(one.state < State.SEEK and not one.skipped for one in readers):
        closed = [messages + plain(one.close(None)) for one, messages in zip(readers, found, strict=True)]
        assert closed[0] == closed[1] == closed[2]


# -- losses --------------------------------------------------------------------------------------------------------


def test_a_hole_in_a_body_of_known_length_costs_that_message_only() -> None:
    found = reader(REQUEST)
    assert found.feed(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc") == []
    assert found.gap(4, 5) == []
    (hurt, fine) = found.feed(b"hij" + GET)
    assert (hurt.body, hurt.body_bytes, hurt.fault) == (b"abchij", 10, Fault.GAP)
    assert (fine.head, fine.fault) == (GET, None)


def test_a_hole_up_to_the_very_end_of_a_body() -> None:
    found = reader(REQUEST)
    found.feed(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc")
    (hurt,) = found.gap(7, 5, fault=Fault.TRUNCATED)
    assert (hurt.body, hurt.end_ns, hurt.fault) == (b"abc", 5, Fault.TRUNCATED)
    assert found.state is State.HEAD
    assert [raw.head for raw in found.feed(GET)] == [GET]


def test_a_hole_beyond_the_end_of_a_body_makes_it_seek() -> None:
    found = reader(REQUEST)
    found.feed(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc")
    (hurt,) = found.gap(8, 5)
    assert hurt.fault is Fault.GAP
    assert found.state is State.SEEK
    assert [raw.head for raw in found.feed(b"rest of a head\r\n\r\n" + GET)] == [GET]


def test_a_hole_in_a_chunk_costs_that_message_only() -> None:
    found = reader(RESPONSE, methods=[b"GET"])
    found.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc")
    assert found.gap(4, 5) == []
    (hurt, fine) = found.feed(b"hi\r\n0\r\n\r\n" + OK)
    assert hurt.fault is Fault.GAP
    assert fine.body == b"ok"


def test_a_hole_that_may_have_held_framing_ends_the_message() -> None:
    for before in (b"9", b"9\r\nabcdefghi", b"9\r\nabc"):
        found = reader(RESPONSE, methods=[b"GET"])
        found.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + before)
        (hurt,) = found.gap(20, 5)
        assert hurt.fault is Fault.GAP
        assert [raw.body for raw in found.feed(OK)] == [b"ok"]


def test_a_hole_in_a_head() -> None:
    found = reader(REQUEST)
    found.feed(b"GET / HTTP/1.1\r\nHos")
    (hurt,) = found.gap(3, 5)
    assert (hurt.first, hurt.head, hurt.fault) == (
        (b"GET", b"/", b"1.1"),
        b"GET / HTTP/1.1\r\nHos",
        Fault.GAP,
    )
    found.feed(b"GE")
    assert found.gap(3, 5) == []
    assert [raw.head for raw in found.feed(GET)] == [GET]


def test_a_hole_in_a_body_until_close() -> None:
    found = reader(RESPONSE, methods=[b"GET"])
    found.feed(b"HTTP/1.0 200 OK\r\n\r\nabc")
    assert found.gap(3, 5) == []
    assert found.feed(b"ghi") == []
    (hurt,) = found.close(None)
    assert (hurt.body, hurt.fault) == (b"abcghi", Fault.GAP)


@pytest.mark.parametrize("fault", [None, Fault.RESET, Fault.IDLE, Fault.EVICTED, Fault.END])
def test_the_end_of_a_stream_in_the_middle_of_a_message(fault: Fault | None) -> None:
    why = fault or Fault.CLOSED
    cases = {
        b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc": (REQUEST, why),
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc": (REQUEST, why),
        b"GET / HTTP/1.1\r\nHost": (REQUEST, why),
        b"HTTP/1.0 200 OK\r\n\r\nabc": (RESPONSE, fault),
    }
    for octets, (role, expected) in cases.items():
        assert [message.fault for message in read(role, octets, fault=fault)] == [expected]
    assert read(REQUEST, b"GET / HT", fault=fault) == []


def test_between_messages_the_end_of_a_stream_is_nothing() -> None:
    assert [message.fault for message in read(REQUEST, GET, b"\r\n", fault=Fault.RESET)] == [None]


# -- finding the way -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 3, 50, 1000])
def test_joined_in_the_middle_of_a_body(size: int) -> None:
    octets = b'... "half": of a body}\r\n' + REQUESTS["length"].octets + GET
    found = read(REQUEST, *cuts(octets, size), seek=True)
    assert [message.head for message in found] == [REQUESTS["length"].octets[:-5], GET]
    octets = b"<p>half of a page</p>" + OK + OK
    assert [message.body for message in read(RESPONSE, *cuts(octets, size), seek=True)] == [b"ok", b"ok"]


def test_any_method_will_do_where_a_packet_begins() -> None:
    own = b"PURGE /a HTTP/1.1" + CRLF2
    assert [m.head for m in read(REQUEST, b"half of a body", own, seek=True)] == [own]
    assert read(REQUEST, b"half of a body" + own, seek=True) == []


def test_the_time_and_ack_of_a_start_line_that_was_sought_are_those_of_its_first_octet() -> None:
    found = reader(REQUEST, seek=True)
    assert found.feed(b"half of a body GET /a HT", 10, 100, 7) == []
    (raw,) = found.feed(b"TP/1.1" + CRLF2, 20, 124, 8)
    assert (raw.head, raw.time_ns, raw.end_ns, raw.begin, raw.ack) == (
        b"GET /a HTTP/1.1" + CRLF2,
        10,
        20,
        115,
        7,
    )


def test_the_end_of_a_method_whose_front_was_lost_is_no_method() -> None:
    for method in (b"GET", b"POST", b"DELETE", b"OPTIONS"):
        for cut in range(1, len(method)):
            found = reader(REQUEST)
            assert found.feed(b"POST /a HTTP/1.1\r\nHost") == []
            found.gap(100, 0)
            assert found.feed(method[cut:] + b" /b HTTP/1.1" + CRLF2) == []
            assert [raw.head for raw in found.feed(GET)] == [GET]


def test_a_method_cut_in_two_is_not_taken_for_a_short_one() -> None:
    for cut in range(1, 6):
        pieces = b"body " + b"DELETE"[:cut], b"DELETE"[cut:] + b" /a HTTP/1.1" + CRLF2
        assert [m.first[0] for m in read(REQUEST, *pieces, seek=True)] == [b"DELETE"]
        pieces = b"body " + b"UNBIND"[:cut], b"UNBIND"[cut:] + b" /a HTTP/1.1" + CRLF2
        assert read(REQUEST, *pieces, seek=True) == []


def test_what_never_becomes_http_is_given_up() -> None:
    found = reader(REQUEST)
    for _ in range(100):
        assert found.feed(b"\x00\x01\x02\x03" * 256) == []
    assert found.state is State.ABSENT
    assert found.held == 0


@pytest.mark.parametrize("method", [b"GET", b"PURGE"])
def test_a_proxy_header_is_passed_over(method: bytes) -> None:
    request = method + b" / HTTP/1.1" + CRLF2
    one = b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"
    unknown = b"PROXY UNKNOWN\r\n"
    two = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + b"GETPUTPOSTPP"
    local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"
    for header in (one, unknown, two, local):
        assert [message.head for message in read(REQUEST, header + request + GET)] == [request, GET]
        assert [message.head for message in read(REQUEST, header, request, GET)] == [request, GET]


def test_after_a_switch_there_are_no_messages() -> None:
    found = reader(RESPONSE, methods=[b"GET"])
    (switching,) = found.feed(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x" + CRLF2 + OK)
    assert switching.first[1] == b"101"
    assert found.state is State.TUNNEL
    assert found.feed(OK) == []
    connected = reader(RESPONSE, methods=[b"CONNECT"])
    assert len(connected.feed(b"HTTP/1.1 200 Connected" + CRLF2 + OK)) == 1
    assert connected.state is State.TUNNEL


def test_an_answer_to_a_lost_head_request_does_not_swallow_the_next() -> None:
    """Its request was lost, so HEAD is possible; the next packet shows that it was."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 500" + CRLF2
    assert [message.body for message in read(RESPONSE, head, OK, methods=[b"", b"GET"])] == [b"", b"ok"]
    (one,) = read(RESPONSE, b"HTTP/1.1 200 OK\r\nContent-Length: 41" + CRLF2, OK, methods=[b"GET"])
    assert one.body == OK


# -- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_a_head_that_is_too_long_is_incomplete_and_reading_goes_on(size: int) -> None:
    limits = Limits(head_bytes=1000, body_bytes=1000)
    long = b"GET / HTTP/1.1\r\nA: " + b"a" * 2000 + CRLF2
    (hurt, fine) = read(REQUEST, *cuts(long + GET, size), limits=limits)
    assert (hurt.fault, len(hurt.head)) == (Fault.TOO_LARGE, 1000)
    assert fine.head == GET
    exact = b"GET / HTTP/1.1\r\nA: " + b"a" * (1000 - 23) + CRLF2
    assert len(exact) == 1000
    assert [m.fault for m in read(REQUEST, *cuts(exact, size), limits=limits)] == [None]


@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_a_start_line_that_is_too_long_is_no_message(size: int) -> None:
    limits = Limits(head_bytes=1000, body_bytes=1000)
    found = read(REQUEST, *cuts(b"GET /" + b"a" * 3000 + b" HTTP/1.1" + CRLF2 + GET, size), limits=limits)
    assert [m.head for m in found if m.fault is None] == [GET]


@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_a_body_that_is_too_large_is_not_kept_and_reading_goes_on(size: int) -> None:
    limits = Limits(head_bytes=1000, body_bytes=1000)
    for octets in (
        b"POST / HTTP/1.1\r\nContent-Length: 1001" + CRLF2 + b"a" * 1001,
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"a" * 1001 + b"\r\n0\r\n\r\n",
    ):
        (hurt, fine) = read(REQUEST, *cuts(octets + GET, size), limits=limits)
        assert (hurt.fault, hurt.body) == (Fault.TOO_LARGE, b"")
        assert fine.head == GET
    octets = b"POST / HTTP/1.1\r\nContent-Length: 1000" + CRLF2 + b"a" * 1000
    assert [m.fault for m in read(REQUEST, *cuts(octets, size), limits=limits)] == [None]


def test_what_is_held_is_counted() -> None:
    found = reader(REQUEST)
    found.feed(b"POST / HTTP/1.1\r\n")
    assert found.held == 17
    found.feed(b"Content-Length: 9\r\n\r\nabc")
    assert found.held == 3
    found.feed(b"defghi")
    assert found.held == 0


class Tallied(bytearray):
    """Counts the octets that searches in it may look at."""

    looked_at = 0

    def find(self, sub: bytes, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        stop = len(self) if end is None else min(end, len(self))
        Tallied.looked_at += max(stop - start, 0)
        return super().find(sub, start, stop)


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\r\nA: ", b"GET /"])
def test_a_head_in_one_byte_segments_is_not_searched_again_and_again(start: bytes) -> None:
    """Counts the work: octets searched may grow with the head, not with its square."""
    total = 64 << 10
    found = reader(REQUEST)
    found.feed(start)
    found._buffer = Tallied(found._buffer)
    Tallied.looked_at = 0
    for _ in range(total):
        found.feed(b"a")
    assert isinstance(found._buffer, Tallied), "the head was copied"
    assert found.held == total + len(start)
    assert Tallied.looked_at < 20 * total


def test_a_body_in_one_byte_segments_is_kept_in_few_pieces() -> None:
    found = reader(REQUEST)
    found.feed(b"POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(99_999):
        found.feed(b"a")
    assert len(found._parts) < 10
    (message,) = found.feed(b"b")
    assert message.body == b"a" * 99_999 + b"b"


# -- anything at all -------------------------------------------------------------------------------------------------

SCRAPS = st.one_of(st.binary(max_size=30), HEADS, START, FIELD, REST)
STEPS = st.lists(
    st.one_of(
        SCRAPS,
        st.tuples(st.integers(1, 5000), st.sampled_from([Fault.GAP, Fault.TRUNCATED])),
    ),
    max_size=12,
)


@settings(max_examples=200)
@given(
    st.sampled_from(Role),
    STEPS,
    LIMITS,
    st.sampled_from([None, b"", b"GET", b"HEAD", b"CONNECT"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, Fault.RESET]),
)
def test_nothing_raises_and_no_octet_is_made_up(
    role: Role, steps: list, limits: Limits, method: bytes | None, keep: bool, seek: bool, end: Fault | None
) -> None:
    methods = None if method is None else [method] * 100
    found = reader(role, methods=methods, limits=limits, keep_body=keep, seek=seek)
    raws, fed = [], 0
    for step in steps:
        if isinstance(step, bytes):
            fed += len(step)
            raws += found.feed(step) if step else []
        else:
            raws += found.gap(step[0], 0, fault=step[1])
        assert found.held <= limits.head_bytes + limits.body_bytes + 8192
    raws += found.close(end)
    assert found.held == 0
    assert found.seen is bool(raws)
    assert sum(len(raw.head) + len(raw.body) for raw in raws) <= fed
    for raw in raws:
        assert len(raw.head) <= limits.head_bytes
        assert len(raw.body) <= raw.body_bytes or raw.fault is not None
        payload(raw.body, raw.chunked)
    assert isinstance(found._method_of_next, Waiting | None)
