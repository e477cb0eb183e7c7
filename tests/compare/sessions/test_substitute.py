"""Values put into requests, wherever they stand, and nothing else changed."""

import gzip
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compare.answers import request
from shadowtap.compare.sessions.substitute import Rewriting
from shadowtap.content import Content, content_of
from shadowtap.events import Request, replace

A, B, UUID = "kJ8sD0aLq2ZxPw7R", "Zp3XmQ9dT1vBn5Ls+/=", "0b8f0e7c-2f1c-4f43-9d8a-1b2c3d4e5f60"
KNOWN = {
    ("", A): B,
    ("", UUID): "u-u-i-d",
    ("resource order", "1007"): "53",
    ("cookie me cart", "17"): "4",
    ("", "qU0tEd1234567"): 'a"b\\c',
    ("", "p4dd1ngTOKENs00"): "xx==",
}


def rewritten(asked: Request) -> tuple[Request, list[tuple[str, str, str]]]:
    rewriting = Rewriting("me", lambda scope, value: KNOWN.get((scope, value.rstrip("="))))
    return rewriting.request(asked), [tuple(done) for done in rewriting.done]


@pytest.mark.parametrize(
    ("target", "made"),
    [
        (f"/a/{UUID}/b", "/a/u-u-i-d/b"),
        ("/orders/1007", "/orders/53"),
        (
            "/api/orders/1007/lines/1007?order=1007&order_id=1007",
            "/api/orders/53/lines/1007?order=1007&order_id=53",
        ),
        (f"/a?x={UUID}&y=1", "/a?x=u-u-i-d&y=1"),
        ("/orders?id=1007", "/orders?id=53"),
        ("/products/1007?id=1007", "/products/1007?id=1007"),
        (f"/a?next=%2Forders%2F{UUID}", "/a?next=%2Forders%2Fu-u-i-d"),
        (f"/a?next=%2forders%3ft%3D{A}%26x%3D1", f"/a?next=%2forders%3ft%3D{quote(B, safe='')}%26x%3D1"),
        (f"/a?x=100%&y=%zz{UUID}%", f"/a?x=100%&y=%zz{UUID}%"),
    ],
)
def test_targets(target: str, made: str) -> None:
    found, _ = rewritten(request("GET", target))
    assert found.target.decode() == made
    assert found.head.decode().split(" ")[1] == made


def test_cookies_and_headers() -> None:
    found, done = rewritten(
        request(
            "GET",
            "/",
            f"Cookie: a=1; cart=17; sid={A}",
            f"Authorization: Bearer {A}",
            f"Referer: http://shop/o/{UUID}",
            "X-Cart: 17",
        )
    )
    text = found.head.decode()
    assert f"Cookie: a=1; cart=4; sid={B}\r\n" in text
    assert f"Authorization: Bearer {B}\r\n" in text
    assert "Referer: http://shop/o/u-u-i-d\r\n" in text
    assert "X-Cart: 17\r\n" in text
    assert done == [("cookie", "17", "4"), ("cookie", A, B), ("header", A, B), ("header", UUID, "u-u-i-d")]


@pytest.mark.parametrize(
    ("media", "body", "made"),
    [
        (
            "application/json",
            f'{{"t": "{A}", "order_id": 1007, "n": 1007}}',
            f'{{"t": "{B}", "order_id": 53, "n": 1007}}',
        ),
        ("application/x-www-form-urlencoded", f"csrf={UUID}&orderId=1007", "csrf=u-u-i-d&orderId=53"),
        ("application/x-www-form-urlencoded", "t=p4dd1ngTOKENs00%3D&x=1", "t=xx%3D%3D&x=1"),
        ("application/x-www-form-urlencoded", f"t={A}&x=1", "t=Zp3XmQ9dT1vBn5Ls%2B/=&x=1"),
        ("application/json", '["qU0tEd1234567"]', r'["a\"b\\c"]'),
        ("text/xml", f"<a t='{UUID}'>{UUID}</a>", "<a t='u-u-i-d'>u-u-i-d</a>"),
        (
            "multipart/form-data; boundary=b",
            f"--b\r\nContent-Disposition: form-data; name=t\r\n\r\n{UUID}\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=t\r\n\r\nu-u-i-d\r\n--b--",
        ),
    ],
)
def test_bodies(media: str, body: str, made: str) -> None:
    found, _ = rewritten(request("POST", "/x", f"Content-Type: {media}", body=body.encode()))
    assert found.body.decode() == made
    assert f"Content-Length: {len(made)}\r\n".encode() in found.head


def test_coded_bodies_stay_coded() -> None:
    asked = request(
        "POST",
        "/x",
        "Content-Encoding: gzip",
        "Content-Type: application/json",
        body=gzip.compress(f'{{"t": "{UUID}"}}'.encode()),
    )
    found, _ = rewritten(asked)
    content = content_of(found, limit_bytes=1000)
    assert isinstance(content, Content)
    assert content.data == b'{"t": "u-u-i-d"}'
    assert f"Content-Length: {len(found.body)}\r\n".encode() in found.head


def test_a_request_without_known_values_is_the_same() -> None:
    asked = request("POST", "/a/b?c=d%20e", "Cookie: x=y", "X-A:  odd  ", body=b"a=b&order=7")
    assert rewritten(asked) == (asked, [])


@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=80))
def test_any_octets_pass_and_keep_their_lines(target: bytes, field: bytes, body: bytes) -> None:
    clean = field.replace(b"\n", b"").replace(b"\r", b"")
    asked = replace(
        request("POST", "/"), target=b"/" + target.hex().encode(), body=body,
        head=b"POST /" + target.hex().encode() + b" HTTP/1.1\r\nX: " + clean + b"\r\n\r\n",
    )  # fmt: skip
    made, done = rewritten(asked)
    assert made.head.count(b"\n") == asked.head.count(b"\n")
    if not done:
        assert (made.head, made.body) == (asked.head, asked.body)
