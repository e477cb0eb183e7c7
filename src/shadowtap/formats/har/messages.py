"""HAR entries made into messages: heads put together anew, bodies packed as nothing but their length says."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from shadowtap.content.media import media_type_and_charset
from shadowtap.events import Connection, Fault, Request, Response
from shadowtap.formats.har.texts import octets_of

_METHOD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}")
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}")
_NO_TARGET = re.compile(rb"[\x00-\x20\x7f]")
_NO_VALUE = re.compile(rb"[\r\n\0]")
_FRAMING = (b"content-length", b"transfer-encoding")
_BODILESS = (204, 304)

Json = Mapping[str, Any]


def request_of(
    made: Json,
    connection: Connection,
    index: int,
    times: tuple[int, int],
    target: str | None,
    fault: Fault | None,
) -> Request:
    """The request of an entry; `target` is its exact target where that is known. Raises ValueError, KeyError or
    TypeError where it is none."""
    method = _octets(made["method"])
    if not _METHOD.fullmatch(method):
        raise ValueError("method")
    url = str(made["url"])
    octets = _escaped(_target(url) if target is None else target)
    body = _posted(made.get("postData"))
    fields = _fields(made["headers"], without=(b"content-encoding",) if body else ())
    if not any(name.lower() == b"host" for name, _ in fields):
        host = _pseudo(made["headers"], ":authority") or urlsplit(url).netloc.rpartition("@")[2]
        fields.insert(0, (b"Host", _octets(host)))
    if body or any(str(pair.get("name", "")).lower() in ("content-length",) for pair in made["headers"]):
        fields.append((b"Content-Length", b"%d" % len(body)))
    head = _head(b"%b %b HTTP/1.1" % (method, octets), fields)
    return Request(connection, index, *times, method, octets, b"1.1", head, body, False, (), fault)


def response_of(made: Json, request: Request, times: tuple[int, int], fault: Fault | None) -> Response | None:
    """The answer of an entry, or None where there was none. Raises as `request_of`."""
    status = int(made["status"])
    if not 100 <= status <= 999:
        return None
    content = made.get("content") or {}
    kept = "text" in content or not int(content.get("size") or 0)
    bodiless = request.method == b"HEAD" or status in _BODILESS or status < 200
    body = b"" if bodiless or not kept else octets_of(content, _charset(content.get("mimeType")))
    size = len(body) if kept or bodiless else int(content["size"])
    fields = _fields(made["headers"], without=() if bodiless or not kept else (b"content-encoding",))
    if not bodiless:
        fields.append((b"Content-Length", b"%d" % size))
    reason = _NO_VALUE.sub(b" ", _octets(made.get("statusText") or ""))
    head = _head(b"HTTP/1.1 %d %b" % (status, reason), fields)
    connection = request.connection
    return Response(connection, *times, status, reason, b"1.1", head, body, size, False, (), fault)


def _posted(posted: Json | None) -> bytes:
    if not posted:
        return b""
    if posted.get("text"):
        return octets_of(dict(posted), _charset(posted.get("mimeType")))
    pairs = [(str(pair.get("name", "")), str(pair.get("value") or "")) for pair in posted.get("params") or ()]
    return urlencode(pairs).encode()


def _charset(mime: object) -> str | None:
    return media_type_and_charset(str(mime).encode())[1] if mime else None


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _escaped(target: str) -> bytes:
    return _NO_TARGET.sub(lambda octet: b"%%%02X" % octet[0][0], _octets(target)) or b"/"


def _fields(listed: list[Json], *, without: tuple[bytes, ...]) -> list[tuple[bytes, bytes]]:
    """Header fields but for those that follow the body, the names in `without`, and what is no field."""
    pairs = [(_octets(pair["name"]), _NO_VALUE.sub(b" ", _octets(pair["value"]))) for pair in listed]
    left_out = _FRAMING + without
    return [pair for pair in pairs if _NAME.fullmatch(pair[0]) and pair[0].lower() not in left_out]


def _pseudo(listed: list[Json], name: str) -> str:
    return next((str(pair["value"]) for pair in listed if pair["name"] == name), "")


def _head(line: bytes, fields: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join([line, b"\r\n", *(b"%b: %b\r\n" % pair for pair in fields), b"\r\n"])


def _octets(text: object) -> bytes:
    return str(text).encode("utf-8", "surrogatepass")
