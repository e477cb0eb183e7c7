"""One connection: pipelined answers in any pieces, HEAD, CONNECT, interim answers, doubts."""

import pytest

from messages.hearing import Hearing, hear
from transcript import C, S, Talk

HEAD = "HEAD /{0} HTTP/1.1\r\nHost: a\r\n\r\n"
GET = "GET /{0} HTTP/1.1\r\nHost: a\r\n\r\n"
OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PROMISE = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
NOT_MODIFIED = "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n"
CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n"
HINTS = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


def talk(asked: list[str], answers: str, *, size: int = 1448) -> Hearing:
    """Requests one behind the other, numbered, and all the answers in segments of one size."""
    octets = "".join(line.format(number) for number, line in enumerate(asked)).encode()
    there = Talk().open().say(C, octets, acked=False)
    there.mss = size
    return hear(there.say(S, answers.encode()))


def answered(hearing: Hearing) -> list[str]:
    """What the exchanges say, in order."""
    return [text for text in hearing.lines if "->" in text]


# -- answers to pipelined requests ---------------------------------------------------------------------------------

PIPELINED = {
    "HEAD then GET": ([HEAD, GET], PROMISE + OK, ["/0 -> 200", "/1 -> 200 +2"]),
    "GET then HEAD": ([GET, HEAD], OK + PROMISE, ["/0 -> 200 +2", "/1 -> 200"]),
    "HEAD, HEAD, GET, HEAD": (
        [HEAD, HEAD, GET, HEAD],
        PROMISE + PROMISE + OK + PROMISE,
        ["/0 -> 200", "/1 -> 200", "/2 -> 200 +2", "/3 -> 200"],
    ),
    "HEAD with chunked": (
        [HEAD, GET],
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + OK,
        ["/0 -> 200", "/1 -> 200 +2"],
    ),
    "304 between": ([GET, GET, HEAD, GET], OK + NOT_MODIFIED + NOT_MODIFIED + OK,
                    ["/0 -> 200 +2", "/1 -> 304", "/2 -> 304", "/3 -> 200 +2"]),
    "interim answers between": (
        [HEAD, GET, HEAD],
        CONTINUE + HINTS + PROMISE + HINTS + OK + CONTINUE + PROMISE,
        ["/0 -> 100", "/0 -> 103", "/0 -> 200", "/1 -> 103", "/1 -> 200 +2", "/2 -> 100", "/2 -> 200"],
    ),
    "CONNECT refused": (
        ["CONNECT /{0} HTTP/1.1\r\n\r\n", HEAD, GET],
        "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno" + PROMISE + OK,
        ["/0 -> 403 +2", "/1 -> 200", "/2 -> 200 +2"],
    ),
    "CONNECT accepted at last": (
        [HEAD, GET, "CONNECT /{0} HTTP/1.1\r\n\r\n"],
        PROMISE + OK + "HTTP/1.1 200 Yes\r\n\r\n" + OK,
        ["/0 -> 200", "/1 -> 200 +2", "/2 -> 200"],
    ),
    "an empty line between": ([HEAD, GET], PROMISE + "\r\n" + OK, ["/0 -> 200", "/1 -> 200 +2"]),
}  # fmt: skip


@pytest.mark.parametrize("name", PIPELINED)
def test_answers_in_one_segment_are_each_read_for_their_own_request(name: str) -> None:
    asked, answers, expected = PIPELINED[name]
    assert answered(talk(asked, answers)) == expected


@pytest.mark.parametrize("name", PIPELINED)
def test_answers_cut_at_any_octet_are_read_alike(name: str) -> None:
    asked, answers, expected = PIPELINED[name]
    for size in range(1, len(answers)):
        assert answered(talk(asked, answers, size=size)) == expected


def test_the_answer_behind_ones_own_in_a_segment_waits_for_its_request() -> None:
    """The mirror brought both answers, the second in one segment with the end of the first, before the second
    request."""
    there = Talk().open()
    there.say(C, GET.format(0).encode(), acked=False).say(S, OK[:-1].encode(), acked=False)
    there.say(C, HEAD.format(1).encode(), acked=False).say(S, (OK[-1:] + PROMISE).encode(), acked=False)
    there.say(C, GET.format(2).encode(), acked=False).say(S, OK.encode())
    late = there.segments[5]
    moved = [segment for segment in there.segments if segment is not late]
    moved.insert(6, late)
    assert moved.index(late) > moved.index(there.segments[6])
    hearing = hear([segment._replace(time_ns=at * 1000) for at, segment in enumerate(moved)])
    assert answered(hearing) == ["/0 -> 200 +2", "/1 -> 200", "/2 -> 200 +2"]


# -- doubt: was it a HEAD? -----------------------------------------------------------------------------------------


def without_request(method: str, *answers: str) -> Hearing:
    """The first of two requests is lost; its answer and that to the second come."""
    there = Talk().open()
    there.say(C, GET.format(0).encode()).say(S, OK.encode())
    lost = len(there.segments)
    there.say(C, f"{method} /1 HTTP/1.1\r\nHost: a\r\n\r\n".encode(), acked=False)
    there.say(S, answers[0].encode())
    there.say(C, HEAD.format(2).encode()).say(S, answers[1].encode())
    there.say(C, GET.format(3).encode()).say(S, OK.encode())
    return hear(there.segments[:lost] + there.segments[lost + 1 :])


def test_the_answer_to_a_lost_head_request_promises_a_body_that_never_comes() -> None:
    assert answered(without_request("HEAD", PROMISE, PROMISE)) == [
        "/0 -> 200 +2", "? -> 200 lost", "/2 -> 200", "/3 -> 200 +2",
    ]  # fmt: skip


def test_the_answer_to_another_lost_request_has_its_body() -> None:
    assert answered(without_request("GET", OK, PROMISE)) == [
        "/0 -> 200 +2", "? -> 200 +2 lost", "/2 -> 200", "/3 -> 200 +2",
    ]  # fmt: skip


def test_a_body_that_reads_like_an_answer_behind_a_lost_request_is_still_a_body() -> None:
    within = OK.replace("2\r\n", f"{len(OK)}\r\n").replace("ok", OK)
    assert answered(without_request("GET", within, PROMISE))[1] == f"? -> 200 +{len(OK)} lost"
