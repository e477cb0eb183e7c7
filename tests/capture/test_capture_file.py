"""Capture files as other programs write them, and what is no capture file."""

import gzip
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import zstandard

from capture.files import Packet, enhanced, interface, packets_of, pcap, read, read_path, section
from shadowtap.capture import FileSource
from shadowtap.capture.capture_file import CaptureFile
from shadowtap.errors import RunError
from shadowtap.events import Link

EXPECTED = "expected is a pcap or pcapng capture, plain or compressed with gzip or zstd"
SOME = [Packet(os.urandom(size), 1_700_000_000 * 10**9 + size * 1000, size) for size in range(60, 160)]


def tool(name: str) -> str:
    """A program of the Wireshark family, or skip."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"not installed: {name}; apt-get install -y wireshark-common tshark")
    return path


def run(*command: str) -> str:
    """What a program printed."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    "form",
    ["pcap", "nsecpcap", "pcapng", "modpcap"],
)
def test_files_that_editcap_writes(form: str, tmp_path: Path) -> None:
    original = tmp_path / "original"
    original.write_bytes(pcap(SOME))
    editcap = tool("editcap")
    converted = tmp_path / "converted"
    run(editcap, "-F", form, str(original), str(converted))
    assert read_path(converted)[:2] == (SOME, None)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_compressed_files(compression: str, tmp_path: Path) -> None:
    pack = gzip.compress if compression == "gzip" else zstandard.compress
    content = pcap(SOME)
    path = tmp_path / "misnamed.pcap"
    path.write_bytes(pack(content[:1000]) + pack(content[1000:]))
    found = read_path(path)
    assert found[:2] == (SOME, None)
    assert found.source.progress() == 1.0


def test_a_merged_file_with_two_link_types(tmp_path: Path) -> None:
    ethernet, cooked = SOME[0::2], [packet._replace(link=Link.LINUX_SLL) for packet in SOME[1::2]]
    (tmp_path / "a").write_bytes(pcap(ethernet))
    (tmp_path / "b").write_bytes(pcap(cooked, link=Link.LINUX_SLL))
    run(tool("mergecap"), "-w", str(tmp_path / "merged"), str(tmp_path / "a"), str(tmp_path / "b"))
    found = read_path(tmp_path / "merged")
    assert [packet.link for packet in found.packets] == [1, Link.LINUX_SLL] * (len(SOME) // 2)
    assert found.packets == sorted(ethernet + cooked, key=lambda packet: packet.time_ns)


def test_a_snapshot_length_cuts(tmp_path: Path) -> None:
    (tmp_path / "whole").write_bytes(pcap(SOME))
    run(tool("editcap"), "-s", "100", str(tmp_path / "whole"), str(tmp_path / "cut"))
    found = read_path(tmp_path / "cut")
    assert found.packets == [packet._replace(octets=packet.octets[:100]) for packet in SOME]
    assert found.source.counters.cut == sum(packet.on_wire > 100 for packet in SOME)


def test_agreement_with_tshark(tmp_path: Path) -> None:
    tshark = tool("tshark")
    path = tmp_path / "file"
    path.write_bytes(
        section(">") + interface(order=">") + enhanced(SOME[0], 123, order=">") + section() + interface()
    )
    columns = ("frame.time_epoch", "frame.len", "frame.cap_len")
    printed = run(tshark, "-n", "-r", str(path), "-T", "fields", *(f"-e{name}" for name in columns))
    found = read_path(path).packets
    assert printed.split() == [
        f"{found[0].time_ns / 1e9:.9f}",
        str(found[0].on_wire),
        str(len(found[0].octets)),
    ]


@pytest.mark.corpus
def test_agreement_with_capinfos_on_captures_of_others() -> None:
    corpus = Path(__file__).parents[3] / "shared" / "corpus" / "pcap"
    if not corpus.is_dir():
        pytest.skip(f"there is no corpus at {corpus}")
    files = [str(path) for path in sorted(corpus.iterdir())]
    done = subprocess.run([tool("capinfos"), "-TcMr", *files], check=False, capture_output=True, text=True)
    told = {path: int(count) for path, count in (line.split("\t") for line in done.stdout.splitlines())}
    assert len(told) > 700
    differing = {path for path, count in told.items() if len(read_path(path).packets) != count}
    assert differing == set()


def test_standard_input(tmp_path: Path) -> None:
    program = (
        "from shadowtap.capture.capture_file import CaptureFile\n"
        "source = CaptureFile(name='pcap:-', path='-')\n"
        "print(sum(len(frames) for frames in source), source.stopped, source.progress())"
    )
    command = [sys.executable, "-c", program]
    piped = subprocess.run(command, input=gzip.compress(pcap(SOME)), capture_output=True, check=True)
    assert piped.stdout == b"100 None None\n"
    path = tmp_path / "file"
    path.write_bytes(pcap(SOME)[:-1])
    with path.open("rb") as file:
        redirected = subprocess.run(command, stdin=file, capture_output=True, check=True)
    assert redirected.stdout.startswith(
        b"99 the file ends in the middle of packet 100, which begins at byte "
    )
    assert redirected.stdout.endswith(b" 1.0\n")


def test_a_pipe_gives_packets_as_they_come(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    source = CaptureFile(name="pcap:fifo", path=str(path))
    assert isinstance(source, FileSource)
    assert source.progress() is None
    content = pcap(SOME[:2])
    with path.open("wb", buffering=0) as writer:
        frames = iter(source)
        writer.write(content[:-1])
        assert len(next(frames)) == 1
        writer.write(content[-1:])
        assert len(next(frames)) == 1
    assert list(frames) == []
    assert source.stopped is None


def test_closing_ends_the_wait_for_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    source = CaptureFile(name="pcap:fifo", path=str(path))
    content = pcap(SOME[:2])
    first = threading.Event()

    def consume() -> None:
        for _ in source:
            first.set()

    with path.open("wb", buffering=0) as writer:
        reader = threading.Thread(target=consume)
        reader.start()
        writer.write(content[:-1])
        assert first.wait(10)
        source.close()
        reader.join(10)
        assert not reader.is_alive()
    assert source.stopped is None


def test_a_second_reading_is_empty() -> None:
    found = read(pcap(SOME))
    assert list(found.source) == []
    assert found.source.stopped is None


def test_two_reasons_are_both_told() -> None:
    packed = gzip.compress(pcap(SOME), 0)
    found = read(packed[:5000])
    assert 0 < len(found.packets) < len(SOME)
    assert found.stopped is not None
    assert found.stopped.startswith(
        "the gzip data ends early, at byte 5000 of the file; the file ends in the middle"
    )


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", f"is empty; {EXPECTED}"),
        (b"\xd4\xc3", f"is too short, 2 bytes; {EXPECTED}"),
        (b'{"log": {"entries": []}}', f"is no capture, it looks like JSON (a HAR file, perhaps); {EXPECTED}"),
        (b"\n <html></html>", f"is no capture, it looks like HTML or XML; {EXPECTED}"),
        (b"GET / HTTP/1.1\r\n", f"is no capture, it looks like text; {EXPECTED}"),
        (
            b"BZh91AY&SY",
            f"is no capture, it looks like a bzip2 archive; pipe it: bzcat FILE | … pcap:-; {EXPECTED}",
        ),
        (bytes(100), f"is no capture; {EXPECTED}"),
        (gzip.compress(b"", mtime=0), f"is empty; {EXPECTED}"),
        (gzip.compress(b"some text", mtime=0), f"is no capture, it looks like text; {EXPECTED}"),
        (
            gzip.compress(b"some text", mtime=0)[:12],
            f"the gzip data ends early, at byte 12 of the file; {EXPECTED}",
        ),
        (zstandard.compress(pcap([]))[:5], f"the zstd data ends early, at byte 5 of the file; {EXPECTED}"),
    ],
)
def test_files_of_another_kind(content: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(RunError) as refused:
        CaptureFile(name="pcap:other", path=str(path))
    assert str(refused.value) == f"pcap:other: {complaint}"


def test_a_pipe_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    source = CaptureFile(name="pcap:fifo", path=str(path))
    with path.open("wb", buffering=0) as writer:
        writer.write(b"some text")
        with pytest.raises(RunError, match=r"^pcap:fifo: is no capture, it looks like text; "):
            packets_of(source)
