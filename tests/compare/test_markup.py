"""HTML and XML as trees, however broken, and in linear time."""

import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.compare.markup import Element, NotMarkup, parse_html, parse_xml


def shown(element: Element | str) -> str:
    if isinstance(element, str):
        return element
    attributes = "".join(f" {name}={value}" for name, value in element.attributes.items())
    inner = "|".join(map(shown, element.children))
    return f"({element.name}{attributes} {inner})" if inner else f"({element.name}{attributes})"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("<p>a <b>c</b> d</p>", "( (p a|(b c)|d))"),
        ("<ul><li>a<li>b</ul>", "( (ul (li a)|(li b)))"),
        ("<p>a<p>b<div>c</div>", "( (p a)|(p b)|(div c))"),
        ("<table><tr><td>1<td>2<tr><td>3</table>", "( (table (tr (td 1)|(td 2))|(tr (td 3))))"),
        ("<br><img src=a/><input disabled>x", "( (br)|(img src=a/)|(input disabled=)|x)"),
        ("<a href='x>y' title=\"a &amp; b\" b=c>t</a>", "( (a href=x>y title=a & b b=c t))"),
        ("<script>if (a < b) '</p>'</script>z", "( (script if (a < b) '</p>')|z)"),
        ("<!doctype html><!-- <p> --><?x?><P>&eacute;</P>", "( (p é))"),
        ("a < b </nothing> <b", "( a < b)"),
        ("</div><b><i>x</b>y", "( (b (i x))|y)"),
        ("  \n ", "()"),
    ],
)
def test_html(text: str, tree: str) -> None:
    assert shown(parse_html(text)) == tree


def test_xml() -> None:
    assert (
        shown(parse_xml(b'<?xml version="1.0"?><a x="1"><!-- c --><b>t &amp; u</b></a>', None))
        == "( (a x=1 (b t & u)))"
    )


@pytest.mark.parametrize(
    "octets",
    [
        b"<a>",
        b"<a></b>",
        b"",
        b"\xff\xfe",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]><l>&c;</l>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b'<?xml version="1.0" encoding="no-such"?><a/>',
    ],
)
def test_xml_that_is_not_read(octets: bytes) -> None:
    with pytest.raises(NotMarkup):
        parse_xml(octets, None)


def test_depth_and_number_are_bounded() -> None:
    parse_html("<div>" * 15_000)
    parse_xml(b"<a>" * 9000 + b"</a>" * 9000, None)
    with pytest.raises(NotMarkup):
        parse_html("<i></i>" * 20_001)


@pytest.mark.parametrize(
    "unit",
    ["<", "<a ", '<a "', "<a '", "<!--", "<!", "</", "<a b=\"c' ", "<script>", "</script", "<title", "&", "<p>", "a=", "<a x='", "<i/", "<a =", "]]>", "&#"],
)  # fmt: skip
def test_time_is_linear(unit: str) -> None:
    """Twenty times the text, no more than twenty times the calls, with some room; and a text on which anything that is
    searched again and again would take minutes."""
    assert calls(unit, 20_000) < 25 * calls(unit, 1_000) + 500
    calls(unit, 300_000, counted=False)


def calls(unit: str, length: int, *, counted: bool = True) -> int:
    """How many functions, of Python and of C, are called while a text is read."""
    text, count = unit * (length // len(unit)), 0

    def note(_frame: object, event: str, _what: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note if counted else None)
    try:
        for markup in (text, "<p>" + text, text + ">"):
            with suppress(NotMarkup):
                parse_html(markup)
    finally:
        sys.setprofile(None)
    return count


@given(st.text(alphabet="<>/!-=\"' abp&;?", max_size=80))
def test_any_text_is_read(text: str) -> None:
    parse_html(text)


@given(st.binary(max_size=80))
def test_any_octets_are_read_or_not(octets: bytes) -> None:
    for given_octets in (octets, b"<a>" + octets + b"</a>"):
        try:
            parse_xml(given_octets, "utf-8")
        except NotMarkup:
            continue
