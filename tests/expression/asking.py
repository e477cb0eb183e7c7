"""Exchanges to ask about, written as they are on the wire, and the figures of an imagined run."""

from dataclasses import dataclass
from ipaddress import ip_address

from shadowtap.events import Connection, Endpoint, Exchange, Request, Response
from shadowtap.expression import (
    DURATION,
    FACTOR,
    PLAIN,
    SHARE,
    Expression,
    Fields,
    One,
    compile_expression,
    field,
    parse,
)

SHOP = b"GET /cart/7?page=2&empty=&flag HTTP/1.1\r\nHost: Shop.example:8080\r\nX-One: 1\r\n\r\n"


def connection(number: int = 0, client: str = "10.1.2.3", server: str = "10.0.1.20", vni: int | None = None):
    """A connection to port 80."""
    return Connection(number, Endpoint(ip_address(client), 40_000), Endpoint(ip_address(server), 80), vni)


def asked(octets: bytes = SHOP, on: Connection | None = None, index: int = 0) -> Request:
    """A request from its octets; it took 10 ns."""
    at = octets.find(b"\r\n\r\n") + 4
    head, body = octets[:at], octets[at:]
    method, target, version = head.split(b"\r\n")[0].split(b" ")
    chunked = b"transfer-encoding: chunked" in head.lower()
    return Request(
        on or connection(), index, 0, 10, method, target, version[5:], head, body, chunked, (), None
    )


def answered(request: Request, status: int = 200, latency_ms: float = 5) -> Exchange:
    """The request with production's answer to it."""
    begin = request.end_ns + round(latency_ms * 1e6)
    head = b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\n" % status
    response = Response(
        request.connection, begin, begin, status, b"X", b"1.1", head, b"ok", 2, False, (), None
    )
    return Exchange(request, response)


def holds(text: str, octets: bytes = SHOP, **on) -> bool:
    """Whether an expression holds for a request, before there is an answer."""
    return parse(text).matches(Exchange(asked(octets, connection(**on)), None))


@dataclass
class Run:
    """The figures of an imagined run."""

    requests: float = 1000
    mismatch: float | None = 0.003
    p99_ns: float = 512e6
    p99_factor: float = 1.31


RUN: Fields[Run] = Fields(
    (
        field("requests", "requests compared", One(PLAIN, lambda run: run.requests), always=True),
        field("mismatch", "share of answers that differ", One(SHARE, lambda run: run.mismatch)),
        field(
            "p99",
            "99th percentile of latency, or how many times production's",
            One(DURATION, lambda run: run.p99_ns),
            One(FACTOR, lambda run: run.p99_factor),
        ),
    )
)


def of_run(text: str) -> Expression[Run]:
    """An expression about a run."""
    return compile_expression(text, RUN)
