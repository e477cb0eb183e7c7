"""Places in an answer, as text: `status`, `header content-type`, `body.items[].price`; and patterns of them.

A place stands for all elements of an array and for all keys that are identifiers (`body.users.{id}.name`), so that
differences can be counted by it. In a pattern `*` stands for one name and `**` for any number of them; a pattern
covers what lies below it too. In front of the place may stand an endpoint: `GET /users/{id} body.seen`.
"""

import re
from functools import lru_cache

import msgspec

from shadowtap.endpoints.segments import MAX_PATTERN, piece

Path = tuple[str | int, ...]
"""Keys and indices from the root of a body down."""

_NAME = re.compile(r"[A-Za-z_$@#][\w$@#:-]*\Z")
_MAX_DEPTH = 24
"""Names of a place that are written out; deeper ones share one place."""
_MAX_KEY = 48
_ENDPOINT = re.compile(r"(?P<method>[A-Z]+|\*) (?P<template>/\S*|\*+) (?P<where>.+)\Z", re.S)
_TOKENS = re.compile(r"\*\*|\*|[^*]+")
_BEHIND = r"(?:[.\[/ \"].*)?\Z"


def place(path: Path, root: str = "body") -> str:
    """The name of a place: `("items", 3, "price")` → `body.items[].price`."""
    steps = "".join(["[]" if isinstance(step, int) else key(step) for step in path[:_MAX_DEPTH]])
    return f"{root}{steps}.**" if len(path) > _MAX_DEPTH else root + steps


def key(name: str) -> str:
    """A key as it stands in a place, with its dot: one that is an identifier by the name of its class."""
    return _key(name) if len(name) <= MAX_PATTERN else ".{text}"


@lru_cache(maxsize=2048)
def _key(name: str) -> str:
    short = piece(name)
    if short.startswith("{") and short.endswith("}"):
        return "." + short
    if _NAME.match(name) and len(name) <= _MAX_KEY:
        return "." + name
    return ".{text}" if len(name) > _MAX_KEY or not name.isprintable() else f'."{name}"'


class Pattern(msgspec.Struct, frozen=True):
    """Which places at which endpoints; `text` is what the user wrote."""

    text: str
    endpoint: str
    where: str

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """Read `[METHOD template ]place`, with `*` and `**`."""
        found = _ENDPOINT.match(text.strip())
        if found is None:
            return cls(text, "", text.strip())
        return cls(text, f"{found['method']} {found['template']}", found["where"].strip())

    def covers(self, endpoint: str, where: str) -> bool:
        """Whether a place at an endpoint is meant."""
        if self.endpoint and not _pattern(self.endpoint, "/ ", whole=True).match(endpoint):
            return False
        return _pattern(self.where, "./ ", whole=False).match(where) is not None


@lru_cache(maxsize=1024)
def _pattern(text: str, borders: str, *, whole: bool) -> re.Pattern[str]:
    one = f"[^{re.escape(borders)}]*"
    parts = [".*" if t == "**" else one if t == "*" else re.escape(t) for t in _TOKENS.findall(text)]
    return re.compile("".join(parts) + (r"\Z" if whole else _BEHIND), re.S)
