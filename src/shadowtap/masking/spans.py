"""Places in a text with what comes there, and the text with all of it in place."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """`text[start:end]` is a secret of this kind; `stand_in` comes in its place. Of an empty kind is a stand-in that
    was there already."""

    start: int
    end: int
    stand_in: bytes
    kind: str


def replaced(text: bytes, spans: Iterable[Span]) -> bytes:
    """The text with the stand-ins in place. The spans are in order and do not overlap."""
    parts: list[bytes] = []
    at = 0
    for span in spans:
        parts += (text[at : span.start], span.stand_in)
        at = span.end
    parts.append(text[at:])
    return b"".join(parts)


def beside(first: list[Span], second: list[Span]) -> list[Span]:
    """The first list, and of the second what does not overlap it, in order. Each list is in order and its spans do
    not overlap."""
    if not first or not second:
        return first or second
    starts = [span.start for span in first]
    free: list[Span] = []
    for span in second:
        before = bisect_right(starts, span.start) - 1
        after = before + 1
        if (before < 0 or first[before].end <= span.start) and (
            after == len(first) or first[after].start >= span.end
        ):
            free.append(span)
    return sorted(first + free)


def moved(spans: list[Span], by: int) -> list[Span]:
    """The same spans in a text that has so many octets in front."""
    return [Span(start + by, end + by, stand_in, kind) for start, end, stand_in, kind in spans]


def joined(first: list[Span], second: list[Span], union: Callable[[int, int], Span]) -> list[Span]:
    """Both lists as one in order. What of the second lies within a span of the first goes; where two overlap in part,
    one span takes the place of both."""
    merged: list[tuple[int, int, Span | None]] = []
    for span in sorted(first + second, key=lambda s: (s.start, -s.end)):
        start, end = merged[-1][:2] if merged else (-1, -1)
        if span.start >= end:
            merged.append((span.start, span.end, span))
        elif span.end > end:
            merged[-1] = (start, span.end, None)
    return [span if span is not None else union(start, end) for start, end, span in merged]


Masked = tuple[bytes, tuple[str, ...]]
"""What may be shown, and the kinds of what was masked in it."""


def masked_with(text: bytes, spans: list[Span]) -> Masked:
    """The text with the stand-ins in place, and their kinds."""
    kinds = tuple([span.kind for span in spans if span.kind])
    return (replaced(text, spans), kinds) if kinds else (text, ())
