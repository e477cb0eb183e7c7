"""A short run of the fuzzers of capture: broken variants of good files, and plain noise."""

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.files import Packet, block, enhanced, interface, option, pcap, section, simple

sys.path.insert(0, str(Path(__file__).parents[2] / "fuzz"))
PACKETS = [Packet(bytes(size), size * 10**9, size) for size in (0, 1, 60, 99)]
NG = section() + interface(options=option(9, b"\x09")) + b"".join(enhanced(packet, 5) for packet in PACKETS)
SEEDS = [
    pcap(PACKETS),
    pcap(PACKETS, ">", 1),
    NG,
    NG + block(5, bytes(40)) + simple(PACKETS[2]) + section(">"),
]


@pytest.fixture(scope="module")
def one_input() -> Callable[[bytes], None]:
    """The fuzzer's function."""
    function: Callable[[bytes], None] = import_module("fuzz_capture_files").one_input
    return function


@settings(max_examples=300)
@given(st.integers(0, 255), st.binary(max_size=300))
def test_noise(one_input: Callable[[bytes], None], choice: int, noise: bytes) -> None:
    one_input(bytes([choice]) + noise)


@settings(max_examples=300)
@given(
    st.sampled_from([0, 64, 128, 192, 6, 252]),
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=8), st.integers(0, 20)), max_size=4),
)
def test_broken_files(
    one_input: Callable[[bytes], None], choice: int, seed: bytes, changes: list[tuple[int, bytes, int]]
) -> None:
    content = seed
    for at, noise, removed in changes:
        content = content[:at] + noise + content[at + removed :]
    one_input(bytes([choice]) + content)
