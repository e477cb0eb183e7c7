"""One writer a folder, and a folder that nobody else can change."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shadowtap.errors import RunError, UsageError
from shadowtap.record.lock import Lock


def test_a_second_writer_is_told_who_has_it(tmp_path):
    root = tmp_path / "rec"
    first = Lock(root)
    with pytest.raises(RunError, match=rf"another process \(pid {os.getpid()}\) records into it"):
        Lock(root)
    first.release()
    Lock(root).release()


def test_a_process_that_died_holds_nothing(tmp_path):
    code = "import sys, os; from pathlib import Path; from shadowtap.record.lock import Lock; Lock(Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "rec")], check=False)
    assert (tmp_path / "rec/_open/lock").exists()
    Lock(tmp_path / "rec").release()


def test_only_parquet_is_left_after_an_orderly_end(tmp_path):
    root = tmp_path / "rec"
    lock = Lock(root)
    assert root.stat().st_mode & 0o777 == 0o700
    lock.release()
    assert list(root.iterdir()) == []


def test_what_is_still_open_stays(tmp_path):
    root = tmp_path / "rec"
    lock = Lock(root)
    (root / "_open/x.journal").touch()
    lock.release()
    assert (root / "_open/x.journal").exists()


def test_a_folder_that_others_may_change_is_refused(tmp_path):
    tmp_path.chmod(0o777)
    with pytest.raises(UsageError, match=r"others may change this folder \(mode 777\).*chmod 700"):
        Lock(tmp_path)


def test_a_folder_that_others_may_read_is_warned_about(tmp_path):
    tmp_path.chmod(0o755)
    lock = Lock(tmp_path)
    assert "others may look into" in lock.warning
    lock.release()


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "f").touch()
    for path in (tmp_path / "f", tmp_path / "f" / "g"):
        with pytest.raises(UsageError, match="this is a file; name a folder"):
            Lock(path)


def test_a_place_that_cannot_be_written_is_named():
    with pytest.raises(RunError, match=r"recording:/proc/nowhere: .*; name a folder that can be written"):
        Lock(Path("/proc/nowhere"))
