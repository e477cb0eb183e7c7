"""Observations → one Arrow batch, column by column.

Rows are many and small, so next to nothing is done per row. Texts are checked together: nearly always they are
ASCII. About 6 µs a row with answers of 1 KiB, of which most is copying bytes.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from shadowtap.events import Connection, Exchange, Flag, Observation, Request, Response
from shadowtap.http1 import field
from shadowtap.record.arrow import pa
from shadowtap.record.gather import requests_by_field, responses_by_field
from shadowtap.record.outcomes import outcome_column, verdict_column
from shadowtap.record.schema import SCHEMA
from shadowtap.record.texts import binary, latin_text, nothing_or, starts, text, utf8_text

_HOST = re.compile(rb"\n[Hh][Oo][Ss][Tt]:[ \t]*([^\r\n]*)")
_MEDIA_TYPE = re.compile(rb"\n[Cc]ontent-[Tt]ype:[ \t]*([^;\r\n]*)")
_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)(.*)", re.DOTALL)

Texts = list[bytes | None]


def times_ns(observations: Sequence[Observation], now_ns: int) -> Any:
    """When each began, int64: its request's first byte, or its answer's, or `now_ns` where it has neither."""
    found = [
        e.request.time_ns
        if e.request is not None
        else e.response.time_ns
        if e.response is not None
        else now_ns
        for e in [o.exchange for o in observations]
    ]
    return np.array(found, np.int64)


def batch(observations: Sequence[Observation], times: Any, run: str) -> Any:
    """The record batch of `SCHEMA` with one row per observation; `times` as of `times_ns`."""
    exchanges = [o.exchange for o in observations]
    columns = {
        "time": pa.array(times // 1000, pa.timestamp("us", tz="UTC")),
        "run": pa.repeat(pa.scalar(run), len(times)),
        "lost_request": pa.array([e.lost_request for e in exchanges], pa.bool_()),
        **_connections([_connection(e) for e in exchanges]),
        **_requests([e.request for e in exchanges]),
        **_responses([e.response for e in exchanges]),
        **_fates([o.fate for o in observations]),
        "outcomes": outcome_column(observations),
        "verdicts": verdict_column(observations),
    }
    columns["latency_ns"] = pa.compute.subtract(columns["response_time_ns"], columns["request_end_ns"])
    return pa.record_batch([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _connection(exchange: Exchange) -> Connection | None:
    message = exchange.request or exchange.response
    return None if message is None else message.connection


def _connections(connections: list[Connection | None]) -> dict[str, Any]:
    """Few connections make many rows: the columns of each are made once, then taken for every row."""
    index: dict[int, int] = {}
    rows = [index.setdefault(id(c), len(index)) for c in connections]
    unique: list[Connection | None] = [None] * len(index)
    for row, connection in zip(rows, connections, strict=True):
        unique[row] = connection
    clients = [None if c is None else c.client for c in unique]
    servers = [None if c is None else c.server for c in unique]
    columns = {
        "connection": pa.array([None if c is None else c.number for c in unique], pa.int64()),
        "client_address": pa.array([None if e is None else str(e.address) for e in clients], pa.string()),
        "client_port": pa.array([None if e is None else e.port for e in clients], pa.int32()),
        "server_address": pa.array([None if e is None else str(e.address) for e in servers], pa.string()),
        "server_port": pa.array([None if e is None else e.port for e in servers], pa.int32()),
        "vni": pa.array([None if c is None else c.vni for c in unique], pa.int32()),
    }
    taken = pa.array(rows, pa.int32())
    return {name: column.take(taken) for name, column in columns.items()}


def _requests(requests: list[Request | None]) -> dict[str, Any]:
    index, time, end, methods, targets, versions, heads, bodies, chunked, flags, faults = requests_by_field(
        requests
    )
    target, raw = utf8_text(targets)
    local = [t if t is None or t[:1] == b"/" else _local(t) for t in targets]
    parts = [(None, b"", None) if t is None else t.partition(b"?") for t in local]
    return {
        "request_index": pa.array(index, pa.int64()),
        "method": latin_text(methods),
        "target": target,
        "target_raw": raw,
        "path": utf8_text([part[0] for part in parts])[0],
        "query": utf8_text([part[2] if part[1] else None for part in parts])[0],
        "host": utf8_text(_hosts(heads, targets))[0],
        "request_version": latin_text(versions),
        "request_time_ns": pa.array(time, pa.int64()),
        "request_end_ns": pa.array(end, pa.int64()),
        "request_head": binary(heads),
        "request_body": binary(bodies),
        "request_body_bytes": pa.array([None if b is None else len(b) for b in bodies], pa.int64()),
        "request_chunked": pa.array(chunked, pa.bool_()),
        "request_flags": _flags(flags),
        "request_fault": nothing_or(faults, pa.string()),
    }


def _responses(responses: list[Response | None]) -> dict[str, Any]:
    time, end, statuses, reasons, versions, heads, bodies, octets, chunked, flags, faults = (
        responses_by_field(responses)
    )
    return {
        "status": pa.array(statuses, pa.int32()),
        "reason": latin_text(reasons),
        "response_version": latin_text(versions),
        "media_type": utf8_text([None if head is None else _media_type(head) for head in heads])[0],
        "response_time_ns": pa.array(time, pa.int64()),
        "response_end_ns": pa.array(end, pa.int64()),
        "response_head": binary(heads),
        "response_body": binary(bodies),
        "response_body_bytes": pa.array(octets, pa.int64()),
        "response_chunked": pa.array(chunked, pa.bool_()),
        "response_flags": _flags(flags),
        "response_fault": nothing_or(faults, pa.string()),
    }


def _fates(fates: list[str]) -> dict[str, Any]:
    parts = [fate.partition(": ") for fate in fates]
    return {
        "fate": text([part[0] for part in parts]),
        "fate_reason": text([part[2] if part[1] else None for part in parts]),
    }


def _flags(flags: list[tuple[Flag, ...]]) -> Any:
    values = [flag for several in flags for flag in several]
    return pa.ListArray.from_arrays(starts(flags), pa.array(values, pa.string()))


def _local(target: bytes) -> bytes:
    """Path and query of a target in absolute form; other forms as they are."""
    found = _ABSOLUTE.fullmatch(target)
    return target if found is None else found[2] or b"/"


def _hosts(heads: Texts, targets: Texts) -> Texts:
    return [
        None if head is None else _host(head, target) for head, target in zip(heads, targets, strict=True)
    ]


def _host(head: bytes, target: bytes | None) -> bytes | None:
    found = _HOST.search(head)
    if found is not None:
        return found[1].rstrip()
    absolute = _ABSOLUTE.fullmatch(target or b"")
    return None if absolute is None else absolute[1].rpartition(b"@")[2]


def _media_type(head: bytes) -> bytes | None:
    found = _MEDIA_TYPE.search(head)
    value = found[1] if found is not None else field(head, b"content-type")
    return None if value is None else _bare(value)


@lru_cache(maxsize=1024)
def _bare(value: bytes) -> bytes:
    return value.partition(b";")[0].strip().lower()
