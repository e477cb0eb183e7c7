"""Rules, requests in, requests out."""

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content.heads import request
from content.test_content import chunks, posts
from content.test_server import DRESSES
from http1.reading import REQUEST, read
from replay.peer import Peer, live, serving
from replay.rig import aiming
from shadowtap.content import content_of, values
from shadowtap.events import Request, replace
from shadowtap.http1 import headers
from shadowtap.transform.rewrite import (
    Rewrite,
    header_rule,
    json_rule,
    only_when,
    query_rule,
    rewrite_host,
    rewrite_path,
)

GET = b"GET /v1/users/7?a=1&b=2 HTTP/1.1\r\nhost: Shop.Example:8080\r\nX-A:1\r\nCookie: c\r\n\r\n"
ALL = (
    rewrite_host("shop.example", "staging.example"),
    rewrite_path("^/v1/(.*)", "/v2/\\1"),
    query_rule("remove", "b"),
    query_rule("set", "a", "new"),
    query_rule("add", "c", "3"),
    header_rule("remove", "cookie"),
    header_rule("set", "x-a", "2"),
    header_rule("add", "X-A", "3"),
    json_rule("remove", "$.secret"),
    json_rule("set", "$.user.id", 42),
)


def rewritten(octets: bytes, *rules) -> bytes:
    changed = Rewrite(rules)(request(octets))
    return changed.head + changed.body


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (rewrite_host("shop.example", "staging"), GET.replace(b"Shop.Example", b"staging")),
        (rewrite_host("shop.example", "staging:90"), GET.replace(b"Shop.Example:8080", b"staging:90")),
        (rewrite_host("(.*).example", "\\1.test"), GET.replace(b"Shop.Example", b"Shop.test")),
        (rewrite_host("hop.example", "staging"), GET),
        (rewrite_path("^/v1/(.*)", "/v2/\\1"), GET.replace(b"/v1/", b"/v2/")),
        (rewrite_path("^/v1", ""), GET.replace(b"/v1/", b"/")),
        (rewrite_path("^.*$", ""), GET.replace(b"/v1/users/7", b"/")),
        (rewrite_path("users/([0-9]+)", "u \\1"), GET.replace(b"users/7", b"u%207")),
        (rewrite_path("b=2", "x"), GET),
        (query_rule("set", "a", "x y"), GET.replace(b"a=1", b"a=x%20y")),
        (query_rule("set", "c", "&"), GET.replace(b"b=2", b"b=2&c=%26")),
        (query_rule("add", "a", "2"), GET.replace(b"b=2", b"b=2&a=2")),
        (query_rule("remove", "a"), GET.replace(b"a=1&", b"")),
        (query_rule("remove", "c"), GET),
        (query_rule("set", "a", "1"), GET),
        (header_rule("set", "X-a", "2"), GET.replace(b"X-A:1", b"X-A:2")),
        (header_rule("set", "X-B", "2"), GET[:-2] + b"X-B: 2\r\n\r\n"),
        (header_rule("set", "X-A", "1"), GET),
        (header_rule("add", "X-A", "1"), GET[:-2] + b"X-A: 1\r\n\r\n"),
        (header_rule("remove", "COOKIE"), GET.replace(b"Cookie: c\r\n", b"")),
        (header_rule("remove", "none"), GET),
        (json_rule("set", "$.a", 1), GET),
    ],
)
def test_one_rule(rule, expected):
    rewrite = Rewrite([rule])
    asked = request(GET)
    changed = rewrite(asked)
    assert changed.head == expected
    assert changed.target == expected.split(b" ")[1]
    assert (changed is asked) is (expected == GET)
    assert rewrite.applied == {rule.name: int(expected != GET)}
    assert not rewrite.unreadable


def test_all_rules_in_their_order():
    body = gzip.compress(b'{"user": {"id": 7, "n": 1.0}, "secret": "s"}')
    head = GET.replace(b"GET", b"PUT")[:-2] + b"Content-Type: application/json\r\nContent-Encoding: gzip\r\n"
    rewrite = Rewrite(ALL)
    changed = rewrite(request(head + b"Content-Length: %d\r\n\r\n" % len(body) + body))
    assert changed.target == b"/v2/users/7?a=new&c=3"
    assert headers(changed.head) == [
        (b"host", b"staging.example:8080"),
        (b"X-A", b"2"),
        (b"Content-Type", b"application/json"),
        (b"Content-Encoding", b"gzip"),
        (b"Content-Length", b"%d" % len(changed.body)),
        (b"X-A", b"3"),
    ]
    assert gzip.decompress(changed.body) == b'{"user":{"id":42,"n":1.0}}'
    assert rewrite.applied == {rule.name: 1 for rule in ALL}


def test_a_rule_sees_what_the_ones_before_made():
    assert rewritten(GET, rewrite_path("^/v1", "/v2"), rewrite_path("^/v2", "/v3")).startswith(
        b"GET /v3/users"
    )


def test_a_condition_looks_at_the_request_of_production():
    seen = []

    def is_v1(asked: Request) -> bool:
        seen.append(asked)
        return asked.target.startswith(b"/v1")

    rules = [rewrite_path("^/v1", "/v2"), header_rule("set", "X-New", "1"), json_rule("set", "$.a", 1)]
    rewrite = Rewrite(only_when(rule, is_v1, 'path ~ "^/v1"') for rule in rules)
    asked, other = request(GET), request(GET.replace(b"/v1", b"/v9"))
    assert rewrite(asked).target == b"/v2/users/7?a=1&b=2"
    assert rewrite(other) is other
    assert seen == [asked, other]  # once a request, whatever the number of rules
    assert rewrite.applied == {
        'path ^/v1 -> /v2 when path ~ "^/v1"': 1,
        'set header X-New when path ~ "^/v1"': 1,
        'set json $.a when path ~ "^/v1"': 0,
    }


def test_forms_of_targets():
    rules = (rewrite_host("shop", "new"), rewrite_path("^/a", "/b"), query_rule("set", "q", "1"))
    absolute = b"GET http://shop:80/a HTTP/1.1\r\nHost: shop\r\n\r\n"
    assert rewritten(absolute, *rules) == b"GET http://new:80/b?q=1 HTTP/1.1\r\nHost: new\r\n\r\n"
    options = b"OPTIONS * HTTP/1.1\r\nHost: other\r\n\r\n"
    asked = request(options)
    assert Rewrite(rules)(asked) is asked
    spaced = request(b"GET / HTTP/1.1\r\n\r\n")
    spaced = replace(spaced, target=b"/x y", head=b"GET /x y HTTP/1.1\r\n\r\n")
    assert Rewrite(rules[:2])(spaced) is spaced


JSON = b"POST / HTTP/1.1\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (JSON + b"Content-Length: 3\r\n\r\n{a}", "not_json"),
        (JSON + b"Content-Length: 3\r\nContent-Encoding: gzip\r\n\r\n{a}", "broken_coding"),
        (JSON + b"Content-Length: 3\r\nContent-Encoding: lzma\r\n\r\n{a}", "unknown_coding"),
        (JSON + b"Content-Length: 4\r\n\r\n\xff\xfe{\0", "not_utf8"),
        (JSON + b"Content-Encoding: gzip\r\nContent-Length: 22\r\n\r\n" + gzip.compress(b"{}")[:-3], "cut"),
    ],
)
def test_what_cannot_be_read_is_left_alone_and_counted(octets, why):
    rewrite = Rewrite([json_rule("set", "$.a", 1), json_rule("remove", "$.b")])
    asked = request(octets)
    assert rewrite(asked) is asked
    assert rewrite.applied.total() == 0
    assert rewrite.unreadable == {f"set json $.a: {why}": 1, f"remove json $.b: {why}": 1}


@pytest.mark.parametrize(
    "octets",
    [
        b"POST / HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        JSON + b"Content-Length: 0\r\n\r\n",
    ],
)
def test_other_bodies_are_none_of_our_business(octets):
    rewrite = Rewrite([json_rule("set", "$.a", 1)])
    asked = request(octets)
    assert rewrite(asked) is asked
    assert not rewrite.unreadable


def test_json_by_another_name():
    for kind in (b"Application/Problem+JSON; charset=utf-8", b"text/json"):
        octets = b"POST / HTTP/1.1\r\nContent-Type: " + kind + b"\r\nContent-Length: 2\r\n\r\n{}"
        assert rewritten(octets, json_rule("set", "$.a", 1)).endswith(b'\r\nContent-Length: 7\r\n\r\n{"a":1}')
    bare = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n {}"
    assert rewritten(bare, json_rule("set", "$.a", 1)).endswith(b'{"a":1}')


@settings(deadline=None)
@given(posts())
def test_no_rule_that_matches_means_the_same_object(made):
    rules = (
        rewrite_host("nowhere", "x"),
        rewrite_path("^/nowhere", "/x"),
        query_rule("remove", "nothing"),
        header_rule("remove", "X-Nothing"),
        json_rule("remove", "$.nothing.at.all"),
    )
    assert Rewrite(rules)(made[0]) is made[0]


@settings(deadline=None)
@given(posts(), st.lists(st.sampled_from(ALL), max_size=6))
def test_what_is_made_is_always_one_good_request(made, rules):
    rewrite = Rewrite(rules)
    changed = rewrite(made[0])
    (found,) = read(REQUEST, changed.head + changed.body)
    assert (found.head, found.body, found.fault) == (changed.head, changed.body, None)
    assert found.first == (changed.method, changed.target, changed.version)
    assert found.chunked == changed.chunked
    assert set(rewrite.applied) == {rule.name for rule in rules}


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: header_rule("set", "Content-Length", "1"), "Content-Length is kept right by itself"),
        (lambda: header_rule("remove", "transfer-encoding"), "transfer-encoding is kept right by itself"),
        (lambda: header_rule("set", "X A", "1"), '"X A" is not the name of a header'),
        (lambda: header_rule("set", "X-A", "1\r\nEvil: 1"), "the value of X-A has a line break in it"),
        (lambda: rewrite_path("a", "/b?c=d"), 'a path has no query; leave out "\\?c=d"'),
        (lambda: rewrite_path("(", "/b"), "no regular expression"),
        (lambda: json_rule("set", "a.b", "1"), r'a path begins with "\$"'),
    ],
)
def test_mistakes_are_told(make, told):
    with pytest.raises(ValueError, match=told):
        make()


def test_values_are_not_in_names():
    names = [header_rule("set", "A", "s3cret").name, query_rule("add", "b", "s3cret").name]
    names.append(json_rule("set", "$.c", "s3cret").name)
    assert names == ["set header A", "add query b", "set json $.c"]


def test_a_large_body_is_left_alone():
    body = b'{"a": "' + b"x" * (8 << 20) + b'"}'
    asked = request(JSON + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    rewrite = Rewrite([json_rule("set", "$.a", 1)])
    assert rewrite(asked) is asked
    assert rewrite.unreadable == {"set json $.a: too_large": 1}


@live
async def test_rewritten_bodies_arrive_through_the_replay():
    """Over one connection: a wrong length would break the request behind it."""
    rewrite = Rewrite([json_rule("set", "$.user.id", "n" * 5000), rewrite_path("^/a", "/b")])
    asked = []
    for coding, chunked in DRESSES:
        plain = b'{"user": {"id": 1}, "n": 1.50}'
        encoded = gzip.compress(plain) if coding == b"gzip" else plain
        body = chunks(encoded, 9) if chunked else encoded
        framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
        more = b"Content-Encoding: gzip\r\n" if coding == b"gzip" else b""
        head = b"POST /a HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
        asked.append(request(head + more + framing + b"\r\n\r\n" + body))
    async with serving(Peer.serve) as server, aiming(server.port) as rig:
        outcomes = await rig.replay(*(rewrite(one) for one in asked))
        assert [outcome.status for outcome in outcomes] == [200] * len(asked)
        for octets in server.requests:
            (found,) = read(REQUEST, octets)
            content = content_of(request(octets), limit_bytes=1 << 20)
            assert json.loads(content.data) == {"user": {"id": "n" * 5000}, "n": 1.5}
            assert b'"n":1.50' in content.data
            assert found.first[1] == b"/b"
            assert values(found.head, b"host") == [b"target"]


@settings(deadline=None)
@given(st.binary(max_size=120), st.binary(max_size=60), st.binary(min_size=1, max_size=30), st.booleans())
def test_nothing_hostile_raises(fields, body, target, chunked):
    head = b"POST " + target + b" HTTP/1.1\r\n" + fields
    asked = replace(request(GET), head=head, target=target, body=body, chunked=chunked)
    changed = Rewrite(ALL)(asked)
    assert b"\n" not in changed.target.partition(target)[0]
    Rewrite(ALL)(replace(asked, head=fields))
