"""shadowtap query, as it is typed."""

import base64
import json
import stat

import pytest

from record.observations import plain
from record.test_store import KEY, Writing, many
from shadowtap.cli import query
from shadowtap.errors import RunError, UsageError


@pytest.fixture
def root(tmp_path):
    Writing(tmp_path / "rec").write(*many(5), plain(9, status=500, target=b"/users/9")).close()
    return tmp_path / "rec"


def test_without_sql_it_tells_what_there_is(root, capsys):
    assert query.execute([f"recording:{root}"]) == 0
    said = capsys.readouterr().out
    assert "6 exchanges" in said
    for word in ("endpoints: ", "slow: ", "SELECT * FROM endpoints", "header(head, 'name')", "p99_ms"):
        assert word in said


def test_a_table_for_people(root, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert (
        query.execute([str(root), "SELECT path, status, latency_ms FROM exchanges WHERE status = 500"]) == 0
    )
    assert capsys.readouterr().out.splitlines() == [
        "path      status  latency_ms",
        "────────  ──────  ──────────",
        "/users/9     500        1 ms",
    ]


def test_what_the_table_leaves_out_is_said_on_stderr(root, capsys):
    query.execute([str(root), "SELECT * FROM exchanges", "--rows", "2"])
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 4
    assert "columns do not fit" in shown.err
    assert "the first 2 rows; there are more" in shown.err


def test_csv_and_json(root, capsys):
    query.execute([str(root), "SELECT count(*) AS n FROM recorded", "--csv"])
    query.execute([str(root), "SELECT count(*) AS n FROM recorded", "--json"])
    assert capsys.readouterr().out == 'n\n6\n{"n":6}\n'


def test_into_a_file_that_is_its_owners_alone(root, tmp_path, capsys):
    out = tmp_path / "out.json"
    query.execute([str(root), "SELECT path FROM recorded LIMIT 1", "--json", "-o", str(out)])
    assert json.loads(out.read_text()) == {"path": "/shop"}
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert capsys.readouterr().out == ""


def test_sql_from_stdin(root, capsys, monkeypatch):
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 1 AS one"))
    query.execute([str(root), "-", "--json"])
    assert capsys.readouterr().out == '{"one":1}\n'


def test_an_encrypted_recording_wants_its_key(tmp_path, capsys):
    Writing(tmp_path / "rec", key=KEY).write(*many(2)).close()
    with pytest.raises(RunError, match="--recording-key"):
        query.execute([str(tmp_path / "rec"), "SELECT 1"])
    (tmp_path / "key").write_bytes(base64.b64encode(KEY.secret))
    query.execute(
        [
            str(tmp_path / "rec"),
            "SELECT count(*) AS n FROM exchanges",
            "--json",
            "--recording-key",
            str(tmp_path / "key"),
        ]
    )
    assert capsys.readouterr().out == '{"n":2}\n'


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["SELEC 1"], "Parser Error"),
        (["SELECT 1", "--csv", "--json"], "not allowed with"),
        (["SELECT 1", "--rows", "0"], "--rows: expected a whole number from 1 on"),
        (["SELECT 1", "--cvs"], "unknown option --cvs"),
    ],
)
def test_wrong_usage_is_one_line(root, argv, said):
    with pytest.raises(UsageError) as caught:
        query.execute([str(root), *argv])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_recording_is_one_line(tmp_path):
    with pytest.raises(RunError, match="there is no such folder"):
        query.execute([str(tmp_path / "nowhere"), "SELECT 1"])
