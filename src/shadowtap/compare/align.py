"""Which element of one array answers to which of another.

In this order: elements that are equal at the same place; elements with a key of their own (`id` and its kin), by key,
if most keys are on both sides; the same elements in another order; elements that are equal, in order (the longest
common subsequence); what is left between them pairwise, the most alike first where that is affordable. Everything is
bounded: where the table would be too large, elements are paired by their place.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

MAX_CELLS = 40_000
"""Cells of the table for the longest common subsequence: two hundred elements by two hundred, 10 ms."""
MAX_ALIKE_CELLS = 400
"""Cells of the table of likeness, each of which compares two elements."""
MAX_KEYED = 50_000
KEYS = ("id", "_id", "uuid", "guid", "key", "code", "sku", "slug", "name", "href", "url", "number")
"""Members by which elements are known, the first that fits."""
_encode = msgspec.json.Encoder(order="sorted").encode


class Alignment(NamedTuple):
    """Indices: pairs that belong together (equal ones may be left out), what is missing from the target, what is
    there in addition; and whether what belongs together stands in another order."""

    pairs: list[tuple[int, int]]
    missing: list[int]
    extra: list[int]
    reordered: bool


def align(production: Sequence[Any], target: Sequence[Any], *, unordered: bool = False) -> Alignment:
    """Align two arrays of parsed JSON; `unordered` says that their order means nothing."""
    keyed = _by_key(production, target)
    if keyed is not None:
        return keyed
    if len(production) == len(target) and _differ_at_most_once(production, target):
        return Alignment([(at, at) for at in range(len(production))], [], [], reordered=False)
    mine, theirs = list(map(identity, production)), list(map(identity, target))
    if unordered or (len(mine) == len(theirs) and Counter(mine) == Counter(theirs)):
        return _as_bags(mine, theirs, production, target)
    return in_order(mine, theirs, production, target)


def _differ_at_most_once(production: Sequence[Any], target: Sequence[Any]) -> bool:
    unequal = (True for mine, theirs in zip(production, target, strict=True) if mine != theirs)
    return next(unequal, None) is None or next(unequal, None) is None


def identity(value: Any) -> Hashable:
    """Equal for elements that are equal, `true` and `1` told apart, `1` and `1.0` not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        return _encode(value)
    except (RecursionError, ValueError, msgspec.MsgspecError):
        return id(value)


def _by_key(production: Sequence[Any], target: Sequence[Any]) -> Alignment | None:
    if not production or not target or len(production) + len(target) > MAX_KEYED:
        return None
    for name in KEYS:
        mine, theirs = _keys(production, name), _keys(target, name)
        if mine is None or theirs is None:
            continue
        shared = [k for k in mine if k in theirs]
        if 2 * len(shared) <= min(len(mine), len(theirs)):
            continue
        order = [theirs[k] for k in shared]
        return Alignment(
            [(mine[k], theirs[k]) for k in shared],
            [at for k, at in mine.items() if k not in theirs],
            [at for k, at in theirs.items() if k not in mine],
            any(a > b for a, b in pairwise(order)),
        )
    return None


def _keys(array: Sequence[Any], name: str) -> dict[tuple[type, Any], int] | None:
    """The element of each key; None unless all have one and all are different."""
    found: dict[tuple[type, Any], int] = {}
    for at, element in enumerate(array):
        value = element.get(name) if isinstance(element, dict) else None
        if not isinstance(value, str | int) or (type(value), value) in found:
            return None
        found[type(value), value] = at
    return found


def _as_bags(
    mine: list[Hashable], theirs: list[Hashable], production: Sequence[Any], target: Sequence[Any]
) -> Alignment:
    """Without order: equal elements away, the rest pairwise."""
    left = Counter(theirs)
    gone = []
    for at, element in enumerate(mine):
        if left[element]:
            left[element] -= 1
        else:
            gone.append(at)
    new = []
    for at in range(len(theirs) - 1, -1, -1):
        if left[theirs[at]]:
            left[theirs[at]] -= 1
            new.append(at)
    new.reverse()
    pairs, missing, extra = _most_alike(gone, new, production, target)
    return Alignment(pairs, missing, extra, reordered=mine != theirs and not gone and not new)


def in_order(
    mine: Sequence[Hashable], theirs: Sequence[Hashable], production: Sequence[Any], target: Sequence[Any]
) -> Alignment:
    """Align by identities, in order; what is neither in a pair nor left over is equal."""
    pairs: list[tuple[int, int]] = []
    missing: list[int] = []
    extra: list[int] = []
    for a, b, c, d in _unequal_blocks(mine, theirs):
        some = _most_alike(list(range(a, b)), list(range(c, d)), production, target)
        pairs += some[0]
        missing += some[1]
        extra += some[2]
    return Alignment(pairs, missing, extra, reordered=False)


def _unequal_blocks(mine: Sequence[Hashable], theirs: Sequence[Hashable]) -> list[tuple[int, int, int, int]]:
    """Ranges of both that lie between equal elements."""
    start, stop, other_stop = 0, len(mine), len(theirs)
    while start < min(stop, other_stop) and mine[start] == theirs[start]:
        start += 1
    while stop > start and other_stop > start and mine[stop - 1] == theirs[other_stop - 1]:
        stop -= 1
        other_stop -= 1
    a, c = start, start
    blocks = []
    for i, j in _common(mine[start:stop], theirs[start:other_stop]):
        if a < start + i or c < start + j:
            blocks.append((a, start + i, c, start + j))
        a, c = start + i + 1, start + j + 1
    if a < stop or c < other_stop:
        blocks.append((a, stop, c, other_stop))
    return blocks


def _common(mine: Sequence[Hashable], theirs: Sequence[Hashable]) -> list[tuple[int, int]]:
    """The longest common subsequence, as pairs of indices; none where it would cost too much."""
    if not mine or not theirs or len(mine) * len(theirs) > MAX_CELLS or set(mine).isdisjoint(theirs):
        return []
    width = len(theirs) + 1
    table = [[0] * width for _ in range(len(mine) + 1)]
    for i in range(len(mine) - 1, -1, -1):
        row, below, element = table[i], table[i + 1], mine[i]
        for j in range(width - 2, -1, -1):
            row[j] = below[j + 1] + 1 if element == theirs[j] else max(below[j], row[j + 1])
    found, i, j = [], 0, 0
    while i < len(mine) and j < len(theirs):
        if mine[i] == theirs[j]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif table[i + 1][j] >= table[i][j + 1]:
            i += 1
        else:
            j += 1
    return found


def _most_alike(
    mine: list[int], theirs: list[int], production: Sequence[Any], target: Sequence[Any]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Pairs in order, and who is left over: by place where both are as many, else by likeness."""
    short = min(len(mine), len(theirs))
    if len(mine) == len(theirs) or not short or len(mine) * len(theirs) > MAX_ALIKE_CELLS:
        return list(zip(mine, theirs, strict=False)), mine[short:], theirs[short:]
    scores = [[_likeness(production[i], target[j]) for j in theirs] for i in mine]
    pairs = _best_pairs(scores)
    left, right = {i for i, _ in pairs}, {j for _, j in pairs}
    return (
        [(mine[i], theirs[j]) for i, j in pairs],
        [at for i, at in enumerate(mine) if i not in left],
        [at for j, at in enumerate(theirs) if j not in right],
    )


def _best_pairs(scores: list[list[float]]) -> list[tuple[int, int]]:
    """As many pairs as possible, in order, with the highest sum of scores (Needleman and Wunsch, 1970)."""
    height, width = len(scores), len(scores[0])
    best = [[0.0] * (width + 1) for _ in range(height + 1)]
    for i in range(height - 1, -1, -1):
        for j in range(width - 1, -1, -1):
            best[i][j] = max(best[i + 1][j + 1] + 1 + scores[i][j], best[i + 1][j], best[i][j + 1])
    found, i, j = [], 0, 0
    while i < height and j < width:
        if best[i][j] == best[i + 1][j + 1] + 1 + scores[i][j]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found


def _likeness(production: Any, target: Any) -> float:
    """From 0 to 1: the share of members that are the same."""
    if isinstance(production, dict) and isinstance(target, dict):
        names = production.keys() | target.keys()
        same = sum(
            1 for name in names if name in production and name in target and production[name] == target[name]
        )
        return same / len(names) if names else 1.0
    if type(production) is not type(target):
        return 0.0
    return 1.0 if production == target else 0.5
