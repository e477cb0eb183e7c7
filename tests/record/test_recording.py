"""A recording read back: in the order of time, within a window, despite damage, while it grows."""

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from record.observations import HOUR, NOON, plain
from record.test_store import KEY, Writing, many
from shadowtap.errors import RunError
from shadowtap.record import Recording, RecordingKey, layout
from shadowtap.record.schema import SCHEMA, VERSION_KEY

S = 1_000_000_000


def indices(root, **how):
    return [o.exchange.request.index for o in Recording(root, **how).exchanges()]


def began(observation):
    return observation.exchange.request.time_ns


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.lists(st.integers(0, 3 * HOUR), min_size=1, max_size=30), min_size=1, max_size=6),
    st.integers(-1, 3 * HOUR) | st.none(),
    st.integers(-1, 3 * HOUR) | st.none(),
)
def test_whatever_the_order_of_writing_it_is_read_in_the_order_of_time(
    tmp_path_factory, written, since, until
):
    root = tmp_path_factory.mktemp("rec") / "rec"
    writing = Writing(root, roll_s=1)
    number = 0
    for turn, offsets in enumerate(written):
        found = [plain(0, at=NOON + offset, index=number + i) for i, offset in enumerate(offsets)]
        number += len(found)
        writing.write(*found, now_ns=NOON + turn * S)
        if turn % 2:
            writing.store.tick(NOON + (turn + 1) * S)
    window = [None if edge is None else NOON + edge for edge in (since, until)]
    recording = Recording(root, since_ns=window[0], until_ns=window[1])
    found = [began(o) for o in recording.exchanges()]
    writing.close()
    inside = [
        NOON + offset
        for offsets in written
        for offset in offsets
        if (since is None or offset >= since) and (until is None or offset < until)
    ]
    assert found == sorted(inside)
    assert [began(o) for o in Recording(root, since_ns=window[0], until_ns=window[1]).exchanges()] == found


def test_slow_requests_far_behind_their_time_come_at_their_time(tmp_path):
    order = list(range(30_000))
    late = random.Random(1)
    order.sort(key=lambda n: n + (late.randrange(20_000) if n % 50 == 0 else 0))
    writing = Writing(tmp_path / "rec")
    for begin in range(0, len(order), 1_000):
        writing.write(*(plain(number) for number in order[begin : begin + 1_000]))
    writing.close()
    assert indices(tmp_path / "rec") == list(range(30_000))


def test_what_ends_while_it_is_being_opened_is_read_once(tmp_path):
    root = tmp_path / "rec"
    Writing(root).write(plain(0)).close()
    (damaged,) = layout.finished(root)
    damaged.write_bytes(b"")
    writing = Writing(root).write(*many(3))
    recording = Recording(
        root, notify=lambda _: writing.close()
    )  # told of the damage, before it comes to the journal
    assert len(layout.finished(root)) == 2
    assert [o.exchange.request.index for o in recording.exchanges()] == [0, 1, 2]


def test_a_journal_that_was_left_comes_before_what_was_written_later(tmp_path):
    root = tmp_path / "rec"
    writing = Writing(root).write(plain(connection=1))
    writing.store.abandon()
    writing.write(plain(connection=2)).close()
    for _ in range(2):
        found = [o.exchange.request.connection.number for o in Recording(root).exchanges()]
        assert found == [1, 2]
        again = Writing(root)
        again.store.repair()
        again.close()


def test_a_window_reads_no_other_hours(tmp_path):
    writing = Writing(tmp_path / "rec")
    writing.write(*(plain(at=NOON + later * HOUR, index=later) for later in range(4))).close()
    recording = Recording(tmp_path / "rec", since_ns=NOON + HOUR, until_ns=NOON + 3 * HOUR)
    assert [o.exchange.request.index for o in recording.exchanges()] == [1, 2]
    assert (recording.rows, len(recording.files)) == (2, 2)
    first, last = recording.span_ns
    assert (first, last // 1000) == (NOON + HOUR, (NOON + 2 * HOUR) // 1000)


def test_an_encrypted_recording_wants_its_key(tmp_path):
    root = tmp_path / "rec"
    writing = Writing(root, key=KEY).write(*many(3))
    with pytest.raises(RunError, match=r"it is encrypted; give its key with --recording-key"):
        Recording(root)
    assert indices(root, key=KEY) == [0, 1, 2]
    writing.close()
    with pytest.raises(RunError, match=r"it is encrypted; give its key with --recording-key"):
        Recording(root)
    with pytest.raises(RunError, match="the key does not fit"):
        Recording(root, key=RecordingKey(bytes(32)))
    assert indices(root, key=KEY) == [0, 1, 2]
    assert b"shop" not in layout.finished(root)[0].read_bytes()


def test_plain_and_encrypted_files_may_lie_side_by_side(tmp_path):
    root = tmp_path / "rec"
    Writing(root).write(plain(0)).close()
    Writing(root, key=KEY).write(plain(1)).close()
    assert indices(root, key=KEY) == [0, 1]


def test_damaged_files_are_left_out_and_named(tmp_path):
    root, said = tmp_path / "rec", []
    for number in range(4):
        Writing(root).write(plain(number), now_ns=NOON + number).close()
    cut, empty, flipped, _ = layout.finished(root)
    cut.write_bytes(cut.read_bytes()[:-100])
    empty.write_bytes(b"")
    octets = bytearray(flipped.read_bytes())
    octets[300] ^= 0x55
    flipped.write_bytes(octets)
    recording = Recording(root, notify=said.append)
    found = [o.exchange.request.index for o in recording.exchanges()]
    assert found in ([3], [2, 3])
    assert recording.problems == said
    assert [line.partition(": ")[0] for line in said][:2] == [str(cut), str(empty)]
    assert all("damaged" in line for line in said)


def test_a_damaged_page_costs_its_row_group_only(tmp_path):
    root = tmp_path / "rec"
    writing = Writing(root)
    for begin in range(0, 60_000, 1_000):
        writing.write(*(plain(begin + n, body=b"%d" % n) for n in range(1_000)))
    writing.close()
    (path,) = layout.finished(root)
    metadata = pq.read_metadata(path)
    assert metadata.num_row_groups == 3
    heads = SCHEMA.names.index("response_head")
    page = metadata.row_group(1).column(heads).data_page_offset
    octets = bytearray(path.read_bytes())
    octets[page + 60] ^= 0xFF
    path.write_bytes(octets)
    recording = Recording(root)
    found = [o.exchange.request.index for o in recording.exchanges()]
    assert found == [*range(20_000), *range(40_000, 60_000)]
    assert recording.skipped_rows == 20_000
    assert "20000 exchanges left out" in recording.problems[0]


def test_other_parquet_files_are_named(tmp_path):
    root = tmp_path / "rec"
    Writing(root).write(plain(0)).close()
    path = layout.finished_path(root, "20261123T12-1-ab")
    pq.write_table(pa.table({"a": [1]}), path)
    recording = Recording(root)
    assert [o.exchange.request.index for o in recording.exchanges()] == [0]
    assert recording.problems == [f"{path}: it is no file of a recording"]


def test_another_version_of_the_schema_stops_with_advice(tmp_path):
    root = tmp_path / "rec"
    Writing(root).write(plain(0)).close()
    path = layout.finished(root)[0]
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.replace_schema_metadata({VERSION_KEY: b"2"}), path)
    with pytest.raises(
        RunError, match=r"version 2 of the schema, and this shadowtap knows 1; use the release"
    ):
        Recording(root)


def test_columns_of_a_later_release_are_ignored_and_missing_ones_are_null(tmp_path):
    root = tmp_path / "rec"
    Writing(root).write(plain(0)).close()
    path = layout.finished(root)[0]
    table = pq.read_table(path, partitioning=None)
    changed = table.append_column("tls_version", pa.array(["1.3"])).drop_columns(["verdicts", "query"])
    pq.write_table(changed.replace_schema_metadata(table.schema.metadata), path)
    assert list(Recording(root).exchanges()) == [plain(0)]


def test_no_recording_is_said_plainly(tmp_path):
    with pytest.raises(RunError, match=r"recording:.*/nowhere: there is no such folder"):
        Recording(tmp_path / "nowhere")
    with pytest.raises(RunError, match="there are no exchanges in it"):
        Recording(tmp_path)


def test_it_is_read_while_another_writes_and_files_are_finished(tmp_path):
    root = tmp_path / "rec"
    writing = Writing(root, roll_s=1)
    writing.write(*many(3))
    recording = Recording(root)
    reading = recording.exchanges()
    first = next(reading)
    writing.store.tick(NOON + 2 * S)
    assert [o.exchange.request.index for o in (first, *reading)] == [0, 1, 2]
    assert indices(root) == [0, 1, 2]
    writing.write(plain(3), now_ns=NOON + 3 * S)
    assert indices(root) == [0, 1, 2, 3]
    writing.close()


def test_files_that_the_quota_takes_meanwhile_are_missed_and_named(tmp_path):
    root = tmp_path / "rec"
    Writing(root).write(plain(0)).close()
    recording = Recording(root)
    layout.finished(root)[0].unlink()
    assert list(recording.exchanges()) == []
    assert recording.skipped_rows == 1
