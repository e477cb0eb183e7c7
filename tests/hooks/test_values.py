"""What a hook can do to a request, octet by octet."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.observing import connection, outcome, request, request_octets, response
from shadowtap.content import content_of
from shadowtap.hooks import HookRequest
from shadowtap.hooks.values import answer_of_production, answer_of_target, request_behind

POST = (
    b"POST /a/b?x=1&y=%20&x=2 HTTP/1.1\r\nhost:  shop\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 5\r\n\r\nhello"
)
PACKED = gzip.compress(b'{"a": 1}')
CHUNKED_GZIP = (
    b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"%x\r\n%b\r\n0\r\n\r\n" % (len(PACKED), PACKED)
)


def hooked(octets):
    """The value for a hook."""
    return HookRequest(request(octets))


def looked_at(value):
    """Ask for everything there is."""
    found = [
        value.method,
        value.target,
        value.path,
        value.query.items(),
        value.headers.items(),
        value.raw,
        str(value.query),
    ]
    found += [value.body, value.text, value.client, value.connection, value.index, value.time, repr(value)]
    return [*found, value.client_port, value.server_port, value.query.get("x"), value.headers.get("host")]


@given(request_octets())
def test_what_is_only_looked_at_is_the_very_same_request(octets):
    asked = request(octets)
    value = HookRequest(asked)
    looked_at(value)
    assert request_behind(value) is asked
    assert value.raw == octets


@given(request_octets())
def test_putting_back_what_is_there_changes_nothing(octets):
    asked = request(octets)
    value = HookRequest(asked)
    value.method = value.method
    value.path = value.path
    value.body = value.body
    value.text = value.text
    assert request_behind(value) is asked


@given(request_octets(), st.binary(max_size=50))
def test_a_body_that_is_set_is_read_back(octets, body):
    value = hooked(octets)
    value.body = body
    made = request_behind(value)
    again = request(made.head + made.body)
    assert again.fault is None
    assert content_of(again, limit_bytes=1_000).data == body
    assert (again.method, again.target, again.chunked) == (made.method, made.target, made.chunked)


@given(request_octets(), st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=9))
def test_a_header_that_is_set_is_read_back_and_nothing_else_changes(octets, text):
    value = hooked(octets)
    before = [pair for pair in value.headers.items() if pair[0].lower() != "x-new"]
    value.headers.set("X-New", text)
    assert value.headers.get("x-NEW") == text
    assert [pair for pair in value.headers.items() if pair[0].lower() != "x-new"] == before
    assert request_behind(value).body == request(octets).body


@given(
    st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=4),
    st.text(max_size=5),
    st.text(max_size=5),
)
def test_a_query_parameter_that_is_set_is_read_back(pairs, name, text):
    value = hooked(b"GET /p HTTP/1.1\r\n\r\n")
    for pair in pairs:
        value.query.add(*pair)
    value.query.set(name, text)
    assert value.query.all(name) == [text]
    assert [p for p in value.query.items() if p[0] != name] == [p for p in pairs if p[0] != name]
    value.query.remove(name)
    assert name not in value.query
    assert value.path == "/p"


def test_parts_of_a_request():
    value = hooked(POST)
    assert (value.method, value.target, value.path) == ("POST", "/a/b?x=1&y=%20&x=2", "/a/b")
    assert list(value.query) == [("x", "1"), ("y", " "), ("x", "2")]
    assert value.query.all("x") == ["1", "2"]
    assert value.headers.all("X-a") == ["1", "2"]
    assert next(iter(value.headers)) == ("host", "shop")
    assert "x-A" in value.headers
    assert "x-b" not in value.headers
    assert (value.client, value.client_port, value.server_port) == ("10.0.8.9", 40000, 80)
    assert value.body == b"hello"


def test_changes_leave_all_other_octets():
    value = hooked(POST)
    value.method = "PUT"
    value.path = "/c?d"
    value.query.set("x", "ä b")
    value.headers.set("x-a", "3")
    value.headers.add("X-More", "4")
    value.headers.remove("nothing")
    value.body = b"goodbye"
    assert value.raw == (
        b"PUT /c%3Fd?x=%C3%A4+b&y=%20 HTTP/1.1\r\nhost:  shop\r\nX-A: 3\r\nContent-Length: 7\r\nX-More: 4\r\n\r\ngoodbye"
    )


def test_a_packed_chunked_body_is_unpacked_and_packed_again():
    value = hooked(CHUNKED_GZIP)
    assert value.json == {"a": 1}
    document = value.json
    document["a"] = "ü"
    value.json = document
    made = request_behind(value)
    assert made.chunked
    assert b"Content-Encoding: gzip" in made.head
    assert content_of(request(value.raw), limit_bytes=100).data == '{"a":"ü"}'.encode()


def test_text_keeps_its_charset_where_that_can_say_it():
    value = hooked(
        b"POST / HTTP/1.1\r\nContent-Type: text/plain; charset=latin-1\r\nContent-Length: 1\r\n\r\n\xe4"
    )
    assert value.text == "ä"
    value.text = "ö"
    assert value.body == b"\xf6"
    value.text = "€"
    assert value.body == "€".encode()


def test_a_body_where_there_was_none_gets_a_length():
    value = hooked(b"POST / HTTP/1.1\r\nHost: shop\r\n\r\n")
    value.body = b"new"
    assert value.raw == b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\nnew"


def test_a_header_cannot_break_out_of_its_line():
    value = hooked(POST)
    value.headers.set("X-A", "1\r\nX-Injected: 2")
    assert "X-Injected" not in value.headers


def test_a_target_cannot_break_out_of_its_line():
    value = hooked(POST)
    value.target = "/a HTTP/1.1\r\nX: y"
    assert value.raw.startswith(b"POST /a%20HTTP/1.1%0D%0AX:%20y HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r.headers.set("Content-Length", "9"), "follows the body"),
        (lambda r: r.headers.remove("Transfer-Encoding"), "follows the body"),
        (lambda r: r.headers.set("X Y", "9"), "no name of a header"),
        (lambda r: r.headers.set("", "9"), "no name of a header"),
        (lambda r: setattr(r, "method", "G T"), "no method"),
        (lambda r: setattr(r, "method", "CONNECT"), "no method"),
        (lambda r: setattr(r, "target", ""), "not empty"),
    ],
)
def test_what_would_break_a_request_is_refused(change, said):
    value = hooked(POST)
    with pytest.raises(ValueError, match=said):
        change(value)
    assert value.raw == POST


def test_a_body_is_octets():
    with pytest.raises(TypeError, match=r"a body is bytes, not str; there is request\.text"):
        hooked(POST).body = "text"


def test_a_body_that_cannot_be_unpacked_says_so():
    value = hooked(POST.replace(b"X-A: 1", b"Content-Encoding: secret"))
    with pytest.raises(ValueError, match="the body cannot be read"):
        _ = value.body


def test_octets_that_are_no_utf_8_stay():
    octets = b"GET /\xff HTTP/1.1\r\nX-A: \xfe\r\n\r\n"
    value = hooked(octets)
    value.target = value.target + "x"
    value.headers.set("X-B", value.headers.get("X-A"))
    assert value.raw == b"GET /\xffx HTTP/1.1\r\nX-A: \xfe\r\nX-B: \xfe\r\n\r\n"


def test_answers_to_look_at():
    asked = request(on=connection())
    found = answer_of_production(
        response(b"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\n[]"), 5_000_000
    )
    assert (found.target, found.status, found.failure, found.elapsed_ms) == ("production", 200, None, 5.0)
    assert (found.json, found.text, found.headers.get("x-a")) == ([], "[]", "b")
    with pytest.raises(TypeError, match="cannot be changed"):
        found.headers.set("X-A", "c")
    chunked = b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    other = answer_of_target(outcome(asked, chunked, target="http://next"))
    assert (other.target, other.status, other.body, other.elapsed_ms) == ("http://next", 500, b"hi", 2.0)
    assert other.raw == chunked
    assert repr(other) == "<HookAnswer http://next 500>"
