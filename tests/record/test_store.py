"""What is written into a folder as time goes by; `now` is given."""

import os

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from record.observations import HOUR, NOON, observations, plain
from shadowtap.errors import UsageError
from shadowtap.record import RecordCounters, Recording, StoreOptions, layout
from shadowtap.record.key import RecordingKey
from shadowtap.record.store import Store

S = 1_000_000_000
KEY = RecordingKey(bytes(range(32)))


class Writing:
    """A store, what it counted and what it said."""

    def __init__(self, root, *, key=None, masked=True, run="run", **options):
        self.root = root
        self.counters = RecordCounters()
        self.said = []
        options.setdefault("free_bytes", 0)
        self.store = Store(
            root,
            run=run,
            masked=masked,
            key=key,
            options=StoreOptions(**options),
            counters=self.counters,
            notify=self.said.append,
        )

    def write(self, *found, now_ns=NOON):
        self.store.write(found, now_ns)
        return self

    def close(self, now_ns=NOON):
        self.store.close(now_ns)
        return self

    @property
    def finished(self):
        return [str(path.parent.relative_to(self.root)) for path in layout.finished(self.root)]


def many(count, *, at=NOON, body=b"x"):
    return [plain(number, at=at, body=body) for number in range(count)]


def test_files_lie_by_date_and_hour_of_the_traffic(tmp_path):
    writing = Writing(tmp_path / "rec")
    writing.write(plain(at=NOON), plain(at=NOON + 13 * HOUR), plain(at=NOON + 1)).close()
    assert writing.finished == ["date=2026-11-23/hour=12", "date=2026-11-24/hour=01"]
    assert (writing.counters.written, writing.counters.files) == (3, 2)
    assert [path.name[:4] for path in (tmp_path / "rec").iterdir()] == ["date", "date"]


def test_files_and_folders_are_their_owners_alone(tmp_path):
    before = os.umask(0)
    try:
        Writing(tmp_path / "rec").write(*many(3)).close()
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "rec").rglob("*") if path.is_file()}
    folders = {path.stat().st_mode & 0o777 for path in (tmp_path / "rec").rglob("*") if path.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})


def test_also_while_they_are_open(tmp_path):
    writing = Writing(tmp_path / "rec").write(*many(3))
    assert {path.suffix: path.stat().st_mode & 0o777 for path in (tmp_path / "rec/_open").iterdir()} == {
        "": 0o600,
        ".journal": 0o600,
        ".part": 0o600,
    }
    writing.close()


def test_a_file_ends_after_its_time(tmp_path):
    writing = Writing(tmp_path / "rec", roll_s=60).write(*many(1))
    writing.store.tick(NOON + 59 * S)
    assert writing.finished == []
    writing.store.tick(NOON + 60 * S)
    assert len(writing.finished) == 1
    writing.write(plain(7), now_ns=NOON + 61 * S).close()
    assert len(writing.finished) == 2


def test_a_file_ends_at_its_size(tmp_path):
    writing = Writing(tmp_path / "rec", roll_bytes=1 << 20)
    for number in range(40):
        writing.write(plain(number, body=os.urandom(1 << 20)))
    writing.close()
    sizes = [path.stat().st_size for path in layout.finished(tmp_path / "rec")]
    assert len(sizes) >= 2
    assert max(sizes) < 20 << 20
    assert sum(pq.read_metadata(path).num_rows for path in layout.finished(tmp_path / "rec")) == 40


def test_not_more_than_a_few_hours_are_open_at_once(tmp_path):
    writing = Writing(tmp_path / "rec")
    for later in range(6):
        writing.write(plain(at=NOON + later * HOUR), now_ns=NOON + later)
    assert writing.finished == ["date=2026-11-23/hour=12", "date=2026-11-23/hour=13"]
    writing.close()


@pytest.mark.parametrize("step_ns", [1, 0, -1])
def test_files_sort_as_they_were_written_also_where_the_clock_is_set_back(tmp_path, step_ns):
    writing = Writing(tmp_path / "rec", roll_bytes=1)
    for number in range(8):
        writing.write(plain(connection=number), now_ns=NOON + number * step_ns)
        writing.close() if number == 7 else writing.store.tick(NOON + (1 << 50))
    assert len(writing.finished) == 8
    found = [o.exchange.request.connection.number for o in Recording(tmp_path / "rec").exchanges()]
    assert found == list(range(8))


def test_the_quota_keeps_the_newest(tmp_path):
    writing = Writing(tmp_path / "rec", max_bytes=4 << 20)
    for number in range(24):
        writing.write(plain(number, body=os.urandom(1 << 19)), now_ns=NOON + number)
        writing.store.tick(NOON + (number + 1) * 400 * S)
    writing.close()
    left = layout.finished(tmp_path / "rec")
    assert sum(path.stat().st_size for path in left) <= 4 << 20
    counters = writing.counters
    assert counters.files == 24 == len(left) + counters.removed_files
    assert counters.file_bytes == counters.removed_bytes + sum(path.stat().st_size for path in left)
    found = [o.exchange.request.index for o in Recording(tmp_path / "rec").exchanges()]
    assert found == list(range(24))[-len(found) :]


def test_a_quota_without_sense_is_refused(tmp_path):
    with pytest.raises(UsageError, match="at least 1 MiB"):
        Writing(tmp_path / "rec", max_bytes=10)


def test_space_that_is_to_be_left_alone_is(small_disk):
    writing = Writing(small_disk / "rec", free_bytes=1 << 30)
    (small_disk / "filler").write_bytes(bytes((8 << 20) - (64 << 10)))
    with pytest.raises(OSError, match="left alone"):
        writing.write(plain())
    (small_disk / "filler").unlink()
    writing.write(plain()).close()
    assert writing.counters.written == 1


def test_files_say_what_they_are(tmp_path):
    Writing(tmp_path / "rec", masked=False, run="20261123T120000-abc").write(plain()).close()
    metadata = pq.read_metadata(layout.finished(tmp_path / "rec")[0]).metadata
    assert metadata[b"shadowtap.schema"] == b"1"
    assert metadata[b"shadowtap.run"] == b"20261123T120000-abc"
    assert metadata[b"shadowtap.masked"] == b"no"


def test_what_cannot_be_repaired_stays_and_is_named(tmp_path):
    writing = Writing(tmp_path / "rec", key=KEY).write(*many(3))
    writing.store.abandon()
    writing.close()
    again = Writing(tmp_path / "rec")
    again.store.repair()
    again.close()
    assert "left as it is: it is encrypted; give its key" in again.said[0]
    assert len(layout.journals(tmp_path / "rec")) == 1
    third = Writing(tmp_path / "rec", key=KEY)
    third.store.repair()
    third.close()
    assert third.said[0].endswith("3 exchanges saved")
    assert layout.finished(tmp_path / "rec")[0].read_bytes()[:4] == b"PARE"


def place(observation):
    """Where it comes in the order of a recording; what has the same place stays in the order of writing."""
    request, response = observation.exchange.request, observation.exchange.response
    return (response.time_ns, -1) if request is None else (request.time_ns, request.index)


ONE_TIME = [
    plain(at=NOON + later, index=index, connection=number)
    for number, (later, index) in enumerate([(1, 7), (2, 7), (0, 7), (1, 7), (1, 6), (2, 8)])
]
"""Of what began at one time, some lie in a batch of their own, behind what began before it."""


@settings(deadline=None, max_examples=30)
@example(found=ONE_TIME, cut=2, key=None)
@example(found=ONE_TIME, cut=3, key=None)
@given(
    found=st.lists(observations(), min_size=1, max_size=12),
    cut=st.integers(1, 12),
    key=st.sampled_from([None, KEY]),
)
def test_what_is_written_is_read_back_exactly(tmp_path_factory, found, cut, key):
    root = tmp_path_factory.mktemp("rec") / "rec"
    writing = Writing(root, key=key)
    for begin in range(0, len(found), cut):
        writing.write(*found[begin : begin + cut])
    open_now = list(Recording(root, key=key).exchanges())
    writing.close()
    finished = list(Recording(root, key=key).exchanges())
    assert open_now == finished == sorted(found, key=place)
