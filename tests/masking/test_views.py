"""Escapes undone, and places found again."""

import html
import json
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.masking.spans import Span
from shadowtap.masking.views import JSON, PERCENT, REFERENCE, VIEWS, plain


@given(st.text())
def test_json(text):
    for ascii_only in (True, False):
        written = json.dumps(text, ensure_ascii=ascii_only)[1:-1].encode("utf-8", "surrogatepass")
        decoded = JSON.decoded(written)
        try:
            assert decoded == text.encode()
        except UnicodeEncodeError:
            assert b"\\u" not in decoded


@given(st.binary())
def test_percent(octets):
    assert PERCENT.decoded(quote(octets, safe="").encode()) == octets
    assert PERCENT.decoded(octets) == unquote_to_bytes(octets)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_references(text):
    assert REFERENCE.decoded("".join(f"&#{ord(letter)};" for letter in text).encode()) == text.encode()
    assert REFERENCE.decoded("".join(f"&#x{ord(letter):X};" for letter in text).encode()) == text.encode()
    if "&" not in text:
        assert REFERENCE.decoded(html.escape(text).encode()) == text.encode()


ESCAPES = st.lists(
    st.sampled_from([b"a", b"b", b"\\u0040", b"\\n", b"\\\\", b"%40", b"%25", b"&#64;", b"&amp;", b"&lt", b"\xc3\xa9", b"\\ud83d\\ude00"]),
    max_size=12,
).map(b"".join)  # fmt: skip


@given(ESCAPES, st.sampled_from(VIEWS), st.data())
def test_places_are_found_again(text, view, data):
    decoded = view.decoded(text)
    start = data.draw(st.integers(0, len(decoded)))
    end = data.draw(st.integers(start, len(decoded)))
    (span,) = view.back(text, [Span(start, end, b"x", "")])
    assert 0 <= span.start <= span.end <= len(text)
    assert decoded[start:end] in view.decoded(text[span.start : span.end])
    outside = view.decoded(text[: span.start]) + view.decoded(text[span.end :])
    assert len(outside) <= len(decoded) - (end - start)


@pytest.mark.parametrize(
    "written",
    ["a@b/c", '"a@b/c"', "a%40b%2Fc", "a\\u0040b\\/c", "a&#64;b&#x2f;c", " a@b/c\r\n", '\\"a@b/c\\"'],
)
def test_one_value_in_all_its_writings(written):
    assert plain(written.encode()) == b"a@b/c"
