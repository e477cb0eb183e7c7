"""Requests and replies of the shop as HTTP/1.1. Pure."""

from http import HTTPStatus

from shadowtap.demo.shop import Ask, Reply

_CHUNK = 400


def request(ask: Ask, *, keep_alive: bool = True) -> bytes:
    """A request as it is sent."""
    lines = [f"{ask.method} {ask.target} HTTP/1.1"]
    lines += [f"{name.title()}: {value}" for name, value in ask.headers.items()]
    lines += [] if keep_alive else ["Connection: close"]
    return "\r\n".join([*lines, "", ""]).encode() + ask.body


def response(reply: Reply, *, keep_alive: bool = True) -> bytes:
    """A reply as it is sent."""
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}", "Server: shop"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    lines += [] if keep_alive else ["Connection: close"]
    body = reply.body
    if reply.chunked:
        lines.append("Transfer-Encoding: chunked")
        body = _chunked(body)
    elif reply.status != HTTPStatus.NO_CONTENT:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _chunked(body: bytes) -> bytes:
    pieces = [body[start : start + _CHUNK] for start in range(0, len(body), _CHUNK)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
