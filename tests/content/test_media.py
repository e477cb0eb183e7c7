"""Content-Type and byte order marks."""

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowtap.content.media import charset_of_bom, codec, media_type_and_charset


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"application/json", ("application/json", None)),
        (b"Application/JSON; Charset=UTF-8", ("application/json", "utf-8")),
        (b'text/html; x=y;charset="ISO-8859-1"', ("text/html", "iso-8859-1")),
        (b"text/html;charset = latin1 ; x", ("text/html", "latin1")),
        (b"text/html; xcharset=latin1", ("text/html", None)),
        (b"; charset=utf-8", ("", "utf-8")),
        (b"", ("", None)),
        (b"text/html; charset=", ("text/html", None)),
        (b"text/html; " + b"x" * 300 + b"; charset=utf-8", ("text/html", "utf-8")),
        (b"\xff/\xfe", ("ÿ/þ", None)),
    ],
)
def test_content_types(value, expected):
    assert media_type_and_charset(value) == expected


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_nothing_raises(value):
    media_type, charset = media_type_and_charset(value)
    assert media_type == media_type.lower()
    if charset:
        codec(charset)


@pytest.mark.parametrize("charset", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_byte_order_marks(charset):
    assert charset_of_bom("\ufeffa".encode(charset)) == charset
    assert charset_of_bom("a".encode(charset)) is None


@pytest.mark.parametrize(
    "name", ["punycode", "zip", "unicode_escape", "rot13", "idna", "undefined", "no-such"]
)
def test_codecs_that_are_not_charsets_are_not_used(name):
    assert codec(name) is None


@pytest.mark.parametrize(
    "name", ["UTF-8", "latin1", "windows-1252", "Shift_JIS", "gb18030", "euc-kr", "us-ascii"]
)
def test_charsets_of_the_web_are_known(name):
    assert codec(name) == codecs.lookup(name).name
