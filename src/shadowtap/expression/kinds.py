"""Kinds of values: how a value is written in an expression, and what it means to compare a field with it.

A kind makes a predicate from an operator and the words behind it. It knows the operators without their opposites:
`!=`, `!~` and `not in` are made of `==`, `~` and `in` by the compiler.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from shadowtap.expression.error import WordError
from shadowtap.expression.pattern import search_for
from shadowtap.expression.tree import Operator
from shadowtap.linear import octets_of

V = TypeVar("V")
V_contra = TypeVar("V_contra", contravariant=True)
Predicate = Callable[[V], bool]

_EQUAL = (Operator.EQUALS, Operator.IN)
_ORDER = (Operator.LESS, Operator.AT_MOST, Operator.MORE, Operator.AT_LEAST)


class Kind(Protocol[V_contra]):
    """`expects` says how a value is written; `operators` are those it can be compared with."""

    @property
    def expects(self) -> str: ...

    @property
    def operators(self) -> Sequence[Operator]: ...

    def predicate(self, operator: Operator, words: Sequence[str]) -> Predicate[V_contra]:
        """What tells whether a value compares so. Raises WordError."""

    def show(self, value: V_contra) -> str:
        """A value as it would be written."""


@dataclass(frozen=True, slots=True)
class Text:
    """Octets, compared as they were on the wire; with `fold` without regard to case."""

    expects: str = "text"
    operators: Sequence[Operator] = (*_EQUAL, Operator.MATCHES)
    fold: bool = False

    def predicate(self, operator: Operator, words: Sequence[str]) -> Predicate[bytes]:
        """See `Kind`."""
        if operator is Operator.MATCHES:
            return self._folding(search_for(words[0], fold=self.fold))
        texts = frozenset(octets_of(word.lower() if self.fold else word) for word in words)
        return self._folding(next(iter(texts)).__eq__ if len(texts) == 1 else texts.__contains__)

    def show(self, value: bytes) -> str:
        """See `Kind`."""
        return value.decode("utf-8", "backslashreplace")

    def _folding(self, test: Predicate[bytes]) -> Predicate[bytes]:
        return (lambda octets: test(octets.lower())) if self.fold else test


@dataclass(frozen=True, slots=True)
class Number:
    """Numbers. `read` makes one of a word, or raises ValueError."""

    expects: str
    read: Callable[[str], float]
    show: Callable[[float], str]
    operators: Sequence[Operator] = (*_EQUAL, *_ORDER)

    def predicate(self, operator: Operator, words: Sequence[str]) -> Predicate[float]:
        """See `Kind`."""
        numbers = [self._number(word) for word in words]
        if operator is Operator.IN:
            return frozenset(numbers).__contains__
        return compared(operator, numbers[0])

    def _number(self, word: str) -> float:
        try:
            return self.read(word)
        except (ValueError, OverflowError):
            raise WordError(f'expected {self.expects}, not "{word[:40]}"', word) from None


def compared(operator: Operator, limit: float) -> Predicate[float]:
    """A comparison with one number."""
    if operator is Operator.EQUALS:
        return lambda value: value == limit
    if operator is Operator.LESS:
        return lambda value: value < limit
    if operator is Operator.AT_MOST:
        return lambda value: value <= limit
    if operator is Operator.MORE:
        return lambda value: value > limit
    return lambda value: value >= limit


@dataclass(frozen=True, slots=True)
class Status:
    """Status codes, and classes of them: `404`, `5xx`."""

    expects: str = "a status such as 404, or a class of them such as 5xx"
    operators: Sequence[Operator] = (*_EQUAL, *_ORDER)

    def predicate(self, operator: Operator, words: Sequence[str]) -> Predicate[int]:
        """See `Kind`."""
        codes = [self._codes(word) for word in words]
        if operator in _EQUAL:
            return frozenset(code for several in codes for code in several).__contains__
        if len(codes[0]) > 1:
            advice = f"write {operator} {words[0][0]}00"
            raise WordError(f"a class is compared with == or in; {advice}", words[0])
        return compared(operator, codes[0][0])

    def show(self, value: int) -> str:
        """See `Kind`."""
        return str(value)

    def _codes(self, word: str) -> range:
        if not re.fullmatch(r"[1-9](?:[0-9]{2}|[xX]{2})", word):
            raise WordError(f'expected {self.expects}, not "{word[:40]}"', word)
        first = int(word[0]) * 100
        return range(first, first + 100) if word[1] in "xX" else range(int(word), int(word) + 1)
