"""What the reader framed, as the values that go out."""

from shadowtap.events import Connection, Request, Response
from shadowtap.http1 import Raw


def request_of(connection: Connection, index: int, raw: Raw) -> Request:
    """The request that a message of the client is, the `index`-th of its connection."""
    return Request(
        connection,
        index,
        raw.time_ns,
        raw.end_ns,
        *raw.first,
        raw.head,
        raw.body,
        raw.chunked,
        raw.flags,
        raw.fault,
        raw.begin,
    )


def response_of(connection: Connection, raw: Raw) -> Response:
    """The answer that a message of the server is."""
    version, status, reason = raw.first
    return Response(
        connection,
        raw.time_ns,
        raw.end_ns,
        int(status),
        reason,
        version,
        raw.head,
        raw.body,
        raw.body_bytes,
        raw.chunked,
        raw.flags,
        raw.fault,
    )
