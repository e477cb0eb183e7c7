"""What the writer writes, the reader reads, and others do too."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.files import Packet, read, read_path
from shadowtap.capture.pcap_writer import PcapWriter
from shadowtap.events import Link


@given(
    st.lists(st.tuples(st.binary(max_size=50), st.integers(0, (1 << 32) * 10**9 - 1), st.integers(0, 99))),
    st.booleans(),
    st.sampled_from([Link.ETHERNET, Link.RAW, Link.LINUX_SLL2]),
)
def test_what_was_written_is_read(rows: list[tuple[bytes, int, int]], nanoseconds: bool, link: Link) -> None:
    file = io.BytesIO()
    with PcapWriter(file, link, nanoseconds=nanoseconds) as writer:
        for octets, time_ns, more in rows:
            writer.write(octets, time_ns, len(octets) + more)
    unit_ns = 1 if nanoseconds else 1000
    assert read(file.getvalue()).packets == [
        Packet(octets, time_ns // unit_ns * unit_ns, len(octets) + more, link)
        for octets, time_ns, more in rows
    ]


def test_a_path(tmp_path: Path) -> None:
    path = tmp_path / "written.pcap"
    with PcapWriter(path) as writer:
        writer.write(b"packet", 1_500_000_000)
    assert read_path(path).packets == [Packet(b"packet", 1_500_000_000, 6)]


def test_others_read_it(tmp_path: Path) -> None:
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("not installed: tshark; apt-get install -y tshark")
    path = tmp_path / "written.pcap"
    with PcapWriter(path) as writer:
        writer.write(bytes(60), 1_700_000_000_123_456_789, 70)
    command = [
        tshark,
        "-n",
        "-r",
        str(path),
        "-T",
        "fields",
        "-eframe.time_epoch",
        "-eframe.cap_len",
        "-eframe.len",
    ]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert told.split() == ["1700000000.123456789", "60", "70"]
