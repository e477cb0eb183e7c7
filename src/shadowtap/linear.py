"""Users' patterns, made so that they cannot hang: RE2, which searches in linear time
(github.com/google/re2/wiki/Syntax), with limits.

RE2 has no look-around and no back-references; everything else is as people know it. A pattern has at most MAX_PATTERN
characters, and compiles to at most MAX_PROGRAM steps. A search costs at worst steps times octets, so it looks at
SEARCHED_BYTES of a text at most: with both limits the worst pattern on the worst text takes some 40 ms, and a
sensible one a microsecond.
"""

import re2

MAX_PATTERN = 1_000
"""Characters of a pattern: no one reads more."""
TOO_LONG = f"a regular expression has at most {MAX_PATTERN:,} characters, not {{:,}}"
MAX_PROGRAM = 1_000
"""Steps a pattern compiles to."""
SEARCHED_BYTES = 8 * 1024
"""As much as common servers take in a request line or a header field (nginx 8k, Apache 8,190)."""
_MEMORY_BYTES = 2 << 20
"""Octets of cache that one pattern may use."""
_ADVICE = {
    "invalid perl operator": "look-around is not supported, since it cannot be searched in linear time",
    "invalid escape sequence": "it is no escape here; back-references are not supported",
}


def octets_of(text: str) -> bytes:
    """The octets that a word stands for: UTF-8, and what the command line could not decode as it was."""
    return text.encode("utf-8", "surrogateescape")


def compiled(pattern: str, *, fold: bool, captures: bool) -> "re2._Regexp":
    """The pattern for searches in octets. `fold` disregards case; without `captures` groups only group. Raises
    ValueError, whose text says what is wrong with it."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError(TOO_LONG.format(len(pattern)))
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES
    options.never_capture = not captures
    options.case_sensitive = not fold
    if pattern.isascii():
        options.encoding = re2.Options.Encoding.LATIN1  # so that `.` is any octet
    try:
        made = re2.compile(octets_of(pattern), options)
    except re2.error as error:
        raise ValueError(f"no regular expression: {_told(error)}") from None
    if made.programsize > MAX_PROGRAM:
        raise ValueError("this regular expression is too large; use fewer or smaller repetitions")
    return made


def _told(error: Exception) -> str:
    told = error.args[0] if error.args else ""
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
    advice = next((advice for start, advice in _ADVICE.items() if text.startswith(start)), None)
    return f"{text} ({advice})" if advice else text
