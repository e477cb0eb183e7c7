"""What is no secret stays as it is, octet for octet."""

import json
import random
import uuid

import pytest

from masking.messages import request, response, sent
from shadowtap.masking import Masker
from shadowtap.masking.digits import luhn

HEADERS = """
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8
Accept-Language: en-US,en;q=0.9,de;q=0.8
Access-Control-Allow-Credentials: true
Access-Control-Allow-Headers: authorization, x-csrf-token, content-type
Alt-Svc: h3=":443"; ma=86400
Cache-Control: public, max-age=31536000, immutable
Cf-Ray: 8a1b2c3d4e5f6789-FRA
Content-Disposition: attachment; filename="report 2026-11-25.pdf"
Content-Range: bytes 0-1023/146515
Content-Security-Policy: default-src 'self'; script-src 'nonce-2726c7f26c' https://cdn.shop.net; report-uri /csp?v=2
Content-Type: multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW
Date: Wed, 25 Nov 2026 12:00:00 GMT
ETag: "33a64df551425fcc55e4d42a148795d9f25f89d4"
Forwarded: for=192.0.2.60;proto=http;by=203.0.113.43
Idempotency-Key: 8e03978e-40d5-43dd-bc93-6894a57f9324
If-None-Match: W/"0815", "5f4dcc3b5aa765d61d8327deb882cf99"
Link: </items?page=2>; rel="next", </items?next_page_token=abc>; rel="last"
Sec-CH-UA: "Chromium";v="122", "Not(A:Brand";v="24"
Sec-CH-UA-Mobile: ?0
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
Server-Timing: db;dur=53.2, cache;desc="hit";dur=0.3
Strict-Transport-Security: max-age=63072000; includeSubDomains; preload
Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)
Via: 1.1 varnish, 1.1 5f8c6a0d4f2b4e0e8b3f.cloudfront.net (CloudFront)
WWW-Authenticate: Bearer realm="shop", error="invalid_token"
X-Amz-Cf-Id: 0Q4q-5Vw1d8lmX7V9mS1wOZb7M7V9Jb4xv4mS3c6sXkq3y5d0H1a2g==
X-Forwarded-For: 203.0.113.195, 70.41.3.18
X-Request-Id: 01HF7YAT31JZHSMW1CG6Q6MHB7
"""
TARGETS = """
/
*
/index.html?v=20261125&lang=de-DE
/images/logo@2x.png
/npm/react@18.2.0/umd/react.production.min.js
/npm/@babel/core@7.1.0.tgz
/orders/1795608000123/items/2026-11-25T12:00:00+01:00
/orders/4111111111111112
/users/8e03978e-40d5-43dd-bc93-6894a57f9324/cart
/commit/33a64df551425fcc55e4d42a148795d9f25f89d4
/search?q=blue+shirt%20size&sort=-price&page=2&next_page_token=CAUQAA
/maps?ll=52.520008,13.404954&z=12.5
/de12/at20ab/gb29
/?utm_source=news&utm_medium=email&gclid=Cj0KCQiA
"""
TEXTS = {
    "text/html": """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="description" content="Shop">
<style>@media (max-width: 600px) { .card { width: 100% } } @import "a.css";</style></head>
<body class="main key-visual"><form action="/login" method="post"><input type="text" name="user"><input type="password"
 name="password" placeholder="Password"><input type="submit" value="Log in"></form><p>Forgot your password? Your session
 has ended. Token ring &amp; code: see <a href="/help?topic=password&amp;page=2">help</a>.</p><p>3 &lt; 5, 50 % off</p>
<script>var t=(new Date()).getTime()+2419200000,i=0;function pass(a,b){return a&&b?a[i++]:b}</script></body></html>""",
    "application/xml": """<?xml version="1.0"?><items xmlns:x="http://x.example/ns"><item key="7" x:code="A1">Key ring
 </item><key/><price>3.14159265358979312</price></items>""",
    "text/csv": "id,code,name\r\n1,K-77,Key ring\r\n2,K-78,Passepartout\r\n",
    "text/plain": "The key is to pass the session of today at 12:00; 4 x 4111 = 16444. Ratio 1:10, 10 @ 5 EUR.\n",
    "application/x-www-form-urlencoded": "name=Blue+shirt&size=XL&qty=2&comment=50+%25+off%2C+100%25+cotton&ts=1795608000123",
    "text/event-stream": 'id: 77\nevent: price\ndata: {"sku": "A-1", "price": 12.50}\n\n: ping\n\n',
    "application/x-ndjson": '{"key": 1, "code": "E1"}\n{"key": 2, "code": null}\n',
}
DOCUMENT = {
    "id": 4111111111111112,
    "key": "color",
    "code": "E_NOT_FOUND",
    "uuid": "8e03978e-40d5-43dd-bc93-6894a57f9324",
    "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "created_ms": 1795608000123,
    "created_us": 1795608000123456,
    "created_ns": 1795608000123456789,
    "ratio": 0.4111111111111111,
    "price": 12.50,
    "count": 1e3,
    "usage": {"prompt_tokens": 17, "max_tokens": 100},
    "nextPageToken": "CAUQAA",
    "ok": True,
    "password": None,
    "tokenized": False,
    "keyboard": "qwerty",
    "note": 'He said "no" \n at 5 \\ 6 – 50 % & more',
    "icon": "logo@2x.png",
    "span": "pan",
    "version": "1.2.3",
    "ean": "4006381333931",
    "isbn": "978-3-16-148410-0",
    "data": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
}


def lines(text):
    return [line.encode() for line in text.strip().splitlines()]


@pytest.mark.parametrize("line", lines(HEADERS), ids=lambda line: line.split(b":")[0].decode())
def test_headers(line):
    name, value = line.split(b": ", 1)
    assert Masker(b"k" * 16).header(name, value) == value


@pytest.mark.parametrize("target", lines(TARGETS))
def test_targets(target):
    assert Masker(b"k" * 16).target(target) == target


@pytest.mark.parametrize("media_type", TEXTS)
def test_texts(media_type):
    text = TEXTS[media_type].encode()
    assert Masker(b"k" * 16).body(media_type, None, text) == text
    asked = sent(media_type.encode(), text, "gzip", in_chunks=True)
    assert Masker(b"k" * 16).request(asked) is asked


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json(indent, ascii_only):
    body = json.dumps(DOCUMENT, indent=indent, ensure_ascii=ascii_only).encode()
    assert Masker(b"k" * 16).body("application/json", None, body) == body
    nested = json.dumps({"m": body.decode()}).encode()
    assert Masker(b"k" * 16).body("application/json", None, nested) == nested


def test_whole_messages():
    masker = Masker(b"k" * 16)
    head = b"GET /?page=2 HTTP/1.1\r\n" + b"\r\n".join(lines(HEADERS)) + b"\r\n\r\n"
    asked = request(head)
    answer = response(b"HTTP/1.1 200 OK\r\n" + head.split(b"\r\n", 1)[1], json.dumps(DOCUMENT).encode())
    assert masker.request(asked) is asked
    assert masker.response(answer) is answer
    assert not masker.counts


def test_how_often_numbers_are_taken_for_cards():
    """Of random numbers of 16 digits, one in ten passes Luhn and half of those begin as cards do; of what is no number
    of a card none."""
    draw = random.Random(7)
    numbers = [f"{draw.randrange(10**15, 10**16)}" for _ in range(2000)]
    masker = Masker(b"k" * 16)
    masked = [number for number in numbers if masker.text(number) != number]
    assert all(luhn(number.encode()) for number in masked)
    assert len(masked) < 0.075 * len(numbers)
    times = [
        f"{draw.randrange(1_600_000_000, 1_999_999_999)}{draw.randrange(10**9):09d}"[:size]
        for size in (13, 16, 19)
        for _ in range(300)
    ]
    hashes = [f"{draw.getrandbits(256):064x}" for _ in range(500)]
    uuids = [str(uuid.UUID(int=draw.getrandbits(128), version=4)) for _ in range(500)]
    fractions = [f"0.{draw.randrange(10**15, 10**16)}" for _ in range(500)]
    for text in (*times, *hashes, *uuids, *fractions):
        assert masker.text(text) == text
