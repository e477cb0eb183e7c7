"""Patterns that cannot hang: regular expressions searched in linear time (github.com/google/re2/wiki/Syntax).

RE2 has no look-around and no back-references; everything else is as people know it. Most patterns in practice are
`^/api` or `\\.png$`, plain text with an anchor: these need no regular expression, which is five times as fast.

Limits. A pattern has at most MAX_PATTERN characters, and compiles to at most MAX_PROGRAM steps. A search costs at
worst steps times octets, so it looks at the first SEARCHED_BYTES of a text: with both limits the worst pattern on the
worst text takes some 40 ms, and a sensible one a microsecond.
"""

import re
from collections.abc import Callable

import re2

from shadowtap.expression.error import WordError

MAX_PATTERN = 1_000
MAX_PROGRAM = 1_000
SEARCHED_BYTES = 8 * 1024
"""As much as common servers take in a request line or a header field (nginx 8k, Apache 8,190)."""

_MEMORY = 2 << 20
"""Octets of cache that one pattern may use."""
_PLAIN = re.compile(r"(\^?)((?:[^\\.^$*+?()\[\]{}|]|\\[^A-Za-z0-9\s])*)(\$?)", re.DOTALL)
_ADVICE = {
    "invalid perl operator": "look-around is not supported, since it cannot be searched in linear time",
    "invalid escape sequence": "it is no escape here; back-references are not supported",
}

Search = Callable[[bytes], bool]


def octets_of(text: str) -> bytes:
    """The octets that a word stands for: UTF-8, and what the command line could not decode as it was."""
    return text.encode("utf-8", "surrogateescape")


def search_for(pattern: str, *, fold: bool = False) -> Search:
    """A function that tells whether a pattern occurs in octets. `fold` searches without regard to case, in octets
    that are in lower case already. Raises WordError."""
    if len(pattern) > MAX_PATTERN:
        raise WordError(
            f"a regular expression has at most {MAX_PATTERN:,} characters, not {len(pattern):,}", pattern
        )
    plain = _PLAIN.fullmatch(pattern)
    if plain and pattern.isascii():
        text = re.sub(r"\\(.)", r"\1", plain[2])
        return _plain_search((text.lower() if fold else text).encode(), bool(plain[1]), bool(plain[3]))
    return _searched(_compiled(pattern, fold))


def _plain_search(text: bytes, at_start: bool, at_end: bool) -> Search:
    if at_start and at_end:
        return text.__eq__
    if at_start:
        return lambda octets: octets.startswith(text)
    if at_end:
        return lambda octets: octets.endswith(text)
    return lambda octets: text in octets


def _compiled(pattern: str, fold: bool) -> "re2._Regexp":
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    options.never_capture = True
    options.case_sensitive = not fold
    if pattern.isascii():
        options.encoding = re2.Options.Encoding.LATIN1  # so that `.` is any octet
    try:
        compiled = re2.compile(octets_of(pattern), options)
    except re2.error as error:
        raise WordError(f"no regular expression: {_told(error)}", pattern) from None
    if compiled.programsize > MAX_PROGRAM:
        raise WordError("this regular expression is too large; use fewer or smaller repetitions", pattern)
    return compiled


def _searched(compiled: "re2._Regexp") -> Search:
    """`compiled.search` makes a match object in a generator; what is beneath it, where it is, takes a third of the
    time."""
    inner, anchors = getattr(compiled, "_regexp", None), getattr(re2, "_Anchor", None)
    if inner is None or anchors is None:
        return lambda octets: compiled.search(octets[:SEARCHED_BYTES]) is not None
    match, anywhere, nothing = inner.Match, anchors.UNANCHORED, [(-1, -1)]

    def search(octets: bytes) -> bool:
        size = len(octets)
        return bool(match(anywhere, octets, 0, size if size < SEARCHED_BYTES else SEARCHED_BYTES) != nothing)

    return search


def _told(error: Exception) -> str:
    told = error.args[0] if error.args else ""
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
    advice = next((advice for start, advice in _ADVICE.items() if text.startswith(start)), None)
    return f"{text} ({advice})" if advice else text
