"""Payloads of records read as HTTP/1, with the same reader that production's streams go through.

A record holds one message as a rule. It may hold several (an interim answer before the final one, pipelined
requests that GoReplay took for one), or less than one where GoReplay cut it: then the message has the fault
`closed_early`.
"""

from shadowtap.events import Connection, Failure, Outcome, Request, Response
from shadowtap.formats.gor.records import Record
from shadowtap.http1 import Limits, Raw, Reader, Role, field

NOT_HTTP, EXCESS = "not_http", "octets_behind_messages"

_LIMITS = Limits()
_DAY_NS = 86_400 * 10**9
"""No message takes longer; a number beyond is no duration."""


def raw_requests(payload: bytes) -> list[Raw]:
    """The requests in a payload; none where it is no HTTP."""
    reader = Reader(Role.REQUEST, limits=_LIMITS)
    return reader.feed(payload) + reader.close(None) if payload else []


def raw_answers(payload: bytes, method: bytes | None) -> list[Raw]:
    """The answers in a payload, the last of which answers a request with this method, or None if that is
    unknown."""
    asked = None if method is None else lambda begin, ack: method
    reader = Reader(Role.RESPONSE, limits=_LIMITS, method_of_next=asked)
    return reader.feed(payload) + reader.close(None) if payload else []


def excess(payload: bytes, found: list[Raw]) -> int:
    """Octets of a payload that belong to none of its messages, but for an empty line."""
    octets = len(payload)
    for raw in found:
        octets -= len(raw.head) + raw.body_bytes
    return octets if octets > 2 and found else 0


def closes(head: bytes) -> bool:
    """Whether a request is the last of its connection (RFC 9112, section 9.6)."""
    return (field(head, b"connection") or b"").lower() == b"close"


def request_of(raw: Raw, record: Record, connection: Connection, index: int) -> Request:
    """The request that a record holds."""
    method, target, version = raw.first
    begin, end = record.time_ns, record.time_ns + _duration(record)
    head, body = raw.head, raw.body
    return Request(
        connection, index, begin, end, method, target, version, head, body, raw.chunked, raw.flags, raw.fault
    )


def answer_of(raw: Raw, record: Record, request: Request | None, connection: Connection) -> Response:
    """The answer of production that a record holds.

    The latency of 40-digit IDs runs from the request's end to the answer's, that of others from the answer's
    first packet to its last.
    """
    version, status, reason = raw.first
    begin, latency = record.time_ns, _duration(record)
    if not begin and request is not None:
        begin = request.end_ns + latency
        latency = 0
    elif len(record.id) == 40:
        latency = 0
    return Response(
        connection,
        begin,
        begin + latency,
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


def outcome_of(record: Record, request: Request, target: str) -> Outcome:
    """What a target answered, as a record holds it. When its first byte came is not known: the end stands for
    it."""
    found = [raw for raw in raw_answers(record.payload, request.method) if is_last(raw)]
    elapsed_ns = _duration(record)
    if not found or found[-1].fault is not None:
        head, body = (found[-1].head, found[-1].body) if found else (b"", b"")
        return Outcome(target, request, record.time_ns, 0, elapsed_ns, 0, head, body, Failure.GARBAGE)
    raw = found[-1]
    status = int(raw.first[1])
    return Outcome(target, request, record.time_ns, elapsed_ns, elapsed_ns, status, raw.head, raw.body, None)


def is_last(raw: Raw) -> bool:
    """Whether no other answer to the same request follows this one (RFC 9110, section 15.2)."""
    return raw.first[1] >= b"200" or raw.first[1] == b"101"


def _duration(record: Record) -> int:
    return record.latency_ns if 0 < record.latency_ns < _DAY_NS else 0
