"""Messages to mask, and every way in which one secret can be written."""

import base64
import gzip
import html
import json
import zlib
from ipaddress import ip_address
from urllib.parse import quote

import zstandard

from shadowtap.events import Connection, Endpoint, Request, Response

CONNECTION = Connection(5, Endpoint(ip_address("10.0.8.9"), 40_000), Endpoint(ip_address("10.0.1.20"), 80), 7)


def request(head, body=b"", *, chunked=False, flags=(), fault=None, index=0):
    method, target, version = ([*head.split(b"\r\n")[0].split(b" "), b"", b""])[:3]
    version = version.removeprefix(b"HTTP/")
    return Request(CONNECTION, index, 1, 2, method, target, version, head, body, chunked, flags, fault)


def response(head, body=b"", *, chunked=False, flags=(), fault=None):
    status, reason = [*head.split(b"\r\n")[0].split(b" ", 2), b"200", b""][1:3]
    return Response(
        CONNECTION, 3, 4, int(status), reason, b"1.1", head, body, len(body), chunked, flags, fault
    )


def chunks(octets, size=7):
    parts = [octets[at : at + size] for at in range(0, len(octets), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


CODINGS = {
    "": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
}


def sent(media_type, octets, coding="", *, in_chunks=False, line=b"POST /in HTTP/1.1"):
    """A request with this body."""
    octets = CODINGS[coding](octets)
    head = [line, b"Host: shop", b"Content-Type: " + media_type]
    if coding:
        head.append(b"Content-Encoding: " + coding.encode())
    if in_chunks:
        head.append(b"Transfer-Encoding: chunked")
    else:
        head.append(b"Content-Length: %d" % len(octets))
    return request(
        b"\r\n".join([*head, b"", b""]), chunks(octets) if in_chunks else octets, chunked=in_chunks
    )


def writings(secret):
    """A secret as it may be found in octets: as it is, and in each encoding that can be read without a key."""
    yield secret.encode()
    yield secret.encode().lower()
    for written in (
        quote(secret, safe=""),
        quote(secret, safe="@+ "),
        json.dumps(secret)[1:-1],
        html.escape(secret),
    ):
        yield written.encode()
        yield written.lower().encode()
    yield "".join(f"%{octet:02X}" for octet in secret.encode()).encode()
    yield "".join(f"\\u{ord(letter):04x}" for letter in secret).encode()
    yield "".join(f"&#{ord(letter)};" for letter in secret).encode()
    yield secret.encode("utf-16-le")
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + secret.encode())
        yield encoded[4 if shift else 0 : -4]
    bare = "".join(letter for letter in secret if letter.isalnum())
    if bare.isdigit():
        yield bare.encode()
