"""Writing while a run goes on: nothing truncated, nothing lost without a count."""

import os
import stat
import threading

import pytest

from formats.observing import MS, NOON_NS, observe, request, response
from shadowtap.errors import RunError
from shadowtap.formats.gor import GorFiles, GorSink
from shadowtap.formats.gor.append import Appender
from shadowtap.formats.gor.records import SEPARATOR
from shadowtap.masking import Masker


def seen(path="/", at=0):
    """An exchange, `at` milliseconds after noon."""
    octets = f"GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n".encode()
    return observe(request(octets, index=at, at=NOON_NS + at * MS), response(at=NOON_NS + at * MS + 1))


def paths(*patterns):
    """The requests of files."""
    return [o.exchange.request.target.decode() for o in GorFiles(*map(str, patterns)).observations()]


def fill(sink, *numbers):
    """Offer exchanges."""
    for number in numbers:
        assert sink.offer(seen(f"/{number}", number))
        sink.flush()


@pytest.mark.parametrize("ending", ["gor", "gor.gz"])
def test_what_is_offered_is_read_back(tmp_path, ending):
    path = tmp_path / f"requests.{ending}"
    with GorSink(str(path)) as sink:
        for number in range(100):
            assert sink.offer(seen(f"/{number}", number))
    assert paths(path) == [f"/{number}" for number in range(100)]
    assert (sink.offered, sink.written) == (100, 100)
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == (ending == "gor.gz")


def test_files_are_for_their_owner_only(tmp_path):
    before = os.umask(0)
    try:
        with GorSink(str(tmp_path / "made" / "requests.gor")) as sink:
            fill(sink, 1)
    finally:
        os.umask(before)
    path = tmp_path / "made" / "requests.gor"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_restart_appends(tmp_path):
    path = tmp_path / "requests.gor"
    for number in range(3):
        with GorSink(str(path)) as sink:
            fill(sink, number)
    assert paths(path) == ["/0", "/1", "/2"]


def test_a_restart_after_a_crash_loses_the_half_record_only(tmp_path):
    path = tmp_path / "requests.gor"
    with GorSink(str(path)) as sink:
        fill(sink, 1, 2)
    octets = path.read_bytes()
    path.write_bytes(octets[: octets.rfind(b"GET") + 10])
    with GorSink(str(path)) as sink:
        fill(sink, 3)
    assert paths(path) == ["/1", "/3"]


def test_a_packed_file_is_followed_by_another_after_a_restart(tmp_path):
    path = tmp_path / "requests.gor.gz"
    with GorSink(str(path)) as sink:
        fill(sink, 1)
    path.write_bytes(path.read_bytes()[:-5])
    with GorSink(str(path)) as sink:
        fill(sink, 2)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["requests.gor.gz", "requests_1.gor.gz"]
    assert paths(tmp_path / "requests*") == ["/1", "/2"]


def test_what_is_flushed_survives_a_kill_also_packed(tmp_path):
    path = tmp_path / "requests.gor.gz"
    with GorSink(str(path)) as sink:
        fill(sink, 1, 2)
        (tmp_path / "copy.gor.gz").write_bytes(path.read_bytes())
    assert paths(tmp_path / "copy.gor.gz") == ["/1", "/2"]


def test_files_are_rolled_by_size(tmp_path):
    path = tmp_path / "requests.gor"
    with GorSink(str(path), file_bytes=300) as sink:
        fill(sink, *range(6))
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["requests.gor", "requests_1.gor", "requests_2.gor"]
    assert all(300 <= file.stat().st_size < 500 for file in tmp_path.iterdir())
    assert paths(tmp_path / "requests*.gor") == [f"/{number}" for number in range(6)]


def test_a_restart_goes_on_in_the_last_file(tmp_path):
    path = tmp_path / "requests.gor"
    for number in range(6):
        with GorSink(str(path), file_bytes=300) as sink:
            fill(sink, number)
    assert len(list(tmp_path.iterdir())) == 3
    assert paths(tmp_path / "*") == [f"/{number}" for number in range(6)]


def test_files_are_rolled_by_the_time_in_their_name(tmp_path):
    now = [NOON_NS]
    with GorSink(str(tmp_path / "%Y%m%d" / "r-%H%M%S-100%%.gor"), clock=lambda: now[0]) as sink:
        fill(sink, 1)
        now[0] += 3_600 * 10**9
        fill(sink, 2)
    names = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.gor"))
    assert names == ["20261125/r-120000-100%.gor", "20261125/r-130000-100%.gor"]


def test_what_has_no_room_is_counted(tmp_path):
    going_on = threading.Event()

    def hold(observation):
        going_on.wait(20)
        return observation

    with GorSink(str(tmp_path / "a.gor"), queue_bytes=5_000, mask=hold) as sink:
        taken = sum(sink.offer(seen(f"/{number}", number)) for number in range(100))
        going_on.set()
    assert 5 < taken < 50
    assert sink.lost == {"queue_full": 100 - taken}
    assert sink.written == taken == len(paths(tmp_path / "a.gor"))


def test_what_cannot_be_written_is_counted(tmp_path):
    with GorSink(str(tmp_path / "a.gor")) as sink:
        assert sink.offer(observe(None, response()))
    assert sink.lost == {"nothing_to_write": 1}
    assert sink.left_out == {"no_request": 1}


def test_what_is_stored_is_masked(tmp_path):
    masker = Masker(b"k" * 32)
    octets = b"GET / HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer planted-secret\r\n\r\n"
    with GorSink(str(tmp_path / "a.gor"), mask=masker.observation) as sink:
        sink.offer(observe(request(octets)))
    assert b"planted-secret" not in (tmp_path / "a.gor").read_bytes()
    assert masker.counts.total() == 1
    assert sink.written == 1


def test_a_mask_that_fails_lets_nothing_through(tmp_path):
    def fail(observation):
        raise ValueError(observation)

    with GorSink(str(tmp_path / "a.gor"), mask=fail) as sink:
        sink.offer(seen())
    assert sink.lost == {"bug": 1}
    assert (tmp_path / "a.gor").read_bytes() == b""


def test_a_disk_that_is_full_is_counted_and_tried_again(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    path = tmp_path / "a.gor"
    path.symlink_to("/dev/full")
    with GorSink(str(path)) as sink:
        fill(sink, 1)
        assert "No space left" in sink.error
        path.unlink()
        fill(sink, 2)
        assert sink.error == ""
    assert sink.lost == {"write_failed": 1}
    assert sink.written == 1
    assert paths(path) == ["/2"]


def test_a_place_that_cannot_be_written_is_said_at_once(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RunError, match="cannot be written"):
        GorSink(str(tmp_path / "file" / "a.gor"))
    (tmp_path / "b.gor").mkdir()
    with pytest.raises(RunError, match="cannot be written: Is a directory"):
        GorSink(str(tmp_path / "b.gor"))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("gor:")]


def test_a_file_that_was_not_ended_gets_a_separator_first(tmp_path):
    path = tmp_path / "a.gor"
    path.write_bytes(b"1 a 1\nGET / HTTP/1.1\r\n\r\n")
    out = Appender(str(path), file_bytes=1 << 20, clock=lambda: NOON_NS)
    assert out.append(b"1 b 2\nGET /b HTTP/1.1\r\n\r\n" + SEPARATOR)
    out.close()
    assert paths(path) == ["/", "/b"]
