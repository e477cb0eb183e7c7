"""Files, pipes, named pipes and standard input as one stream of pieces."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from shadowtap.capture.bytestream import CHUNK_BYTES, ByteStream
from shadowtap.errors import RunError


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """A named pipe that nobody has opened."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


@pytest.fixture
def standard_input() -> Iterator[int]:
    """The writing end of a pipe that is standard input."""
    before = os.dup(0)
    reader, writer = os.pipe()
    os.dup2(reader, 0)
    os.close(reader)
    yield writer
    os.dup2(before, 0)
    os.close(before)


def test_a_file_comes_whole_in_large_pieces_with_its_progress(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(2 * CHUNK_BYTES + 5))
    stream = ByteStream(name="file", path=str(path))
    told = [(len(chunk), stream.progress()) for chunk in stream]
    assert [size for size, _ in told] == [CHUNK_BYTES, CHUNK_BYTES, 5]
    assert told[0][1] == pytest.approx(0.5, abs=0.01)
    assert told[-1][1] == stream.progress() == 1.0


def test_a_pipe_gives_at_once_what_has_arrived(fifo: Path) -> None:
    stream = ByteStream(name="fifo", path=str(fifo))
    writer = os.open(fifo, os.O_WRONLY)
    for piece in (b"a", b"bc"):
        os.write(writer, piece)
        assert stream.read() == piece
    os.close(writer)
    assert stream.read() == b""
    assert stream.progress() is None


def test_a_named_pipe_waits_for_its_writer(fifo: Path) -> None:
    stream = ByteStream(name="fifo", path=str(fifo))
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(stream.read()))
    reader.start()
    fifo.write_bytes(b"late")
    reader.join(10)
    assert found == [b"late"]


def test_closing_ends_a_read_in_another_thread(fifo: Path) -> None:
    stream = ByteStream(name="fifo", path=str(fifo))
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.extend(stream))
    reader.start()
    stream.close()
    reader.join(10)
    assert not reader.is_alive()
    assert (found, stream.closed) == ([], True)
    stream.close()


def test_standard_input_is_not_closed(standard_input: int) -> None:
    stream = ByteStream(name="pcap:-", path="-")
    os.write(standard_input, b"abc")
    assert stream.read() == b"abc"
    stream.close()
    assert stream.read() == b""
    os.fstat(0)


def test_standard_input_that_is_closed() -> None:
    before = os.dup(0)
    os.close(0)
    try:
        with pytest.raises(RunError, match=r"^pcap:-: standard input is closed; pipe a capture into it$"):
            ByteStream(name="pcap:-", path="-")
    finally:
        os.dup2(before, 0)
        os.close(before)


def test_standard_input_that_is_a_terminal() -> None:
    main, terminal = os.openpty()
    before = os.dup(0)
    os.dup2(terminal, 0)
    try:
        with pytest.raises(RunError, match=r"^pcap:-: standard input is a terminal; pipe a capture into it"):
            ByteStream(name="pcap:-", path="-")
    finally:
        os.dup2(before, 0)
        for fd in (before, main, terminal):
            os.close(fd)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"^pcap:x: there is no such file; check the path$"):
        ByteStream(name="pcap:x", path=str(tmp_path / "x"))


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"^pcap:x: is a directory; name one capture file in it$"):
        ByteStream(name="pcap:x", path=str(tmp_path))


def test_no_permission(tmp_path: Path, unprivileged) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    path.chmod(0)
    tmp_path.chmod(0o711)
    for parent in (tmp_path.parent, tmp_path.parent.parent):
        parent.chmod(0o711)
    with unprivileged(), pytest.raises(RunError, match=r"^pcap:x: no permission to read the file; "):
        ByteStream(name="pcap:x", path=str(path))


def test_a_name_no_file_can_have() -> None:
    with pytest.raises(RunError, match=r"^pcap:x: cannot open: File name too long$"):
        ByteStream(name="pcap:x", path="x" * 5000)
    with pytest.raises(RunError, match=r"^pcap:x: cannot open: embedded null byte$"):
        ByteStream(name="pcap:x", path="a\0b")
