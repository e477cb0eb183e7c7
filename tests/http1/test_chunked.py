"""The chunked coding: where it ends, and what is in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.http1 import payload
from shadowtap.http1.chunked import BROKEN, DONE, MAX_LINE, MAX_TRAILERS, ChunkScanner

CHUNKS = st.lists(st.binary(min_size=1, max_size=40), max_size=6)
EXTENSIONS = st.sampled_from([b"", b";a", b' ;a="b\r', b" \t"])
TRAILERS = st.sampled_from([b"", b"A: b\r\n", b"A: b\r\nC: 0\r\n", b"0\n"])


def coded(chunks: list[bytes], extension: bytes = b"", trailers: bytes = b"", end: bytes = b"\r\n") -> bytes:
    parts = [b"%x%b%b%b%b" % (len(chunk), extension, end, chunk, end) for chunk in chunks]
    return b"".join(parts) + b"0" + end + trailers + end


def scan(octets: bytes, size: int = 1 << 20) -> tuple[ChunkScanner, int]:
    scanner, at = ChunkScanner(), 0
    for begin in range(0, len(octets), size):
        piece = octets[begin : begin + size]
        taken = scanner.feed(piece, 0)
        at += taken
        if taken < len(piece) or scanner.state >= DONE:
            break
    return scanner, at


@given(CHUNKS, EXTENSIONS, TRAILERS, st.sampled_from([b"\r\n", b"\n"]), st.integers(1, 50))
def test_the_end_is_found_in_any_pieces(
    chunks: list[bytes], extension: bytes, trailers: bytes, end: bytes, size: int
) -> None:
    octets = coded(chunks, extension, trailers, end)
    scanner, at = scan(octets + b"GET / HTTP/1.1", size)
    assert (scanner.state, at, scanner.trailers) == (DONE, len(octets), bool(trailers))
    assert payload(octets, True) == b"".join(chunks)


@given(CHUNKS, st.integers(0, 400))
def test_as_much_as_there_is(chunks: list[bytes], size: int) -> None:
    octets = coded(chunks)
    assert b"".join(chunks).startswith(payload(octets[:size], True))
    assert payload(octets[:size], False) == octets[:size]


@pytest.mark.parametrize(
    "line", [b"\r\n", b"x\r\n", b"-1\r\n", b"5 5\r\n", b"1" * 16 + b"\r\n", b";a\r\n", b"\0\r\n"]
)
def test_what_is_no_size_breaks_it(line: bytes) -> None:
    for size in (1, 100):
        assert scan(line, size)[0].state == BROKEN
    assert payload(line + b"hello", True) == b""


@pytest.mark.parametrize("line", [b"a\r\n", b"A \t\r\n", b"\t\x0b0000a;x\n", b"0" * 99 + b"a\r\n"])
def test_what_lenient_readers_take_for_a_size(line: bytes) -> None:
    assert payload(line + b"0123456789\r\n0\r\n\r\n", True) == b"0123456789"
    assert scan(line + b"0123456789\r\n0\r\n\r\n")[0].state == DONE


def test_a_chunk_must_end_where_its_size_says() -> None:
    assert scan(b"3\r\nabcd\r\n0\r\n\r\n")[0].state == BROKEN


def test_lines_without_end_break_it() -> None:
    for size in (1, 999, 1 << 20):
        assert scan(b"1;" + b"x" * (MAX_LINE + 10), size)[0].state == BROKEN
        assert scan(b"0\r\n" + b"A: b\r\n" * (MAX_TRAILERS // 6 + 10), size)[0].state == BROKEN


def test_a_hole_is_passed_over_only_inside_a_chunk() -> None:
    scanner = ChunkScanner()
    assert not scanner.skip(1)
    scanner.feed(b"9\r\nabc", 0)
    assert scanner.skip(6)
    assert not scanner.skip(1)
    scanner = ChunkScanner()
    scanner.feed(b"9\r\nabc", 0)
    assert not scanner.skip(7)


@given(st.binary(max_size=60), st.integers(1, 60))
def test_anything_at_all(octets: bytes, size: int) -> None:
    scanner, at = scan(octets, size)
    assert 0 <= at <= len(octets)
    assert (scanner.state, scanner.left) == (scan(octets)[0].state, scan(octets)[0].left)
    assert len(payload(octets, True)) <= len(octets)
