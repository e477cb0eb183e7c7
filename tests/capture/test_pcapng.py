"""pcapng: sections, interfaces, kinds of blocks, time stamps; cut and corrupt."""

import contextlib
import struct
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.files import (
    Packet,
    block,
    enhanced,
    interface,
    obsolete,
    option,
    pcap,
    read,
    section,
    simple,
)
from shadowtap.capture import bytestream, pcapng
from shadowtap.capture.records import MAX_BATCH_FRAMES
from shadowtap.errors import RunError

ONE = Packet(b"one packet", 1_700_000_000_123_456_000, 10)
TICKS = ONE.time_ns // 1000


@st.composite
def chains(draw: st.DrawFn) -> list[tuple[bytes, Packet | None]]:
    """Blocks of several sections, each with the packet that it holds, or None."""
    found: list[tuple[bytes, Packet | None]] = []
    last_ns = 0
    for order in draw(st.lists(st.sampled_from("<>"), min_size=1, max_size=3)):
        found.append((section(order), None))
        links: list[tuple[int, int]] = []
        for _ in range(draw(st.integers(1, 8))):
            kind = draw(st.integers(0, 6)) if links else 0
            octets = draw(st.binary(max_size=30))
            number = draw(st.integers(0, max(len(links) - 1, 0)))
            ticks = draw(st.integers(0, 1 << 50))
            on_wire = len(octets) + draw(st.integers(0, 100))
            if kind == 0:
                link, exponent = draw(st.sampled_from([(1, 6), (101, 9), (113, 3)]))
                links.append((link, exponent))
                options = option(9, bytes([exponent]), order)
                found.append((interface(link, 0, options, order), None))
            elif kind in (1, 2, 3):
                link, exponent = links[number]
                last_ns = ticks * 10 ** (9 - exponent)
                last_ns = (last_ns + (1 << 63)) % (1 << 64) - (1 << 63)
                packet = Packet(octets, last_ns, on_wire, link)
                write = obsolete if kind == 3 else enhanced
                found.append((write(packet, ticks, number, order), packet))
            elif kind == 4:
                packet = Packet(octets, last_ns, len(octets), links[0][0])
                found.append((simple(packet, order), packet))
            else:
                found.append((block(draw(st.integers(7, 1 << 31)), octets, order), None))
    return found


@given(chains(), st.sampled_from([1, 3, 16, 100, 1 << 20]))
def test_what_was_written_is_read(chain: list[tuple[bytes, Packet | None]], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bytestream, "CHUNK_BYTES", size)
        found = read(b"".join(octets for octets, _ in chain))
    assert found.packets == [packet for _, packet in chain if packet]
    assert found.stopped is None


@given(chains(), st.data())
def test_a_cut_file_gives_everything_before_the_cut(
    chain: list[tuple[bytes, Packet | None]], data: st.DataObject
) -> None:
    whole = b"".join(octets for octets, _ in chain)
    ends = list(accumulate(len(octets) for octets, _ in chain))
    cut = data.draw(st.integers(4, len(whole)))
    found = read(whole[:cut])
    complete = sum(end <= cut for end in ends)
    assert found.packets == [packet for _, packet in chain[:complete] if packet]
    assert (found.stopped is None) == (cut in ends)
    if found.stopped is not None:
        begins = ends[complete - 1] if complete else 0
        assert found.stopped.startswith("the file ends in the middle of ")
        assert found.stopped.endswith(f", which begins at byte {begins}")


@given(chains(), st.binary(max_size=60), st.integers(0, 300))
def test_any_bytes_at_any_place(chain: list[tuple[bytes, Packet | None]], noise: bytes, at: int) -> None:
    whole = bytearray(b"".join(octets for octets, _ in chain))
    whole[at : at + len(noise)] = noise
    with contextlib.suppress(RunError):
        read(bytes(whole))


@pytest.mark.parametrize(
    ("resolution", "ticks", "expected_ns"),
    [
        (0x00, 1_700_000_000, 1_700_000_000 * 10**9),
        (0x03, 1_700_000_000_123, 1_700_000_000_123 * 10**6),
        (0x09, 1_700_000_000_123_456_789, 1_700_000_000_123_456_789),
        (0x0C, 1_700_000_123_456_789, 1_700_000_123_456),
        (0x7F, 1 << 63, 0),
        (0x80, 1_700_000_000, 1_700_000_000 * 10**9),
        (0x8A, 1_700_000_000 << 10 | 512, 1_700_000_000 * 10**9 + 500_000_000),
        (0xA0, 1_700_000_000 << 32 | 1 << 30, 1_700_000_000 * 10**9 + 250_000_000),
        (0xBF, 1 << 62, 500_000_000),
        (0xFF, 1 << 63, 0),
    ],
)
def test_resolution_of_time_stamps(resolution: int, ticks: int, expected_ns: int) -> None:
    options = option(9, bytes([resolution]))
    found = read(section() + interface(options=options) + enhanced(ONE, ticks))
    assert found.packets[0].time_ns == expected_ns


@pytest.mark.parametrize("offset_s", [-3600, 0, 7, 1 << 40, -(1 << 63)])
def test_offset_of_time_stamps(offset_s: int) -> None:
    options = option(2, b"eth0") + option(14, struct.pack("<q", offset_s))
    found = read(section() + interface(options=options) + enhanced(ONE, 5))
    believed_s = max(-(1 << 33), min(offset_s, 1 << 33))
    assert found.packets[0].time_ns == 5000 + believed_s * 10**9


def test_a_simple_packet_is_cut_at_the_snapshot_length() -> None:
    packet = Packet(b"abcd", 0, 1000)
    found = read(section() + interface(snaplen=3) + simple(packet))
    assert found.packets == [Packet(b"abc", 0, 1000)]
    assert found.source.counters.cut == 1


def test_comments_behind_a_packet_are_no_part_of_it() -> None:
    content = section() + interface() + enhanced(ONE, TICKS, options=option(1, b"a comment") + option(0, b""))
    assert read(content * 2).packets == [ONE, ONE]


def test_a_skipped_block_may_be_longer_than_memory_should_be() -> None:
    long = block(0x0BAD, bytes(3 * pcapng.MAX_BLOCK_BYTES))
    found = read(section() + interface() + long + enhanced(ONE, TICKS) + long)
    assert (found.packets, found.stopped) == ([ONE], None)
    cut = read((section() + interface() + enhanced(ONE, TICKS) + long)[:-1])
    assert cut.packets == [ONE]
    assert cut.stopped == "the file ends in the middle of a block, which begins at byte 92"


def test_what_the_capturing_program_lost() -> None:
    def statistics(number: int, drops: int, system_drops: int) -> bytes:
        options = option(5, struct.pack("<Q", drops)) + option(7, struct.pack("<Q", system_drops))
        return block(5, struct.pack("<III", number, 0, 0) + options)

    start = section() + interface() + interface()
    content = start + statistics(0, 3, 1) + statistics(1, 10, 0) + statistics(0, 5, 2) + enhanced(ONE, TICKS)
    found = read(content + start + statistics(0, 100, 0) + statistics(7, 1, 1) + enhanced(ONE, TICKS))
    assert found.source.counters.kernel_drops == 5 + 2 + 10 + 100


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (enhanced(ONE, TICKS, number=1), "names interface 1, which the file has not described"),
        (enhanced(ONE, TICKS)[:-4] + b"\x01\x00\x00\x00", "has two lengths that differ"),
        (block(6, struct.pack("<IIIII", 0, 0, 0, 13, 13) + bytes(12)), "says its packet is 13 bytes long"),
        (block(6, struct.pack("<IIIII", 0, 0, 0, 300_000, 9) + bytes(300_000)), "says its packet is 300000"),
        (struct.pack("<II", 6, 0) + bytes(40), "has an impossible length, 0"),
        (struct.pack("<II", 6, 28) + bytes(24), "has an impossible length, 28"),
        (struct.pack("<II", 6, 33) + bytes(40), "has an impossible length, 33"),
        (struct.pack("<II", 6, 0xFFFFFFFC) + bytes(40), "says it is 4294967292 bytes long"),
        (struct.pack("<II", 99, 8) + bytes(40), "has an impossible length, 8"),
        (section()[:8] + b"oops" + section()[12:], "is a section header without a byte-order magic"),
        (interface()[:-4] + bytes(4), "has two lengths that differ"),
    ],
)
def test_a_broken_block_ends_the_reading(broken: bytes, why: str) -> None:
    start = section() + interface() + enhanced(ONE, TICKS)
    found = read(start + broken + enhanced(ONE, TICKS))
    assert found.packets == [ONE]
    assert found.stopped is not None
    assert found.stopped.startswith(f"the block at byte {len(start)}, behind packet 1, {why}")


def test_a_packet_before_any_interface() -> None:
    found = read(section() + enhanced(ONE, TICKS))
    assert found.packets == []
    assert found.stopped is not None
    assert "names interface 0" in found.stopped


def test_more_packets_than_a_batch_holds() -> None:
    written = [Packet(b"xy", n * 1000, 2) for n in range(2 * MAX_BATCH_FRAMES + 1)]
    content = b"".join(enhanced(packet, n) for n, packet in enumerate(written))
    assert read(section() + interface() + content).packets == written


def test_many_interfaces_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 300
    content = section() + b"".join(interface(link=n) for n in range(count))
    content += b"".join(enhanced(ONE, TICKS, number=n) for n in range(count))
    assert [packet.link for packet in read(content).packets] == list(range(count))
    monkeypatch.setattr(pcapng, "MAX_INTERFACES", count - 1)
    stopped = read(content).stopped
    assert stopped is not None
    assert "describes more than 299 interfaces" in stopped


def test_a_classic_file_is_not_taken_for_it() -> None:
    assert read(pcap([ONE])).packets == [ONE]
