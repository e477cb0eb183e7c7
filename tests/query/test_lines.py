"""Rows for machines."""

import csv
import io
import json

from shadowtap.query import Database, csv_lines, json_lines
from shadowtap.record import Recording

SQL = "SELECT time, path, status, response_body, outcomes FROM recorded ORDER BY time LIMIT 2"


def test_csv(root):
    with Database(Recording(root)) as database:
        found = list(csv.reader(io.StringIO("".join(csv_lines(database.ask(SQL))))))
    assert found[0] == ["time", "path", "status", "response_body", "outcomes"]
    assert found[1][:4] == ["2026-11-23T12:00:00Z", "/products/0", "200", '{"ok": true}']
    assert json.loads(found[1][4])[0]["target"] == "http://staging"


def test_json_lines(root):
    with Database(Recording(root)) as database:
        found = [json.loads(line) for line in json_lines(database.ask(SQL))]
    assert len(found) == 2
    assert found[1]["time"] == "2026-11-23T12:00:00.001000Z"
    assert found[1]["outcomes"][0]["elapsed_ns"] == 2_000_000


def test_no_rows_is_a_header_in_csv_and_nothing_in_json(root):
    with Database(Recording(root)) as database:
        assert list(csv_lines(database.ask("SELECT path FROM recorded WHERE false"))) == ["path\n"]
        assert list(json_lines(database.ask("SELECT path FROM recorded WHERE false"))) == []
