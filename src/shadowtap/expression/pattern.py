"""Whether a pattern occurs in octets. Most patterns in practice are `^/api` or `\\.png$`, plain text with an anchor:
these need no regular expression, which is five times as fast. The others are `shadowtap.linear`'s.
"""

import re
from collections.abc import Callable

import re2

from shadowtap.expression.error import WordError
from shadowtap.linear import MAX_PATTERN, SEARCHED_BYTES, TOO_LONG, compiled

_PLAIN = re.compile(r"(\^?)((?:[^\\.^$*+?()\[\]{}|]|\\[^A-Za-z0-9\s])*)(\$?)", re.DOTALL)
Search = Callable[[bytes], bool]


def search_for(pattern: str, *, fold: bool = False) -> Search:
    """A function that tells whether a pattern occurs in octets. `fold` searches without regard to case, in octets
    that are in lower case already. Raises WordError."""
    if len(pattern) > MAX_PATTERN:
        raise WordError(TOO_LONG.format(len(pattern)), pattern)
    plain = _PLAIN.fullmatch(pattern)
    if plain and pattern.isascii():
        text = re.sub(r"\\(.)", r"\1", plain[2])
        return _plain_search((text.lower() if fold else text).encode(), bool(plain[1]), bool(plain[3]))
    try:
        return _searched(compiled(pattern, fold=fold, captures=False))
    except ValueError as error:
        raise WordError(str(error), pattern) from None


def _plain_search(text: bytes, at_start: bool, at_end: bool) -> Search:
    if at_start and at_end:
        return text.__eq__
    if at_start:
        return lambda octets: octets.startswith(text)
    if at_end:
        return lambda octets: octets.endswith(text)
    return lambda octets: text in octets


def _searched(made: "re2._Regexp") -> Search:
    """`search` makes a match object in a generator; what is beneath it, where it is, takes a third of the
    time."""
    inner, anchors = getattr(made, "_regexp", None), getattr(re2, "_Anchor", None)
    if inner is None or anchors is None:
        return lambda octets: made.search(octets[:SEARCHED_BYTES]) is not None
    match, anywhere, nothing = inner.Match, anchors.UNANCHORED, [(-1, -1)]

    def search(octets: bytes) -> bool:
        size = len(octets)
        return bool(match(anywhere, octets, 0, size if size < SEARCHED_BYTES else SEARCHED_BYTES) != nothing)

    return search
