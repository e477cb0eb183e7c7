"""Lists of octets, texts and lengths as Arrow arrays.

Octets are laid end to end by Python, in one copy, and Arrow is told where each begins. A column with one value
throughout, as most are, is written once and taken for every row.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from shadowtap.record.arrow import pa

MAX_BYTES = (1 << 31) - 1
"""Octets that an Arrow array of 32-bit offsets can hold."""


def starts(several: Sequence[Sequence[object]]) -> Any:
    """Where each of several lists begins in all of them laid end to end, and where the last ends: int32."""
    return pa.array(_offsets(several))


def binary(values: Sequence[bytes | None]) -> Any:
    """Octets."""
    return _joined(values, _join(values), pa.binary())


def latin_text(values: Sequence[bytes | None]) -> Any:
    """Octets as text, one character an octet: exact for any octets."""
    if (one := _only(values)) is not None:
        return _repeated(one.decode("latin-1"), len(values))
    together = _join(values)
    if together.isascii():
        return _joined(values, together, pa.string())
    return pa.array([None if value is None else value.decode("latin-1") for value in values], pa.string())


def utf8_text(values: Sequence[bytes | None]) -> tuple[Any, Any]:
    """Octets as text, UTF-8 or else Latin-1; and the octets themselves where they are no UTF-8."""
    together = _join(values)
    if together.isascii():
        return _joined(values, together, pa.string()), pa.nulls(len(values), pa.binary())
    texts: list[str | None] = []
    raw: list[bytes | None] = []
    for value in values:
        try:
            texts.append(None if value is None else value.decode())
            raw.append(None)
        except UnicodeDecodeError:
            texts.append("" if value is None else value.decode("latin-1"))
            raw.append(value)
    return pa.array(texts, pa.string()), pa.array(raw, pa.binary())


def text(values: Sequence[str | None]) -> Any:
    """Texts as an array; what UTF-8 cannot hold (halves of surrogate pairs) becomes a question mark."""
    try:
        one = _only(values)
        return pa.array(values, pa.string()) if one is None else _repeated(one, len(values))
    except UnicodeEncodeError:
        return pa.array(
            [None if text is None else text.encode("utf-8", "replace").decode() for text in values],
            pa.string(),
        )


def nothing_or(values: Sequence[object], type_: Any) -> Any:
    """Values that are mostly None."""
    if values.count(None) == len(values):
        return pa.nulls(len(values), type_)
    return pa.array(values, type_)


def _only(values: Sequence[Any]) -> Any:
    """The value that all of them are, if it is not None; else None."""
    return values[0] if values and values.count(values[0]) == len(values) else None


def _repeated(value: str, count: int) -> Any:
    return pa.repeat(pa.scalar(value, pa.string()), count)


def _join(values: Sequence[bytes | None]) -> bytes:
    if None in values:
        return b"".join([value for value in values if value is not None])
    return b"".join(cast(Sequence[bytes], values))


def _joined(values: Sequence[bytes | None], together: bytes, type_: Any) -> Any:
    """The array of these values, which are `together` when laid end to end."""
    if len(together) > MAX_BYTES or None in values:
        return pa.array(values, pa.binary()).cast(type_)
    offsets = _offsets(cast(Sequence[bytes], values))
    return pa.Array.from_buffers(
        type_, len(values), [None, pa.py_buffer(offsets), pa.py_buffer(together)], null_count=0
    )


def _offsets(several: Sequence[Sequence[object]]) -> Any:
    offsets = np.zeros(len(several) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, several), np.int32, len(several)), out=offsets[1:])
    return offsets
