"""docs/expressions.md says what is so."""

import re
from pathlib import Path

import pytest

from shadowtap.expression import FIELDS, parse
from shadowtap.expression.parser import MAX_CHARS, MAX_DEPTH
from shadowtap.linear import MAX_PATTERN, SEARCHED_BYTES
from shadowtap.transform.safety import allow_rule
from shadowtap.transform.sample import parse_keys

TEXT = (Path(__file__).parents[2] / "docs" / "expressions.md").read_text()
EXAMPLES = re.findall(r"^    (\S.*)$", TEXT, re.MULTILINE)


def test_all_fields_are_there_in_order():
    table = TEXT.split("## Fields of a request")[1].split("##")[0]
    assert re.findall(r"^\| `([^`]+)`", table, re.MULTILINE) == [field.shown for field in FIELDS]


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_are_expressions(text):
    assert parse(text)


@pytest.mark.parametrize(
    "text",
    [
        'query."a=b"',
        'header."x!"',
        "cookie.session",
        "vni exists",
        "header.x != 1",
        r'path ~ "^/v\d+/"',
        "method == GET and status == 200",
    ],
)
def test_examples_in_the_text_are_there_and_are_expressions(text):
    assert f"`{text}`" in TEXT
    assert parse(text)


def test_limits_are_as_said():
    assert (
        f"{MAX_CHARS:,} characters an expression, {MAX_PATTERN:,} a regular expression, {MAX_DEPTH} levels"
        in TEXT
    )
    assert f"first {SEARCHED_BYTES // 1024} KiB" in TEXT


def test_routes_and_keys():
    assert allow_rule("POST /search")
    assert allow_rule("* /search")
    assert parse_keys("header:NAME,cookie:NAME,query:NAME,client,connection")
