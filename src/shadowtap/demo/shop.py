"""A small shop: products, search, login, a basket, orders. Pure: a request in, a reply out.

Everything it invents (session tokens, order numbers) follows from what it was asked, so that two shops which see the
same requests say the same: production and the replay can be compared. The next version has one improvement and two
flaws, which the demo's visitors find.
"""

import gzip
import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

T = TypeVar("T")

PRODUCTS = {
    number: {"id": number, "name": name, "price": price}
    for number, (name, price) in enumerate(
        [
            ("Oak table", 41900),
            ("Reading lamp", 4900),
            ("Wool blanket", 7900),
            ("Teapot", 3400),
            ("Bread knife", 2900),
            ("Linen apron", 2400),
            ("Bookshelf", 18900),
            ("Wall clock", 5600),
            ("Doormat", 1900),
            ("Watering can", 2700),
            ("Coat rack", 6400),
            ("Cast-iron pan", 5200),
        ],
        1,
    )
}
PASSWORD = "open sesame"  # noqa: S105  of a shop that does not exist
LARGE_ORDER = 6
"""The next version fails on orders of this many pieces or more."""
MEMORY = 10_000
"""Baskets and orders that are kept; the oldest are forgotten first."""


class Ask(NamedTuple):
    """A request: header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""


class Reply(NamedTuple):
    """An answer; `chunked` says how the body goes over the wire."""

    status: int
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""
    chunked: bool = False


class Shop:
    """The shop and its memory. `next_version` is the one that is tried out."""

    def __init__(self, *, next_version: bool = False) -> None:
        self.next_version = next_version
        self._baskets: dict[str, dict[int, int]] = {}
        self._orders: dict[str, dict[str, Any]] = {}

    def answer(self, ask: Ask) -> Reply:
        """Answer a request."""
        url = urlsplit(ask.target)
        room, _, name = unquote(url.path).strip("/").partition("/")
        match ask.method, room:
            case "GET", "":
                return _page(ask)
            case "GET", "products":
                return self._product(name) if name else self._products()
            case "GET", "images":
                return _image(name)
            case "GET", "search":
                return self._search(parse_qs(url.query).get("q", [""])[0])
            case "POST", "login":
                return _login(ask.body)
            case (("GET" | "PUT" | "DELETE"), "basket"):
                return self._basket(ask, name)
            case "POST", "orders":
                return self._order(ask)
            case "GET", "orders":
                order = self._orders.get(name)
                return _json(200, order) if order else _json(404, {"error": "no such order"})
        return _json(404, {"error": "no such page"})

    def _products(self) -> Reply:
        return _json(200, list(PRODUCTS.values()))._replace(chunked=True)

    def _product(self, name: str) -> Reply:
        product = PRODUCTS.get(int(name)) if name.isdecimal() else None
        if product is None:
            return _json(404, {"error": "no such product"})
        return _json(200, {**product, "in_stock": True} if self.next_version else product)

    def _search(self, words: str) -> Reply:
        found = [p for p in PRODUCTS.values() if words.lower() in str(p["name"]).lower()]
        return _json(200, {"query": words, "found": found})._replace(chunked=True)

    def _basket(self, ask: Ask, name: str) -> Reply:
        session = _session(ask)
        if session is None:
            return _json(401, {"error": "log in first"})
        basket = _remembered(self._baskets, session, {})
        product = int(name) if name.isdecimal() else 0
        if ask.method == "GET":
            return _json(200, {str(number): pieces for number, pieces in basket.items()})
        if product not in PRODUCTS:
            return _json(404, {"error": "no such product"})
        if ask.method == "DELETE":
            basket.pop(product, None)
            return Reply(204)
        basket[product] = int(json.loads(ask.body)["pieces"])
        return _json(200, {"pieces": basket[product]})

    def _order(self, ask: Ask) -> Reply:
        session = _session(ask)
        if session is None:
            return _json(401, {"error": "log in first"})
        basket = self._baskets.pop(session, {})
        if not basket:
            return _json(409, {"error": "the basket is empty"})
        if self.next_version and sum(basket.values()) >= LARGE_ORDER:
            return _json(500, {"error": "integer expression expected"})
        total = sum(int(str(PRODUCTS[number]["price"])) * pieces for number, pieces in basket.items())
        order = hashlib.sha256(session.encode()).hexdigest()[:10]
        reply = _json(201, _remembered(self._orders, order, {"order": order, "total": total}))
        return reply._replace(headers={**reply.headers, "Location": f"/orders/{order}"})


def _remembered(memory: dict[str, T], key: str, new: T) -> T:
    value = memory.setdefault(key, new)
    if len(memory) > MEMORY:
        del memory[next(iter(memory))]
    return value


def _page(ask: Ask) -> Reply:
    rows = "".join(f"<li><a href=/products/{p['id']}>{p['name']}</a>" for p in PRODUCTS.values())
    html = f"<!doctype html><title>The shop</title><h1>Welcome</h1><ul>{rows}</ul>".encode()
    headers = {"Content-Type": "text/html; charset=utf-8", "Vary": "Accept-Encoding"}
    if "gzip" in ask.headers.get("accept-encoding", ""):
        return Reply(200, {**headers, "Content-Encoding": "gzip"}, gzip.compress(html, mtime=0))
    return Reply(200, headers, html)


def _image(name: str) -> Reply:
    number = name.removesuffix(".jpg")
    if not number.isdecimal() or int(number) not in PRODUCTS:
        return _json(404, {"error": "no such picture"})
    seed = hashlib.sha256(number.encode()).digest()
    picture = b"\xff\xd8\xff\xe0" + seed * (150 + 40 * int(number)) + b"\xff\xd9"
    return Reply(200, {"Content-Type": "image/jpeg", "Cache-Control": "max-age=3600"}, picture)


def _login(body: bytes) -> Reply:
    form = json.loads(body)
    if form["password"] != PASSWORD:
        return _json(401, {"error": "wrong password"})
    token = hashlib.sha256(f"{form['user']} {form['visit']}".encode()).hexdigest()[:24]
    reply = _json(200, {"user": form["user"]})
    return reply._replace(headers={**reply.headers, "Set-Cookie": f"session={token}; Path=/; HttpOnly"})


def _session(ask: Ask) -> str | None:
    cookie = ask.headers.get("cookie", "")
    return cookie.removeprefix("session=") if cookie.startswith("session=") else None


def _json(status: int, content: object) -> Reply:
    return Reply(status, {"Content-Type": "application/json"}, json.dumps(content).encode())
