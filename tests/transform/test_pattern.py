"""Patterns with a replacement: what Python's own engine does, in linear time."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowtap.linear import SEARCHED_BYTES
from shadowtap.transform.pattern import Replacement

PATTERNS = st.sampled_from(
    ["^/v1/(.*)", "/v1", "a|b", "(a)(b)?", "^$", "x*", r"/users/(\d+)/(\w+)", "[^/]+$", r"\.png$", "(?i)API"]
)
TEXTS = st.text("/v1abxAPIapi.png09\xff", max_size=20).map(lambda text: text.encode("latin-1"))


@settings(deadline=None)
@given(PATTERNS, TEXTS)
def test_the_first_match_is_replaced_as_python_would(pattern, text):
    groups = re.compile(pattern).groups
    replacement = "<" + "".join(rf"\{n}" for n in range(1, groups + 1)) + r"\\>"
    expected = re.sub(pattern.encode(), replacement.encode(), text, count=1)
    assert Replacement(pattern, replacement)(text) == expected


@settings(deadline=None)
@given(TEXTS)
def test_no_match_leaves_the_same_object(text):
    assert Replacement("nowhere", "x")(text) is text


def test_the_whole_text_in_any_case():
    replace = Replacement("(.*)\\.shop\\.example", "\\1.staging", whole=True)
    assert replace(b"API.Shop.Example") == b"API.staging"
    assert replace(b"api.shop.example.org") == b"api.shop.example.org"


def test_the_whole_match_and_other_letters():
    assert Replacement("b", "<\\0>")(b"abc") == b"a<b>c"
    assert Replacement("é", "e")("café".encode()) == b"cafe"


@pytest.mark.parametrize(
    ("pattern", "replacement", "told"),
    [
        ("(", "", "no regular expression: missing ): ("),
        ("(a)", "\\2", "\\2 in the replacement: the pattern has no group 2"),
        ("a", "\\1", "\\1 in the replacement: the pattern has no group 1"),
        ("a", "\\n", '"\\n" in the replacement: write \\1 for a group and \\\\ for a backslash'),
        ("a", "x\\", '"\\" in the replacement: write \\1 for a group and \\\\ for a backslash'),
        ("(?=a)", "", "no regular expression: invalid perl operator: (?="),
        ("a" * 1001, "", "a regular expression has at most 1,000 characters, not 1,001"),
        (
            "[a-z]{500}[0-9]{501}",
            "",
            "this regular expression is too large; use fewer or smaller repetitions",
        ),
    ],
)
def test_mistakes_are_told(pattern, replacement, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        Replacement(pattern, replacement)


def test_hostile_patterns_do_not_hang():
    """A search that steps back would not end before the universe."""
    text = b"a" * (SEARCHED_BYTES - 1) + b"b"
    assert Replacement("(a|a)*(a|a)*(a|a)*$", "x")(text) == text + b"x"


def test_longer_texts_are_left_alone():
    text = b"a" * (SEARCHED_BYTES + 1)
    assert Replacement("a", "b")(text) is text
