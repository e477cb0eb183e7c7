"""The table [transform]: what it may say, and the errors that point at what is wrong."""

import tomllib

import pytest

from expression.asking import asked
from shadowtap.config.transform import TransformSettings, chain_of, merged, read_transform
from shadowtap.errors import UsageError

FULL = """
only = ['path ~ "^/api"', "method == POST"]
skip = "path ~ ^/health"
send_unanswered = true
answer_wait = "10s"
answer_queue = 100
answer_queue_size = "1MiB"
sample = "10%"
sample_by = "cookie:session,client"
sample_salt = "spring"
safe_methods_only = true
allow = ["POST /search"]
idempotency_key = true
idempotency_run = "monday"
"""


def read(text):
    return read_transform(tomllib.loads(text), "tap.toml")


def test_all_that_can_be_said():
    assert read(FULL) == TransformSettings(
        only=('path ~ "^/api"', "method == POST"),
        skip=("path ~ ^/health",),
        send_unanswered=True,
        answer_wait_s=10,
        answer_queue=100,
        answer_queue_bytes=1 << 20,
        sample=0.1,
        sample_by="cookie:session,client",
        sample_salt="spring",
        safe_methods_only=True,
        allow=("POST /search",),
        idempotency_key=True,
        idempotency_run="monday",
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('onyl = "vni"', 'tap.toml: transform.onyl: unknown key; did you mean "only"?'),
        ("only = 3", "tap.toml: transform.only: expected a rule in quotes, or a list of such"),
        ("only = [3]", "tap.toml: transform.only: expected a rule in quotes, or a list of such"),
        ('sample = "10"', 'tap.toml: transform.sample: expected a share such as "1%" or 0.01, not "10"'),
        (
            'sample_by = "session"',
            'tap.toml: transform.sample_by: expected header:NAME, cookie:NAME, query:NAME, client or connection, not "session"',
        ),
        (
            'skip = ["vni", "pth == /x"]',
            'tap.toml: transform.skip[1]: unknown field "pth"; did you mean "path"?\n  pth == /x\n  ^^^',
        ),
        (
            'allow = "POST"',
            'tap.toml: transform.allow[0]: a route is a method and a path, such as "POST /search", not "POST"',
        ),
        (
            'allow = "status == 200"',
            'tap.toml: transform.allow[0]: "status == 200" asks for production\'s answer',
        ),
    ],
)
def test_mistakes(text, told):
    with pytest.raises(UsageError) as caught:
        read(text)
    assert str(caught.value).startswith(told)


def test_it_is_a_table():
    with pytest.raises(UsageError, match="expected a table"):
        read_transform("path == /", "tap.toml")


def test_the_command_line_wins_and_what_is_skipped_adds_up():
    file = TransformSettings(only=("vni",), skip=("host",), sample=0.5)
    both = merged(file, {"only": ("path == /",), "skip": ("vni == 7", "host")})
    assert (both.only, both.skip, both.sample) == (("path == /",), ("host", "vni == 7"), 0.5)
    assert merged(file, {}) == file


def test_the_chain():
    assert chain_of(TransformSettings(), "run") is None
    chain = chain_of(read(FULL), "run")
    assert chain is not None
    assert chain.apply(asked(b"DELETE / HTTP/1.1\r\n\r\n"), 0).fate == "refused: unsafe_method"
    assert chain.apply(asked(b"GET /health HTTP/1.1\r\n\r\n"), 0).fate == "filtered: path ~ ^/health"
    keyed = chain_of(TransformSettings(idempotency_key=True), "run")
    again = chain_of(TransformSettings(idempotency_key=True), "run")
    post = asked(b"POST / HTTP/1.1\r\n\r\n")
    assert keyed.apply(post, 0) == again.apply(post, 0) != post
