"""A small shop: products, search, log-in, a basket, orders. Pure: a request, the time and dice in, a reply out.

What it issues is its own: session cookies, CSRF tokens, numbers of orders. So two shops that see the same requests
do not say the same, and what one has issued is worth nothing to the other. Much else changes from answer to answer,
as in any shop: times, request ids, advertisements, the order of what a search finds. The next version differs in
what `regressions` names, and in nothing else that matters.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

from shadowtap.demo.catalogue import ADVERTISEMENTS, OFFERS, PRODUCTS, page, picture
from shadowtap.demo.regressions import Regression

T = TypeVar("T")

PASSWORD = "open sesame"  # noqa: S105  of a shop that does not exist
GOLD = "gold"
"""How the names of gold members begin."""
MEMORY = 10_000
"""Sessions and orders that are kept; the oldest are forgotten first."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


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


class _Session(NamedTuple):
    user: str
    csrf: str
    basket: dict[int, int]


class Shop:
    """The shop and its memory. `regressions` are those of the version that is tried out."""

    def __init__(self, dice: Random, regressions: frozenset[Regression] = frozenset()) -> None:
        self.regressions = regressions
        self._dice = dice
        self._sessions: dict[str, _Session] = {}
        self._orders: dict[int, dict[str, Any]] = {}
        self._last_order = dice.randrange(10_000, 50_000)

    def answer(self, ask: Ask, now_s: float) -> Reply:
        """Answer a request at a time, in seconds since 1970."""
        now = datetime.fromtimestamp(now_s, UTC)
        reply = self._route(ask, now)
        common = {
            "Date": f"{now:%a, %d %b %Y %H:%M:%S} GMT",
            "X-Request-Id": str(UUID(int=self._dice.getrandbits(128), version=4)),
        }
        return reply._replace(headers={**common, **reply.headers})

    def _route(self, ask: Ask, now: datetime) -> Reply:
        url = urlsplit(ask.target)
        room, _, name = unquote(url.path).strip("/").partition("/")
        match ask.method, room:
            case "GET", "":
                return self._page(ask, now)
            case "GET", "products":
                return self._product(name, now) if name else self._products()
            case "GET", "images":
                return self._image(name.removesuffix(".jpg"))
            case "GET", "search":
                return self._search(parse_qs(url.query).get("q", [""])[0])
            case "POST", "login":
                return self._login(ask.body)
            case _, ("account" | "basket" | "orders"):
                return self._of_member(ask, room, name, now)
        return _json(404, {"error": "no such page"})

    def _page(self, ask: Ask, now: datetime) -> Reply:
        advertisements = self._dice.sample(ADVERTISEMENTS, 2)
        zipped = "gzip" in ask.headers.get("accept-encoding", "")
        body, headers = page(advertisements, _written(now), self._token(16), zipped=zipped)
        return Reply(200, headers, body)

    def _products(self) -> Reply:
        listed = list(PRODUCTS.values())
        if Regression.REORDERED_LIST in self.regressions:
            listed.sort(key=lambda product: str(product["name"]))
        return _json(200, listed)._replace(chunked=True)

    def _product(self, name: str, now: datetime) -> Reply:
        product = PRODUCTS.get(int(name)) if name.isdecimal() else None
        if product is None:
            return _json(404, {"error": "no such product"})
        said = {**product, "looking_at_it": self._dice.randrange(1, 40), "as_of": _written(now)}
        if Regression.MISSING_FIELD in self.regressions:
            del said["weight_g"]
        return _json(200, said)

    def _image(self, name: str) -> Reply:
        if not name.isdecimal() or int(name) not in PRODUCTS:
            return _json(404, {"error": "no such picture"})
        kept = "no-store" if Regression.CHANGED_HEADER in self.regressions else "max-age=3600"
        return Reply(200, {"Content-Type": "image/jpeg", "Cache-Control": kept}, picture(int(name)))

    def _search(self, words: str) -> Reply:
        found = [p["name"] for p in PRODUCTS.values() if words.lower() in str(p["name"]).lower()]
        self._dice.shuffle(found)
        said = {"query": words, "found": found, "took_ms": self._dice.randrange(5, 60)}
        return _json(200, said)._replace(chunked=True)

    def _login(self, body: bytes) -> Reply:
        form = json.loads(body)
        if form["password"] != PASSWORD:
            return _json(401, {"error": "wrong password"})
        session = _Session(form["user"], self._token(32), {})
        token = self._token(28)
        _remember(self._sessions, token, session)
        reply = _json(200, {"user": session.user, "csrf_token": session.csrf})
        return _with(reply, "Set-Cookie", f"session={token}; Path=/; HttpOnly")

    def _of_member(self, ask: Ask, room: str, name: str, now: datetime) -> Reply:
        cookie = ask.headers.get("cookie", "")
        session = self._sessions.get(cookie.partition("session=")[2].partition(";")[0])
        if session is None:
            return _json(401, {"error": "log in first"})
        if ask.method != "GET" and ask.headers.get("x-csrf-token") != session.csrf:
            return _json(403, {"error": "the form is too old"})
        match ask.method, room:
            case "GET", "account":
                return self._account(session, now)
            case (("GET" | "PUT" | "DELETE"), "basket"):
                return self._basket(ask, name, session, now)
            case "POST", "orders":
                return self._order(session, now)
            case "GET", "orders":
                order = self._orders.get(int(name)) if name.isdecimal() else None
                return _json(200, order) if order else _json(404, {"error": "no such order"})
        return _json(404, {"error": "no such page"})

    def _account(self, session: _Session, now: datetime) -> Reply:
        if Regression.GOLD_ACCOUNTS in self.regressions and session.user.startswith(GOLD):
            return _json(500, {"error": "KeyError: 'gold'"})
        offers = self._dice.sample(OFFERS, 2)
        return _json(200, {"user": session.user, "offers": offers, "seen": _written(now)})

    def _basket(self, ask: Ask, name: str, session: _Session, now: datetime) -> Reply:
        product = int(name) if name.isdecimal() else 0
        if ask.method == "GET":
            total = _total(session.basket)
            said = {
                "items": [{"id": number, "pieces": n} for number, n in session.basket.items()],
                "total": total,
            }
            if Regression.CHANGED_TYPE in self.regressions:
                said["total"] = str(total)
            return _json(200, {**said, "kept_until": _written(now, after_s=3600)})
        if product not in PRODUCTS:
            return _json(404, {"error": "no such product"})
        if ask.method == "DELETE":
            session.basket.pop(product, None)
            return Reply(204)
        session.basket[product] = int(json.loads(ask.body)["pieces"])
        return _json(200, {"pieces": session.basket[product]})

    def _order(self, session: _Session, now: datetime) -> Reply:
        if not session.basket:
            return _json(409, {"error": "the basket is empty"})
        self._last_order += self._dice.randrange(1, 5)
        order = {"id": self._last_order, "total": _total(session.basket), "ordered": _written(now)}
        session.basket.clear()
        _remember(self._orders, self._last_order, order)
        return _with(_json(201, order), "Location", f"/orders/{self._last_order}")

    def _token(self, length: int) -> str:
        return "".join(self._dice.choices(_LETTERS, k=length))


def _total(basket: Mapping[int, int]) -> int:
    return sum(int(PRODUCTS[number]["price"]) * pieces for number, pieces in basket.items())


def _written(now: datetime, *, after_s: int = 0) -> str:
    later = datetime.fromtimestamp(now.timestamp() + after_s, UTC)
    return later.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _remember(memory: dict[Any, T], key: object, new: T) -> None:
    memory[key] = new
    if len(memory) > MEMORY:
        del memory[next(iter(memory))]


def _json(status: int, content: object) -> Reply:
    return Reply(status, {"Content-Type": "application/json"}, json.dumps(content).encode())


def _with(reply: Reply, name: str, value: str) -> Reply:
    return reply._replace(headers={**reply.headers, name: value})
