"""What is read off a request agrees with plain ways to read it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expression.asking import asked
from shadowtap.expression.values import body_size, cookie_values, header_values, host, path, query_values
from shadowtap.http1 import headers

NAMES = ("a", "A", "ab", "b", "cookie", "Cookie", "x-a")
TEXT = st.text("ab=;& ?\t", max_size=6)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(NAMES),
            st.sampled_from([":", ": ", " : ", ":\t"]),
            TEXT,
            st.sampled_from(["\r\n", "\n", "\r\n  more\r\n"]),
        ),
        max_size=6,
    )
)
def test_headers(lines):
    head = "GET / HTTP/1.1\r\n" + "".join("".join(line) for line in lines) + "\r\n"
    request = asked(b"GET / HTTP/1.1\r\n\r\n")
    request = type(request)(
        request.connection, 0, 0, 0, b"GET", b"/", b"1.1", head.encode(), b"", False, (), None
    )
    for name in (b"a", b"ab", b"x-a", b"cookie"):
        expected = [value for key, value in headers(request.head) if key.lower() == name]
        assert list(header_values(name)(request)) == expected


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "ab", "b", ""]), st.sampled_from(["=", ""]), TEXT), max_size=5)
)
def test_query(pairs):
    query = "&".join("".join(pair) for pair in pairs).replace(" ", "+").replace("\t", "+")
    request = asked(f"GET /x?{query} HTTP/1.1\r\n\r\n".encode())
    for name in ("a", "ab", "b"):
        expected = [pair.partition("=")[2] for pair in query.split("&") if pair.partition("=")[0] == name]
        assert list(query_values(name.encode())(request)) == [value.encode() for value in expected]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "ab", " a", "b", ""]), st.sampled_from(["=", " =", ""]), TEXT),
        max_size=5,
    )
)
def test_cookies(pairs):
    line = ";".join("".join(pair) for pair in pairs)
    request = asked(f"GET / HTTP/1.1\r\nCookie: {line}\r\n\r\n".encode())
    for name in ("a", "ab", "b"):
        split = [pair.partition("=") for pair in line.strip(" \t").split(";")]
        expected = [value.strip(" \t") for key, equals, value in split if equals and key.strip(" \t") == name]
        assert list(cookie_values(name.encode())(request)) == [value.encode() for value in expected]


@pytest.mark.parametrize(
    ("line", "is_host", "is_path"),
    [
        (b"GET /a?b HTTP/1.1", b"field.example", b"/a"),
        (b"GET //a/?b=/c?d HTTP/1.1", b"field.example", b"//a/"),
        (b"GET http://target.example/a?b HTTP/1.1", b"target.example", b"/a"),
        (b"GET http://target.example:8080/a HTTP/1.1", b"target.example", b"/a"),
        (b"GET http://me:pass@target.example/a HTTP/1.1", b"target.example", b"/a"),
        (b"GET http://target.example HTTP/1.1", b"target.example", b"/"),
        (b"GET http://target.example?b=/c HTTP/1.1", b"target.example", b"/"),
        (b"GET http://[2001:db8::1]:80/a HTTP/1.1", b"[2001:db8::1]", b"/a"),
        (b"GET /redirect?to=http://other.example/ HTTP/1.1", b"field.example", b"/redirect"),
        (b"OPTIONS * HTTP/1.1", b"field.example", b"*"),
        (b"CONNECT target.example:443 HTTP/1.1", b"field.example", b""),
        (b"GET odd HTTP/1.1", b"field.example", b"odd"),
        (b"GET odd/http:// HTTP/1.1", b"field.example", b"odd/http://"),
    ],
)
def test_targets(line, is_host, is_path):
    request = asked(line + b"\r\nHost: field.example:81\r\n\r\n")
    assert (host(request), path(request)) == (is_host, is_path)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"Host: A.example", b"A.example"),
        (b"Host: a.example:", b"a.example"),
        (b"Host: [::1]", b"[::1]"),
        (b"Host: [::1]:80", b"[::1]"),
        (b"Host:", b""),
        (b"X: y", None),
    ],
)
def test_host_fields(field, expected):
    assert host(asked(b"GET / HTTP/1.1\r\n" + field + b"\r\n\r\n")) == expected


def test_the_framing_of_a_chunked_body_does_not_count():
    plain = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"
    assert body_size(asked(plain)) == body_size(asked(chunked)) == 3
