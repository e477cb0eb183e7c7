"""The fields of a request and of production's answer to it, for rules about traffic.

The facts are an `Exchange`; before production has answered, one without a response. Everything is compared as it was
on the wire, octet for octet: nothing is percent-decoded, no path is normalised. Only what has no case in HTTP is
compared without it: the host and the names of header fields (RFC 9110, sections 4.2.3 and 5.1), and the method,
which has one that nobody minds.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from shadowtap.events import Connection, Exchange, Request
from shadowtap.expression import values
from shadowtap.expression.expression import Expression, compile_expression
from shadowtap.expression.fields import Field, Fields, One, Reading, Several, field
from shadowtap.expression.kinds import Kind, Status, Text
from shadowtap.expression.networks import Network
from shadowtap.expression.units import DURATION, SIZE, WHOLE
from shadowtap.linear import octets_of

V = TypeVar("V")
_TEXT, _FOLDED = Text(), Text(fold=True)


def parse(text: str) -> Expression[Exchange]:
    """A rule about requests. Raises ExpressionError, whose text points at what is wrong."""
    return compile_expression(text, FIELDS)


def _asked(kind: Kind[V], read: Callable[[Request], V | None]) -> Reading[Exchange]:
    """A value of the request, missing where that was not seen."""

    def of_exchange(exchange: Exchange) -> V | None:
        request = exchange.request
        return None if request is None else read(request)

    return One(kind, of_exchange)


def _connected(kind: Kind[V], read: Callable[[Connection], V | None]) -> Reading[Exchange]:
    """A value of the connection, which either message knows."""

    def of_exchange(exchange: Exchange) -> V | None:
        message = exchange.request or exchange.response
        return None if message is None else read(message.connection)

    return One(kind, of_exchange)


def _named(
    reader: Callable[[bytes], Callable[[Request], Sequence[bytes]]], *, fold: bool = False
) -> Callable[[str], Sequence[Reading[Exchange]]]:
    """The values of a header, cookie or query field; `fold`: its name has no case."""

    def readings(key: str) -> Sequence[Reading[Exchange]]:
        read = reader(octets_of(key.lower() if fold else key))

        def of_exchange(exchange: Exchange) -> Sequence[bytes]:
            request = exchange.request
            return () if request is None else read(request)

        return (Several(_TEXT, of_exchange),)

    return readings


def _status(exchange: Exchange) -> int | None:
    return None if exchange.response is None else exchange.response.status


FIELDS: Fields[Exchange] = Fields(
    (
        field("method", "the method", _asked(_FOLDED, lambda request: request.method), always=True),
        field("host", "the host, without its port", _asked(_FOLDED, values.host)),
        field("path", "the path, without the query", _asked(_TEXT, values.path), always=True),
        Field("query", "a field of the query", _named(values.query_values), key="NAME"),
        Field("header", "a header field", _named(values.header_values, fold=True), key="NAME"),
        Field("cookie", "a cookie", _named(values.cookie_values), key="NAME"),
        field("body_size", "bytes of the body", _asked(SIZE, values.body_size), always=True),
        field(
            "client", "address of the client", _connected(Network(), lambda c: c.client.address), always=True
        ),
        field(
            "server", "address of the server", _connected(Network(), lambda c: c.server.address), always=True
        ),
        field("port", "port of the server", _connected(WHOLE, lambda c: c.server.port), always=True),
        field("vni", "VXLAN network of the mirror", _connected(WHOLE, lambda c: c.vni)),
        field("status", "status of production's answer", One(Status(), _status), needs_answer=True),
        field(
            "latency",
            "from the end of the request to the beginning of production's answer",
            One(DURATION, lambda exchange: exchange.latency_ns),
            needs_answer=True,
        ),
    ),
    dashed="header",
)
