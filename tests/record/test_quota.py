"""The quota takes the oldest, and only what is ours."""

import os

from record.observations import HOUR, NOON
from shadowtap.record import layout
from shadowtap.record.quota import enforce

DAY_S = 86_400


def files(root, *sizes):
    """One file an hour, finished at the end of its hour."""
    paths = []
    for number, size in enumerate(sizes):
        path = layout.finished_path(root, layout.new_name(NOON // HOUR + number, NOON))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
        os.utime(path, ns=(0, NOON + (number + 1) * HOUR))
        paths.append(path)
    return paths


def keep(root, *, size=None, age_s=None, open_bytes=0, now_ns=NOON + 10 * HOUR):
    removed = enforce(root, max_bytes=size, max_age_s=age_s, open_bytes=open_bytes, now_ns=now_ns)
    return removed, [path.name for path in layout.finished(root)]


def test_without_limits_nothing_goes(tmp_path):
    paths = files(tmp_path, 100, 100)
    assert keep(tmp_path) == ((0, 0), [path.name for path in paths])


def test_by_size_the_oldest_go_first(tmp_path):
    paths = files(tmp_path, 100, 10, 100, 100)
    assert keep(tmp_path, size=250) == ((1, 100), [path.name for path in paths[1:]])
    assert keep(tmp_path, size=200) == ((1, 10), [path.name for path in paths[2:]])
    assert not paths[0].parent.exists()


def test_what_is_being_written_counts(tmp_path):
    paths = files(tmp_path, 100, 100)
    assert keep(tmp_path, size=250, open_bytes=100) == ((1, 100), [paths[1].name])


def test_by_age(tmp_path):
    paths = files(tmp_path, 1, 1, 1)
    now_ns = NOON + 2 * HOUR + DAY_S * 1_000_000_000
    assert keep(tmp_path, age_s=DAY_S, now_ns=now_ns) == ((1, 1), [path.name for path in paths[1:]])


def test_other_files_are_never_touched(tmp_path):
    files(tmp_path, 100)
    other = tmp_path / "date=2026-11-23/hour=12/mine.parquet"
    other.write_bytes(bytes(10_000))
    keep(tmp_path, size=1)
    assert other.exists()
