"""Writes: which ones are replayed at all, and a key by which the target knows a repeated one.

A method is safe if it is meant to change nothing (RFC 9110, section 9.2.1). With `Safety` requests of other methods
are refused, save those on routes that are allowed by name. A safe method is not taken at its word where a header asks
the server to use another one, as some frameworks honour it.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from uuid import UUID

from shadowtap.content import add_field, with_head
from shadowtap.events import Exchange, Request
from shadowtap.expression import Expression, parse
from shadowtap.expression.tree import quoted
from shadowtap.expression.values import header_values

SAFE_METHODS = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE"))
UNSAFE_METHOD = "unsafe_method"
IDEMPOTENCY_KEY = b"Idempotency-Key"

_OVERRIDES = tuple(
    header_values(name) for name in (b"x-http-method-override", b"x-http-method", b"x-method-override")
)
_ROUTE = re.compile(r"([A-Z][A-Z-]*|\*) +(/\S*)")
_ALMOST_ROUTE = re.compile(r"[A-Z-]+(?:\s|$)|\*|/")
_WILD = re.compile(r"\*\*|\*|\{[^/{}]*\}")
_UPWARDS = r"(?i)(/|\\|%2f|%5c)(\.|%2e){2}(/|\\|%2f|%5c|;|$)"
_present = header_values(IDEMPOTENCY_KEY.lower())


class Safety:
    """Refuses writes, apart from those that one of the `allow` rules is for. `allowed` counts these by rule."""

    __slots__ = ("_allow", "allowed")

    def __init__(self, allow: Sequence[Expression[Exchange]] = ()) -> None:
        self._allow = tuple(allow)
        self.allowed: Counter[str] = Counter({rule.text: 0 for rule in allow})

    def refuses(self, request: Request) -> bool:
        """Whether a request must not be replayed."""
        if is_safe(request):
            return False
        exchange = Exchange(request, None)
        for rule in self._allow:
            if rule.matches(exchange):
                self.allowed[rule.text] += 1
                return False
        return True


def is_safe(request: Request) -> bool:
    """Whether a request is meant to change nothing."""
    if request.method not in SAFE_METHODS:
        return False
    if b"method" not in request.head.lower():
        return True
    return all(value.upper() in SAFE_METHODS for read in _OVERRIDES for value in read(request))


def allow_rule(text: str) -> Expression[Exchange]:
    """A rule for writes: a route such as `POST /search`, or an expression. Raises ValueError.

    In a route `*` and `{id}` stand for one part of the path, `**` for any number of them, `*` for any method. A path
    with `..` in it is on no route, since nobody knows where it leads.
    """
    text = text.strip()
    route = _ROUTE.fullmatch(text)
    if not route and _ALMOST_ROUTE.match(text):
        raise ValueError(f'a route is a method and a path, such as "POST /search", not "{text}"')
    rule = parse(_as_expression(route[1], route[2]) if route else text)
    if rule.needs_answer:
        raise ValueError(
            f'"{text}" asks for production\'s answer, and a write is allowed before there is one'
        )
    return replace(rule, text=text)


def _as_expression(method: str, path: str) -> str:
    pieces = [re.escape(piece) for piece in _WILD.split(path)]
    wilds = [".*" if wild == "**" else "[^/]+" for wild in _WILD.findall(path)]
    pattern = "".join(piece + wild for piece, wild in zip(pieces, [*wilds, ""], strict=True))
    on_route = f"path ~ {quoted(f'^{pattern}$')} and path !~ {quoted(_UPWARDS)}"
    return on_route if method == "*" else f"method == {method} and {on_route}"


def with_idempotency_key(request: Request, run: bytes) -> Request:
    """The request with a key of its own, if it is a write that has none: the same in every replay of a `run`, so that
    a target which knows such keys does it once (draft-ietf-httpapi-idempotency-key-header)."""
    if is_safe(request) or _present(request):
        return request
    place = b"%d.%d" % (request.connection.number, request.index)
    digest = blake2b(place, digest_size=16, key=blake2b(run, digest_size=32).digest()).digest()
    key = str(UUID(bytes=digest, version=4)).encode()
    return with_head(request, add_field(request.head, IDEMPOTENCY_KEY, key))
