"""Names whose values are secret or personal.

Names are compared without case, separators and decoration: `firstName`, `first-name` and `user[first_name]` are one
name. A name is secret when it is on a list or ends like the name of a secret; rather one value
too many is hidden than one too few. Lists differ by place: in a query `code` and `key` are credentials, in JSON
they are anything.
"""

import re
from collections.abc import Callable, Iterable
from enum import IntEnum
from fnmatch import translate
from urllib.parse import unquote_to_bytes

from shadowtap.masking.name_lists import (
    CREDENTIALS,
    ENDINGS,
    HEADER_ENDINGS,
    HEADERS,
    NO_SECRETS,
    PARAMETERS,
    PERSONAL,
)

CACHE_LIMIT = 10_000
"""Names whose answer is remembered, for each place, each of at most 128 octets."""
CACHED_BYTES = 128


class Place(IntEnum):
    """Where a name stands."""

    HEADER = 0
    PARAMETER = 1
    """Of a query or a form."""
    FIELD = 2
    """Of JSON, XML or another text."""


_DECORATION = re.compile(r"(?:\[\d*\])+\Z")
_DROPPED = str.maketrans("", "", "-_. \t\r\n$@:[]/\0\"'")
_GLUE = r"(?:[-_. :\[\]/$]|%[0-9a-f][0-9a-f])*"
_ANYTHING = r"[^\s=:\"'<>&]*"


def _bare(words: str) -> frozenset[str]:
    return frozenset(words.replace("_", "").split())


_ANYWHERE = _bare(CREDENTIALS) | _bare(PERSONAL)
_LISTS = {
    Place.HEADER: _ANYWHERE | _bare(HEADERS),
    Place.PARAMETER: _ANYWHERE | _bare(PARAMETERS),
    Place.FIELD: _ANYWHERE,
}
_NO_SECRETS = _bare(NO_SECRETS)
_FIELD_ENDINGS = tuple(_bare(ENDINGS))
_ENDS = {
    Place.HEADER: tuple(_bare(HEADER_ENDINGS)),
    Place.PARAMETER: _FIELD_ENDINGS,
    Place.FIELD: _FIELD_ENDINGS,
}


class Names:
    """The lists, with more names (`fields`) and exceptions (`keep`), in which * stands for anything."""

    __slots__ = ("_fields", "_has_exceptions", "_keep", "_known", "pattern")

    def __init__(self, fields: Iterable[str] = (), keep: Iterable[str] = ()) -> None:
        own = list(fields)
        self._fields = _matcher(own)
        exceptions = list(keep)
        self._has_exceptions = bool(exceptions)
        self._keep = _matcher(exceptions)
        self._known: tuple[dict[bytes, bool], ...] = ({}, {}, {})
        self.pattern = _pattern(own)

    def is_secret(self, place: Place, name: bytes) -> bool:
        """Whether the value of this name is to be masked there."""
        answers = self._known[place]
        known = answers.get(name)
        if known is None:
            known = self._judge(place, bare(name), last_part(name))
            if len(name) <= CACHED_BYTES:
                if len(answers) >= CACHE_LIMIT:
                    answers.clear()
                answers[name] = known
        return known

    def is_kept(self, name: bytes) -> bool:
        """Whether this name is an exception: its value is not masked because of it."""
        return self._has_exceptions and (self._keep(bare(name)) or self._keep(last_part(name)))

    def _judge(self, place: Place, name: str, last: str) -> bool:
        if self._keep(name) or self._keep(last) or name in _NO_SECRETS:
            return False
        if self._fields(name) or self._fields(last):
            return True
        return name in _LISTS[place] or last in _LISTS[place] or name.endswith(_ENDS[place])


def bare(name: bytes) -> str:
    """A name without case, separators, decoration and percent-encoding."""
    text = name[:1024]
    if b"%" in text:
        text = unquote_to_bytes(text)
    return text.decode("latin-1").lower().translate(_DROPPED)


def last_part(name: bytes) -> str:
    """The last part of a composed name, as `bare` would have it: `user[password][]` is password."""
    text = unquote_to_bytes(name[:1024]).decode("latin-1")
    text = _DECORATION.sub("", text.strip()).rstrip("]")
    cut = max(text.rfind("["), text.rfind("."), text.rfind(":"), text.rfind("/"), text.rfind("$"))
    return text[cut + 1 :].lower().translate(_DROPPED)


def _matcher(names: Iterable[str]) -> Callable[[str], bool]:
    """A test for bare names; * stands for anything."""
    bares = [_plain(name) for name in names]
    literal = frozenset(name for name in bares if "*" not in name)
    patterns = [re.compile(translate(name)) for name in bares if "*" in name]
    if not patterns:
        return literal.__contains__
    return lambda name: name in literal or any(pattern.match(name) for pattern in patterns)


def _plain(name: str) -> str:
    return name.lower().translate(_DROPPED)


def _pattern(own: Iterable[str]) -> bytes:
    """What every secret name of a parameter or a field ends like, for RE2, in any case."""
    listed = "|".join(_spellings(CREDENTIALS + PERSONAL + PARAMETERS))
    endings = "|".join(_spellings(ENDINGS) + [_GLUE.join(map(_letter, _plain(name))) for name in own])
    return f"(?:^|[^A-Za-z0-9]|%[0-9A-Fa-f][0-9A-Fa-f])(?:{listed})|(?:{endings})".encode()


def _spellings(words: str) -> list[str]:
    return [_GLUE.join(map(re.escape, name.split("_"))) for name in sorted(words.split())]


def _letter(letter: str) -> str:
    return _ANYTHING if letter == "*" else re.escape(letter)
