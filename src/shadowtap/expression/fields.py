"""Fields: what an expression can ask of the facts it is about.

A field has one or several readings, each a kind of value and how it is read off the facts. Which reading is meant
shows in how the value is written: `p99 > 500ms` and `p99 > 1.2x` can be the same field. Facts may be anything: a
request with its answer, the figures of a run, a row of a report.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Generic, Protocol, TypeVar

from shadowtap.expression.kinds import Kind
from shadowtap.expression.tree import Name, Operator

F = TypeVar("F")
F_contra = TypeVar("F_contra", contravariant=True)
V = TypeVar("V")
Test = Callable[[F], bool]


class Reading(Protocol[F_contra]):
    """A kind of value, and how it is read off the facts."""

    @property
    def operators(self) -> Sequence[Operator]:
        """What its values can be compared with."""

    def test(self, operator: Operator, words: Sequence[str]) -> Test[F_contra]:
        """What tells whether the facts compare so; where the value is missing they do not. Raises WordError."""

    def present(self) -> Test[F_contra]:
        """What tells whether the value is there."""

    def shown(self, facts: F_contra) -> str | None:
        """The value as text, for people; None where it is missing."""


@dataclass(frozen=True, slots=True)
class One(Generic[F, V]):
    """A value that is there once, or None."""

    kind: Kind[V]
    read: Callable[[F], V | None]

    @property
    def operators(self) -> Sequence[Operator]:
        """See `Reading`."""
        return self.kind.operators

    def test(self, operator: Operator, words: Sequence[str]) -> Test[F]:
        """See `Reading`."""
        read, holds = self.read, self.kind.predicate(operator, words)
        return lambda facts: (value := read(facts)) is not None and holds(value)

    def present(self) -> Test[F]:
        """See `Reading`."""
        read = self.read
        return lambda facts: read(facts) is not None

    def shown(self, facts: F) -> str | None:
        """See `Reading`."""
        value = self.read(facts)
        return None if value is None else self.kind.show(value)


@dataclass(frozen=True, slots=True)
class Several(Generic[F, V]):
    """A value that may be there any number of times; it is enough if one of them compares so."""

    kind: Kind[V]
    read: Callable[[F], Sequence[V]]

    @property
    def operators(self) -> Sequence[Operator]:
        """See `Reading`."""
        return self.kind.operators

    def test(self, operator: Operator, words: Sequence[str]) -> Test[F]:
        """See `Reading`."""
        read, holds = self.read, self.kind.predicate(operator, words)

        return lambda facts: any(map(holds, read(facts)))

    def present(self) -> Test[F]:
        """See `Reading`."""
        read = self.read
        return lambda facts: bool(read(facts))

    def shown(self, facts: F) -> str | None:
        """See `Reading`."""
        return ", ".join(self.kind.show(value) for value in self.read(facts)) or None


@dataclass(frozen=True, slots=True)
class Field(Generic[F]):
    """A field. `key` names the part behind the dot, as in header.NAME, or is empty; `readings` is asked with it.

    `always` fields are never missing, so that asking for their presence would be a mistake. `needs_answer` fields
    are not known before production has answered.
    """

    name: str
    meaning: str
    readings: Callable[[str], Sequence[Reading[F]]]
    key: str = ""
    always: bool = False
    needs_answer: bool = False

    @property
    def shown(self) -> str:
        """`path`, `header.NAME`."""
        return f"{self.name}.{self.key}" if self.key else self.name


def field(
    name: str,
    meaning: str,
    *readings: Reading[F],
    always: bool = False,
    needs_answer: bool = False,
) -> Field[F]:
    """A field without parts."""
    return Field(name, meaning, lambda _: readings, always=always, needs_answer=needs_answer)


class Fields(Generic[F]):
    """The fields there are. `dashed` is the one whose part an unknown name with a dash will be: `header`."""

    __slots__ = ("_by_name", "_dashed")

    def __init__(self, fields: Iterable[Field[F]], *, dashed: str = "") -> None:
        self._by_name: Mapping[str, Field[F]] = {field.name: field for field in fields}
        self._dashed = dashed

    def get(self, name: str) -> Field[F] | None:
        """The field of that name."""
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[Field[F]]:
        return iter(self._by_name.values())

    def advice(self, name: Name) -> str:
        """What may have been meant by a name that is none."""
        near = get_close_matches(name.base.lower(), self._by_name, 1, 0.6)
        if near:
            field = self._by_name[near[0]]
            meant = str(Name(field.name, name.key)) if field.key and name.key else field.shown
            return f'did you mean "{meant}"?'
        if self._dashed and "-" in name.base:
            return f'did you mean "{self._dashed}.{name.base}"?'
        return f"there are {', '.join(field.shown for field in self._by_name.values())}"
