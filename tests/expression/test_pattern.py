"""Patterns agree with Python's `re` on what both know, and cannot hang."""

import re

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowtap.expression.error import WordError
from shadowtap.expression.pattern import search_for
from shadowtap.linear import MAX_PATTERN, SEARCHED_BYTES

PIECES = st.sampled_from(
    ["a", "b", "/", ".", r"\.", r"\/", "[ab]", "[^a]", "a*", "b+", "(?:ab)?", "(a|b)", r"\d", "a{2}", "é"]
)
PATTERNS = st.builds(
    lambda start, pieces, end: start + "".join(pieces) + end,
    st.sampled_from(["", "^"]),
    st.lists(PIECES, max_size=5),
    st.sampled_from(["", "$"]),
)
TEXTS = st.text("abAB/.1é", max_size=8)


@settings(deadline=None)
@given(PATTERNS, TEXTS.filter(str.isascii))
def test_agrees_with_re(pattern, text):
    expected = re.search(pattern.removesuffix("$") + (r"\Z" if pattern.endswith("$") else ""), text)
    assert search_for(pattern)(text.encode()) == (expected is not None)


@settings(deadline=None)
@given(PATTERNS.filter(str.isascii), TEXTS.filter(str.isascii))
def test_agrees_with_re_without_regard_to_case(pattern, text):
    expected = re.search(
        pattern.removesuffix("$") + (r"\Z" if pattern.endswith("$") else ""), text, re.IGNORECASE
    )
    assert search_for(pattern, fold=True)(text.lower().encode()) == (expected is not None)


@settings(deadline=None)
@given(PATTERNS, st.binary(max_size=20))
def test_the_way_round_the_library_agrees_with_the_library(pattern, octets):
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1 if pattern.isascii() else re2.Options.Encoding.UTF8
    assert search_for(pattern)(octets) == (re2.compile(pattern.encode(), options).search(octets) is not None)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("(", r"missing \): \("),
        ("[a", "missing ]: "),
        ("*", "no argument for repetition operator"),
        ("(?=a)", "look-around is not supported"),
        (r"(a)\1", "back-references are not supported"),
        ("(a{1000}){1000}", "invalid repetition size"),
        ("a{1000}b{1000}", "too large"),
        ("a" * (MAX_PATTERN + 1), "at most 1,000 characters, not 1,001"),
    ],
)
def test_what_is_no_pattern_says_why(pattern, told):
    with pytest.raises(WordError, match=told):
        search_for(pattern)


@pytest.mark.parametrize(
    "pattern", ["(a+a+)+b", "(?:a?){240}a{240}b", "[ab]*a[ab]{400}c", "(.*)(.*)(.*)(.*)[0-9]{100}x"]
)
def test_hostile_patterns_on_hostile_text_end(pattern):
    search = search_for(pattern)  # one that steps back would not end before the universe
    assert not search(b"a" * 1_000_000)
    assert not search(b"ab" * 500_000)


def test_a_search_looks_at_the_beginning_only():
    search = search_for("[x]")
    assert search(b"a" * (SEARCHED_BYTES - 1) + b"x")
    assert not search(b"a" * SEARCHED_BYTES + b"x")
