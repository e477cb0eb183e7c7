"""What can be asked of a request and its answer, and what is meant by it."""

import pytest

from expression.asking import SHOP, answered, asked, connection, holds
from shadowtap.events import Exchange
from shadowtap.expression import FIELDS, ExpressionError, parse


@pytest.mark.parametrize(
    "text",
    [
        "method == GET",
        "method == get",
        "method in (HEAD, GET)",
        "method != POST",
        "host == shop.example",
        "host ~ 'SHOP'",
        "host ~ '^sho[p]'",
        "path == /cart/7",
        "path ~ ^/cart",
        "path ~ '^/cart/[0-9]+$'",
        "path !~ page",
        "query.page == 2",
        "query.page",
        "query.empty",
        "query.flag exists",
        'query.flag == ""',
        "not query.pag",
        "header.x-one == 1",
        "header.X-ONE",
        "not header.x-on",
        "header.x-two != 1",
        "header.x-two not in (1, 2)",
        "header.x-two !~ 1",
        "body_size == 0",
        "body_size < 1KiB",
        "client in 10.0.0.0/8",
        "client == 10.1.2.3",
        "client not in (192.168.0.0/16, 172.16.0.0/12)",
        "server == 10.0.1.20",
        "port == 80",
        "port in (80, 8080)",
        "vni == 7",
        "vni",
        "not status",
        "status != 200",
        "not latency > 1ms",
    ],
)
def test_holds_for_a_request(text):
    assert holds(text, vni=7)


@pytest.mark.parametrize(
    "text",
    [
        "status == 404",
        "status == 4xx",
        "status in (2xx, 404)",
        "status >= 400",
        "latency > 4ms",
        "latency <= 5ms",
    ],
)
def test_holds_for_an_answer(text):
    assert parse(text).matches(answered(asked(), 404, 5))


def test_only_rules_about_the_answer_need_it():
    needing = {field.shown for field in FIELDS if field.needs_answer}
    assert needing == {"status", "latency"}
    assert parse("method == GET and status < 400").needs_answer
    assert not parse("method == GET").needs_answer


def test_every_comparison_of_what_is_missing_is_false_and_its_opposite_true():
    for yes in (
        "header.x == 1",
        "header.x ~ 1",
        "header.x in (1)",
        "vni == 1",
        "status > 100",
    ):
        assert not holds(yes), yes
        assert holds(f"not {yes}"), yes
    for opposite in ("header.x != 1", "header.x !~ 1", "header.x not in (1)", "vni != 1"):
        assert holds(opposite), opposite


def test_one_of_several_values_is_enough():
    octets = b"GET /?a=1&a=2 HTTP/1.1\r\nX-A: 1\r\nx-a: 2\r\nCookie: s=1\r\nCookie: s=2; s=3\r\n\r\n"
    for name in ("header.x-a", "query.a", "cookie.s"):
        assert holds(f"{name} == 1", octets)
        assert holds(f"{name} == 2", octets)
        assert not holds(f"{name} != 2", octets)
        assert not holds(f"{name} == 4", octets)


def test_nothing_is_decoded():
    octets = b"GET /a%2Fb/../c?q=a+b%20c HTTP/1.1\r\n\r\n"
    assert holds("path == /a%2Fb/../c", octets)
    assert holds("query.q == a+b%20c", octets)
    assert not holds("query.q == 'a b c'", octets)


def test_octets_that_are_no_text():
    octets = b"GET /\xff\xfe?q=\x80 HTTP/1.1\r\nX: \xe9\r\n\r\n"
    assert holds("path ~ '^/..$'", octets)
    assert holds("header.x ~ '^[^a]$'", octets)
    assert holds("path == /\udcff\udcfe", octets)  # as the command line gives what it cannot decode


def test_text_beyond_ascii_is_utf_8():
    octets = "GET /café HTTP/1.1\r\n\r\n".encode()
    assert holds("path == /café", octets)
    assert holds("path ~ 'caf[éè]$'", octets)


def test_the_side_that_was_not_seen_is_missing():
    answer_only = Exchange(None, answered(asked(SHOP, connection(vni=7))).response)
    for text in ("status == 200", "client == 10.1.2.3", "port == 80", "vni == 7", "server in 10.0.0.0/8"):
        assert parse(text).matches(answer_only), text
    for text in (
        "method == GET",
        "path ~ /",
        "host",
        "header.host",
        "query.page",
        "cookie.x",
        "latency",
        "body_size < 9",
    ):
        assert not parse(text).matches(answer_only), text


def test_a_header_named_without_its_field():
    with pytest.raises(ExpressionError, match=r'did you mean "header\.user-agent"'):
        parse("user-agent ~ curl")
    with pytest.raises(ExpressionError, match=r'did you mean "header\.x"'):
        parse("headers.x ~ curl")
    with pytest.raises(ExpressionError, match=r'did you mean "query\.NAME"'):
        parse("quer == 1")
