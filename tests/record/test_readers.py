"""Other programs read the files as they are."""

import datetime
import json

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from record.observations import HOUR, NOON, answered, plain
from record.test_store import KEY, Writing
from shadowtap.events import Difference, Observation, Verdict
from shadowtap.record import layout


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("rec") / "rec"
    writing = Writing(root)
    for number in range(100):
        found = answered(plain(number, at=NOON - 8 * HOUR * (number % 2)), status=200 if number % 10 else 500)
        verdict = Verdict(
            "http://staging", (Difference("status", "status", "200", "500"),) * (number % 10 == 0)
        )
        writing.write(Observation(found.exchange, found.fate, found.outcomes, (verdict,)))
    writing.close()
    return root


def test_duckdb(root):
    found = duckdb.sql(f"""
        SELECT date, hour, count(*), avg(latency_ns), any_value(request_head)
        FROM '{root}/**/*.parquet' GROUP BY ALL ORDER BY ALL
    """).fetchall()
    assert [row[:4] for row in found] == [
        (datetime.date(2026, 11, 23), "04", 50, 1e6),
        (datetime.date(2026, 11, 23), "12", 50, 1e6),
    ]
    assert found[0][4].startswith(b"GET /shop HTTP/1.1\r\nHost: shop.example\r\n")
    failed = (
        f"SELECT count(*) FROM (SELECT unnest(outcomes) AS o FROM '{root}/**/*.parquet') WHERE o.status = 500"
    )
    assert duckdb.sql(failed).fetchall() == [(10,)]
    kinds = f"SELECT verdicts[1].differences[1].kind AS kind, count(*) FROM '{root}/**/*.parquet' GROUP BY 1 ORDER BY 1"
    assert duckdb.sql(kinds).fetchall() == [("status", 10), (None, 90)]


def test_pandas(root):
    found = pd.read_parquet(root)
    assert (len(found), set(found["hour"])) == (
        100,
        {"04", "12"} if found["hour"].dtype == object else {4, 12},
    )
    assert str(found["time"].dtype) == "datetime64[us, UTC]"
    assert found["status"].dtype == "int32"
    assert found["outcomes"][0][0]["target"] == "http://staging"


def test_polars(root):
    found = pl.read_parquet(f"{root}/**/*.parquet", hive_partitioning=True)
    assert found.height == 100
    assert found.schema["time"] == pl.Datetime("us", "UTC")
    assert found["outcomes"].list.len().sum() == 100
    assert pl.read_parquet(root).height == 100


def test_the_types_are_those_that_spark_and_athena_read(root):
    """No unsigned integers, no nanosecond timestamps, no dictionary types, no maps, names in lower case."""
    allowed = {"BOOLEAN", "INT32", "INT64", "BYTE_ARRAY"}
    schema = pq.ParquetFile(layout.finished(root)[0]).schema
    columns = [schema.column(i) for i in range(len(schema))]
    assert {column.physical_type for column in columns} == allowed
    assert {column.logical_type.type for column in columns} == {"NONE", "STRING", "TIMESTAMP"}
    assert all(column.path == column.path.lower() for column in columns)
    time = schema.column(0)
    kind = json.loads(time.logical_type.to_json())
    assert (time.path, kind["timeUnit"], kind["isAdjustedToUTC"]) == ("time", "microseconds", True)


def test_duckdb_reads_the_flat_columns_of_an_encrypted_file_with_the_same_key(tmp_path):
    Writing(tmp_path, key=KEY).write(plain(3)).close()
    (path,) = layout.finished(tmp_path)
    connection = duckdb.connect()
    connection.execute(f"PRAGMA add_parquet_key('recording', '{KEY.base64()}')")
    read = f"read_parquet('{path}', encryption_config = {{footer_key: 'recording'}})"
    assert connection.sql(f"SELECT path, status, response_body FROM {read}").fetchall() == [
        ("/shop", 200, b'{"ok": true}')
    ]
    with pytest.raises(duckdb.InvalidInputException, match="encrypted"):
        connection.sql(f"SELECT path FROM '{path}'")


def test_pyarrow_reads_all_of_it(tmp_path):
    Writing(tmp_path, key=KEY).write(answered(plain(3))).close()
    (path,) = layout.finished(tmp_path)
    found = pq.ParquetFile(path, decryption_properties=KEY.decryption()).read()
    assert isinstance(found, pa.Table)
    assert found["outcomes"].to_pylist()[0][0]["target"] == "http://staging"
