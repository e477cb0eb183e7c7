"""The filter, executed by the kernel: attached to a pair of Unix sockets, which needs no privileges."""

import ctypes
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from capture.frames import TCP, UDP, Shape, frame
from shadowtap.capture.bpf import MAX_FILTER_PORTS, Instruction, encode, tcp_filter

Pair = tuple[socket.socket, socket.socket]

EXTENSIONS = (0, 43, 44, 51, 60, 135, 139, 140)

shapes = st.builds(
    Shape,
    tags=st.lists(st.sampled_from([0x8100, 0x88A8, 0x9100]), max_size=2).map(tuple),
    version=st.sampled_from([4, 6]),
    protocol=st.sampled_from([TCP, TCP, TCP, UDP, 1]),
    ports=st.tuples(st.sampled_from([80, 8080, 443, 50_000]), st.sampled_from([80, 8080, 443, 50_000])),
    options=st.integers(0, 10),
    offset=st.sampled_from([0, 0, 0x4000, 0x2000, 0x2001, 0x1FFF]),
    extension=st.sampled_from([None, None, *EXTENSIONS]),
)


def expected(shape: Shape, ports: set[int]) -> bool:
    """Whether a frame should pass, said a second time."""
    if shape.version == 6 and shape.extension is not None:
        return True
    if shape.protocol != TCP:
        return False
    later_fragment = shape.version == 4 and shape.offset & 0x1FFF != 0
    return not ports or later_fragment or not ports.isdisjoint(shape.ports)


@contextmanager
def filtered(program: list[Instruction]) -> Iterator[Pair]:
    """Two sockets: what is sent to the first comes out of the second, if the program lets it through."""
    sending, receiving = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    code = ctypes.create_string_buffer(encode(program))
    descriptor = struct.pack("@HP", len(program), ctypes.addressof(code))
    with sending, receiving:
        receiving.setsockopt(socket.SOL_SOCKET, 26, descriptor)
        sending.setblocking(False)
        receiving.setblocking(False)
        yield sending, receiving


def passes(pair: Pair, octets: bytes) -> bool:
    """Whether a frame comes through, and whole."""
    sending, receiving = pair
    try:
        sending.send(octets)
    except PermissionError:
        return False
    try:
        return receiving.recv(70_000) == octets
    except BlockingIOError:
        return False


@given(shapes, st.sets(st.sampled_from([80, 8080, 443, 9]), max_size=3))
@example(Shape(), set())
@example(Shape(tags=(0x88A8, 0x8100), options=10), {80})
@example(Shape(tags=(0x88A8, 0x8100), version=6), {80})
def test_what_passes(shape: Shape, ports: set[int]) -> None:
    with filtered(tcp_filter(ports, ethernet=True)) as kernel:
        assert passes(kernel, frame(shape)) is expected(shape, ports)


@given(shapes, st.data())
def test_a_cut_frame_never_upsets_it(shape: Shape, data: st.DataObject) -> None:
    octets = frame(shape)
    with filtered(tcp_filter({80}, ethernet=True)) as kernel:
        passes(kernel, octets[: data.draw(st.integers(1, len(octets)))])


def test_the_longest_frame_passes_whole() -> None:
    with filtered(tcp_filter({80}, ethernet=True)) as kernel:
        assert passes(kernel, frame(Shape()) + bytes(65_000))


@pytest.mark.parametrize("count", [1, 100, MAX_FILTER_PORTS, MAX_FILTER_PORTS + 1, 5000])
def test_any_number_of_ports(count: int) -> None:
    assert len(tcp_filter(range(1, count + 1), ethernet=True, loopbacks=[1, 2])) <= 4096
    program = tcp_filter(range(1, count + 1), ethernet=True)
    with filtered(program) as kernel:
        assert passes(kernel, frame(Shape(ports=(60_000, 1))))
        assert passes(kernel, frame(Shape(ports=(count, 60_000))))
        assert passes(kernel, frame(Shape(ports=(60_000, 60_001)))) is (count > MAX_FILTER_PORTS)


def test_other_kinds_of_frames_are_dropped() -> None:
    with filtered(tcp_filter([], ethernet=True)) as kernel:
        for kind in (0x0806, 0x8847, 0x88CC, 0x0026):
            assert not passes(kernel, bytes(12) + kind.to_bytes(2, "big") + bytes(60))
        assert not passes(kernel, frame(Shape(tags=(0x8100, 0x8100, 0x8100))))
