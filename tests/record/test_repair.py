"""A killed run loses its tail and nothing else."""

import os
import signal
import subprocess
import sys

import duckdb
import pytest

from record.observations import NOON, plain
from record.test_store import KEY, Writing, many
from shadowtap.record import Recording, layout

KILLED = """
import sys
sys.path.insert(0, sys.argv[2])
from record.observations import NOON, plain
from shadowtap.record import Recorder, StoreOptions, RecordingKey

key = RecordingKey(bytes(range(32))) if sys.argv[3] == "key" else None
recorder = Recorder(sys.argv[1], key=key, options=StoreOptions(free_bytes=0, roll_bytes=1 << 20))
number, told = 0, 0
while True:
    recorder.offer(plain(number, body=b"%064d" % number * 20))
    number += 1
    if recorder.counters.written > told:
        told = recorder.counters.written
        print(told, recorder.counters.files, flush=True)
"""


@pytest.mark.parametrize("key", [None, KEY])
def test_kill_9_in_the_middle_loses_at_most_what_was_not_written_yet(tmp_path, key):
    root = tmp_path / "rec"
    tests = os.path.dirname(os.path.dirname(__file__))
    argv = [sys.executable, "-c", KILLED, str(root), tests, "key" if key else "plain"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            written, files = map(int, line.split())
            if written > 20_000 and files:
                break
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
    written = int(rest[-2]) if len(rest) > 1 else written
    assert layout.journals(root)

    if key is None:  # what was finished before is there for anyone at once
        assert duckdb.sql(f"SELECT count(*) > 0 FROM '{root}/**/*.parquet'").fetchall() == [(True,)]
    before = [o.exchange.request.index for o in Recording(root, key=key).exchanges()]
    again = Writing(root, key=key)
    again.store.repair()
    again.close()
    after = [o.exchange.request.index for o in Recording(root, key=key).exchanges()]
    assert before == after == list(range(len(after)))
    assert len(after) >= written
    if key is None:
        assert duckdb.sql(f"SELECT count(*) FROM '{root}/**/*.parquet'").fetchall() == [(len(after),)]
    assert again.counters.repaired_files == 1
    assert not (root / "_open").exists()


def test_a_journal_cut_in_the_middle_of_a_batch(tmp_path):
    root = tmp_path / "rec"
    writing = Writing(root).write(*many(5)).write(*many(5, at=NOON + 5))
    writing.store.abandon()
    writing.store.close(NOON)
    (journal,) = layout.journals(root)
    os.truncate(journal, journal.stat().st_size - 1)
    again = Writing(root)
    again.store.repair()
    assert "5 exchanges" in again.said[0]
    assert "bytes at its end were lost" in again.said[0]
    again.close()
    assert Recording(root).rows == 5


def test_one_without_a_whole_batch_just_goes(tmp_path):
    root = tmp_path / "rec"
    writing = Writing(root).write(plain())
    writing.store.abandon()
    writing.store.close(NOON)
    (journal,) = layout.journals(root)
    os.truncate(journal, journal.stat().st_size - 1)
    again = Writing(root)
    again.store.repair()
    again.close()
    assert (again.said, list(root.iterdir())) == ([], [])


def test_killed_between_the_rename_and_the_end_of_the_journal(tmp_path):
    root = tmp_path / "rec"
    writing = Writing(root).write(*many(4))
    (journal,) = layout.journals(root)
    octets = journal.read_bytes()
    writing.close()
    journal.parent.mkdir()
    journal.write_bytes(octets)
    assert len(list(Recording(root).exchanges())) == 4
    again = Writing(root)
    again.store.repair()
    again.close()
    assert len(list(Recording(root).exchanges())) == 4
    assert not journal.exists()


def test_what_is_no_journal_stays_and_is_named(tmp_path):
    root = tmp_path / "rec"
    Writing(root).close()
    (root / "_open").mkdir()
    (root / "_open/20261123T12-1-ab.journal").write_bytes(b"something else")
    again = Writing(root)
    again.store.repair()
    again.close()
    assert "left as it is: it has no readable beginning" in again.said[0]
