"""Names say the hour, and only files that lie where their names say are ours."""

import pytest

from record.observations import HOUR, NOON
from shadowtap.record import layout


def test_a_name_says_hour_and_order(tmp_path):
    name = layout.new_name(NOON // HOUR, NOON + 5)
    assert name.startswith("20261123T12-1795435200000000005-")
    assert layout.hour_of(name) == NOON // HOUR
    assert layout.finished_path(tmp_path, name) == tmp_path / "date=2026-11-23/hour=12" / f"{name}.parquet"


@pytest.mark.parametrize("hour", [0, 1, 23, 24, 2_562_047, -1])
def test_every_hour_has_a_name(hour):
    assert layout.hour_of(layout.new_name(hour, 1)) == hour


def test_names_sort_by_time(tmp_path):
    hour = NOON // HOUR
    names = [
        layout.new_name(hour, NOON),
        layout.new_name(hour, NOON + 1),
        layout.new_name(hour + 1, NOON - 5),
    ]
    for name in reversed(names):
        path = layout.finished_path(tmp_path, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert [path.stem for path in layout.finished(tmp_path)] == names


def test_other_files_are_not_ours(tmp_path):
    for path in (
        "date=2026-11-23/hour=12/notes.parquet",
        "date=2026-11-23/hour=12/20261123T13-1-ab.parquet",
        "date=2026-13-23/hour=12/20261323T12-1-ab.parquet",
        "other/20261123T12-1-ab.parquet",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert layout.finished(tmp_path) == []


def test_a_window_takes_the_hours_it_touches(tmp_path):
    hour = NOON // HOUR
    for later in range(4):
        path = layout.finished_path(tmp_path, layout.new_name(hour + later, 1))
        path.parent.mkdir(parents=True)
        path.touch()
    found = layout.hours(tmp_path, NOON + HOUR, NOON + 2 * HOUR)
    assert [layout.hour_of(path.stem) - hour for path in found] == [1]
    assert len(list(layout.hours(tmp_path, None, None))) == 4


def test_folders_are_made_private(tmp_path):
    layout.make_private(tmp_path / "a" / "b")
    assert [(tmp_path / p).stat().st_mode & 0o777 for p in ("a", "a/b")] == [0o700, 0o700]
