"""Markup: whatever a value is, it stays text."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.report.page.html import Html, joined, tag, text, visible

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "'><svg/onload=alert(1)>",
    "<!--", "-->", "]]>", "&lt;b&gt;", "&#x3c;script&#x3e;", "\x00<b>\x00", "javascript:alert(1)",
    "\u202egnp.exe", "\u2066\u2067x", "a\u200bb", "\ufeff", "\ud800", "\udfff<b>", "\uffff", "\U000e0041",
    "+ADw-script+AD4-", "e\u0301" * 50, "\r\n\r\n<b>", "{{7*7}}", "${7*7}", "\x1b[31m", "\x85\x9f",
]  # fmt: skip
"""What should not do anything."""

anything = (
    st.text(st.characters(), max_size=200)
    | st.sampled_from(HOSTILE)
    | st.binary().map(lambda b: b.decode("latin-1"))
)


class Parsed(HTMLParser):
    """Elements with their attributes, and the text between them."""

    def __init__(self, markup):
        super().__init__(convert_charrefs=True)
        self.elements, self.words = [], ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, name, attributes):
        self.elements.append((name, dict(attributes)))

    def handle_data(self, words):
        self.words += words


@given(anything, anything)
def test_a_value_is_text_and_nothing_else(inside, attribute):
    markup = tag("p", inside, title=visible(attribute), data_key=attribute)
    found = Parsed(markup)
    assert [name for name, _ in found.elements] == ["p"]
    assert set(found.elements[0][1]) == {"title", "data-key"}
    assert found.words == visible(inside)
    assert found.elements[0][1]["title"] == visible(attribute)
    assert markup.encode()  # whatever stood in it


@given(anything)
def test_nothing_invisible_is_left(value):
    shown = visible(value)
    assert all(c in "\n\t" or ord(c) >= 32 for c in shown)
    assert not any(
        0x202A <= ord(c) <= 0x202E or 0x2066 <= ord(c) <= 0x2069 or 0xD800 <= ord(c) < 0xE000 for c in shown
    )
    assert visible(shown) == shown


def test_what_cannot_be_seen_is_named():
    assert visible("a\u202eb\x00\x1b") == "a[U+202E]b\u2400\u241b"
    assert visible("one\r\ntwo") == "one\ntwo"


def test_long_values_are_cut_and_say_so():
    assert visible("x" * 3_000_000) == "x" * 2000 + "… (3,000,000 characters)"
    assert text("<" * 10, 3) == "&lt;&lt;&lt;… (10 characters)"


def test_markup_is_made_by_tags_alone():
    assert tag("p", tag("b", "x"), "<b>") == "<p><b>x</b>&lt;b&gt;</p>"
    assert tag("input", type="search", hidden=True, id=None, checked=False) == '<input type="search" hidden>'
    assert tag("rect", width=0.5) == '<rect width="0.5"/>'
    assert joined([None, 1, Html("<i>")]) == "1<i>"


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values(value):
    assert Parsed(tag("p", value)).elements == [("p", {})]
