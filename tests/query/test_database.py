"""DuckDB over a recording, and nothing else."""

import pytest

from record.observations import NOON, answered, plain
from record.test_store import KEY, Writing, many
from shadowtap.errors import UsageError
from shadowtap.query import Database
from shadowtap.record import Recording, layout


def rows(database, sql):
    return list(database.ask(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "FROM read_csv('/proc/self/environ')",
        "COPY (SELECT 1) TO '/tmp/out.csv'",
        "COPY (SELECT 1) TO '{file}' (USE_TMP_FILE false)",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{file}' (USE_TMP_FILE false)",
        "EXPORT DATABASE '/tmp/out'",
        "ATTACH '/tmp/out.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET threads = 1",
        "PRAGMA add_parquet_key('k', '0123456789112345')",
        "SELECT * FROM connection",
        "SELECT 1; COPY recorded TO '/tmp/out.csv'",
    ],
)
def test_sql_reaches_nothing_but_the_recording(root, sql):
    (file,) = layout.finished(root)
    before = file.read_bytes()
    with Database(Recording(root)) as database, pytest.raises(UsageError):
        rows(database, sql.format(file=file))
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELEC 1", 'Parser Error: syntax error at or near "SELEC"'),
        ("SELECT nosuch FROM exchanges", 'Referenced column "nosuch" not found'),
        ("SELECT * FROM nosuch", "Table with name nosuch does not exist"),
        ("SELECT CAST(path AS INTEGER) FROM exchanges", "Could not convert string '/products/0'"),
    ],
)
def test_errors_are_one_line(root, sql, said):
    with Database(Recording(root)) as database, pytest.raises(UsageError) as caught:
        rows(database, sql)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_several_statements_give_the_answer_of_the_last(root):
    with Database(Recording(root)) as database:
        assert rows(
            database, "CREATE TEMP TABLE t AS SELECT status FROM recorded; SELECT count(*) FROM t"
        ) == [(110,)]
        assert database.ask("") is None


def test_what_is_being_recorded_is_there(tmp_path):
    writing = Writing(tmp_path / "rec", roll_s=1).write(*many(5))
    with Database(Recording(tmp_path / "rec")) as database:
        assert rows(database, "SELECT count(*), min(path) FROM exchanges") == [(5, "/shop")]
    writing.store.tick(NOON + 2_000_000_000)
    writing.write(*many(3, at=NOON + 10))
    with Database(Recording(tmp_path / "rec")) as database:
        assert rows(database, "SELECT count(*) FROM exchanges") == [(8,)]
    writing.close()


def test_encrypted_plain_and_open_rows_together(tmp_path):
    Writing(tmp_path, run="a").write(answered(plain(0))).close()
    Writing(tmp_path, run="b", key=KEY).write(answered(plain(1))).close()
    writing = Writing(tmp_path, run="c", key=KEY).write(answered(plain(2)))
    with Database(Recording(tmp_path, key=KEY), key=KEY) as database:
        found = rows(database, "SELECT run, path, outcomes[1].target FROM exchanges ORDER BY run")
        assert found == [(run, "/shop", "http://staging") for run in "abc"]
        assert rows(database, "SELECT requests FROM endpoints") == [(3,)]
    writing.close()


def test_a_folder_with_a_quote_and_a_star_in_its_name(tmp_path):
    odd = tmp_path / "it's *.parquet?"
    Writing(odd).write(*many(2)).close()
    with Database(Recording(odd)) as database:
        assert rows(database, "SELECT count(*) FROM recorded") == [(2,)]


def test_damaged_files_do_not_stop_a_query(tmp_path):
    for number in range(2):
        Writing(tmp_path).write(plain(number), now_ns=NOON + number).close()
    layout.finished(tmp_path)[0].write_bytes(b"PAR1 nonsense")
    recording = Recording(tmp_path)
    with Database(recording) as database:
        assert rows(database, "SELECT request_index FROM exchanges") == [(1,)]
    assert len(recording.problems) == 1
