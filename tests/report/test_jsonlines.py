"""A line is the JSON object that DESIGN.md specifies, whatever is in the message."""

import json
from hashlib import sha256
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap import http1
from shadowtap.events import Connection, Ended, Endpoint, Exchange, Fault, Flag, Request, Response
from shadowtap.report.jsonlines import JsonLines

CONNECTION = Connection(5, Endpoint(ip_address("10.0.8.9"), 40_000), Endpoint(ip_address("10.0.1.20"), 80), 7)
NOON = 1_795_608_000_000_000_000


def request(head=b"GET /a HTTP/1.1\r\nHost: shop\r\n\r\n", body=b"", index=0, **more):
    method, target, version = ([*head.split(b"\r\n")[0].split(b" "), b"", b""])[:3]
    values = {
        "connection": CONNECTION,
        "index": index,
        "time_ns": NOON + 1,
        "end_ns": NOON + 2,
        "method": method,
        "target": target,
        "version": version.removeprefix(b"HTTP/"),
        "head": head,
        "body": body,
        "chunked": False,
        "flags": (),
        "fault": None,
    }
    return Request(**(values | more))


def response(head=b"HTTP/1.1 200 OK\r\n\r\n", body=b"", status=200, **more):
    values = {
        "connection": CONNECTION,
        "time_ns": NOON + 1_500_000_000,
        "end_ns": NOON + 1_600_000_000,
        "status": status,
        "reason": b"OK",
        "version": b"1.1",
        "head": head,
        "body": body,
        "body_bytes": len(body),
        "chunked": False,
        "flags": (),
        "fault": None,
    }
    return Response(**(values | more))


def lines(*messages, keep_secrets=False):
    writer = JsonLines(keep_secrets=keep_secrets)
    return [json.loads(writer.line(message)) for message in messages]


def test_a_request_and_its_answer():
    asked = request(b"POST /a?b=1 HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\n", b"hi")
    answer = response(b"HTTP/1.1 200 OK\r\nServer: nginx\r\n\r\n", b"hello")
    assert lines(asked, Exchange(asked, answer)) == [
        {
            "kind": "request",
            "time": "2026-11-25T12:00:00.000000001Z",
            "connection": 5,
            "src": "10.0.8.9",
            "sport": 40_000,
            "dst": "10.0.1.20",
            "dport": 80,
            "vni": 7,
            "method": "POST",
            "target": "/a?b=1",
            "host": "shop",
            "version": "1.1",
            "headers": [["Host", "shop"], ["Content-Length", "2"]],
            "body_len": 2,
            "body_sha256": sha256(b"hi").hexdigest(),
            "flags": [],
        },
        {
            "kind": "response",
            "time": "2026-11-25T12:00:01.500000000Z",
            "connection": 5,
            "src": "10.0.1.20",
            "sport": 80,
            "dst": "10.0.8.9",
            "dport": 40_000,
            "vni": 7,
            "status": 200,
            "reason": "OK",
            "version": "1.1",
            "headers": [["Server", "nginx"]],
            "request": 0,
            "body_len": 5,
            "body_sha256": sha256(b"hello").hexdigest(),
            "flags": [],
        },
    ]


def test_answers_name_the_line_of_their_request():
    first, second = request(), request(index=1)
    told = lines(
        first,
        second,
        Exchange(first, response(status=100)),
        Exchange(first, response()),
        Exchange(second, response()),
        Exchange(first, response()),
        Exchange(None, response()),
    )
    assert [line["request"] for line in told[2:]] == [0, 0, 1, None, None]


def test_what_makes_no_line():
    writer = JsonLines()
    asked = request()
    writer.line(asked)
    assert writer.line(Exchange(asked, None)) == b""
    assert writer.line(Ended(5)) == b""
    assert writer.lines == 1
    assert json.loads(writer.line(Exchange(asked, response())))["request"] is None


def test_chunked_bodies_are_hashed_without_their_framing():
    (told,) = lines(request(body=b"2\r\nhi\r\n0\r\n\r\n", chunked=True))
    assert (told["body_len"], told["body_sha256"]) == (2, sha256(b"hi").hexdigest())


def test_what_is_not_all_there_has_no_length_and_no_hash():
    (told,) = lines(request(body=b"hal", fault=Fault.GAP, flags=(Flag.BARE_LF,)))
    assert told["complete"] is False
    assert told["fault"] == "lost_packets"
    assert (told["body_len"], told["body_sha256"], told["flags"]) == (None, None, ["bare_lf"])


def test_bodies_that_were_not_kept():
    (told,) = lines(Exchange(None, response(body_bytes=1000)))
    assert (told["body_len"], told["body_sha256"]) == (1000, None)
    assert "complete" not in told


@pytest.mark.parametrize(
    ("head", "host"),
    [
        (b"GET / HTTP/1.1\r\nAccept: */*\r\nhOST: shop:81\r\n\r\n", "shop:81"),
        (b"GET http://me@shop/a HTTP/1.1\r\n\r\n", "shop"),
        (b"GET http://other/a HTTP/1.1\r\nHost: shop\r\n\r\n", "shop"),
        (b"CONNECT shop:443 HTTP/1.1\r\n\r\n", "shop:443"),
        (b"GET / HTTP/1.1\r\n\r\n", None),
    ],
)
def test_hosts(head, host):
    assert lines(request(head))[0]["host"] == host


def test_bytes_that_are_not_utf8_are_read_as_latin1():
    (told,) = lines(request(b"GET /\xe4 HTTP/1.1\r\nHost: shop\r\nX: \xc3\xa4\r\nY: \xe4\r\n\r\n"))
    assert told["target"] == "/ä"
    assert told["headers"][1:] == [["X", "ä"], ["Y", "ä"]]


def test_secrets_are_masked_unless_they_are_wanted():
    asked = request(b"GET /?token=abc HTTP/1.1\r\nHost: shop\r\nCookie: a=abc\r\nReferer: /?sig=abc\r\n\r\n")
    (masked,), (kept,) = lines(asked), lines(asked, keep_secrets=True)
    assert "abc" not in json.dumps(masked)
    assert masked["headers"][1] == ["Cookie", "a=***"]
    assert kept["target"] == "/?token=abc"
    assert kept["headers"][1:] == [["Cookie", "a=abc"], ["Referer", "/?sig=abc"]]


def test_addresses_of_both_families():
    six = Connection(6, Endpoint(ip_address("fd00::9"), 1), Endpoint(ip_address("fd00::1"), 80), None)
    told = lines(request(), request(connection=six), request())
    assert [line["src"] for line in told] == ["10.0.8.9", "fd00::9", "10.0.8.9"]
    assert [line["vni"] for line in told] == [7, None, 7]


header_bytes = st.binary(max_size=12) | st.sampled_from(
    [b"Host", b"Cookie: a=b; c", b" folded", b"\tx", b"a : b ", b"\r", b"", b"X:\xff", b"Set-Cookie:a=b;c"]
)


@given(st.lists(header_bytes, max_size=6), st.sampled_from([b"\r\n", b"\n", b"\r"]), st.booleans())
def test_headers_are_those_that_the_grammar_finds(pieces, end, closed):
    """The fast way through a header block agrees with the slow one, on anything."""
    head = b"GET / HTTP/1.1\r\n" + b"".join(piece + end for piece in pieces) + (b"\r\n" if closed else b"")
    writer = JsonLines(keep_secrets=True)
    expected = [[text(name), text(value)] for name, value in http1.headers(head)]
    for _ in range(2):
        assert json.loads(writer.line(request(head)))["headers"] == expected


@given(st.binary(), st.binary(), st.binary(), st.integers(0, 2**62), st.sampled_from([None, *Fault]))
def test_every_message_is_one_line_of_json(target, body, value, time_ns, fault):
    head = b"GET / HTTP/1.1\r\nX: " + value.replace(b"\n", b"") + b"\r\n\r\n"
    writer = JsonLines()
    line = writer.line(request(head, body, target=target, time_ns=time_ns, fault=fault))
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    told = json.loads(line)
    assert told["body_len"] == (None if fault else len(body))
    assert ("complete" in told) == (fault is not None)


def text(raw):
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
