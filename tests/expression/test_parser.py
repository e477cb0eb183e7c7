"""Text becomes a tree, or an error that points at the place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowtap.expression import ExpressionError, parse
from shadowtap.expression.parser import MAX_CHARS, MAX_DEPTH, parse_tree
from shadowtap.expression.tree import And, Name, Not, Operator, Or, Test, Word

A, B, C = (Test(Name(name), Operator.EXISTS) for name in "abc")

TESTS = st.builds(
    Test,
    st.builds(
        Name,
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,5}", fullmatch=True).filter(
            lambda name: name.lower() not in ("and", "or", "not", "in", "exists")
        ),
        st.none() | st.text(min_size=1, max_size=5),
    ),
    st.sampled_from([operator for operator in Operator if operator is not Operator.EXISTS]),
    st.tuples(st.builds(Word, st.text(max_size=8))),
) | st.sampled_from([A, B, C, Test(Name("d"), Operator.IN, (Word("1"), Word("x y"), Word("")))])
TREES = st.recursive(
    TESTS,
    lambda node: st.one_of(
        st.builds(Not, node),
        st.builds(And, st.tuples(node, node) | st.tuples(node, node, node)),
        st.builds(Or, st.tuples(node, node) | st.tuples(node, node, node)),
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(TREES)
def test_a_tree_as_text_parses_to_the_same(tree):
    again = parse_tree(str(tree))
    assert again == tree or str(again) == str(
        tree
    )  # (a and b) and c is written with parentheses, and stays so
    assert str(again) == str(tree)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a or b and c", Or((A, And((B, C))))),
        ("(a or b) and c", And((Or((A, B)), C))),
        ("not a and b", And((Not(A), B))),
        ("not (a and b)", Not(And((A, B)))),
        ("not not a", Not(Not(A))),
        ("a and b and c", And((A, B, C))),
        ("A exists".lower(), A),
        ("a OR\n  b", Or((A, B))),
        ("a==/x=y", Test(Name("a"), Operator.EQUALS, (Word("/x=y"),))),
        ("a in 10.0.0.0/8", Test(Name("a"), Operator.IN, (Word("10.0.0.0/8"),))),
        ("a not in (x,y)", Test(Name("a"), Operator.NOT_IN, (Word("x"), Word("y")))),
        ("a.b.c-d != e", Test(Name("a", "b.c-d"), Operator.DIFFERS, (Word("e"),))),
        ("a.'x y' ~ e", Test(Name("a", "x y"), Operator.MATCHES, (Word("e"),))),
        (r'a ~ "\d\"\\"', Test(Name("a"), Operator.MATCHES, (Word('\\d"\\'),))),
        (r"a ~ '\d\'\"'", Test(Name("a"), Operator.MATCHES, (Word("\\d'\\\""),))),
        ("a == not", Test(Name("a"), Operator.EQUALS, (Word("not"),))),
        (
            "android == andy or order == 1",
            Or(
                (
                    Test(Name("android"), Operator.EQUALS, (Word("andy"),)),
                    Test(Name("order"), Operator.EQUALS, (Word("1"),)),
                )
            ),
        ),
    ],
)
def test_trees(text, tree):
    assert parse_tree(text) == tree


def complaint(text):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("path = /x", 'write "==" instead of "="\n  path = /x\n       ^'),
        ("path =~ /x", 'write "~" instead of "=~"\n  path =~ /x\n       ^^'),
        ("path === /x", 'write "==" instead of "==="\n  path === /x\n       ^^^'),
        ("path <> /x", 'write "!=" instead of "<>"\n  path <> /x\n       ^^'),
        ("!path", 'write "not" instead of "!"\n  !path\n  ^'),
        ("host && vni", 'write "and" instead of "&&"\n  host && vni\n       ^^'),
        ("host | vni", 'write "or" instead of "|"\n  host | vni\n       ^'),
        ("path ==", "expected a value behind ==, but here the expression ends\n  path ==\n         ^"),
        (
            "path == (",
            "expected a value behind ==; one that begins with ( needs quotes\n  path == (\n          ^",
        ),
        ("path GET", 'expected an operator such as "==" or "~" behind path, not GET\n  path GET\n       ^^^'),
        ("host not ~ x", 'expected "not in", not not\n  host not ~ x\n       ^^^'),
        ("(host", 'this "(" is not closed\n  (host\n  ^'),
        ("host)", 'expected "and", "or" or the end, not )\n  host)\n      ^'),
        ("(host x)", 'expected an operator such as "==" or "~" behind host, not x\n  (host x)\n        ^'),
        ("path in (a b)", 'expected "," or ")" in the list, not b\n  path in (a b)\n             ^'),
        (
            "path in (a,",
            "expected a value behind the comma, but here the expression ends\n  path in (a,\n             ^",
        ),
        (
            "path in ()",
            "expected a value in the list; one that begins with ) needs quotes\n  path in ()\n           ^",
        ),
        ('path == "x', 'this " is not closed\n  path == "x\n          ^'),
        ("header. == x", 'expected a name behind ".", such as header.accept\n  header. == x\n         ^'),
        (
            'header."" == x',
            'expected a name behind ".", such as header.accept\n  header."" == x\n         ^^',
        ),
        ("and host", "expected a field, such as path or header.accept, not and\n  and host\n  ^^^"),
        (
            "host and",
            "expected a field, such as path or header.accept, but here the expression ends\n  host and\n          ^",
        ),
        ("  ", "the expression is empty; write one such as method == GET\n    \n    ^"),
        ("header == x", "which header? Write header.NAME\n  header == x\n  ^^^^^^"),
        ("path.x == 1", '"path" has no parts; write path alone\n  path.x == 1\n  ^^^^^^'),
        ("path", '"path" is always there; compare it, as in path == …\n  path\n  ^^^^'),
        (
            "method < 3",
            '"method" cannot be compared with <; there are ==, ~, in, !=, !~, not in\n  method < 3\n  ^^^^^^^^^^',
        ),
    ],
)
def test_errors_point_at_the_place(text, told):
    assert complaint(text) == told


def test_of_a_long_expression_the_part_around_the_place_is_shown():
    text = "host == a or " * 50 + "pth == /x" + " or host == b" * 50
    reason, shown, caret = complaint(text).split("\n")
    assert reason == 'unknown field "pth"; did you mean "path"?'
    assert shown[caret.index("^") : caret.index("^") + caret.count("^")] == "pth"
    assert len(shown) <= 90


def test_limits():
    assert parse("not " * (MAX_DEPTH - 1) + "host")
    assert "40 levels" in complaint("not " * MAX_DEPTH + "host")
    assert "40 levels" in complaint("(" * 4000)
    assert parse(" or ".join(["vni"] * 1_000))
    assert "8,192 characters, not 8,193" in complaint("x" * (MAX_CHARS + 1))


WORDS = "path header.x status client vni ( ) and or not in exists == != ~ !~ < >= , \" ' \\ 2xx 10KiB 10.0.0.0/8 ^/a"
TOKENS = st.sampled_from(
    [*WORDS.split(), *["[", "(?", "*", "{9}", ".", "=", "&&", "é", "�", "�", "\x00", "1"], "\n"]
)


@settings(deadline=None)
@given(
    st.lists(TOKENS, max_size=12).map(" ".join)
    | st.lists(TOKENS, max_size=12).map("".join)
    | st.text(max_size=30)
)
def test_whatever_is_written_there_is_an_expression_or_an_error_that_points(text):
    try:
        expression = parse(text)
    except ExpressionError as error:
        reason, shown, caret = str(error).split("\n")
        assert reason
        assert set(caret.strip()) == {"^"}
        assert caret.index("^") <= len(shown) + 1
    else:
        assert parse_tree(str(expression.tree)) == expression.tree
