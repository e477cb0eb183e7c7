"""Writes stay behind unless they are allowed, and a replayed one carries a key."""

import re
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expression.asking import asked, connection
from shadowtap.transform.safety import SAFE_METHODS, Safety, allow_rule, is_safe, with_idempotency_key

METHODS = ("GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "get", "MKCOL")


def ask(method: str, target: str = "/", field: str = "X: y", number: int = 0, index: int = 0):
    return asked(f"{method} {target} HTTP/1.1\r\n{field}\r\n\r\n".encode(), connection(number), index)


@pytest.mark.parametrize("method", METHODS)
def test_only_safe_methods_pass(method):
    assert Safety().refuses(ask(method)) == (method.encode() not in SAFE_METHODS)


@pytest.mark.parametrize(
    ("field", "safe"),
    [
        ("X-HTTP-Method-Override: DELETE", False),
        ("x-method-override: put", False),
        ("X-HTTP-METHOD: PATCH", False),
        ("X-HTTP-Method-Override: HEAD", True),
        ("X-My-Method: DELETE", True),
    ],
)
def test_a_safe_method_that_asks_for_another(field, safe):
    assert is_safe(ask("GET", field=field)) == safe


@pytest.mark.parametrize(
    ("rule", "method", "target", "allowed"),
    [
        ("POST /search", "POST", "/search", True),
        ("POST /search", "POST", "/search?q=1", True),
        ("POST /search", "POST", "/search/x", False),
        ("POST /search", "POST", "/xsearch", False),
        ("POST /search", "PUT", "/search", False),
        ("POST /a.b", "POST", "/aXb", False),
        ("PUT /users/{id}/cart", "PUT", "/users/7/cart", True),
        ("PUT /users/{id}/cart", "PUT", "/users/7/8/cart", False),
        ("PUT /users/*/cart", "PUT", "/users/7/cart", True),
        ("PUT /users/*/cart", "PUT", "/users//cart", False),
        ("POST /api/**", "POST", "/api/a/b", True),
        ("POST /api/**", "POST", "/api/../admin", False),
        ("POST /api/**", "POST", "/api/%2E%2e/admin", False),
        ("POST /api/**", "POST", "/api/..%2fadmin", False),
        ("POST /api/**", "POST", "/api/..", False),
        ("POST /api/**", "POST", "/api/a..b", True),
        ("PUT /a/*/c", "PUT", "/a/../c", False),
        ("* /search", "DELETE", "/search", True),
        ("method == POST and header.x == y", "POST", "/any", True),
        ("path ~ ^/graphql", "POST", "/graphql", True),
    ],
)
def test_allowed_writes(rule, method, target, allowed):
    safety = Safety([allow_rule(rule)])
    assert safety.refuses(ask(method, target)) != allowed
    assert safety.allowed == {rule: int(allowed)}


@settings(deadline=None)
@given(st.text("/ab*{}.+()[]\\^$|", max_size=8).map("/".__add__))
def test_whatever_stands_in_a_route_is_meant_as_it_stands(path):
    rule = allow_rule(f"POST {path}")
    if not re.search(r"[*{}]", path) and ".." not in path:
        assert rule.matches(_exchange(ask("POST", path)))


def _exchange(request):
    from shadowtap.events import Exchange

    return Exchange(request, None)


@pytest.mark.parametrize("text", ["status == 200", "POST", "post /search", "POST search", "/search", "*", ""])
def test_what_is_no_rule_says_so(text):
    with pytest.raises(ValueError, match=r"."):
        allow_rule(text)


def test_a_write_gets_a_key_of_its_own():
    request = ask("POST", number=3, index=5)
    keyed = with_idempotency_key(request, b"run")
    assert keyed.head.startswith(request.head[:-2] + b"Idempotency-Key: ")
    assert keyed.head.endswith(b"\r\n\r\n")
    (key,) = re.findall(rb"Idempotency-Key: (.*)\r\n", keyed.head)
    assert UUID(key.decode()).version == 4
    assert with_idempotency_key(request, b"run") == keyed
    others = [ask("POST", number=3, index=6), ask("POST", number=35), ask("POST", number=4, index=5)]
    heads = {with_idempotency_key(other, b"run").head for other in (request, *others)}
    heads.add(with_idempotency_key(request, b"another").head)
    assert len(heads) == 5


@pytest.mark.parametrize(
    ("method", "field"), [("GET", "X: y"), ("POST", "idempotency-key: mine"), ("POST", "Idempotency-Key:")]
)
def test_what_needs_no_key_stays_the_same_object(method, field):
    request = ask(method, field=field)
    assert with_idempotency_key(request, b"run") is request
