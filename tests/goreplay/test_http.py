"""What GoReplay loses or changes because of how HTTP is written; each was seen with its 2.0.0."""

import random

import pytest

from goreplay.roads import OK, Road, answered, in_pieces, told
from runner.traffic import get, post
from transcript import C, S, Talk

CHUNKED = "Transfer-Encoding: chunked"


def test_100_continue_with_fields_in_the_interim_answer(road: Road) -> None:
    request = post("/upload", b"u" * 3000, "Expect: 100-continue")
    body = request.find(b"\r\n\r\n") + 4
    talk = Talk().open()
    talk.say(C, request[:body])
    talk.say(S, b"HTTP/1.1 100 Continue\r\nServer: shop\r\nX-Request-Id: 7\r\n\r\n")
    talk.say(C, request[body:]).say(S, OK)
    answered(talk, get("/after"))
    assert road(told(talk.close())).requests == [request, get("/after")]


def test_trailers_that_were_not_declared(road: Road) -> None:
    request = get("/trailers", CHUNKED, method="POST")
    request += b"5\r\nhello\r\n0\r\nChecksum: 1234\r\nX-More: yes\r\n\r\n"
    talk = answered(Talk().open(), request, get("/after"))
    assert road(told(talk.close())).requests == [request, get("/after")]


def test_chunk_data_that_end_like_the_last_chunk_at_the_end_of_a_segment(road: Road) -> None:
    talk, requests = Talk().open(), []
    for number, data in enumerate((b"data 0\r\n", b"data 0\r\n\r\n", b"0\r\n\r\n", b"\r\n0\r\n\r\n")):
        head = get(f"/{number}", CHUNKED, method="POST")
        before = head + b"%x\r\n%b" % (len(data), data)
        behind = b"\r\n4\r\nmore\r\n0\r\n\r\n"
        requests.append(before + behind)
        in_pieces(talk, before, behind)
    assert road(told(talk.close())).requests == requests


def test_body_segments_of_zeros(road: Road) -> None:
    requests = [post("/zeros", bytes(10_000)), get("/after")]
    talk = answered(Talk().open(), *requests)
    assert sum(bool(segment.data) and not any(segment.data) for segment in talk.segments) > 3
    assert road(told(talk.close())).requests == requests


@pytest.mark.parametrize(
    "methods",
    [
        ["PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH"],
        ["PURGE", "BAN", "M-SEARCH", "NOTIFY", "SUBSCRIBE", "LINK", "MKCALENDAR", "VERSION-CONTROL"],
        ["brew", "get", "A", "X_Y.Z", "QUERY"],
    ],
    ids=["WebDAV", "others", "own"],
)
def test_unusual_methods(road: Road, methods: list[str]) -> None:
    requests = [get(f"/{method}", method=method) for method in methods]
    assert road(told(answered(Talk().open(), *requests).close())).requests == requests


def test_a_body_of_more_than_5_mb(road: Road) -> None:
    requests = [post("/large", random.Random(4).randbytes(6 << 20)), get("/after")]
    assert road(told(answered(Talk(mss=8961).open(), *requests).close())).requests == requests


def test_headers_byte_for_byte(road: Road) -> None:
    """Neither names nor their order change, and nothing is added but our own mark."""
    lines = [
        "zebra: last letter first",
        "X-MIXED-case-Name: kept",
        "x-mixed-CASE-name: twice",
        "Accept:*/*",
        "Empty:",
        "Spaces: \t around  \t",
        "Cookie: a=b; c=d",
        "cOOkie: again",
        "Connection: Keep-Alive",
        "authorization: Basic c2VjcmV0",
        "Transfer-Encodings: none",
    ]
    requests = [get("/?a=%7e&b=~&&c", *lines), get("*", method="OPTIONS"), get("http://other.example/x")]
    arrived = road(told(answered(Talk().open(), *requests).close())).requests
    assert arrived == requests
    assert not any(b"user-agent" in octets.lower() for octets in arrived)
