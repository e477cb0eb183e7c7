"""What is read off a request: the parts that rules ask for, as octets, exactly as they were on the wire.

Each costs what it must and no more: a header is searched for, not parsed, unless it is folded or there several times.
"""

from collections.abc import Callable, Sequence

from shadowtap.events import Request
from shadowtap.http1 import field as first_value
from shadowtap.http1 import headers, payload

_NOTHING: Sequence[bytes] = ()

# -- the request line ----------------------------------------------------------------------------------------


def method(request: Request) -> bytes:
    """GET, POST and so on."""
    return request.method


def path(request: Request) -> bytes:
    """The target without its query; of an absolute target (RFC 9112, section 3.2.2) what follows the host."""
    target = request.target
    if target[:1] != b"/":
        target = _absolute(target)[1] if request.method != b"CONNECT" else b""
    end = target.find(b"?")
    return target if end < 0 else target[:end]


def host(request: Request) -> bytes | None:
    """The host without its port: of an absolute target, else of the Host field."""
    authority = None if request.target[:1] == b"/" else _absolute(request.target)[0]
    if authority is None:
        authority = _host_field(request.head)
    return None if authority is None else _without_port(authority)


def _host_field(head: bytes) -> bytes | None:
    at = head.find(b"\nHost:")  # as nearly all write it
    if at < 0:
        return first_value(head, b"host")
    return head[at + 6 : head.find(b"\n", at + 6)].strip(b" \t\r")


def _absolute(target: bytes) -> tuple[bytes | None, bytes]:
    """The host with its port of an absolute target, and what follows; None where it is none, such as `*`."""
    scheme, found, rest = target.partition(b"://")
    if not found or not scheme.isalnum():
        return None, target
    end = min((at for mark in (b"/", b"?") if (at := rest.find(mark)) >= 0), default=len(rest))
    local = rest[end:]
    return rest[:end].rpartition(b"@")[2], local if local[:1] == b"/" else b"/" + local


def _without_port(authority: bytes) -> bytes:
    name, colon, port = authority.rpartition(b":")
    return name if colon and (not port or port.isdigit()) else authority


def query_values(name: bytes) -> Callable[[Request], Sequence[bytes]]:
    """What reads the values of one field of the query; one without `=` has an empty value."""
    start, with_value = b"&" + name, b"&" + name + b"="

    def read(request: Request) -> Sequence[bytes]:
        _, mark, query = request.target.partition(b"?")
        fields = b"&" + query
        if not mark or start not in fields:
            return _NOTHING
        if fields.count(start) == 1 and (at := fields.find(with_value)) >= 0:
            return (fields[at + len(with_value) :].partition(b"&")[0],)
        pairs = (pair.partition(b"=") for pair in query.split(b"&"))
        return [value for key, _, value in pairs if key == name]

    return read


# -- the header ----------------------------------------------------------------------------------------------


def header_values(name: bytes) -> Callable[[Request], Sequence[bytes]]:
    """What reads the values of all header fields of one name, which is in lower case."""
    start = b"\n" + name

    def read(request: Request) -> Sequence[bytes]:
        head = request.head
        lower = head.lower()
        at = lower.find(start)
        if at < 0:
            return _NOTHING
        colon = at + len(start)
        end = head.find(b"\n", colon)
        if (
            lower[colon : colon + 1] != b":"
            or head[end + 1 : end + 2] in (b" ", b"\t")
            or lower.find(start, end) >= 0
        ):
            return [value for key, value in headers(head) if key.lower() == name]
        return (head[colon + 1 : end if end >= 0 else len(head)].strip(b" \t\r"),)

    return read


def cookie_values(name: bytes) -> Callable[[Request], Sequence[bytes]]:
    """What reads the values of one cookie (RFC 6265, section 4.2.1)."""
    cookies = header_values(b"cookie")

    def read(request: Request) -> Sequence[bytes]:
        head = request.head
        at = head.find(name)
        if at < 0:
            return _NOTHING
        if head.find(name, at + 1) < 0:
            value = _only_cookie(head, at, at + len(name))
            if value is not None:
                return (value,)
        return [value for line in cookies(request) for value in _cookies(line, name)]

    return read


def _only_cookie(head: bytes, start: int, equals: int) -> bytes | None:
    """The value of a cookie whose name stands nowhere else; None where a closer look is needed."""
    begin, end = head.rfind(b"\n", 0, start) + 1, head.find(b"\n", equals)
    if head[begin : begin + 7].lower() != b"cookie:" or head[equals : equals + 1] != b"=":
        return None
    before = head[begin + 7 : start].rstrip(b" \t")
    if (before and before[-1] != 0x3B) or head[end + 1 : end + 2] in (b" ", b"\t"):
        return None
    return head[equals + 1 : end].partition(b";")[0].strip(b" \t\r")


def _cookies(line: bytes, name: bytes) -> Sequence[bytes]:
    if name not in line:
        return _NOTHING
    pairs = (pair.partition(b"=") for pair in line.split(b";"))
    return [value.strip(b" \t") for key, equals, value in pairs if equals and key.strip(b" \t") == name]


# -- the body ------------------------------------------------------------------------------------------------


def body_size(request: Request) -> int:
    """Octets of the body, without the framing of a chunked one."""
    return len(payload(request.body, True)) if request.chunked else len(request.body)
