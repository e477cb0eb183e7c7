"""Lists of texts and lengths as Arrow arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from shadowtap.record.arrow import pa


def starts(several: Sequence[Sequence[object]]) -> Any:
    """Where each of several lists begins in all of them laid end to end, and where the last ends: int32."""
    offsets = np.zeros(len(several) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, several), np.int32, len(several)), out=offsets[1:])
    return pa.array(offsets)


def latin_text(values: Sequence[bytes | None]) -> Any:
    """Octets as text, one character an octet: exact for any octets."""
    present = [value for value in values if value is not None]
    if b"".join(present).isascii():
        return pa.array(values, pa.binary()).cast(pa.string())
    return pa.array([None if value is None else value.decode("latin-1") for value in values], pa.string())


def utf8_text(values: Sequence[bytes | None]) -> tuple[Any, Any]:
    """Octets as text, UTF-8 or else Latin-1; and the octets themselves where they are no UTF-8."""
    present = [value for value in values if value is not None]
    if b"".join(present).isascii():
        return pa.array(values, pa.binary()).cast(pa.string()), pa.nulls(len(values), pa.binary())
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
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        return pa.array(
            [None if text is None else text.encode("utf-8", "replace").decode() for text in values],
            pa.string(),
        )
