"""Values of secret names in queries, forms and header values: name=value, one after the other."""

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from shadowtap.masking.names import Names, Place


class Named(NamedTuple):
    """`text[start:end]` is the value of a secret name."""

    start: int
    end: int
    name: bytes
    is_number: bool = False
    """Whether only a number can take its place."""


class Pairs(IntEnum):
    """Where the pairs stand."""

    URL = 0
    FORM = 1
    HEADER = 2


_SEPARATORS = {Pairs.URL: rb"?&;#\s=", Pairs.FORM: rb"&\r\n=", Pairs.HEADER: rb"?&;#,\s\"="}
_NAMES = {
    pairs: re.compile(rb"(?:(?<=[%b])|\A)([^%b]++)=" % (separators, separators))
    for pairs, separators in _SEPARATORS.items()
}
_RUNS = {pairs: re.compile(rb"([^%b]++)(=?)" % separators) for pairs, separators in _SEPARATORS.items()}
"""The same names and, since that is faster, all else."""
_NEXT = rb"(?![A-Za-z0-9_.%\[\]-]{1,64}=)"
"""A semicolon separates pairs only where another pair comes."""
_URL_VALUE = re.compile(rb"(?:[^&#;]++|;" + _NEXT + rb")*+")
URL_IN_TEXT = re.compile(rb"(?:[^&#;\s\"'<>\\]++|;" + _NEXT + rb")*+")
_PATH_VALUE = re.compile(rb"[^/;?&#]*+")
_FORM_VALUE = re.compile(rb"[^&\r\n]*+")
_LISTED_VALUE = re.compile(rb"\"(?:[^\"\\]++|\\.)*+\"?|[^&#;,\s]*+", re.DOTALL)
_PATH_END = re.compile(rb"[?#]")
_ODD = re.compile(rb"[;#\s]").search
"""What separates pairs beside ? and &."""


def named_in_pairs(text: bytes, pairs: Pairs, names: Names) -> list[Named]:
    """In order, without overlap. The values of other names are looked into: a URL may stand in one."""
    if pairs is Pairs.URL and _is_harmless(text, names):
        return []
    for name, equals in _RUNS[pairs].findall(text):
        if equals and names.is_secret(Place.PARAMETER, name):
            return list(_named(text, pairs, names))
    return []


def _is_harmless(text: bytes, names: Names) -> bool:
    """Whether this is a URL with a plain query, and no name in it is secret: nearly all are, and this is quicker."""
    path, _, query = text.partition(b"?")
    if b"=" in path or b"?" in query or _ODD(text) is not None:
        return False
    for pair in query.split(b"&"):
        name, equals, value = pair.partition(b"=")
        if equals and (b"=" in value or names.is_secret(Place.PARAMETER, name)):
            return False
    return True


def _named(text: bytes, pairs: Pairs, names: Names) -> Iterator[Named]:
    done = 0
    query = -1
    for found in _NAMES[pairs].finditer(text):
        if found.start() < done or not names.is_secret(Place.PARAMETER, found[1]):
            continue
        if query < 0:
            query = path_end.start() if (path_end := _PATH_END.search(text)) else len(text)
        value = _value(text, found, pairs, query)
        if value is not None:
            done = value.end()
            yield Named(*value.span(), found[1])


def _value(text: bytes, found: re.Match[bytes], pairs: Pairs, query: int) -> re.Match[bytes] | None:
    if pairs is Pairs.FORM:
        pattern = _FORM_VALUE
    elif pairs is Pairs.URL:
        pattern = _PATH_VALUE if found.start() < query else _URL_VALUE
    else:
        in_url = text[max(found.start() - 1, 0) : found.start()] in (b"?", b"&", b"#")
        pattern = URL_IN_TEXT if in_url else _LISTED_VALUE
    return pattern.match(text, found.end())
