"""What a tree comes to agrees with reading it plainly, and what is said before the answer is never taken back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shadowtap.expression import WHOLE, Field, Fields, One, compile_expression
from shadowtap.expression.tree import And, Name, Not, Operator, Or, Test, Word

Facts = dict[str, int]


def _field(name: str, *, needs_answer: bool) -> Field[Facts]:
    reading = One(WHOLE, lambda facts: facts.get(name))
    return Field(name, name, lambda _: (reading,), needs_answer=needs_answer)


FIELDS: Fields[Facts] = Fields(
    [_field("a", needs_answer=False), _field("b", needs_answer=False), _field("answer", needs_answer=True)]
)
FACTS = st.dictionaries(st.sampled_from(["a", "b", "answer"]), st.integers(0, 3))
TESTS = st.builds(
    Test,
    st.sampled_from([Name("a"), Name("b"), Name("answer")]),
    st.sampled_from(["==", "!=", "<", "<=", ">", ">="]).map(Operator),
    st.tuples(st.integers(0, 3).map(lambda number: Word(str(number)))),
) | st.builds(Test, st.sampled_from([Name("a"), Name("answer")]), st.just(Operator.EXISTS))
TREES = st.recursive(
    TESTS,
    lambda node: st.one_of(
        st.builds(Not, node),
        st.builds(And, st.lists(node, min_size=2, max_size=5).map(tuple)),
        st.builds(Or, st.lists(node, min_size=2, max_size=5).map(tuple)),
    ),
    max_leaves=10,
)


def plainly(node, facts):
    """The meaning of a tree, as the documentation has it."""
    if isinstance(node, Not):
        return not plainly(node.part, facts)
    if isinstance(node, And):
        return all(plainly(part, facts) for part in node.parts)
    if isinstance(node, Or):
        return any(plainly(part, facts) for part in node.parts)
    value = facts.get(node.name.base)
    if node.operator is Operator.EXISTS:
        return value is not None
    if value is None:
        return node.operator is Operator.DIFFERS
    return eval(f"{value} {node.operator} {node.words[0]}")


@settings(deadline=None)
@given(TREES, FACTS)
def test_agrees_with_reading_it_plainly(tree, facts):
    assert compile_expression(str(tree), FIELDS).matches(facts) == plainly(tree, facts)


@settings(deadline=None)
@given(TREES, FACTS)
def test_what_is_known_before_the_answer_holds_for_every_answer(tree, facts):
    expression = compile_expression(str(tree), FIELDS)
    unanswered = {name: value for name, value in facts.items() if name != "answer"}
    known = expression.before_answer(unanswered)
    if known is not None:
        for answer in (unanswered, *(unanswered | {"answer": number} for number in range(5))):
            assert expression.matches(answer) == known
    if not expression.needs_answer:
        assert known is not None


@settings(deadline=None)
@given(TREES, FACTS)
def test_the_reasons_alone_decide(tree, facts):
    """Whatever the other comparisons came to, those named as reasons make it what it is."""
    expression = compile_expression(str(tree), FIELDS)
    reasons = expression.reasons(facts)
    assert reasons
    named = {reason.comparison for reason in reasons}

    def others_as(node, other):
        if isinstance(node, Not):
            return not others_as(node.part, other)
        if isinstance(node, And):
            return all(others_as(part, other) for part in node.parts)
        if isinstance(node, Or):
            return any(others_as(part, other) for part in node.parts)
        return plainly(node, facts) if str(node) in named else other

    outcome = expression.matches(facts)
    assert others_as(tree, False) == outcome
    assert others_as(tree, True) == outcome
