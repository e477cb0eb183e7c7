"""A journal gives back every whole batch, wherever it was cut, and nothing that was not written."""

import os

import pytest

from record.observations import NOON, plain
from shadowtap.record import columns, journal
from shadowtap.record.journal import JournalError, JournalHeader, JournalReader, JournalWriter
from shadowtap.record.key import RecordingKey
from shadowtap.record.schema import SCHEMA

KEY = RecordingKey(bytes(range(32)))
HEADER = JournalHeader(1, "run", True, "0.1", SCHEMA.serialize().to_pybytes())


def batches(*sizes):
    for size in sizes:
        found = [plain(number, body=b"secret %d" % number) for number in range(size)]
        yield columns.batch(found, columns.times_ns(found, NOON), "run")


def write(path, *sizes, key=None, header=HEADER):
    writer = JournalWriter(path, header, key)
    for batch in batches(*sizes):
        writer.append(batch)
    writer.sync()
    writer.close()
    return writer.size


def read(path, key=None):
    reader = JournalReader(path, key)
    found = [batch for _, batch in reader.batches()]
    return reader, found


@pytest.mark.parametrize("key", [None, KEY])
def test_batches_come_back_in_order(tmp_path, key):
    size = write(tmp_path / "j", 3, 1, 200, key=key)
    reader, found = read(tmp_path / "j", key)
    assert [batch.num_rows for batch in found] == [3, 1, 200]
    assert found[2].equals(list(batches(3, 1, 200))[2])
    assert (reader.lost_bytes, size) == (0, os.path.getsize(tmp_path / "j"))
    assert (tmp_path / "j").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("key", [None, KEY])
def test_cut_anywhere_it_gives_what_is_whole(tmp_path, key):
    write(tmp_path / "j", 1, 1, key=key)
    octets = (tmp_path / "j").read_bytes()
    reader, _ = read(tmp_path / "j", key)
    begins = [begin for begin, _ in reader.batches()]
    ends = [*begins[1:], len(octets)]
    for cut in range(begins[0], len(octets), 97):
        (tmp_path / "cut").write_bytes(octets[:cut])
        reader, found = read(tmp_path / "cut", key)
        whole = sum(end <= cut for end in ends)
        assert len(found) == whole
        assert reader.lost_bytes == cut - (begins[0] if not whole else ends[whole - 1])


def test_a_frame_whose_octets_changed_ends_it(tmp_path):
    write(tmp_path / "j", 2, 2, 2)
    reader, _ = read(tmp_path / "j")
    second = [begin for begin, _ in reader.batches()][1]
    octets = bytearray((tmp_path / "j").read_bytes())
    octets[second + 100] ^= 1
    (tmp_path / "j").write_bytes(octets)
    reader, found = read(tmp_path / "j")
    assert [batch.num_rows for batch in found] == [2]
    assert reader.lost_bytes == len(octets) - second


def test_zeros_at_the_end_as_a_power_failure_leaves_them_are_no_batch(tmp_path):
    write(tmp_path / "j", 2)
    with open(tmp_path / "j", "ab") as file:
        file.write(bytes(4096))
    assert [batch.num_rows for batch in read(tmp_path / "j")[1]] == [2]


def test_an_encrypted_one_shows_nothing_and_wants_its_key(tmp_path):
    write(tmp_path / "j", 2, key=KEY)
    octets = (tmp_path / "j").read_bytes()
    assert b"secret" not in octets
    assert b"shop" not in octets
    with pytest.raises(JournalError, match="encrypted; give its key"):
        read(tmp_path / "j")
    with pytest.raises(JournalError, match="another key"):
        read(tmp_path / "j", RecordingKey(bytes(32)))


def test_no_two_journals_are_encrypted_alike(tmp_path):
    write(tmp_path / "a", 1, key=KEY)
    write(tmp_path / "b", 1, key=KEY)
    assert (tmp_path / "a").read_bytes()[-200:] != (tmp_path / "b").read_bytes()[-200:]


@pytest.mark.parametrize("octets", [b"", b"shadowtap", b"shadowtap journal 1\n", b"PAR1" * 100])
def test_another_file_is_named_as_such(tmp_path, octets):
    (tmp_path / "j").write_bytes(octets)
    with pytest.raises(JournalError, match="no readable beginning"):
        JournalReader(tmp_path / "j")


def test_another_schema_is_named(tmp_path):
    import msgspec

    write(tmp_path / "j", 1, header=msgspec.structs.replace(HEADER, schema=9))
    with pytest.raises(JournalError, match="schema 9"):
        JournalReader(tmp_path / "j")


def test_what_does_not_fit_on_the_disk_leaves_the_journal_as_it_was(tmp_path, monkeypatch):
    writer = JournalWriter(tmp_path / "j", HEADER, None)
    first, second = batches(2, 2)
    writer.append(first)
    real = os.write

    def full(handle, octets):
        if len(octets) > 100:
            real(handle, octets[:50])
            raise OSError(28, "No space left on device")
        return real(handle, octets)

    monkeypatch.setattr(journal.os, "write", full)
    with pytest.raises(OSError, match="No space"):
        writer.append(second)
    monkeypatch.undo()
    writer.append(second)
    assert [batch.num_rows for batch in read(tmp_path / "j")[1]] == [2, 2]
