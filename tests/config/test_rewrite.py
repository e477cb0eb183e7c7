"""Rules as people write them."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content.heads import request
from shadowtap.config.rewrite import OPTIONS, RewriteSettings, read_rewrites, rewrite_of
from shadowtap.errors import UsageError

POST = (
    b"POST /v1/users?a=1 HTTP/1.1\r\nHost: shop\r\nX-A: 1\r\nContent-Type: application/json\r\n"
    b'Content-Length: 8\r\n\r\n{"x": 1}'
)


def rewritten(*tables: RewriteSettings, octets: bytes = POST, **environment: str) -> bytes:
    rewrite = rewrite_of(tables, environment)
    assert rewrite is not None
    changed = rewrite(request(octets))
    return changed.head + changed.body


def told(**rules) -> str:
    with pytest.raises(UsageError) as caught:
        rewrite_of([RewriteSettings(**rules)], {})
    return str(caught.value)


def test_no_rules_no_transform():
    assert rewrite_of([], {}) is None
    assert rewrite_of([RewriteSettings()], {}) is None


@pytest.mark.parametrize(
    ("field", "rule", "old", "new"),
    [
        ("host", "shop -> staging.example", b"Host: shop", b"Host: staging.example"),
        ("path", r"^/v1/(.*) -> /v2/\1", b"/v1/", b"/v2/"),
        ("path", "/v1->", b"/v1/", b"/"),
        ("remove_query", "a", b"?a=1", b""),
        ("set_query", "a=b c=d", b"a=1", b"a=b%20c%3Dd"),
        ("add_query", "b=", b"a=1", b"a=1&b="),
        ("remove_header", "x-a", b"X-A: 1\r\n", b""),
        ("set_header", "x-a:b: c ", b"X-A: 1", b"X-A: b: c"),
        ("set_header", "X-A: Bearer env:TOKEN", b"X-A: 1", b"X-A: Bearer s3cret"),
        ("set_header", "X-A: xenv:TOKEN env:TOKEN/", b"X-A: 1", b"X-A: xenv:TOKEN env:TOKEN/"),
        ("set_query", "a=env:TOKEN", b"a=1", b"a=s3cret"),
        ("set_json", "$.x = 2.50", b'8\r\n\r\n{"x": 1}', b'10\r\n\r\n{"x":2.50}'),
        ("set_json", "$.x=abc", b'8\r\n\r\n{"x": 1}', b'11\r\n\r\n{"x":"abc"}'),
        ("set_json", '$["x"] = {"y": [1]}', b'8\r\n\r\n{"x": 1}', b'16\r\n\r\n{"x":{"y": [1]}}'),
        ("set_json", "$['a=b'] = null", b'8\r\n\r\n{"x": 1}', b'18\r\n\r\n{"x":1,"a=b":null}'),
        ("set_json", "$.x = env:NUMBER", b'8\r\n\r\n{"x": 1}', b'9\r\n\r\n{"x":"7"}'),
        ("remove_json", "$.x", b'8\r\n\r\n{"x": 1}', b"2\r\n\r\n{}"),
    ],
)
def test_rules(field, rule, old, new):
    table = RewriteSettings(**{field: (rule,)})
    assert rewritten(table, TOKEN="s3cret", NUMBER="7") == POST.replace(old, new)


@pytest.mark.parametrize(
    ("field", "rule", "message"),
    [
        (
            "host",
            "shop",
            '--rewrite-host "shop": expected PATTERN -> REPLACEMENT, such as shop.example -> staging.example',
        ),
        ("path", "^/( -> /", '--rewrite-path "^/( -> /": no regular expression: missing ): ^/('),
        ("path", "a -> \\1", '--rewrite-path "a -> \\1": \\1 in the replacement: the pattern has no group 1'),
        ("set_query", "a", '--set-query "a": expected NAME=VALUE'),
        ("set_header", "X-A", '--set-header "X-A": expected NAME: VALUE'),
        ("set_header", ": x", '--set-header ": x": expected NAME: VALUE'),
        (
            "add_header",
            "Content-Length: 3",
            '--add-header "Content-Length: 3": Content-Length is kept right by itself; no rule can change it',
        ),
        ("set_header", "A: env:NONE", '--set-header "A: env:NONE": the environment variable NONE is not set'),
        ("remove_header", " ", '--remove-header " ": expected a name'),
        ("set_json", "x = 1", '--set-json "x = 1": expected PATH = VALUE, such as $.user.id = 7'),
        ("set_json", "$.x = {", '--set-json "$.x = {": the value is not JSON: Input data was truncated'),
        (
            "remove_json",
            "$",
            '--remove-json "$": a path names a place below $, at most 32 steps deep, such as $.user.id',
        ),
    ],
)
def test_a_mistake_is_one_line_that_points_at_the_rule(field, rule, message):
    assert told(**{field: (rule,)}) == message


def test_a_line_break_in_a_variable_is_told_without_the_value():
    with pytest.raises(UsageError) as caught:
        rewrite_of([RewriteSettings(set_header=("A: env:TOKEN",))], {"TOKEN": "s3cret\r\nEvil: 1"})
    assert str(caught.value) == '--set-header "A: env:TOKEN": the value of A has a line break in it'


def test_tables_of_a_file():
    (table, other) = read_rewrites(
        [
            {"when": 'path ~ "^/v1"', "path": "^/v1 -> /v2", "set_header": ["A: 1", "B: 2"]},
            {"remove_json": "$.x"},
        ],
        "tap.toml",
    )
    assert (table.where, table.set_header, other.remove_json) == (
        "tap.toml: rewrite[0]",
        ("A: 1", "B: 2"),
        ("$.x",),
    )
    octets = rewritten(table, other)
    assert octets.startswith(b"POST /v2/users?a=1 ")
    assert octets.endswith(b"Content-Length: 2\r\nA: 1\r\nB: 2\r\n\r\n{}")
    assert rewritten(table, octets=b"GET /v9 HTTP/1.1\r\n\r\n") == b"GET /v9 HTTP/1.1\r\n\r\n"


def test_names_in_the_ledger_hold_no_values():
    rewrite = rewrite_of(
        [
            RewriteSettings(set_header=("A: s3cret",), set_json=("$.x = s3cret",)),
            RewriteSettings(when="method == GET", path=("a -> b",)),
        ],
        {},
    )
    assert list(rewrite.applied) == ["set header A", "set json $.x", "path a -> b when method == GET"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3, "tap.toml: rewrite: expected tables, each begun by [[rewrite]]"),
        ([3], "tap.toml: rewrite[0]: expected a table, begun by [[rewrite]]"),
        ({"set_headr": "a: b"}, 'tap.toml: rewrite[0].set_headr: unknown key; did you mean "set_header"?'),
        ({"path": 3}, "tap.toml: rewrite[0].path: expected a rule in quotes, or a list of them"),
        ({"path": ["a -> b", 3]}, "tap.toml: rewrite[0].path: expected a rule in quotes, or a list of them"),
        ({"when": 3}, "tap.toml: rewrite[0].when: expected an expression in quotes"),
        (
            {"path": "a"},
            'tap.toml: rewrite[0].path: "a": expected PATTERN -> REPLACEMENT, such as ^/v1/(.*) -> /v2/\\1',
        ),
        (
            {"when": "status == 200"},
            "tap.toml: rewrite[0].when: a request is rewritten before production answers; ask for no answer",
        ),
    ],
)
def test_mistakes_in_a_file(value, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        rewrite_of(read_rewrites(value, "tap.toml"), {})


def test_a_mistake_in_a_condition_points_at_it():
    with pytest.raises(UsageError, match=r"^tap\.toml: rewrite\[0\]\.when: .*\n.*\n +\^"):
        rewrite_of(read_rewrites({"when": "method = GET"}, "tap.toml"), {})


@settings(deadline=None)
@given(st.sampled_from(list(OPTIONS)), st.text(max_size=30))
def test_any_text_is_a_rule_or_a_mistake(field, text):
    try:
        rewrite_of([RewriteSettings(**{field: (text,)})], {})
    except UsageError as error:
        message = str(error)
    else:
        message = OPTIONS[field].flag
    assert message.startswith(OPTIONS[field].flag)


def test_host_is_rewritten_by_two_kinds_of_rules():
    assert RewriteSettings(host=("a -> b",)).sets_host
    assert RewriteSettings(set_header=("HOST: b",)).sets_host
    assert not RewriteSettings(set_header=("X-Host: b",), remove_header=("host",)).sets_host


def test_the_rules_of_the_documentation_are_rules():
    page = (Path(__file__).parents[2] / "docs" / "rewriting.md").read_text()
    table = tomllib.loads(page.partition("```toml\n")[2].partition("```")[0])
    rewrite = rewrite_of(read_rewrites(table["rewrite"], "tap.toml"), {"STAGING_TOKEN": "t"})
    octets = POST.replace(b"Host: shop", b"Host: shop.example").replace(b'{"x": 1}', b'{"user":{ }}')
    octets = octets.replace(b"Length: 8", b"Length: 12")
    changed = rewrite(request(octets))
    assert changed.target == b"/v2/users?a=1&source=mirror"
    assert changed.head.startswith(
        b"POST /v2/users?a=1&source=mirror HTTP/1.1\r\nHost: shop.staging.example\r\n"
    )
    assert b"\r\nAuthorization: Bearer t\r\nX-Environment: staging\r\n" in changed.head
    assert changed.body == b'{"user":{"id":42}}'


def test_every_option_is_in_the_documentation():
    page = (Path(__file__).parents[2] / "docs" / "rewriting.md").read_text()
    for field, option in OPTIONS.items():
        assert f"`{field}`" in page
        assert f"`{option.flag} {option.metavar}`" in page
