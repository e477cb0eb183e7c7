"""An expression that is ready for use."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from shadowtap.expression.compiler import Bound, compile_tree, field_of, reading_of
from shadowtap.expression.fields import Fields
from shadowtap.expression.parser import parse_tree
from shadowtap.expression.tree import And, Node, Not, Test, tests

F = TypeVar("F")


class Reason(NamedTuple):
    """A comparison that decided, such as `p99 > 1.2x`, and what the field's value was; None where it is missing."""

    comparison: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Expression(Generic[F]):
    """An expression over facts of one kind. `text` is as the user wrote it, and is its name wherever it is counted.

    `needs_answer` tells whether it asks for production's answer; until that is there ask `before_answer`.
    """

    text: str
    tree: Node
    needs_answer: bool
    matches: Callable[[F], bool] = field(compare=False, repr=False)
    _surely: Callable[[F], bool] = field(compare=False, repr=False)
    _possibly: Callable[[F], bool] = field(compare=False, repr=False)
    _fields: Fields[F] = field(compare=False, repr=False)

    def before_answer(self, facts: F) -> bool | None:
        """What it comes to whatever the answer will be; None where that depends on the answer."""
        if not self.needs_answer:
            return self.matches(facts)
        if self._surely(facts):
            return True
        return None if self._possibly(facts) else False

    def reasons(self, facts: F) -> tuple[Reason, ...]:
        """The comparisons because of which it comes to what it does, from left to right."""
        return tuple(self._why(self.tree, facts))

    def _why(self, node: Node, facts: F) -> list[Reason]:
        if isinstance(node, Test):
            reading, _ = reading_of(node, self._fields, self.text)
            return [Reason(str(node), reading.shown(facts))]
        if isinstance(node, Not):
            return self._why(node.part, facts)
        ways = [(part, compile_tree(part, self._fields, self.text)(facts)) for part in node.parts]
        decisive = not isinstance(node, And)
        chosen = [part for part, holds in ways if holds is decisive] or list(node.parts)
        return [reason for part in chosen for reason in self._why(part, facts)]

    def __str__(self) -> str:
        return self.text


def compile_expression(text: str, fields: Fields[F]) -> Expression[F]:
    """An expression over the given fields. Raises ExpressionError, whose text points at what is wrong."""
    tree = parse_tree(text)
    matches = compile_tree(tree, fields, text)
    needs_answer = any(field_of(test, fields, text).needs_answer for test in tests(tree))
    bounds = (compile_tree(tree, fields, text, bound) for bound in (Bound.SURELY, Bound.POSSIBLY))
    surely, possibly = bounds if needs_answer else (matches, matches)
    return Expression(text.strip(), tree, needs_answer, matches, surely, possibly, fields)
