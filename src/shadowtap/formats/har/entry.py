"""One observation as a HAR entry (softwareishard.com/blog/har-12-spec)."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from shadowtap.content import Content, Unreadable, content_of
from shadowtap.events import Observation, Outcome, Request, Response
from shadowtap.formats.har.texts import base64_of, body_of, parameters, text_of
from shadowtap.http1 import field, headers, payload

LIMIT_BYTES = 64 << 20
"""Octets of a body that is unpacked; a larger one stands there as it was sent, in base64."""
OWN = "_shadowtap"
NO_ANSWER = "no answer was seen"

_URI, _HOST = "/?:@!$&'()*+,;=%~", "[]:!$&'()*+,;=~"
_STRAY = re.compile("%(?![0-9A-Fa-f]{2})")
_ABSOLUTE = re.compile("[a-z][a-z0-9+.-]*://[^/]", re.IGNORECASE)


def entry_of(observation: Observation, request: Request) -> dict[str, Any]:
    """The entry; `request` is the observation's. Milliseconds, as HAR has it."""
    response = observation.exchange.response
    timings = _timings(request, response)
    return {
        "startedDateTime": _moment(request.time_ns),
        "time": sum(timings.values()),
        "request": _request(request),
        "response": _no_response() if response is None else _response(response),
        "cache": {},
        "timings": timings,
        "serverIPAddress": str(request.connection.server.address),
        "connection": str(request.connection.number),
        OWN: _own(observation, request),
    }


def url_of(request: Request) -> str:
    """What a client would have asked for, as a valid URI (RFC 3986). The scheme is http: what was captured
    was in the clear."""
    target = _STRAY.sub("%25", quote(request.target, safe=_URI))
    if _ABSOLUTE.match(target):
        return target
    host = field(request.head, b"host") or b""
    authority = quote(host, safe=_HOST) if host else str(request.connection.server)
    return f"http://{authority}{target if target.startswith('/') else '/'}"


def _request(request: Request) -> dict[str, Any]:
    _, _, query = request.target.partition(b"?")
    made: dict[str, Any] = {
        "method": text_of(request.method),
        "url": url_of(request),
        "httpVersion": f"HTTP/{text_of(request.version).removeprefix('HTTP/')}",
        "cookies": _cookies(request.head, b"cookie"),
        "headers": _headers(request.head),
        "queryString": parameters(query.partition(b"#")[0]),
        "headersSize": len(request.head),
        "bodySize": len(payload(request.body, request.chunked)),
    }
    if request.body:
        mime, body, _ = _body(request)
        made["postData"] = {"mimeType": mime, "params": [], **body}
    return made


def _response(response: Response) -> dict[str, Any]:
    mime, body, size = _body(response)
    kept = not response.body_bytes or bool(response.body)
    on_wire = len(payload(response.body, response.chunked)) if kept else response.body_bytes
    content: dict[str, Any] = {"size": size if kept else on_wire, "mimeType": mime}
    if kept:
        content |= {"compression": max(size - on_wire, 0)} | body
    return {
        "status": response.status,
        "statusText": text_of(response.reason),
        "httpVersion": f"HTTP/{text_of(response.version).removeprefix('HTTP/')}",
        "cookies": _cookies(response.head, b"set-cookie"),
        "headers": _headers(response.head),
        "content": content,
        "redirectURL": text_of(field(response.head, b"location") or b""),
        "headersSize": len(response.head),
        "bodySize": on_wire,
    }


def _no_response() -> dict[str, Any]:
    return {
        "status": 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": ""},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
        "_error": NO_ANSWER,
    }


def _body(message: Request | Response) -> tuple[str, dict[str, str], int]:
    """Its media type, the body, and its octets when unpacked."""
    mime = text_of(field(message.head, b"content-type") or b"")
    content = content_of(message, limit_bytes=LIMIT_BYTES)
    if isinstance(content, Unreadable):
        octets = payload(message.body, message.chunked)
        return mime, {**base64_of(octets), "_unreadable": str(content.reason)}, len(octets)
    return mime, body_of(content) if isinstance(content, Content) else {}, len(content.data)


def _headers(head: bytes) -> list[dict[str, str]]:
    return [{"name": text_of(name), "value": text_of(value)} for name, value in headers(head)]


def _cookies(head: bytes, name: bytes) -> list[dict[str, Any]]:
    values = [text_of(value) for key, value in headers(head) if key.lower() == name]
    if name == b"cookie":
        pairs = [pair.strip().partition("=") for value in values for pair in value.split(";")]
        return [{"name": key, "value": value} for key, _, value in pairs if key]
    return [_set_cookie(value) for value in values]


def _set_cookie(text: str) -> dict[str, Any]:
    first, *attributes = text.split(";")
    name, _, value = first.strip().partition("=")
    made: dict[str, Any] = {"name": name, "value": value}
    for attribute in attributes:
        key, _, value = attribute.strip().partition("=")
        match key.lower():
            case "path" | "domain" as kept:
                made[kept] = value
            case "httponly":
                made["httpOnly"] = True
            case "secure":
                made["secure"] = True
    return made


def _timings(request: Request, response: Response | None) -> dict[str, float]:
    send = _ms(request.end_ns - request.time_ns)
    if response is None:
        return {"send": send, "wait": 0.0, "receive": 0.0}
    wait, receive = _ms(response.time_ns - request.end_ns), _ms(response.end_ns - response.time_ns)
    return {"send": send, "wait": wait, "receive": receive}


def _own(observation: Observation, request: Request) -> dict[str, Any]:
    response, connection = observation.exchange.response, request.connection
    return {
        "time_ns": request.time_ns,
        "request_end_ns": request.end_ns,
        "response_ns": None if response is None else [response.time_ns, response.end_ns],
        "client": str(connection.client),
        "server": str(connection.server),
        "vni": connection.vni,
        "index": request.index,
        "target": text_of(request.target),
        "faults": [_name(request.fault), None if response is None else _name(response.fault)],
        "fate": observation.fate,
        "outcomes": [_outcome(outcome) for outcome in observation.outcomes],
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "target": outcome.target,
        "status": outcome.status,
        "failure": _name(outcome.failure),
        "sent_ns": outcome.sent_ns,
        "first_byte_ns": outcome.first_byte_ns,
        "elapsed_ns": outcome.elapsed_ns,
    }


def _name(value: object) -> str | None:
    return None if value is None else str(value)


def _ms(ns: int) -> float:
    return max(ns, 0) / 1e6


def _moment(ns: int) -> str:
    """ISO 8601 with milliseconds, which every reader understands."""
    moment = datetime.fromtimestamp(ns // 10**9, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns // 10**6 % 1000:03d}Z"
