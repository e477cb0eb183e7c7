"""What is remembered of a request to know its other leg by, and when two requests are legs of one.

The back leg of a request has its method, target and body, within a window of time, and

- one of its trace ids (X-Amzn-Trace-Id, traceparent, X-Request-Id, X-Correlation-Id, X-B3-TraceId), or
- the client's address as the last one of its X-Forwarded-For (or Forwarded), or
- its Host, and comes from the address the front leg went to;

and in each case the proxy shows: by that address, or by more addresses in X-Forwarded-For, of which the first new one
is not another client's.
"""

import re
from functools import lru_cache
from ipaddress import ip_address

from shadowtap.events import Address, Request
from shadowtap.http1 import payload

WINDOW_NS = 5_000_000_000
"""Nanoseconds between the legs of a request: what a proxy may queue."""
MAX_HOPS = 16
"""Addresses of X-Forwarded-For that are remembered; real chains have two or three."""

_FIELDS = re.compile(
    rb"\n(x-amzn-trace-id|traceparent|x-request-id|x-correlation-id|x-b3-traceid|x-forwarded-for|forwarded|host)"
    rb"[ \t]*+:((?:[^\n]++|\n[ \t])*+)"
).findall
_ROOT = re.compile(rb"root=([^;,\s]+)")
_FOR = re.compile(rb"for=\"?([^\",;\s]+)")
_ADDRESS_BYTES = 64
"""No address is longer, with port, brackets, quotes and spaces."""
_PORT = re.compile(rb":[0-9]{1,5}\Z")


class Sighting:
    """What is remembered of a request: numbers and digests, nothing that grows with it. `held` is the request itself
    while it waits. A front and a back leg have one of `as_front` and `as_back` in common."""

    __slots__ = (
        "as_back",
        "as_front",
        "client",
        "deadline_ns",
        "gone",
        "has_back",
        "has_front",
        "held",
        "hops",
        "server",
        "time_ns",
    )

    def __init__(self, request: Request) -> None:
        client, server = request.connection.client, request.connection.server
        self.client = text_of(client.address), client.port
        self.server = text_of(server.address), server.port
        self.time_ns = request.time_ns
        self.has_front = self.has_back = self.gone = False
        self.held: Request | None = None
        self.deadline_ns = 0
        same = hash((request.method, request.target, payload(request.body, request.chunked)))
        host, self.hops, marks = _told(request.head, same)
        self.as_front = [*marks, hash((same, self.client[0]))]
        self.as_back = marks
        if host:
            self.as_front.append(hash((same, host, self.server[0])))
            self.as_back.append(hash((same, host, self.client[0])))
        if self.hops and self.hops[-1]:
            self.as_back.append(hash((same, self.hops[-1])))


def are_legs(front: Sighting, back: Sighting) -> bool:
    """Whether two requests with a mark in common are the legs of one."""
    if front.has_back or back.has_front or front.server == back.server or front.client == back.client:
        return False
    if abs(back.time_ns - front.time_ns) > WINDOW_NS:
        return False
    fronts, backs = len(front.hops), len(back.hops)
    if backs < fronts:
        return False  # a proxy adds to the list, or leaves it
    if backs > fronts and back.hops[fronts] not in (None, front.client[0]):
        return False  # this one came from somebody else
    return front.server[0] == back.client[0] or backs > fronts


def _told(head: bytes, same: int) -> tuple[bytes, tuple[bytes | None, ...], list[int]]:
    """Host, the addresses it was forwarded for, and a mark for each trace id."""
    host = b""
    hops: list[bytes | None] = []
    marks: list[int] = []
    for name, value in _FIELDS(head.lower()):
        text = value.strip(b" \t\r\n")
        if name == b"host":
            host = text
        elif name == b"x-forwarded-for":
            hops += map(_address, text.split(b",", MAX_HOPS))
        elif name == b"forwarded":
            hops += map(_address, _FOR.findall(text))
        elif found := _trace_id(name, text):
            marks.append(hash((same, name, found)))
    return host, tuple(hops[:MAX_HOPS]), marks


def _trace_id(name: bytes, text: bytes) -> bytes:
    """What stays the same from leg to leg."""
    if name == b"x-amzn-trace-id":
        root = _ROOT.search(text)
        return root[1] if root else b""
    if name == b"traceparent":
        parts = text.split(b"-")
        return parts[1] if len(parts) >= 4 else b""
    return text


@lru_cache(maxsize=4096)
def text_of(address: Address) -> bytes:
    """An address as text, which compares faster."""
    return str(address).encode()


def _address(text: bytes) -> bytes | None:
    """An address in X-Forwarded-For or Forwarded, in its usual spelling without port; None for what is none, such as
    `unknown`."""
    return _known_address(text) if len(text) <= _ADDRESS_BYTES else None


@lru_cache(maxsize=4096)
def _known_address(text: bytes) -> bytes | None:
    bare = text.strip(b' \t\r\n"')
    if bare.startswith(b"["):
        bare = bare[1:].partition(b"]")[0]
    elif bare.count(b":") == 1:
        bare = _PORT.sub(b"", bare)
    try:
        return str(ip_address(bare.decode("ascii"))).encode()
    except ValueError:
        return None
