"""JSON texts changed at a place: agreement with Python's own reader, and what is not named keeps its spelling."""

import copy
import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowtap.transform.jsonpath import JsonError, parse_path, remove_value, set_value

KEYS = st.sampled_from(["a", "b", "user", "a b", "é", "0"])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-99, 99), st.sampled_from([1.5, "x", "é\n"])),
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(KEYS, below, max_size=3)),
    max_leaves=10,
)
STEPS = st.lists(st.one_of(KEYS, st.integers(0, 2), st.none()), min_size=1, max_size=4).map(tuple)
SPACES = st.sampled_from([None, 1, "\t"])


def spelled(steps):
    """A path as text."""
    return "$" + "".join(
        "[*]" if s is None else f"[{s}]" if isinstance(s, int) else f"['{s}']" for s in steps
    )


def change(value, steps, new, *, remove):
    """What ought to become of a value: (the new one, whether anything was meant)."""
    value, step, last = copy.copy(value), steps[0], len(steps) == 1
    if isinstance(step, str) and isinstance(value, dict):
        keys = [step] if step in value or (last and not remove) else []
    elif not isinstance(step, str) and isinstance(value, list):
        keys = [n for n in range(len(value)) if step is None or n == step]
    else:
        keys = []
    for key in reversed(keys):
        if not last:
            value[key] = change(value[key], steps[1:], new, remove=remove)
        elif remove:
            del value[key]
        else:
            value[key] = new
    return value


@settings(deadline=None)
@given(VALUES, STEPS, VALUES, SPACES)
def test_setting_is_what_it_ought_to_be(value, steps, new, indent):
    text = json.dumps(value, indent=indent).encode()
    changed = set_value(text, parse_path(spelled(steps)), msgspec.Raw(msgspec.json.encode(new)))
    assert json.loads(changed) == change(value, steps, new, remove=False)


@settings(deadline=None)
@given(VALUES, STEPS, SPACES)
def test_removing_is_what_it_ought_to_be(value, steps, indent):
    text = json.dumps(value, indent=indent, ensure_ascii=False).encode()
    changed = remove_value(text, parse_path(spelled(steps)))
    expected = change(value, steps, None, remove=True)
    assert json.loads(changed) == expected
    if expected == value:
        assert changed is text


@settings(deadline=None)
@given(st.binary(max_size=40), STEPS)
def test_what_is_no_json_is_said_to_be_none(text, steps):
    try:
        remove_value(text, steps)
        set_value(text, steps, msgspec.Raw(b"1"))
    except JsonError:
        with pytest.raises((ValueError, RecursionError)):
            msgspec.json.decode(text)


@pytest.mark.parametrize(
    ("text", "path", "new", "expected"),
    [
        (b'{"user": {"id": 1, "n": 1.10}}', "$.user.id", b"2", b'{"user":{"id":2,"n":1.10}}'),
        (b'{"a": 12345678901234567890.10, "b": 1}', "$.b", b"2", b'{"a":12345678901234567890.10,"b":2}'),
        (b'{"a": {"b": [1,  2]}, "c": 1}', "$.c", b'"x"', b'{"a":{"b": [1,  2]},"c":"x"}'),
        (
            b'{"items": [{"price": 1}, {"x": 2}]}',
            "$.items[*].price",
            b"0",
            b'{"items":[{"price":0},{"x": 2,"price":0}]}',
        ),
        (b'{"a": 1}', "$.b", b"null", b'{"a":1,"b":null}'),
        (b'{"a": 1}', "$.b.c", b"1", None),
        (b'{"a": 1}', "$.a", b"1", None),
        (b'{"a": 1}', "$[0]", b"1", None),
        (b"[1, 2]", "$[1]", b"3", b"[1,3]"),
        (b"[1, 2]", "$[2]", b"3", None),
        (b'"text"', "$.a", b"3", None),
        (b' \n {"a": 1} ', "$.a", b"2", b'{"a":2}'),
        (b'\xef\xbb\xbf{"a": 1}', "$.a", b"2", b'\xef\xbb\xbf{"a":2}'),
    ],
)
def test_setting(text, path, new, expected):
    changed = set_value(text, parse_path(path), msgspec.Raw(new))
    if expected is None:
        assert changed is text
    elif path == "$.items[*].price":
        assert json.loads(changed) == json.loads(expected)
    else:
        assert changed == expected


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"{'a': 1}", b'{"a": 1,}', b'{"a": 01}', b"\xff", b'{"a":' * 100_000, b"[" * 100_000, b"nul"],
)
def test_unreadable(text):
    with pytest.raises(JsonError):
        set_value(text, ("a",), msgspec.Raw(b"1"))


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("$.a", ("a",)),
        ("$.user.id", ("user", "id")),
        ("$.items[*].price", ("items", None, "price")),
        ("$[0][12]", (0, 12)),
        ("$['a b']['it']", ("a b", "it")),
        ('$["a.b"]', ("a.b",)),
        ("$['']", ("",)),
        ("$.naïve-key_1", ("naïve-key_1",)),
    ],
)
def test_paths(path, steps):
    assert parse_path(path) == steps


@pytest.mark.parametrize(
    "path", ["", "a.b", "$", "$.", "$..a", "$.a[", "$.a[-1]", "$.a[x]", "$['a]", "$a", "$" + ".a" * 33]
)
def test_mistakes_in_paths(path):
    with pytest.raises(ValueError, match=r"\$"):
        parse_path(path)
