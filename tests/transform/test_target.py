"""Request targets taken apart, queries edited."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowtap.transform.target import Parts, add_query, remove_query, set_query, split

TARGETS = st.one_of(
    st.text("/a?b=&%20#:@", max_size=30).map(lambda text: b"/" + text.encode()),
    st.sampled_from([b"http://a.example", b"https://a:80/b?c", b"http://[::1]:80?x=y"]),
)
NAMES = st.sampled_from([b"a", b"b c", b"user_id", b"\xc3\xa9", b"a&b=c"])
VALUES = st.binary(max_size=8)
QUERIES = st.lists(
    st.sampled_from(
        [b"a=1", b"a=2", b"b+c=1", b"b%20c=2", b"user%5Fid=9", b"", b"a", b"=x", b"%C3%A9=%zz", b"z=a=b"]
    ),
    max_size=6,
).map(b"&".join)


def pairs(query):
    """The fields as a form's reader sees them."""
    text = (query or b"").decode("latin-1")
    found = parse_qsl(text, keep_blank_values=True, encoding="latin-1")
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in found]


@settings(deadline=None)
@given(TARGETS)
def test_the_parts_make_the_whole(target):
    parts = split(target)
    assert parts is not None
    assert parts.whole == target


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        (b"/a/b?c=d?e", Parts(b"", b"/a/b", b"c=d?e")),
        (b"/a?", Parts(b"", b"/a", b"")),
        (b"http://a:80", Parts(b"http://a:80", b"", None)),
        (b"HTTP://a/b?c", Parts(b"HTTP://a", b"/b", b"c")),
        (b"*", None),
        (b"a.example:443", None),
        (b"", None),
    ],
)
def test_forms_of_targets(target, parts):
    assert split(target) == parts


@settings(deadline=None)
@given(QUERIES, NAMES, VALUES)
def test_setting_leaves_one_field_of_the_name_and_the_others_as_they_were(query, name, value):
    changed = set_query(query, name, value)
    assert [pair for pair in pairs(changed) if pair[0] == name] == [(name, value)]
    assert [pair for pair in pairs(changed) if pair[0] != name] == [
        pair for pair in pairs(query) if pair[0] != name
    ]


@settings(deadline=None)
@given(QUERIES, NAMES, VALUES)
def test_adding_puts_a_field_at_the_end(query, name, value):
    assert pairs(add_query(query, name, value)) == [*pairs(query), (name, value)]


@settings(deadline=None)
@given(QUERIES, NAMES)
def test_removing_takes_the_fields_of_the_name(query, name):
    changed = remove_query(query, name)
    assert pairs(changed) == [pair for pair in pairs(query) if pair[0] != name]
    if pairs(changed) == pairs(query):
        assert changed is query


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (set_query(b"x=%2f&a=1&y&a=2", b"a", b"n w"), b"x=%2f&a=n%20w&y"),
        (set_query(b"user%5Fid=1", b"user_id", b"2"), b"user%5Fid=2"),
        (set_query(None, b"a", b"b"), b"a=b"),
        (set_query(b"", b"a", b"b"), b"a=b"),
        (add_query(b"a=1", b"a", b"&"), b"a=1&a=%26"),
        (remove_query(b"a=1", b"a"), None),
        (remove_query(b"a=1&&b", b"a"), b"&b"),
        (remove_query(None, b"a"), None),
    ],
)
def test_examples(made, expected):
    assert made == expected
