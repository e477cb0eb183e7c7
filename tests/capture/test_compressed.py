"""gzip and zstd: members and frames in a row, padding, cuts, corruption, bombs."""

import gzip
import struct
import tracemalloc
from collections.abc import Iterator

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.capture.compressed import Codec, Decompressed, recognise

PACK = {Codec.GZIP: gzip.compress, Codec.ZSTD: zstandard.compress}
BOTH = pytest.mark.parametrize("codec", list(Codec))


def unpack(codec: Codec, *pieces: bytes) -> tuple[bytes, str | None]:
    """What comes out of the pieces, and why it stopped early."""
    decompressed = Decompressed(iter(pieces), codec)
    return b"".join(decompressed), decompressed.stopped


@given(st.sampled_from(Codec), st.lists(st.binary(max_size=5000), min_size=1, max_size=4), st.data())
def test_members_in_a_row_and_pieces_do_not_matter(
    codec: Codec, contents: list[bytes], data: st.DataObject
) -> None:
    packed = b"".join(PACK[codec](content) for content in contents)
    cut = data.draw(st.integers(0, len(packed)))
    assert unpack(codec, packed[:cut], packed[cut:]) == (b"".join(contents), None)
    assert recognise(packed[:4]) is codec


@BOTH
def test_a_cut_gives_what_came_before(codec: Codec) -> None:
    content = bytes(range(256)) * 4000
    packed = PACK[codec](content)
    for cut in (len(packed) // 2, len(packed) - 1):
        found, stopped = unpack(codec, packed[:cut])
        assert content.startswith(found)
        assert stopped == f"the {codec} data ends early, at byte {cut} of the file"


@BOTH
def test_corrupt_data_says_where(codec: Codec) -> None:
    packed = PACK[codec](bytes(100))
    found, stopped = unpack(codec, packed + packed + b"no more of it" * 5)
    assert found == bytes(200)
    assert stopped is not None
    assert stopped.startswith(f"the {codec} data is corrupt, at byte 0 of the file or shortly after (")


@BOTH
def test_zeros_may_follow(codec: Codec) -> None:
    packed = PACK[codec](b"content")
    assert unpack(codec, packed + bytes(5000), bytes(3), packed) == (b"contentcontent", None)


@BOTH
def test_nothing_in_it(codec: Codec) -> None:
    assert unpack(codec, PACK[codec](b"")) == (b"", None)


def test_frames_that_are_skipped() -> None:
    skipped = struct.pack("<II", 0x184D2A53, 5) + b"12345"
    packed = skipped + zstandard.compress(b"a") + skipped + zstandard.compress(b"b")
    assert recognise(packed[:4]) is Codec.ZSTD
    assert unpack(Codec.ZSTD, packed) == (b"ab", None)


def test_other_bytes_are_not_compressed() -> None:
    assert recognise(b"\xd4\xc3\xb2\xa1") is None
    assert recognise(b"") is None


@BOTH
def test_what_can_be_decompressed_comes_at_once(codec: Codec) -> None:
    def pieces() -> Iterator[bytes]:
        packer = zstandard.ZstdCompressor().compressobj()
        if codec is Codec.GZIP:
            packed = gzip.compress(b"first") + gzip.compress(b"second")
            yield packed[: len(packed) // 2]
        else:
            yield packer.compress(b"first") + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        pytest.fail("a further piece was asked for")

    assert next(iter(Decompressed(pieces(), codec))) == b"first"


@BOTH
def test_a_bomb_is_taken_in_steps(codec: Codec) -> None:
    bomb = PACK[codec](bytes(512 << 20))
    tracemalloc.start()
    size = sum(len(piece) for piece in Decompressed(iter([bomb]), codec))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == 512 << 20
    assert peak < 200 << 20


def test_a_window_beyond_the_limit_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    found, stopped = unpack(Codec.ZSTD, packer.compress(bytes(1000)) + packer.flush())
    assert found == b""
    assert stopped is not None
    assert "memory" in stopped
