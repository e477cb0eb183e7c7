"""The same language over the figures of a run, as a verdict needs it."""

import pytest

from expression.asking import Run, answered, asked, of_run
from shadowtap.events import Exchange
from shadowtap.expression import ExpressionError, parse

FAIL_ON = "mismatch > 0.1% or p99 > 1.2x"


@pytest.mark.parametrize(
    ("text", "run"),
    [
        (FAIL_ON, Run()),
        ("mismatch > 0.1% and requests >= 1000", Run()),
        ("p99 > 500ms", Run()),
        ("p99 > 1.3x and p99 < 1.4x", Run()),
        ("mismatch", Run()),
        ("not mismatch", Run(mismatch=None)),
        ("not (mismatch > 0.1%)", Run(mismatch=None)),
    ],
)
def test_a_condition_on_a_run(text, run):
    assert of_run(text).matches(run)


def test_why_a_run_failed():
    failed = of_run(f"{FAIL_ON} or requests < 100")
    assert failed.reasons(Run()) == (("mismatch > 0.1%", "0.3%"), ("p99 > 1.2x", "1.31x"))
    assert failed.reasons(Run(mismatch=None, p99_factor=1)) == (
        ("mismatch > 0.1%", None),
        ("p99 > 1.2x", "1x"),
        ("requests < 100", "1000"),
    )


def test_how_a_value_is_written_says_which_reading_is_meant():
    with pytest.raises(
        ExpressionError, match=r"expected a duration such as 500ms or 2s.*or expected a factor such as 1\.2x"
    ):
        of_run("p99 > 12")
    assert [reason.value for reason in of_run("p99 > 1ms").reasons(Run())] == ["512ms"]


def test_the_fields_of_one_thing_are_unknown_to_another():
    with pytest.raises(ExpressionError, match='unknown field "path"; there are requests, mismatch, p99'):
        of_run("path == /")
    with pytest.raises(ExpressionError, match='unknown field "mismatch"'):
        parse("mismatch > 1%")


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("status == 200", None),
        ("method == GET and status == 200", None),
        ("method == POST and status == 200", False),
        ("method == GET or status == 200", True),
        ("not (method == POST and status == 200)", True),
        ("not (method == GET and status == 200)", None),
        ("method == GET", True),
    ],
)
def test_what_is_known_before_the_answer(text, known):
    assert parse(text).before_answer(Exchange(asked(), None)) is known


def test_the_text_is_the_users_own():
    expression = parse("  method==GET\tand   status < 400 ")
    assert str(expression) == expression.text == "method==GET\tand   status < 400"
    assert str(expression.tree) == "method == GET and status < 400"
    assert expression == parse("method==GET\tand   status < 400")
    assert expression.matches(answered(asked()))
