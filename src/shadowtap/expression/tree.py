"""What an expression says, as frozen values. `str` gives it back in its usual spelling, which parses to the same."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class Operator(StrEnum):
    """How a field is compared. Those in the second group are the exact opposites of one in the first."""

    EQUALS = "=="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    MATCHES = "~"
    IN = "in"
    EXISTS = "exists"

    DIFFERS = "!="
    MATCHES_NOT = "!~"
    NOT_IN = "not in"


OPPOSITE = {
    Operator.DIFFERS: Operator.EQUALS,
    Operator.MATCHES_NOT: Operator.MATCHES,
    Operator.NOT_IN: Operator.IN,
}

KEYWORDS = frozenset(("and", "or", "not", "in", "exists"))
PLAIN_WORD = re.compile(r"[^\s()'\",=<>!~&|][^\s()'\",]*")
"""A value that needs no quotes."""
PLAIN_KEY = re.compile(r"[^\s()'\",=<>!~]+")
"""The name of a header, cookie or query field that needs no quotes."""


@dataclass(frozen=True, slots=True)
class Word:
    """A value as it was written; `start` and `end` are its place in the text."""

    text: str
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return self.text if PLAIN_WORD.fullmatch(self.text) else quoted(self.text)


@dataclass(frozen=True, slots=True)
class Name:
    """A field, such as `path`, or `header.accept` with the key `accept`."""

    base: str
    key: str | None = None
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)

    def __str__(self) -> str:
        if self.key is None:
            return self.base
        return f"{self.base}.{self.key if PLAIN_KEY.fullmatch(self.key) else quoted(self.key)}"


@dataclass(frozen=True, slots=True)
class Test:
    """A field compared with values: one, or with `in` any number; none with `exists`."""

    __test__ = False  # not a test of pytest's

    name: Name
    operator: Operator
    words: tuple[Word, ...] = ()

    def __str__(self) -> str:
        if self.operator is Operator.EXISTS:
            return f"{self.name} exists"
        values = ", ".join(str(word) for word in self.words)
        several = self.operator in (Operator.IN, Operator.NOT_IN)
        return f"{self.name} {self.operator} {f'({values})' if several else values}"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a part."""

    part: "Node"

    def __str__(self) -> str:
        return f"not {_grouped(self.part, (And, Or))}"


@dataclass(frozen=True, slots=True)
class And:
    """All of the parts, two or more."""

    parts: tuple["Node", ...]

    def __str__(self) -> str:
        return " and ".join(_grouped(part, (And, Or)) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of the parts, two or more."""

    parts: tuple["Node", ...]

    def __str__(self) -> str:
        return " or ".join(_grouped(part, (Or,)) for part in self.parts)


Node = Test | Not | And | Or


def tests(node: Node) -> Iterator[Test]:
    """All comparisons in it, from left to right."""
    if isinstance(node, Test):
        yield node
    else:
        for part in (node.part,) if isinstance(node, Not) else node.parts:
            yield from tests(part)


def quoted(text: str) -> str:
    """A value in quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _grouped(node: Node, kinds: tuple[type, ...]) -> str:
    return f"({node})" if isinstance(node, kinds) else str(node)
