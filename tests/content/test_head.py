"""Edits of heads: what is asked for changes, and no other octet."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content.heads import NAMES, VALUES, heads
from shadowtap.content import (
    add_field,
    map_fields,
    remove_field,
    replace_line,
    replace_target,
    set_field,
    values,
)
from shadowtap.http1 import headers

HEAD = (
    b"GET / HTTP/1.1\r\nHost: shop\r\nX-A:1\r\nx-a:  2\r\nCookie: a=b;\r\n c=d\r\nAccept : */*\nEnd:\r\n\r\n"
)


def named(line: bytes, name: bytes) -> bool:
    return line.split(b":")[0].strip().lower() == name.lower()


@settings(deadline=None)
@given(heads(), NAMES)
def test_the_values_are_those_of_the_parsed_fields(made, name):
    start, fields, empty = made
    head = start + b"".join(fields) + empty
    assert values(head, name) == [value for n, value in headers(head) if n.lower() == name.lower()]


@settings(deadline=None)
@given(heads(), NAMES)
def test_removing_takes_the_lines_of_that_name_and_no_other_octet(made, name):
    start, fields, empty = made
    head = start + b"".join(fields) + empty
    kept = [line for line in fields if not named(line, name)]
    assert remove_field(head, name) == start + b"".join(kept) + empty
    if len(kept) == len(fields):
        assert remove_field(head, name) is head


@settings(deadline=None)
@given(heads(), NAMES, VALUES)
def test_setting_leaves_one_field_of_that_name_where_the_first_was(made, name, value):
    start, fields, empty = made
    head = start + b"".join(fields) + empty
    changed = set_field(head, name, value)
    assert values(changed, name) == [value.strip(b" \t")]
    others = [line for line in headers(head) if line[0].lower() != name.lower()]
    assert [line for line in headers(changed) if line[0].lower() != name.lower()] == others
    places = [n for n, line in enumerate(fields) if named(line, name)]
    at = [n for n, (other, _) in enumerate(headers(changed)) if other.lower() == name.lower()]
    assert at == (places[:1] or [len(fields)])


@settings(deadline=None)
@given(heads(), NAMES, VALUES)
def test_adding_puts_one_line_before_the_empty_line(made, name, value):
    start, fields, empty = made
    head = start + b"".join(fields) + empty
    assert add_field(head, name, value) == start + b"".join(fields) + name + b": " + value + empty + empty


@settings(deadline=None)
@given(heads())
def test_mapping_to_the_same_changes_nothing(made):
    start, fields, empty = made
    head = start + b"".join(fields) + empty
    seen = []
    assert map_fields(head, lambda name, value: seen.append((name, value)) or value) is head
    assert seen == [(name, value) for name, value in headers(head) if name]


@settings(deadline=None)
@given(heads(), NAMES, VALUES)
def test_mapping_changes_the_fields_it_means(made, name, new):
    start, fields, empty = made
    head = start + b"".join(fields) + empty
    new = new.strip(b" \t")
    changed = map_fields(head, lambda n, value: new if n.lower() == name.lower() else value)
    expected = [(n, new if n.lower() == name.lower() else value) for n, value in headers(head)]
    assert headers(changed) == expected


@settings(deadline=None)
@given(heads(), st.binary(max_size=20))
def test_nothing_that_is_put_in_breaks_out(made, hostile):
    start, fields, empty = made
    head = start + b"".join(fields) + empty
    for changed in (set_field(head, b"x-a", hostile), add_field(head, b"x-a", hostile)):
        assert len(headers(changed)) <= len(fields) + 1
    assert replace_line(head, hostile).count(b"\n") == head.count(b"\n")


@settings(deadline=None)
@given(heads(b"GET /a?b=c HTTP/1.1"), st.binary(min_size=1, max_size=20))
def test_a_target_is_replaced_alone(made, target):
    start, fields, empty = made
    head = start + b"".join(fields) + empty
    changed = replace_target(head, target)
    method, put, version = changed.split(b"\n")[0].split(b" ")
    assert (method, version.strip()) == (b"GET", b"HTTP/1.1")
    assert changed == head.replace(b"/a?b=c", put, 1)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda h: set_field(h, b"host", b"new"), HEAD.replace(b"shop", b"new")),
        (lambda h: set_field(h, b"X-a", b"9"), HEAD.replace(b"X-A:1\r\nx-a:  2", b"X-A:9")),
        (lambda h: set_field(h, b"cookie", b"e"), HEAD.replace(b"a=b;\r\n c=d", b"e")),
        (lambda h: set_field(h, b"accept", b"x"), HEAD.replace(b"*/*", b"x")),
        (lambda h: set_field(h, b"end", b"x"), HEAD.replace(b"End:", b"End: x")),
        (lambda h: set_field(h, b"New", b"x"), HEAD[:-2] + b"New: x\r\n\r\n"),
        (lambda h: remove_field(h, b"cookie"), HEAD.replace(b"Cookie: a=b;\r\n c=d\r\n", b"")),
        (lambda h: remove_field(h, b"hos"), HEAD),
        (lambda h: set_field(h, b"host", b"a\r\nEvil: 1"), HEAD.replace(b"shop", b"a  Evil: 1")),
        (lambda h: replace_line(h, b"PUT /x HTTP/1.0"), HEAD.replace(b"GET / HTTP/1.1", b"PUT /x HTTP/1.0")),
        (lambda h: replace_target(h, b"/a b\r\n"), HEAD.replace(b"GET /", b"GET /a%20b%0D%0A")),
        (lambda h: map_fields(h, lambda n, v: None if n == b"x-a" else v), HEAD.replace(b"x-a:  2\r\n", b"")),
    ],
)
def test_examples(edit, expected):
    assert edit(HEAD) == expected


@pytest.mark.parametrize(
    ("head", "target"),
    [
        (b"GET  /a  HTTP/1.1\r\n\r\n", b"GET  /new  HTTP/1.1\r\n\r\n"),
        (b"GET /a b HTTP/1.1\n\n", b"GET /new HTTP/1.1\n\n"),
        (b"GET /old\r\n", b"GET /new\r\n"),
        (b"GET http://a/b HTTP/1.1 \r\n\r\n", b"GET /new HTTP/1.1 \r\n\r\n"),
        (b"\xff\xfe", b"\xff\xfe"),
        (b"", b""),
    ],
)
def test_targets_of_odd_request_lines(head, target):
    assert replace_target(head, b"/new") == target


def test_a_head_that_breaks_off_gets_its_field_at_the_end():
    assert add_field(b"GET / HTTP/1.1\r\nHos", b"A", b"b") == b"GET / HTTP/1.1\r\nHos\r\nA: b\r\n"
    assert set_field(b"GET / HTTP/1.1\r\nHost: s", b"host", b"b") == b"GET / HTTP/1.1\r\nHost: b"
    assert remove_field(b"GET / HTTP/1.1\r\nHost: s", b"host") == b"GET / HTTP/1.1\r"
