"""Classic pcap: every form of it, cut and corrupt."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.files import Packet, pcap, read
from shadowtap.capture import bytestream
from shadowtap.capture.records import MAX_BATCH_FRAMES, MAX_PACKET_BYTES
from shadowtap.errors import RunError
from shadowtap.events import Link

FORMS = [(order, unit_ns, header) for order in "<>" for unit_ns, header in ((1000, 16), (1, 16), (1000, 24))]


@st.composite
def packets(draw: st.DrawFn) -> list[Packet]:
    """A few packets, at whole microseconds."""
    octets = draw(st.lists(st.binary(max_size=80), max_size=12))
    times = st.integers(0, (1 << 32) * 10**6 - 1).map(lambda us: us * 1000)
    return [Packet(one, draw(times), len(one) + draw(st.integers(0, 70_000))) for one in octets]


@given(packets(), st.sampled_from(FORMS))
def test_what_was_written_is_read(written: list[Packet], form: tuple[str, int, int]) -> None:
    found = read(pcap(written, *form))
    assert found.packets == written
    assert found.stopped is None
    assert found.source.counters.cut == sum(len(packet.octets) < packet.on_wire for packet in written)
    assert found.source.progress() == 1.0


@given(packets(), st.sampled_from(FORMS), st.data())
def test_a_cut_file_gives_everything_before_the_cut(
    written: list[Packet], form: tuple[str, int, int], data: st.DataObject
) -> None:
    whole = pcap(written, *form)
    ends = [24]
    for packet in written:
        ends.append(ends[-1] + form[2] + len(packet.octets))
    cut = data.draw(st.integers(4, len(whole)))
    found = read(whole[:cut])
    complete = sum(end <= cut for end in ends) - 1
    assert found.packets == written[: max(complete, 0)]
    if cut < 24:
        assert found.stopped == f"the file ends in the middle of its header, at byte {cut}"
    elif cut in ends:
        assert found.stopped is None
    else:
        begins = ends[complete]
        assert (
            found.stopped
            == f"the file ends in the middle of packet {complete + 1}, which begins at byte {begins}"
        )


@given(packets(), st.sampled_from(FORMS), st.integers(1, 100))
def test_pieces_do_not_matter(written: list[Packet], form: tuple[str, int, int], size: int) -> None:
    whole = pcap(written, *form)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bytestream, "CHUNK_BYTES", size)
        assert read(whole).packets == written


@given(packets(), st.sampled_from(FORMS), st.binary(max_size=400), st.integers(0, 500))
def test_any_bytes_at_any_place(
    written: list[Packet], form: tuple[str, int, int], noise: bytes, at: int
) -> None:
    whole = bytearray(pcap(written, *form))
    whole[at : at + len(noise)] = noise
    with contextlib.suppress(RunError):
        read(bytes(whole))


def test_an_impossible_length_ends_the_reading() -> None:
    good = Packet(b"abc", 5_000, 3)
    content = (
        pcap([good, good])
        + struct.pack("<IIII", 0, 0, MAX_PACKET_BYTES + 1, 60)
        + bytes(MAX_PACKET_BYTES * 2)
    )
    found = read(content)
    assert found.packets == [good, good]
    assert found.stopped is not None
    assert found.stopped.startswith("packet 3, at byte 62, says it is 262145 bytes long")


def test_a_length_of_gigabytes_is_not_waited_for() -> None:
    found = read(pcap([]) + struct.pack("<IIII", 0, 0, 0xFFFFFFFF, 60) + b"x" * 100)
    assert found.stopped is not None
    assert "says it is 4294967295 bytes long" in found.stopped


def test_the_longest_packet_is_believed() -> None:
    longest = Packet(bytes(MAX_PACKET_BYTES), 0, MAX_PACKET_BYTES)
    assert read(pcap([longest, longest])).packets == [longest, longest]


def test_bits_about_checksums_are_not_part_of_the_link_type() -> None:
    found = read(pcap([Packet(b"x", 0, 1)], link=0x2400_0000 | Link.LINUX_SLL2))
    assert found.packets[0].link == Link.LINUX_SLL2


def test_more_packets_than_a_batch_holds() -> None:
    written = [Packet(n.to_bytes(4, "big"), n * 1000, 4) for n in range(3 * MAX_BATCH_FRAMES + 1)]
    found = read(pcap(written))
    assert found.packets == written
    assert found.source.counters.batches == 4


def test_a_length_on_the_wire_below_the_captured_one_is_mended() -> None:
    assert read(pcap([Packet(b"abcd", 0, 2)])).packets == [Packet(b"abcd", 0, 4)]
