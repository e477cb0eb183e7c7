"""Codings: what is encoded is decoded, whatever the pieces; nothing hostile grows, hangs or raises."""

import gzip
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowtap.content import Reason, Unreadable
from shadowtap.content import codings as module
from shadowtap.content.codings import MAX_MEMBERS, decode, encode

CODINGS = ("gzip", "x-gzip", "deflate", "zstd", "br")
LIMIT = 1 << 20
ZEROS = b"\0" * (8 << 20)


def bare(octets: bytes) -> bytes:
    """Deflate without zlib's frame."""
    coder = zlib.compressobj(wbits=-15)
    return coder.compress(octets) + coder.flush()


ORACLES = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "br": brotli.compress,
}


@settings(deadline=None)
@given(st.binary(max_size=3000), st.lists(st.sampled_from(CODINGS), max_size=3).map(tuple))
def test_round_trip_through_several_codings(octets, codings):
    coded = encode(octets, codings)
    assert coded == encode(octets, codings)
    assert decode(coded, codings, LIMIT) == (octets, False)


@settings(deadline=None)
@given(st.binary(max_size=3000), st.sampled_from(CODINGS))
def test_what_others_encode_is_decoded(octets, coding):
    assert decode(ORACLES[coding](octets), (coding,), LIMIT) == (octets, False)


@settings(deadline=None)
@given(st.binary(max_size=3000))
def test_what_is_encoded_others_decode(octets):
    assert gzip.decompress(encode(octets, ("gzip",))) == octets
    assert zlib.decompress(encode(octets, ("deflate",))) == octets
    assert zlib.decompress(encode(octets, ("deflate",), bare(b"x")), wbits=-15) == octets
    assert brotli.decompress(encode(octets, ("br",))) == octets
    assert zstandard.ZstdDecompressor().decompress(encode(octets, ("zstd",))) == octets


@settings(deadline=None)
@given(st.binary(max_size=3000))
def test_both_kinds_of_deflate(octets):
    assert decode(zlib.compress(octets), ("deflate",), LIMIT) == (octets, False)
    assert decode(bare(octets), ("deflate",), LIMIT) == (octets, False)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=5), st.sampled_from(["gzip", "zstd"]))
def test_several_members_are_one_body(parts, coding):
    coded = b"".join(ORACLES[coding](part) for part in parts)
    assert decode(coded, (coding,), LIMIT) == (b"".join(parts), False)


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=3000), st.sampled_from(CODINGS), st.data())
def test_a_stream_that_breaks_off_gives_a_beginning_and_says_so(octets, coding, drawn):
    coded = encode(octets, (coding,))
    end = drawn.draw(st.integers(1, len(coded) - 1))
    found = decode(coded[:end], (coding,), LIMIT)
    assert not isinstance(found, Unreadable)
    assert octets.startswith(found[0])
    assert found[1]


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=300), st.lists(st.sampled_from((*CODINGS, "pack200-gzip")), max_size=9))
def test_nothing_raises(octets, codings):
    found = decode(octets, tuple(codings), LIMIT)
    assert isinstance(found, Unreadable) or len(found[0]) <= LIMIT


@settings(deadline=None)
@given(
    st.sampled_from(CODINGS), st.binary(min_size=100, max_size=1000), st.integers(10, 90), st.integers(0, 255)
)
def test_a_damaged_stream_never_raises(coding, octets, at, octet):
    coded = bytearray(encode(octets, (coding,)))
    coded[at % len(coded)] = octet
    found = decode(bytes(coded), (coding,), LIMIT)
    assert isinstance(found, Unreadable | tuple)


@pytest.mark.parametrize("coding", CODINGS)
def test_a_bomb_is_not_blown_up(coding, monkeypatch):
    made = []
    bomb = ORACLES[coding](ZEROS)
    assert len(bomb) < 10_000
    join = module._too_large
    monkeypatch.setattr(module, "_too_large", lambda limit: made.append(limit) or join(limit))
    assert decode(bomb, (coding,), 1000) == Unreadable(Reason.TOO_LARGE, "more than 1000 octets when decoded")
    assert made == [1000]
    assert decode(bomb, (coding,), len(ZEROS)) == (ZEROS, False)
    assert isinstance(decode(bomb, (coding,), len(ZEROS) - 1), Unreadable)


def test_a_bomb_in_a_bomb_is_not_blown_up():
    bomb = gzip.compress(gzip.compress(ZEROS))
    assert decode(bomb, ("gzip", "gzip"), LIMIT) == (
        Unreadable(Reason.TOO_LARGE, f"more than {LIMIT} octets when decoded")
    )


def test_too_many_members_and_too_many_codings():
    member = gzip.compress(b"")
    assert decode(member * MAX_MEMBERS, ("gzip",), LIMIT) == (b"", False)
    found = decode(member * (MAX_MEMBERS + 1), ("gzip",), LIMIT)
    assert found == Unreadable(Reason.TOO_LARGE, "more than 4096 members")
    found = decode(b"x", ("gzip",) * 6, LIMIT)
    assert found == Unreadable(Reason.BROKEN, "6 codings one over the other")


def test_padding_behind_gzip_is_left_out():
    assert decode(gzip.compress(b"a") + b"\0" * 9, ("gzip",), LIMIT) == (b"a", False)
    assert decode(zlib.compress(b"a") + b"\r\n", ("deflate",), LIMIT) == (b"a", False)


def test_a_large_window_of_zstd_is_refused():
    parameters = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=False)
    coder = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    found = decode(coder.compress(b"abc") + coder.flush(), ("zstd",), LIMIT)
    assert isinstance(found, Unreadable)
    assert found.reason is Reason.BROKEN


def test_unknown_and_missing_codings_say_so(monkeypatch):
    found = decode(b"x", ("aws-chunked",), LIMIT)
    assert found == Unreadable(Reason.UNKNOWN, 'the coding "aws-chunked" is not known')
    monkeypatch.setattr(module, "brotli", None)
    found = decode(b"x", ("br",), LIMIT)
    assert found == (
        Unreadable(Reason.MISSING, "br needs the package brotli, 1.2 or later: pip install brotli")
    )


def test_an_empty_body_has_no_coding_to_undo():
    assert decode(b"", ("gzip",), LIMIT) == (b"", False)
    assert decode(b"", ("unknown",), LIMIT) == (b"", False)
