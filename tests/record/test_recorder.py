"""The queue and its thread: nothing blocks, everything is counted, the disk may fail and come back."""

import errno
import os
import threading
from contextlib import suppress

import pytest

from record.observations import plain
from shadowtap.errors import RunError
from shadowtap.events import Observation, replace
from shadowtap.record import Recorder, Recording, StoreOptions, layout
from shadowtap.record import recorder as module

ROOMY = StoreOptions(free_bytes=0)


class Door:
    """A mask that lets nothing through before it is opened: the writer waits, as on a slow disk."""

    def __init__(self):
        self._open = threading.Event()
        self.waits = threading.Event()

    def __call__(self, observation):
        self.waits.set()
        self._open.wait()
        return observation

    def open(self):
        self._open.set()


def fill(path):
    """Until the disk is full."""
    with suppress(OSError), open(path, "wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def indices(root, **how):
    return [o.exchange.request.index for o in Recording(root, **how).exchanges()]


def settled(counters):
    return counters.offered == counters.written + counters.lost.total()


def test_what_is_offered_is_on_the_disk_after_the_end(tmp_path):
    recorder = Recorder(tmp_path / "rec", options=ROOMY)
    assert all(recorder.offer(plain(number)) for number in range(3_000))
    recorder.close()
    assert (recorder.counters.offered, recorder.counters.written) == (3_000, 3_000)
    assert (recorder.counters.waiting, recorder.waiting_bytes) == (0, 0)
    assert indices(tmp_path / "rec") == list(range(3_000))


def test_beyond_the_queue_is_lost_and_counted(tmp_path):
    door = Door()
    recorder = Recorder(tmp_path / "rec", options=ROOMY, mask=door, queue=10)
    recorder.offer(plain(0))
    recorder._wake.set()
    door.waits.wait()
    taken = [recorder.offer(plain(number)) for number in range(1, 15)]
    assert taken == [True] * 10 + [False] * 4
    door.open()
    recorder.close()
    assert dict(recorder.counters.lost) == {"queue_full": 4}
    assert settled(recorder.counters)
    assert indices(tmp_path / "rec") == list(range(11))


def test_the_queue_is_bounded_in_octets_and_one_large_observation_passes(tmp_path):
    door = Door()
    recorder = Recorder(tmp_path / "rec", options=ROOMY, mask=door, queue_bytes=100_000)
    recorder.offer(plain(0))
    recorder._wake.set()
    door.waits.wait()
    large = bytes(90_000)
    assert [recorder.offer(plain(n, body=large * n)) for n in (2, 1)] == [True, False]
    door.open()
    recorder.close()
    assert indices(tmp_path / "rec") == [0, 2]


def test_someone_is_told_when_it_cannot_keep_up(tmp_path):
    said, door = [], Door()
    recorder = Recorder(tmp_path / "rec", options=ROOMY, mask=door, queue=1, notify=said.append)
    for number in range(5):
        recorder.offer(plain(number))
    door.open()
    recorder.close()
    assert any("cannot keep up" in line for line in said)


def test_after_the_end_nothing_is_taken(tmp_path):
    recorder = Recorder(tmp_path / "rec", options=ROOMY)
    recorder.close()
    assert not recorder.offer(plain())
    assert dict(recorder.counters.lost) == {"stopped": 1}


def test_only_what_the_mask_gives_reaches_the_disk(tmp_path):
    def mask(observation):
        request = replace(observation.exchange.request, head=b"GET /masked HTTP/1.1\r\n\r\n")
        return Observation(replace(observation.exchange, request=request), observation.fate, ())

    recorder = Recorder(tmp_path / "rec", options=ROOMY, mask=mask)
    recorder.offer(plain(1))
    recorder.close()
    (found,) = Recording(tmp_path / "rec").exchanges()
    assert found.exchange.request.head == b"GET /masked HTTP/1.1\r\n\r\n"


def test_what_cannot_be_masked_is_not_stored(tmp_path):
    said = []

    def mask(observation):
        if observation.exchange.request.index == 1:
            raise ValueError("odd")
        return observation

    recorder = Recorder(tmp_path / "rec", options=ROOMY, mask=mask, notify=said.append)
    for number in range(3):
        recorder.offer(plain(number))
    recorder.close()
    assert dict(recorder.counters.lost) == {"bug": 1}
    assert "a bug in shadowtap: masking: ValueError('odd')" in said[0]
    assert indices(tmp_path / "rec") == [0, 2]


def test_a_full_disk_costs_what_does_not_fit_and_heals(small_disk, monkeypatch):
    monkeypatch.setattr(module, "RETRY_NS", (0,))
    root, said = small_disk / "rec", []
    recorder = Recorder(root, options=ROOMY, notify=said.append)
    recorder.offer(plain(0))
    while recorder.counters.written < 1:
        os.sched_yield()
    filler = small_disk / "filler"
    fill(filler)
    for number in range(1, 4):
        recorder.offer(plain(number, body=os.urandom(300_000)))
    while not recorder.counters.lost["disk_full"]:
        os.sched_yield()
    filler.unlink()
    while recorder.counters.waiting:
        os.sched_yield()
    recorder.offer(plain(9))
    recorder.close()
    assert settled(recorder.counters)
    assert (
        set(recorder.counters.lost) == {"disk_full", "queue_full"} - {"queue_full"}
        or not recorder.counters.lost["queue_full"]
    )
    assert "stopped: " in said[0]
    assert any("goes on" in line for line in said)
    found = indices(root)
    assert found[0] == 0
    assert found[-1] == 9
    assert len(found) == recorder.counters.written
    assert not (root / "_open").exists()


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.EROFS, "read_only"), (errno.EACCES, "permission"), (errno.EIO, "io_error")]
)
def test_a_disk_that_fails_is_counted_by_its_reason(tmp_path, monkeypatch, number, reason):
    said = []

    def failing(*_):
        raise OSError(number, os.strerror(number))

    recorder = Recorder(tmp_path / "rec", options=ROOMY, notify=said.append)
    monkeypatch.setattr(recorder._store, "write", failing)
    for n in range(5):
        recorder.offer(plain(n))
    recorder.close()
    assert dict(recorder.counters.lost) == {reason: 5}
    assert [line for line in said if "stopped" in line] == [
        f"recording:{tmp_path / 'rec'} stopped: {os.strerror(number)}; the run goes on, and what is not recorded is counted"
    ]


def test_two_cannot_record_into_one_folder(tmp_path):
    recorder = Recorder(tmp_path / "rec")
    with pytest.raises(RunError, match="another process"):
        Recorder(tmp_path / "rec")
    recorder.close()
    Recorder(tmp_path / "rec").close()


def test_a_bug_ends_the_recording_and_not_the_run(tmp_path, monkeypatch):
    said = []

    def broken(*_):
        raise TypeError("odd")

    recorder = Recorder(tmp_path / "rec", options=ROOMY, notify=said.append)
    monkeypatch.setattr(recorder._store, "write", broken)
    recorder.offer(plain())
    recorder._wake.set()
    recorder._thread.join()
    assert not recorder.offer(plain())
    recorder.close()
    assert "a bug in shadowtap ended it: TypeError('odd')" in said[0]
    assert settled(recorder.counters)
    assert layout.finished(tmp_path / "rec") == []
