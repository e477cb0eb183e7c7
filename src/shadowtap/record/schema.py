"""The columns of a recording, version 1: one row per `Observation`. docs/recording.md shows this table.

Types are those that every reader has. Parquet's nanosecond timestamps are refused by Spark, so `time` has
microseconds and the exact times are int64 nanoseconds since the Unix epoch. There are no unsigned integers, no
dictionaries and no maps. Columns may be added within a version: readers take those they know by name and take
missing ones as null. A column that changes its meaning makes a new version.
"""

from typing import Any, NamedTuple

from shadowtap.record.arrow import pa

VERSION = 1
VERSION_KEY = b"shadowtap.schema"
RUN_KEY = b"shadowtap.run"
MASKED_KEY = b"shadowtap.masked"
WRITER_KEY = b"shadowtap.version"

_STRINGS = pa.list_(pa.string())

DIFFERENCE = pa.struct(
    [
        ("kind", pa.string()),
        ("place", pa.string()),
        ("production", pa.string()),
        ("target", pa.string()),
    ]
)
NOISE = pa.struct([*DIFFERENCE, ("rule", pa.string())])
OUTCOME = pa.struct(
    [
        ("target", pa.string()),
        ("status", pa.int32()),
        ("failure", pa.string()),
        ("sent_ns", pa.int64()),
        ("first_byte_ns", pa.int64()),
        ("elapsed_ns", pa.int64()),
        ("head", pa.binary()),
        ("body", pa.binary()),
        ("sent_method", pa.binary()),
        ("sent_target", pa.binary()),
        ("sent_version", pa.binary()),
        ("sent_head", pa.binary()),
        ("sent_body", pa.binary()),
        ("sent_chunked", pa.bool_()),
    ]
)
VERDICT = pa.struct(
    [
        ("target", pa.string()),
        ("same", pa.bool_()),
        ("skipped", pa.string()),
        ("differences", pa.list_(DIFFERENCE)),
        ("noise", pa.list_(NOISE)),
    ]
)


class Column(NamedTuple):
    """One column, with what docs/recording.md says of it."""

    name: str
    type: Any
    meaning: str


COLUMNS = (
    Column(
        "time",
        pa.timestamp("us", tz="UTC"),
        "first byte of the request, or of the answer where no request was seen",
    ),
    Column("run", pa.string(), "which run recorded it; connection numbers are unique within a run"),
    Column("connection", pa.int64(), "number of the TCP connection in its run"),
    Column("request_index", pa.int64(), "which request of its connection, from 0; null: none was seen"),
    Column("client_address", pa.string(), "IPv4 or IPv6 address of the client"),
    Column("client_port", pa.int32(), "its TCP port"),
    Column("server_address", pa.string(), "address of production's server"),
    Column("server_port", pa.int32(), "its TCP port"),
    Column("vni", pa.int32(), "VXLAN or GENEVE network the packets came from; null: none"),
    Column("method", pa.string(), "request method"),
    Column("target", pa.string(), "request target as sent: UTF-8, or Latin-1 where it is no UTF-8"),
    Column("path", pa.string(), "the target without scheme, host and query"),
    Column("query", pa.string(), "what follows the first `?` of the target; null: no `?`"),
    Column("host", pa.string(), "Host header, or the host in the target"),
    Column("request_version", pa.string(), "HTTP version of the request, such as 1.1"),
    Column("request_time_ns", pa.int64(), "capture time of the request's first byte"),
    Column("request_end_ns", pa.int64(), "capture time of its last byte"),
    Column("request_head", pa.binary(), "request line and headers as on the wire"),
    Column("request_body", pa.binary(), "octets behind the head, any chunked framing kept"),
    Column("request_body_bytes", pa.int64(), "how many"),
    Column("request_chunked", pa.bool_(), "whether the body has chunked framing"),
    Column("request_flags", _STRINGS, "what was unusual; docs/ledger.md explains each"),
    Column("request_fault", pa.string(), "why it is not complete; null: it is"),
    Column("status", pa.int32(), "production's answer; null: none was seen"),
    Column("reason", pa.string(), "its reason phrase, as Latin-1"),
    Column("response_version", pa.string(), "its HTTP version"),
    Column("media_type", pa.string(), "its Content-Type in lower case, without parameters"),
    Column("response_time_ns", pa.int64(), "capture time of the answer's first byte"),
    Column("response_end_ns", pa.int64(), "capture time of its last byte"),
    Column("latency_ns", pa.int64(), "from the request's last byte to the answer's first"),
    Column("response_head", pa.binary(), "status line and headers as on the wire"),
    Column("response_body", pa.binary(), "octets behind the head, framing and content coding kept"),
    Column("response_body_bytes", pa.int64(), "how many there were on the wire, kept or not"),
    Column("response_chunked", pa.bool_(), "whether the body has chunked framing"),
    Column("response_flags", _STRINGS, "what was unusual"),
    Column("response_fault", pa.string(), "why it is not complete; null: it is"),
    Column("lost_request", pa.bool_(), "there was a request, and it fell into a hole"),
    Column("fate", pa.string(), "replayed, filtered, sampled_out, refused, incomplete or overflowed"),
    Column("fate_reason", pa.string(), "its reason; null: it has none"),
    Column(
        "outcomes",
        pa.list_(OUTCOME),
        "one per target: status or failure, when it was sent and how long it took, head and body of its "
        "answer (`body` is null where it is production's, octet by octet); `sent_…` where the request sent is "
        "not the one received",
    ),
    Column(
        "verdicts",
        pa.list_(VERDICT),
        "one per target: whether it answered the same, the differences, those that are noise and by which "
        "rule; `skipped` says why nothing was compared",
    ),
    Column("target_raw", pa.binary(), "the target's octets, where they are no UTF-8"),
)

SCHEMA = pa.schema([(column.name, column.type) for column in COLUMNS])
"""The columns alone, without a file's metadata."""


def file_schema(run: str, *, masked: bool, writer: str) -> Any:
    """The schema with the metadata of a file: version of the schema, run, whether secrets are masked, who wrote."""
    metadata = {
        VERSION_KEY: str(VERSION),
        RUN_KEY: run,
        MASKED_KEY: "yes" if masked else "no",
        WRITER_KEY: writer,
    }
    return SCHEMA.with_metadata(metadata)


def version_of(metadata: dict[bytes, bytes] | None) -> int | None:
    """The version that a file's metadata names; None where it is no file of ours."""
    text = (metadata or {}).get(VERSION_KEY, b"")
    return int(text) if text.isdigit() else None
