"""Tree → functions. Each part becomes a closure over the closures of its parts; the fields are looked up once, here.

What is known before the answer. An expression may ask for production's answer (`status >= 500`), which comes later.
Two more functions bound the result until then: `surely` holds where the expression will hold whatever the answer is,
`possibly` where it still may. A field of the answer is never sure and always possible, and `not` swaps the two
(Kleene's logic of three values). So `method == GET and status < 400` needs no answer to be false for a POST.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import TypeVar

from shadowtap.expression.error import ExpressionError, WordError
from shadowtap.expression.fields import Field, Fields, Reading
from shadowtap.expression.tree import OPPOSITE, And, Node, Not, Operator, Test

F = TypeVar("F")
Function = Callable[[F], bool]


class Bound(Enum):
    """What a field of the answer counts as."""

    EXACT = None
    SURELY = False
    POSSIBLY = True

    @property
    def other(self) -> "Bound":
        """What it is under a `not`."""
        return _OTHER[self]


_OTHER = {Bound.EXACT: Bound.EXACT, Bound.SURELY: Bound.POSSIBLY, Bound.POSSIBLY: Bound.SURELY}


def compile_tree(node: Node, fields: Fields[F], text: str, bound: Bound = Bound.EXACT) -> Function[F]:
    """The function of a tree; `text` is for errors. Raises ExpressionError."""
    if isinstance(node, Test):
        return _test(node, fields, text, bound)
    if isinstance(node, Not):
        return _not(compile_tree(node.part, fields, text, bound.other))
    parts = [compile_tree(part, fields, text, bound) for part in node.parts]
    return _and(parts) if isinstance(node, And) else _or(parts)


def field_of(test: Test, fields: Fields[F], text: str) -> Field[F]:
    """The field of a comparison. Raises ExpressionError."""
    name = test.name
    found = fields.get(name.base)
    if found is None:
        reason = f'unknown field "{name.base}"; {fields.advice(name)}'
    elif found.key and name.key is None:
        reason = f"which {name.base}? Write {found.shown}"
    elif name.key is not None and not found.key:
        reason = f'"{name.base}" has no parts; write {name.base} alone'
    else:
        return found
    raise ExpressionError(reason, text, name.start, name.end)


def reading_of(test: Test, fields: Fields[F], text: str) -> tuple[Reading[F], Function[F]]:
    """How a comparison reads its field: in the first way that understands the values. With it the function of the
    comparison, without the opposite that the operator may ask for. Raises ExpressionError."""
    found = field_of(test, fields, text)
    readings = found.readings(test.name.key or "")
    if test.operator is Operator.EXISTS:
        return readings[0], _presence(test, found, readings[0], text)
    operator = OPPOSITE.get(test.operator, test.operator)
    fitting = [reading for reading in readings if operator in reading.operators]
    if not fitting:
        known = ", ".join(op for op in Operator if OPPOSITE.get(op, op) in readings[0].operators)
        reason = f'"{test.name}" cannot be compared with {test.operator}; there are {known}'
        raise ExpressionError(reason, text, test.name.start, test.words[-1].end)
    reasons, wrong = [], test.words[0]
    for reading in fitting:
        try:
            return reading, reading.test(operator, [word.text for word in test.words])
        except WordError as error:
            reasons.append(str(error))
            wrong = next(word for word in test.words if word.text == error.word)
    raise ExpressionError("; or ".join(dict.fromkeys(reasons)), text, wrong.start, wrong.end)


def _presence(test: Test, found: Field[F], reading: Reading[F], text: str) -> Function[F]:
    if not found.always:
        return reading.present()
    reason = f'"{test.name}" is always there; compare it, as in {test.name} {reading.operators[0]} …'
    raise ExpressionError(reason, text, test.name.start, test.name.end)


def _test(test: Test, fields: Fields[F], text: str, bound: Bound) -> Function[F]:
    _, function = reading_of(test, fields, text)
    if bound is not Bound.EXACT and field_of(test, fields, text).needs_answer:
        return _yes if bound is Bound.POSSIBLY else _no
    return _not(function) if test.operator in OPPOSITE else function


def _yes(_: object) -> bool:
    return True


def _no(_: object) -> bool:
    return False


def _not(part: Function[F]) -> Function[F]:
    return lambda facts: not part(facts)


def _and(parts: Sequence[Function[F]]) -> Function[F]:
    """Half and half, so that calls are nested no deeper than they must be."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    first, second = _and(parts[:half]), _and(parts[half:])
    return lambda facts: first(facts) and second(facts)


def _or(parts: Sequence[Function[F]]) -> Function[F]:
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    first, second = _or(parts[:half]), _or(parts[half:])
    return lambda facts: first(facts) or second(facts)
