"""Content codings (RFC 9110, section 8.4.1) undone and applied.

Decoding is fed in pieces and stops at a limit, so that a small body cannot become a large one: what is made never
exceeds the limit by more than one piece can hold. A stream that breaks off gives what there is, marked as cut; one
that is damaged gives nothing. Encoding is deterministic: the same octets give the same octets, without a time.

`deflate` is zlib's format (RFC 1950), but many senders send the bare stream (RFC 1951): both are read, and what was
bare stays bare. Brotli needs its package; anything else that is not known here cannot be read.
"""

import zlib
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import msgspec
import zstandard

try:
    import brotli

    _BrotliError: type[Exception] = brotli.error
except ImportError:
    brotli = None
    _BrotliError = zlib.error

MAX_CODINGS = 5
"""Codings one over the other; real senders use one."""
MAX_MEMBERS = 4096
"""Members of a gzip or zstd body: a body of 256 MiB in blocks of 64 KiB; each member costs a decoder of its own."""
ZSTD_WINDOW_BYTES = 8 << 20
"""The most a zstd stream may ask for in HTTP (RFC 9659)."""
_PIECE_BYTES = 16 << 10
"""Octets a decoder is given at once: a member's end costs a copy of what is left of them."""
_DEFLATE_RATIO, _ZSTD_RATIO = 1032, 32768
"""How many octets one octet can become, at most."""
_BROTLI_QUALITY = 5
_GZIP, _ZLIB, _BARE = 31, 15, -15
"""What zlib calls wbits."""


class Reason(StrEnum):
    """Why a body cannot be read."""

    TOO_LARGE = "too_large"
    BROKEN = "broken_coding"
    UNKNOWN = "unknown_coding"
    MISSING = "coding_not_installed"
    NOT_KEPT = "body_not_kept"


class Unreadable(msgspec.Struct, frozen=True, gc=False):
    """A body that cannot be read. `detail` is for people and may hold words of the sender's."""

    reason: Reason
    detail: str


class _StopError(Exception):
    """Raised within this file only."""

    def __init__(self, why: Unreadable) -> None:
        self.why = why


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def decode(octets: bytes, codings: tuple[str, ...], limit_bytes: int) -> tuple[bytes, bool] | Unreadable:
    """The octets with their codings undone, the last first, and whether a coded stream broke off. Never raises."""
    cut = False
    if len(codings) > MAX_CODINGS:
        return Unreadable(Reason.BROKEN, f"{len(codings)} codings one over the other")
    try:
        for coding in reversed(codings):
            octets, ended = _undo(octets, coding, limit_bytes)
            cut = cut or not ended
    except _StopError as stopped:
        return stopped.why
    except (zlib.error, zstandard.ZstdError, _BrotliError) as error:
        return Unreadable(Reason.BROKEN, str(error))
    if len(octets) > limit_bytes:
        return _too_large(limit_bytes)
    return octets, cut


def encode(octets: bytes, codings: tuple[str, ...], like: bytes = b"") -> bytes:
    """The octets with all codings applied, the first first. `like` is a body in the last coding: one that is a bare
    deflate stream makes another. The codings are such as `decode` can undo."""
    bare = bool(like) and not _is_zlib(like)
    for coding in codings:
        octets = _apply(octets, coding, bare)
    return octets


def _undo(octets: bytes, coding: str, limit_bytes: int) -> tuple[bytes, bool]:
    if not octets or coding == "identity":
        return octets, True
    if coding in ("gzip", "x-gzip"):
        return _members(octets, lambda: zlib.decompressobj(_GZIP), _DEFLATE_RATIO, limit_bytes, b"\x1f\x8b")
    if coding == "deflate":
        return _deflated(octets, limit_bytes)
    if coding == "zstd":
        return _members(octets, _zstd, _ZSTD_RATIO, limit_bytes, b"")
    if coding == "br":
        return _brotli(octets, limit_bytes)
    raise _StopError(Unreadable(Reason.UNKNOWN, f'the coding "{coding[:40]}" is not known'))


def _members(
    octets: bytes, decoder: Callable[[], _Decoder], ratio: int, limit_bytes: int, magic: bytes | None
) -> tuple[bytes, bool]:
    """One member after the other (RFC 1952, section 2.2), or one alone where `magic` is None. What does not begin
    with `magic` behind a member is padding, and left out as everybody does."""
    parts: list[bytes] = []
    made = pos = 0
    for _ in range(MAX_MEMBERS):
        member = decoder()
        while pos < len(octets) and not member.eof:
            step = min(max((limit_bytes - made) // ratio, 64), _PIECE_BYTES)
            part = member.decompress(octets[pos : pos + step])
            pos = min(pos + step, len(octets)) - len(member.unused_data)
            parts.append(part)
            made += len(part)
            if made > limit_bytes:
                raise _StopError(_too_large(limit_bytes))
        if not member.eof:
            return b"".join(parts), False
        if magic is None or pos == len(octets) or not octets.startswith(magic, pos):
            return b"".join(parts), True
    raise _StopError(Unreadable(Reason.TOO_LARGE, f"more than {MAX_MEMBERS} members"))


def _zstd() -> _Decoder:
    return zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES).decompressobj()


def _deflated(octets: bytes, limit_bytes: int) -> tuple[bytes, bool]:
    kinds = (_ZLIB, _BARE) if _is_zlib(octets) else (_BARE, _ZLIB)
    try:
        return _members(octets, lambda: zlib.decompressobj(kinds[0]), _DEFLATE_RATIO, limit_bytes, None)
    except zlib.error:
        return _members(octets, lambda: zlib.decompressobj(kinds[1]), _DEFLATE_RATIO, limit_bytes, None)


def _is_zlib(octets: bytes) -> bool:
    """Whether this begins with zlib's two octets (RFC 1950, section 2.2)."""
    return len(octets) >= 2 and octets[0] & 0x0F == 8 and (octets[0] << 8 | octets[1]) % 31 == 0


def _brotli(octets: bytes, limit_bytes: int) -> tuple[bytes, bool]:
    if brotli is None or not hasattr(brotli.Decompressor, "can_accept_more_data"):
        raise _StopError(
            Unreadable(Reason.MISSING, "br needs the package brotli, 1.2 or later: pip install brotli")
        )
    decoder = brotli.Decompressor()
    parts: list[bytes] = []
    made = 0
    while not decoder.is_finished():
        part = decoder.process(octets, output_buffer_limit=_PIECE_BYTES)
        octets = b""
        parts.append(part)
        made += len(part)
        if made > limit_bytes:
            raise _StopError(_too_large(limit_bytes))
        if not part and decoder.can_accept_more_data():
            break
    return b"".join(parts), decoder.is_finished()


def _too_large(limit_bytes: int) -> Unreadable:
    return Unreadable(Reason.TOO_LARGE, f"more than {limit_bytes} octets when decoded")


def _apply(octets: bytes, coding: str, bare: bool) -> bytes:
    if coding in ("gzip", "x-gzip"):
        return _deflate(octets, _GZIP)
    if coding == "deflate":
        return _deflate(octets, _BARE if bare else _ZLIB)
    if coding == "zstd":
        return zstandard.ZstdCompressor(level=3).compress(octets)
    if coding == "br" and brotli is not None:
        compressed: bytes = brotli.compress(octets, quality=_BROTLI_QUALITY)
        return compressed
    return octets


def _deflate(octets: bytes, wbits: int) -> bytes:
    """zlib writes a gzip header without a time, a name or a comment."""
    coder = zlib.compressobj(6, zlib.DEFLATED, wbits)
    return coder.compress(octets) + coder.flush()
