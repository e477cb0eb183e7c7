"""Arrow batches → observations: the way back from `columns`, exact.

Columns that are missing are read as null, names of flags that are not known are left out, and an unknown fault is
read as `malformed`, so that files of a later release of the same schema version can be read.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from shadowtap.events import (
    Connection,
    Difference,
    Endpoint,
    Exchange,
    Failure,
    Fault,
    Flag,
    Observation,
    Outcome,
    Request,
    Response,
    Verdict,
    replace,
)
from shadowtap.record.schema import SCHEMA

_DERIVED = ("time", "run", "path", "query", "host", "request_body_bytes", "media_type", "latency_ns")
EVERYTHING = [name for name in SCHEMA.names if name not in _DERIVED]
"""The columns that observations are made of; the others are there for queries."""
EXCHANGE_ONLY = [name for name in EVERYTHING if name not in ("outcomes", "verdicts")]
"""Those to read where only production's side is wanted; the observations then have no outcomes."""

_FLAGS = {str(flag): flag for flag in Flag}
_FAULTS = {str(fault): fault for fault in Fault}
_FAILURES = {str(failure): failure for failure in Failure}
Row = dict[str, Any]


def observations(batch: Any) -> Iterator[Observation]:
    """One observation per row of a table or record batch, in its order."""
    connections: dict[tuple[Any, ...], Connection] = {}
    names = batch.schema.names
    columns = [batch.column(name).to_pylist() for name in names]
    missing = dict.fromkeys(name for name in SCHEMA.names if name not in names)
    for values in zip(*columns, strict=True):
        row = {**missing, **dict(zip(names, values, strict=True))}
        yield _observation(row, _connection(row, connections))


def _observation(row: Row, connection: Connection | None) -> Observation:
    request = _request(row, connection) if connection is not None and row["method"] is not None else None
    response = _response(row, connection) if connection is not None and row["status"] is not None else None
    exchange = Exchange(request, response, bool(row["lost_request"]))
    reason = row["fate_reason"]
    return Observation(
        exchange,
        row["fate"] or "" if reason is None else f"{row['fate']}: {reason}",
        tuple(_outcome(found, exchange, connection) for found in row["outcomes"] or ()),
        tuple(_verdict(found) for found in row["verdicts"] or ()),
    )


def _connection(row: Row, known: dict[tuple[Any, ...], Connection]) -> Connection | None:
    number, vni = row["connection"], row["vni"]
    client, server = row["client_address"], row["server_address"]
    if number is None or client is None or server is None:
        return None
    key = (number, client, row["client_port"], server, row["server_port"], vni)
    found = known.get(key)
    if found is None:
        ends = Endpoint(ip_address(client), key[2]), Endpoint(ip_address(server), key[4])
        found = known[key] = Connection(number, *ends, vni)
    return found


def _request(row: Row, connection: Connection) -> Request:
    raw = row["target_raw"]
    return Request(
        connection,
        row["request_index"],
        row["request_time_ns"],
        row["request_end_ns"],
        row["method"].encode("latin-1"),
        row["target"].encode() if raw is None else raw,
        row["request_version"].encode("latin-1"),
        row["request_head"],
        row["request_body"],
        row["request_chunked"],
        _flags(row["request_flags"]),
        _fault(row["request_fault"]),
    )


def _response(row: Row, connection: Connection) -> Response:
    return Response(
        connection,
        row["response_time_ns"],
        row["response_end_ns"],
        row["status"],
        row["reason"].encode("latin-1"),
        row["response_version"].encode("latin-1"),
        row["response_head"],
        row["response_body"],
        row["response_body_bytes"],
        row["response_chunked"],
        _flags(row["response_flags"]),
        _fault(row["response_fault"]),
    )


def _flags(names: list[str] | None) -> tuple[Flag, ...]:
    return tuple(_FLAGS[name] for name in names if name in _FLAGS) if names else ()


def _fault(name: str | None) -> Fault | None:
    return None if name is None else _FAULTS.get(name, Fault.MALFORMED)


def _outcome(found: Row, exchange: Exchange, connection: Connection | None) -> Outcome:
    failure, body = found["failure"], found["body"]
    if body is None:
        body = exchange.response.body if exchange.response is not None else b""
    return Outcome(
        found["target"],
        _sent(found, exchange.request, connection),
        found["sent_ns"],
        found["first_byte_ns"],
        found["elapsed_ns"],
        found["status"],
        found["head"],
        body,
        None if failure is None else _FAILURES.get(failure, Failure.GARBAGE),
    )


def _sent(found: Row, request: Request | None, connection: Connection | None) -> Request:
    """The request that was sent: production's, with what a rewriting may have changed."""
    if request is None:
        nowhere = Endpoint(ip_address(0), 0)
        own = connection or Connection(0, nowhere, nowhere, None)
        request = Request(own, 0, 0, 0, b"", b"", b"", b"", b"", False, (), None)
    if found["sent_head"] is None:
        return request
    return replace(
        request,
        method=found["sent_method"],
        target=found["sent_target"],
        version=found["sent_version"],
        head=found["sent_head"],
        body=found["sent_body"],
        chunked=found["sent_chunked"],
    )


def _verdict(found: Row) -> Verdict:
    return Verdict(
        found["target"],
        tuple(_difference(d) for d in found["differences"]),
        tuple((_difference(d), d["rule"]) for d in found["noise"]),
        found["skipped"],
    )


def _difference(found: Row) -> Difference:
    return Difference(found["kind"], found["place"], found["production"], found["target"])
