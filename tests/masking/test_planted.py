"""Every kind of secret in every place and coding; then a search of every octet that comes out."""

import base64
import itertools
import json
import re
from urllib.parse import quote, quote_plus

import pytest

from masking.messages import CODINGS, request, response, sent, writings
from shadowtap.content import Content, content_of
from shadowtap.events import Flag
from shadowtap.masking import Masker

SHAPED = {
    "card": "4111111111111111",
    "card in groups": "5555 5555 5555 4444",
    "card with hyphens": "3782-822463-10005",
    "iban": "DE89370400440532013000",
    "iban in groups": "GB29 NWBK 6016 1331 9268 19",
    "e-mail": "jane.doe+shop@mail.acme-corp.co.uk",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiIsIm5hbWUiOiJKYW5lIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1g",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "github": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "github fine": "github_pat_11ABCDEFG0123456789abcdefghijklmnopqrstuvwxyz",
    "stripe": "sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc",
    "slack": "xoxb-" + "17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzzqgy",
    "google": "AIzaSyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe",
    "npm": "npm_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6",
    "sendgrid": "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",
    "openai": "sk-proj-abc123DEF456ghi789JKL012mno345",
    "phone": "+49 151 23456789",
}
NAMED = {"password": "hunter2-S3cr3t", "with signs": "p&ss=w/rd;+ %\"'<x>", "beyond ascii": "pässwört-ключ"}


def escaped(secret):
    return "".join(f"\\u{ord(letter):04x}" for letter in secret)


def references(secret):
    return "".join(f"&#x{ord(letter):x};" for letter in secret)


def get(target=b"/", *fields):
    return request(b"\r\n".join([b"GET " + target + b" HTTP/1.1", b"Host: shop", *fields, b"", b""]))


def form(secret):
    return b"a=1&note=" + quote_plus(secret).encode() + b"&b=2"


def multipart(name, secret):
    return (
        f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{secret}\r\n--xyz\r\n'
        'Content-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: image/png\r\n\r\n'
    ).encode() + b"\x89PNG\0\1\r\n--xyz--\r\n"


ANYWHERE = {
    "path": lambda s: get(b"/users/" + quote(s, safe="").encode() + b"/edit"),
    "path as it is": lambda s: get(b"/users/" + s.replace(" ", "-").encode() + b"/edit"),
    "query": lambda s: get(b"/find?page=1&q=" + quote(s, safe="").encode() + b"&x=1"),
    "form in query": lambda s: get(b"/find?q=" + quote_plus(s).encode()),
    "encoded twice": lambda s: get(b"/find?q=" + quote(quote(s, safe=""), safe="").encode()),
    "header": lambda s: get(b"/", b"X-Note: about " + s.encode() + b", urgent"),
    "folded header": lambda s: get(b"/", b"X-Note: about\r\n\t" + s.encode() + b"\r\n , urgent"),
    "referer": lambda s: get(b"/", b"Referer: https://shop/a?q=" + quote(s, safe="").encode()),
    "reason": lambda s: response(b"HTTP/1.1 400 no such user: " + s.encode() + b"\r\n\r\n"),
    "set-cookie path": lambda s: response(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/reset/" + quote(s, safe="").encode() + b"\r\n\r\n"
    ),
    "trailer": lambda s: request(
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"2\r\nhi\r\n0\r\nX-Note: " + s.encode() + b"\r\n\r\n",
        chunked=True,
        flags=(Flag.TRAILERS,),
    ),
    "chunk extension": lambda s: request(
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"2;note=" + s.encode() + b"\r\nhi\r\n0\r\n\r\n",
        chunked=True,
    ),
}
BODIES = {
    "json": (b"application/json", lambda s: json.dumps({"id": 7, "note": f"call {s} now"}).encode()),
    "json escapes": (b"application/json", lambda s: b'{"note":"\\n' + escaped(s).encode() + b'"}'),
    "json key": (b"application/json", lambda s: json.dumps({s: 1}).encode()),
    "json in json": (b"application/json", lambda s: json.dumps({"m": json.dumps({"n": s + "\n"})}).encode()),
    "json in json in json": (
        b"application/json",
        lambda s: json.dumps({"m": json.dumps({"n": json.dumps({"o": s})})}).encode(),
    ),
    "url in json": (
        b"application/json",
        lambda s: json.dumps({"u": "https://x/?q=" + quote(s, safe="")}).replace("/", "\\/").encode(),
    ),
    "base64 json": (
        b"application/json",
        lambda s: b'{"state":"' + base64.b64encode(json.dumps({"note": s}).encode()) + b'"}',
    ),
    "form": (b"application/x-www-form-urlencoded", form),
    "json in form": (
        b"application/x-www-form-urlencoded",
        lambda s: b"j=" + quote_plus(json.dumps({"n": s})).encode(),
    ),
    "multipart": (b"multipart/form-data; boundary=xyz", lambda s: multipart("note", s)),
    "xml": (b"application/xml", lambda s: f"<a><b>{s}</b></a>".encode()),
    "xml attribute": (b"text/xml", lambda s: f'<a note="{s}"/>'.encode()),
    "xml references": (b"text/xml", lambda s: f"<a>{references(s)}</a>".encode()),
    "html": (b"text/html; charset=utf-8", lambda s: f"<p>Dear <b>{s}</b>!</p>".encode()),
    "link in html": (b"text/html", lambda s: f'<a href="/x?a=1&amp;q={quote(s, safe="")}">'.encode()),
    "events": (b"text/event-stream", lambda s: b'event: x\ndata: {"note": "' + s.encode() + b'"}\n\n'),
    "plain": (b"text/plain", lambda s: f"from {s} to nobody\n".encode()),
    "no type": (b"", lambda s: f"{s}".encode()),
    "utf-16": (b"text/plain; charset=utf-16", lambda s: f"for {s}".encode("utf-16")),
    "octets": (b"application/octet-stream", lambda s: s.encode()),
    "binary": (b"application/x-protobuf", lambda s: b"\x0a\x10\0" + s.encode() + b"\x12\x01"),
    "script": (b"text/javascript", lambda s: f"var note = '{s}';".encode()),
    "csv": (b"text/csv", lambda s: f"1,{s},2\r\n".encode()),
}
BY_NAME = {
    "authorization": lambda s: get(b"/", b"Authorization: Bearer " + s.encode()),
    "basic": lambda s: get(b"/", b"authorization: basic " + base64.b64encode(f"jane-q:{s}".encode())),
    "basic user": lambda s: get(
        b"/",
        b"Proxy-Authorization: Basic " + base64.b64encode(f"{s}:pw".replace(s, s.replace(":", "")).encode()),
    ),
    "no scheme": lambda s: get(b"/", b"Authorization: " + s.encode()),
    "api key": lambda s: get(b"/", b"X-Api-Key: " + s.encode()),
    "cookie": lambda s: get(b"/", b"Cookie: theme=dark; sid=" + quote(s, safe="").encode()),
    "quoted cookie": lambda s: get(b"/", b'Cookie: sid="' + quote(s, safe="").encode() + b'"; b=1'),
    "set-cookie": lambda s: response(
        b"HTTP/1.1 200 OK\r\nset-cookie: sid=" + quote(s, safe="").encode() + b"; Path=/; HttpOnly\r\n\r\n"
    ),
    "two cookies": lambda s: response(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/, sid=" + quote(s, safe="").encode() + b"\r\n\r\n"
    ),
    "query": lambda s: get(b"/?a=1&access_token=" + quote(s, safe="").encode() + b"&b=2"),
    "code": lambda s: get(b"/callback?code=" + quote(s, safe="").encode()),
    "brackets": lambda s: get(b"/?user%5Bpassword%5D=" + quote_plus(s).encode()),
    "fragment": lambda s: response(
        b"HTTP/1.1 302 Found\r\nLocation: /cb#state=1&id_token=" + quote(s, safe="").encode() + b"\r\n\r\n"
    ),
    "matrix": lambda s: get(b"/a;jsessionid=" + quote(s, safe="").encode() + b"/b?c=1"),
    "userinfo": lambda s: get(b"http://jane:" + quote(s, safe="").encode() + b"@shop/a"),
    "url in query": lambda s: get(
        b"/?to=" + quote("https://x/?token=" + quote(s, safe="") + "&a=1", safe="").encode()
    ),
}
BODIES_BY_NAME = {
    "json": (b"application/json", lambda s: json.dumps({"a": 1, "password": s, "b": 2}).encode()),
    "json utf-8": (b"application/json", lambda s: json.dumps({"password": s}, ensure_ascii=False).encode()),
    "spaced json": (
        b"application/json",
        lambda s: json.dumps({"pass_word": s}).replace(":", " : \n").encode(),
    ),
    "json name escaped": (
        b"application/json",
        lambda s: b'{"pass\\u0077ord":' + json.dumps(s).encode() + b"}",
    ),
    "list": (b"application/json", lambda s: json.dumps({"secrets": 1, "api-key": ["x", {"y": s}]}).encode()),
    "name and value": (
        b"application/json",
        lambda s: json.dumps([{"name": "userPassword", "value": s}]).encode(),
    ),
    "json in json": (
        b"application/json",
        lambda s: json.dumps({"m": json.dumps({"a": 1, "token": s})}).encode(),
    ),
    "deeper": (
        b"application/json",
        lambda s: json.dumps({"m": json.dumps({"m": json.dumps({"clientSecret": s})})}).encode(),
    ),
    "graphql": (
        b"application/json",
        lambda s: json.dumps({"query": f"mutation {{ login(password: {json.dumps(s)}) {{ id }} }}"}).encode(),
    ),
    "lines": (b"application/x-ndjson", lambda s: b'{"a":1}\n{"token":' + json.dumps(s).encode() + b"}\n"),
    "form": (b"application/x-www-form-urlencoded", lambda s: b"password=" + quote_plus(s).encode() + b"&a=1"),
    "form in brackets": (
        b"application/x-www-form-urlencoded",
        lambda s: b"a=1&user%5Bpassword%5D=" + quote_plus(s).encode(),
    ),
    "multipart": (b"multipart/form-data; boundary=xyz", lambda s: multipart("user[password]", s)),
    "events": (b"text/event-stream", lambda s: b'data: {"token": ' + json.dumps(s).encode() + b"}\n\n"),
}
WITHOUT_SIGNS = {
    "xml": (
        b"application/xml",
        lambda s: f"<r><user>j</user><x:Password T='a'>{s}</x:Password></r>".encode(),
    ),
    "cdata": (b"text/xml", lambda s: f"<r><token><![CDATA[{s}]]></token></r>".encode()),
    "attribute": (b"text/xml", lambda s: f'<user name="jane" password="{s}"/>'.encode()),
    "input": (b"text/html", lambda s: f'<input type=hidden name="csrf_token" value="{s}">'.encode()),
    "input before": (b"text/html", lambda s: f"<input value='{s}' name='csrf_token'>".encode()),
    "meta": (b"text/html", lambda s: f'<meta name="csrf-token" content="{s}" />'.encode()),
    "script": (b"text/html", lambda s: f'<script>var c = {{token: "{s}"}};</script>'.encode()),
    "link": (b"text/html", lambda s: f'<a href="/x?a=1&amp;token={s}&amp;b=2">x</a>'.encode()),
    "log": (b"text/plain", lambda s: f"12:00 login password={s} ok\n".encode()),
    "yaml": (b"text/plain", lambda s: f"user: jane\npassword: {s}\n".encode()),
    "header in text": (b"text/plain", lambda s: f"Authorization: Bearer {s}\n".encode()),
}


def octets_of(message):
    """Every octet of a message that can be read: as it is and with its codings undone."""
    content = content_of(message, limit_bytes=1 << 20)
    decoded = content.data if isinstance(content, Content) else b""
    words = (message.target, message.method) if hasattr(message, "target") else (message.reason,)
    plain = b"\0".join((message.head, message.body, decoded, *words))
    return (
        plain
        + b"\0"
        + b"\0".join(
            base64.b64decode(found + b"=" * (-len(found) % 4))
            for found in re.findall(rb"[A-Za-z0-9+/]{8,}", plain)
            if len(found) % 4 != 1
        )
    )


def assert_masked(message, secret):
    masker = Masker(b"k" * 32)
    masked = masker.response(message) if hasattr(message, "status") else masker.request(message)
    found = octets_of(masked)
    for written in writings(secret):
        assert len(written) < 6 or written not in found, (written, found)
    letters = "".join(filter(str.isalnum, secret)).encode()
    assert len(letters) < 6 or letters not in re.sub(rb"[ +_.\-]|%20|\xa0", b"", found)
    again = masker.response(masked) if hasattr(message, "status") else masker.request(masked)
    assert again == masked
    assert_valid(masked)
    return masked, masker.counts


def assert_valid(message):
    """The lengths are right, and codings can be undone."""
    length = re.search(rb"(?i)\ncontent-length: (\d+)", message.head)
    if length:
        assert int(length[1]) == len(message.body)
    if message.body:
        assert isinstance(content_of(message, limit_bytes=1 << 20), Content)


@pytest.mark.parametrize("kind", SHAPED)
@pytest.mark.parametrize("place", ANYWHERE)
def test_a_shape_in_a_head(kind, place):
    secret = SHAPED[kind]
    _, counts = assert_masked(ANYWHERE[place](secret), secret)
    assert counts or place == "chunk extension"


@pytest.mark.parametrize("kind", SHAPED)
@pytest.mark.parametrize("body", BODIES)
def test_a_shape_in_a_body(kind, body):
    secret = SHAPED[kind]
    media_type, write = BODIES[body]
    _, counts = assert_masked(sent(media_type, write(secret)), secret)
    assert counts


@pytest.mark.parametrize("kind", NAMED)
@pytest.mark.parametrize("place", BY_NAME)
def test_a_name_in_a_head(kind, place):
    secret = NAMED[kind]
    _, counts = assert_masked(BY_NAME[place](secret), secret)
    assert counts


@pytest.mark.parametrize(
    ("body", "kind"),
    [*itertools.product(BODIES_BY_NAME, NAMED), *itertools.product(WITHOUT_SIGNS, ["password"])],
)
def test_a_name_in_a_body(kind, body):
    secret = NAMED[kind]
    media_type, write = (
        (BODIES_BY_NAME | WITHOUT_SIGNS)[body]
        if kind != "password"
        else (WITHOUT_SIGNS | BODIES_BY_NAME)[body]
    )
    _, counts = assert_masked(sent(media_type, write(secret)), secret)
    assert counts


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("in_chunks", [False, True])
@pytest.mark.parametrize("body", ["json", "form", "xml", "utf-16", "binary"])
def test_codings_stay(coding, in_chunks, body):
    secret = SHAPED["e-mail"]
    media_type, write = BODIES[body]
    masked, _ = assert_masked(sent(media_type, write(secret), coding, in_chunks=in_chunks), secret)
    assert content_of(masked, limit_bytes=1 << 20).codings == ((coding,) if coding else ())
    assert masked.chunked == in_chunks


@pytest.mark.parametrize("shown", ["4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111"])
def test_a_card_as_a_number_and_in_groups_is_one_card(shown):
    masker = Masker(b"k" * 32)
    number = json.loads(masker.body("application/json", None, b'{"n":4111111111111111}'))["n"]
    text = masker.text(f"card {shown} declined").split(" ", 1)[1].rpartition(" ")[0]
    assert text.replace(" ", "").replace("-", "") == str(number)
    assert [len(part) for part in text.replace("-", " ").split()] == [
        len(part) for part in shown.replace("-", " ").split()
    ]
