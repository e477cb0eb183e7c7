"""A small world: a shop in two versions, clients with sessions, a mirror, and the replay, all in one process.

Each shop makes up its own session cookies, CSRF and bearer tokens, order numbers, times and advertisements, so nothing
that one issues is good for the other. Clients only know production. `Replay` brings what they asked to the target,
with a lag, in the order of each connection, several connections at once; production's answers become known before or
after the target's. Time is a number that goes on.
"""

import random
from collections import deque
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import msgspec

from compare.answers import NOW, SECOND, Answer
from compare.answers import exchange as exchanged
from compare.answers import request as asked
from shadowtap.compare import Comparison
from shadowtap.compare.sessions import Rebinder, Rebound, Wait
from shadowtap.events import Exchange, Outcome, Request, replace
from shadowtap.http1 import headers

PRODUCTS = {
    n: {"id": n, "name": f"Product {chr(64 + n)}", "price": n * 100 + 50, "weight": n / 4}
    for n in range(1, 21)
}
ADS = ["Tea for two", "Lamps at half price", "Wool weeks", "New: doormats", "Try our soap"]
REGRESSIONS = frozenset(("missing", "type", "gold", "order", "slow", "header"))
FOUND = {
    ("GET /products/{id}", "json_missing", "body.weight"),
    ("GET /prices/{id}", "json_type", "body.price"),
    ("GET /account", "status", "status"),
    ("GET /products", "json_order", "body"),
    ("GET /help", "header_value", "header x-frame-options"),
}


class Shop:
    """One version. `broken` names its regressions."""

    def __init__(self, seed: int, broken: frozenset[str] = frozenset()) -> None:
        self.draw = random.Random(seed)
        self.broken = broken
        self.sessions: dict[str, dict[str, Any]] = {}
        self.orders: dict[int, dict[str, Any]] = {}
        self.next_order = self.draw.randrange(1000, 5000)

    def token(self, length: int = 24) -> str:
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        return "".join(self.draw.choice(letters) for _ in range(length))

    def answer(self, request: Request, now_ns: int) -> Answer:
        fields = {name.decode().lower(): value.decode("latin-1") for name, value in headers(request.head)}
        url = urlsplit(request.target.decode())
        now = datetime.fromtimestamp(now_ns / SECOND, UTC)
        made = self.route(request.method.decode(), url.path, parse_qs(url.query), fields, request.body, now)
        common = (f"Date: {now:%a, %d %b %Y %H:%M:%S} GMT", f"X-Request-Id: {self.uuid()}", "Server: shop")
        return made._replace(fields=(*common, *made.fields))

    def uuid(self) -> str:
        return str(UUID(int=self.draw.getrandbits(128), version=4))

    def route(
        self,
        method: str,
        path: str,
        query: dict[str, list[str]],
        fields: dict[str, str],
        body: bytes,
        now: datetime,
    ) -> Answer:
        parts = path.strip("/").split("/")
        match (method, *parts):
            case ("GET", ""):
                return self.home(now)
            case ("GET", "help"):
                frame = "SAMEORIGIN" if "header" in self.broken else "DENY"
                return Answer("<h1>Help</h1>", 200, "text/html", (f"X-Frame-Options: {frame}",))
            case ("GET", "products"):
                found = list(PRODUCTS.values())
                return Answer(found[::-1] if "order" in self.broken else found)
            case ("GET", "products", number):
                return self.product(int(number))
            case ("GET", "prices", number):
                price = PRODUCTS[int(number)]["price"]
                return Answer(
                    {"price": str(price) if "type" in self.broken else price, "as_of": now.isoformat()}
                )
            case ("GET", "search"):
                names = [p["name"] for p in PRODUCTS.values() if query["q"][0] in p["name"]]
                return Answer(
                    {"found": self.draw.sample(names, len(names)), "took_ms": self.draw.randrange(1, 90)}
                )
            case ("GET", "login"):
                return self.login_form()
            case ("POST", "login"):
                return self.login(parse_qs(body.decode()))
        session = self.sessions.get(fields.get("cookie", "").partition("sid=")[2].partition(";")[0])
        if session is None:
            return Answer({"error": "log in first"}, 401)
        return self.member(method, parts, fields, body, session, now)

    def home(self, now: datetime) -> Answer:
        ads = self.draw.sample(ADS, 2)
        return Answer(
            f"<!doctype html><html><head><title>Shop</title></head><body><h1>Shop</h1><aside><a href=/ad/{self.token(16)}>{ads[0]}</a>"
            f"<p>{ads[1]}</p></aside><footer>{now.isoformat()}</footer></body></html>", 200, "text/html; charset=utf-8",
        )  # fmt: skip

    def product(self, number: int) -> Answer:
        product = {**PRODUCTS[number], "viewers": self.draw.randrange(100), "etag": self.token(16)}
        if "missing" in self.broken:
            del product["weight"]
        return Answer(product)

    def login_form(self) -> Answer:
        form = self.token(20)
        csrf = self.token(32)
        self.sessions[form] = {"csrf": csrf}
        return Answer(
            f'<form action="/login" method="post"><input type="hidden" name="csrf" value="{csrf}"><input name="user"></form>',
            200, "text/html; charset=utf-8", (f"Set-Cookie: form={form}; Path=/login; HttpOnly",),
        )  # fmt: skip

    def login(self, form: dict[str, list[str]]) -> Answer:
        if not any(s.get("csrf") == form["csrf"][0] for s in self.sessions.values()):
            return Answer({"error": "bad csrf"}, 403)
        sid = self.token(28)
        self.sessions[sid] = {"user": form["user"][0], "csrf": self.token(32), "bearer": self.token(40)}
        return Answer("", 303, None, ("Location: /account", f"Set-Cookie: sid={sid}; Path=/; HttpOnly"))

    def member(
        self,
        method: str,
        parts: list[str],
        fields: dict[str, str],
        body: bytes,
        session: dict[str, Any],
        now: datetime,
    ) -> Answer:
        match (method, *parts):
            case ("GET", "account"):
                if "gold" in self.broken and session["user"].startswith("gold"):
                    return Answer({"error": "internal"}, 500)
                picks = [self.draw.choice(ADS) for _ in range(3)]
                return Answer(
                    {
                        "user": session["user"],
                        "csrf": session["csrf"],
                        "access_token": session["bearer"],
                        "at": now.isoformat(),
                        "picks": picks,
                    }
                )
            case ("POST", "orders"):
                if (
                    fields.get("authorization") != f"Bearer {session['bearer']}"
                    or fields.get("x-csrf-token") != session["csrf"]
                ):
                    return Answer({"error": "forbidden"}, 403)
                self.next_order += self.draw.randrange(1, 5)
                order = {
                    "id": self.next_order,
                    "user": session["user"],
                    "made": now.isoformat(),
                    **msgspec.json.decode(body),
                }
                self.orders[self.next_order] = order
                return Answer(order, 201, None, (f"Location: /orders/{self.next_order}",))
            case ("GET", "orders", number):
                order = self.orders.get(int(number))
                return Answer(order) if order else Answer({"error": "no such order"}, 404)
        return Answer({"error": "no such page"}, 404)


class Client:
    """Somebody with a browser, whose requests go over one connection; each step is one request."""

    def __init__(self, number: int, draw: random.Random) -> None:
        self.number = number
        self.draw = draw
        self.index = 0
        self.ready_ns = 0
        self.cookies: dict[str, str] = {}
        self.user = ("gold" if number % 7 == 0 else "user") + str(number)
        self.account: dict[str, Any] = {}
        self.order: str = ""
        self.plan: deque[str] = deque()

    def step(self) -> tuple[str, str, tuple[str, ...], bytes]:
        if not self.plan:
            gold = self.user.startswith(
                "gold"
            )  # the broken target fails them, and all that needs their account
            member = ["form", "login", "account", "account", *([] if gold else ["order", "shown"]), "account"]
            self.plan.extend(member if self.draw.random() < 0.3 else ["browse"] * 6)
        match self.plan.popleft():
            case "form":
                self.cookies.clear()
                return "GET", "/login", (), b""
            case "login":
                return (
                    "POST",
                    "/login",
                    ("Content-Type: application/x-www-form-urlencoded",),
                    f"csrf={self.cookies.pop('csrf')}&user={self.user}".encode(),
                )
            case "account":
                return "GET", "/account", (), b""
            case "order":
                if not self.account:
                    self.plan.clear()
                    return "GET", "/help", (), b""
                tokens = (
                    f"Authorization: Bearer {self.account['access_token']}",
                    f"X-CSRF-Token: {self.account['csrf']}",
                )
                return (
                    "POST",
                    "/orders",
                    (*tokens, "Content-Type: application/json"),
                    b'{"product_id": 3, "pieces": 2}',
                )
            case "shown":
                return "GET", self.order, (), b""
        number = self.draw.randrange(1, 21)
        page = self.draw.choice(
            ["/", "/help", "/products", f"/products/{number}", f"/prices/{number}", "/search?q=Product"]
        )
        return "GET", page, (), b""

    def take(self, path: str, answer: Answer) -> None:
        """What production answered."""
        for line in answer.fields:
            if line.startswith("Set-Cookie: "):
                name, _, value = line[12:].partition(";")[0].partition("=")
                self.cookies[name] = value
            if line.startswith("Location: /orders/"):
                self.order = line[10:]
        if path == "/login" and isinstance(answer.body, str) and "csrf" in answer.body:
            self.cookies["csrf"] = answer.body.partition('value="')[2].partition('"')[0]
        if path == "/account" and isinstance(answer.body, dict) and answer.status == 200:
            self.account = answer.body


class World:
    """Clients at production, and what they ask replayed at the target. `rebinder` is None to go without."""

    def __init__(
        self,
        seed: int,
        *,
        broken: frozenset[str] = frozenset(),
        rebinder: Rebinder | None = None,
        comparison: Comparison | None = None,
    ) -> None:
        self.draw = random.Random(seed)
        self.production = Shop(seed + 1)
        self.target = Shop(seed + 2, broken)
        self.rebinder = rebinder
        self.comparison = comparison or Comparison()
        self.clients = [Client(n, self.draw) for n in range(20)]
        self.now = NOW
        self.queues: dict[int, deque[Exchange]] = {}
        self.unheard: list[Exchange] = []
        self.half: dict[tuple[int, int], Outcome] = {}
        self.statuses: list[tuple[str, int, int]] = []
        self.waits = 0

    def run(self, requests: int) -> None:
        for _ in range(requests):
            self.now += self.draw.randrange(1, 20) * SECOND // 1000
            self.ask(self.draw.choice(self.clients))
            while sum(map(len, self.queues.values())) > 60:
                self.replay_one()
            if self.draw.random() < 0.7:
                self.replay_one()
        while any(self.queues.values()):
            self.replay_one()
        while self.unheard:
            self.hear()

    def ask(self, client: Client) -> None:
        self.now = max(self.now, client.ready_ns)
        method, path, fields, body = client.step()
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items() if name != "csrf")
        more = (f"Cookie: {cookies}", *fields) if cookies else fields
        request = replace(
            asked(method, path, f"X-Forwarded-For: 192.0.2.{client.number}", *more, body=body, connection=client.number, at=self.now),
            index=client.index,
        )  # fmt: skip
        client.index += 1
        answer = self.production.answer(request, self.now)
        client.take(path.partition("?")[0], answer)
        took = int(self.draw.lognormvariate(2.0, 0.5) * 1_000_000)
        exchange = exchanged(request, answer, latency_ns=took)
        client.ready_ns = self.now + took + 1
        if self.rebinder is not None:
            self.rebinder.expect(request)
        self.queues.setdefault(client.number, deque()).append(exchange)
        self.unheard.append(exchange)

    def hear(self, exchange: Exchange | None = None) -> None:
        """One of production's answers becomes known: the oldest unless it is given."""
        exchange = exchange or self.unheard[0]
        self.unheard.remove(exchange)
        if self.rebinder is not None:
            self.rebinder.produced(exchange)
        self.comparison.production(exchange)
        request = exchange.request
        assert request is not None
        outcome = self.half.pop((request.connection.number, request.index), None)
        if outcome is not None:
            self.judge(exchange, outcome)

    def replay_one(self) -> None:
        """One request of a connection goes to the target, unless it has to wait."""
        exchange = self.queues[number := self.draw.choice([n for n, q in self.queues.items() if q])][0]
        request = exchange.request
        assert request is not None
        for known in [e for e in self.unheard if e.response.end_ns < request.time_ns]:
            self.hear(known)  # a client may know of these answers, so the mirror has shown them
        if self.unheard and self.draw.random() < 0.5:
            self.hear()
        sent = request
        if self.rebinder is not None:
            rebound = self.rebinder.before(request)
            if isinstance(rebound, Wait):
                self.waits += 1
                if self.unheard:
                    self.hear()
                return
            assert isinstance(rebound, Rebound)
            sent = rebound.request
        self.queues[number].popleft()
        self.now += SECOND // 1000
        answer = self.target.answer(sent, self.now)
        slow = 2.0 if "slow" in self.target.broken and request.target.startswith(b"/search") else 1.0
        took = int(self.draw.lognormvariate(2.0, 0.5) * slow * 1_000_000)
        outcome = Outcome(
            "http://next.example:8080",
            sent,
            self.now - took,
            took,
            took,
            answer.status,
            answer.head,
            answer.octets,
            None,
        )
        if self.rebinder is not None:
            self.rebinder.answered(request, outcome)
        if exchange in self.unheard:
            self.half[request.connection.number, request.index] = outcome
        else:
            self.judge(exchange, outcome)

    def judge(self, exchange: Exchange, outcome: Outcome) -> None:
        assert exchange.request is not None
        assert exchange.response is not None
        self.statuses.append((exchange.request.target.decode(), exchange.response.status, outcome.status))
        issued = self.rebinder.bindings if self.rebinder is not None else frozenset()
        self.comparison.answered(exchange, outcome, issued=issued, now_ns=self.now)
