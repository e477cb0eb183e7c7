"""Texts by line, forms by field, octets by digest.

text_value      a line has changed              text_missing, text_extra    a line is gone, is new
text_order      the same lines in another order
form_missing, form_extra, form_value            fields of application/x-www-form-urlencoded, in any order
binary          other octets
"""

from collections import Counter
from hashlib import sha256
from urllib.parse import parse_qsl

from shadowtap.compare.align import align
from shadowtap.compare.differences import Differences
from shadowtap.compare.places import key

MAX_LINES = 20_000
MAX_FIELDS = 1000


def compare_texts(production: str, target: str, found: Differences) -> None:
    """Add the differences of two texts, by line; the kind of line end and the last one do not count."""
    mine, theirs = production.splitlines(), target.splitlines()
    if mine == theirs:
        return
    if max(len(mine), len(theirs)) > MAX_LINES:
        found.add("text_value", "body", f"{len(mine)} lines", f"{len(theirs)} other lines")
        return
    aligned = align(mine, theirs)
    if aligned.reordered and Counter(mine) == Counter(theirs):
        found.add("text_order", "body lines", production, target)
    for i, j in aligned.pairs:
        if found.full:
            return
        if mine[i] != theirs[j]:
            found.add("text_value", "body lines", mine[i], theirs[j])
    for i in aligned.missing:
        found.add("text_missing", "body lines", mine[i], "")
    for j in aligned.extra:
        found.add("text_extra", "body lines", "", theirs[j])


def compare_forms(production: str, target: str, found: Differences) -> None:
    """Add the differences of two forms, field by field; fields of one name in their order."""
    mine, theirs = _fields(production), _fields(target)
    if mine is None or theirs is None:
        compare_texts(production, target, found)
        return
    for name, values in mine.items():
        others = theirs.get(name, [])
        for value, other in zip(values, others, strict=False):
            if value != other:
                found.add("form_value", "body" + key(name), value, other, (name,))
        for value in values[len(others) :]:
            found.add("form_missing", "body" + key(name), value, "", (name,))
    for name, others in theirs.items():
        for other in others[len(mine.get(name, [])) :]:
            found.add("form_extra", "body" + key(name), "", other, (name,))


def compare_octets(production: bytes, target: bytes, found: Differences) -> None:
    """Add one difference where the octets are not the same."""
    if production != target:
        found.add("binary", "body", _digest(production), _digest(target))


def _digest(octets: bytes) -> str:
    return f"{len(octets)} octets, SHA-256 {sha256(octets).hexdigest()}"


def _fields(text: str) -> dict[str, list[str]] | None:
    try:
        pairs = parse_qsl(text.strip(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return None
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found
