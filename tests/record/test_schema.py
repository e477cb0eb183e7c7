"""The page says what the schema says."""

import runpy
from pathlib import Path

from shadowtap.record import counters
from shadowtap.record.schema import COLUMNS, SCHEMA, VERSION, file_schema, version_of

PAGE = Path(__file__).parents[2] / "docs/recording.md"


def test_the_tables_of_the_page_are_fresh():
    made = runpy.run_path(str(PAGE.with_name("make_recording.py")))["page"]
    assert PAGE.read_text() == made(PAGE.read_text()), "run: python docs/make_recording.py"
    assert all(f"| `{column.name}` |" in PAGE.read_text() for column in COLUMNS)


def test_the_page_explains_every_loss():
    assert not [reason for reason in counters.LOSSES if f"`{reason}`" not in PAGE.read_text()]


def test_the_columns_of_version_1_stay():
    """Whoever changes a name or a type makes version 2; new columns are added at the end of this list."""
    assert VERSION == 1
    assert [f"{name} {kind}" for name, kind in zip(SCHEMA.names[:10], SCHEMA.types[:10], strict=True)] == [
        "time timestamp[us, tz=UTC]",
        "run string",
        "connection int64",
        "request_index int64",
        "client_address string",
        "client_port int32",
        "server_address string",
        "server_port int32",
        "vni int32",
        "method string",
    ]
    assert len(SCHEMA) == 42


def test_the_version_is_read_from_the_metadata():
    assert version_of(file_schema("run", masked=True, writer="0").metadata) == VERSION
    assert [version_of(odd) for odd in (None, {}, {b"shadowtap.schema": b"x"})] == [None, None, None]
