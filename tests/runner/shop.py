"""A shop that people log in to, as real servers, and visitors whose packets are mirrored while they shop.

Each shop makes up its own cookies, CSRF and bearer tokens and order numbers, so what one has issued is good for no
other. A visitor only knows production: it says in its requests what production's answers told it.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

import msgspec

from compare.world import Shop
from replay.peer import Peer
from runner.traffic import endpoint
from shadowtap.demo.packets import Connection
from shadowtap.events import Endpoint

Seen = tuple[str, int]
"""A request without its numbers and tokens, such as `GET /orders`, and the status of its answer."""


class Till(Shop):
    """One shop. `statuses` is what was answered to what."""

    def __init__(self, seed: int):
        super().__init__(seed)
        self.statuses: Counter[Seen] = Counter()

    async def script(self, peer: Peer) -> None:
        """Serve one connection."""
        while True:
            octets = await peer.request()
            peer.send(await self.respond(octets))

    async def respond(self, octets: bytes) -> bytes:
        """The answer to a request."""
        head, _, body = octets.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = line.split(" ")
        fields = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        url = urlsplit(target)
        answer = self.route(method, url.path, parse_qs(url.query), fields, body, datetime.now(UTC))
        self.statuses[f"{method} /{url.path.split('/')[1]}", answer.status] += 1
        return answer.head + answer.octets


class Visitor:
    """Somebody with a browser; `number` makes an address of its own. What it does is told to the mirror."""

    def __init__(self, number: int, port: int, mirror):
        self.address = ip_address(f"10.0.8.{number + 1}")
        self.user = f"user{number}"
        self.cookies: dict[str, str] = {}
        self._port = port
        self._mirror = mirror
        self._next_port = 20_000

    async def shop(self) -> None:
        """Log in with the token in the form, order with those in the JSON, look at the order, over three connections."""
        async with Browser(self) as first:
            page = await first.ask("GET", "/login")
            csrf = page.partition(b'value="')[2].partition(b'"')[0].decode()
            await first.ask("POST", "/login", f"csrf={csrf}&user={self.user}".encode(), media=FORM)
            async with Browser(self) as second:
                account = msgspec.json.decode(await second.ask("GET", "/account"))
                fields = (
                    f"Authorization: Bearer {account['access_token']}",
                    f"X-CSRF-Token: {account['csrf']}",
                )
                order = msgspec.json.decode(
                    await second.ask(
                        "POST", "/orders", b'{"product_id": 3, "pieces": 2}', *fields, media=JSON
                    )
                )
                place = second.location
            await first.ask("GET", place)
            await first.ask("GET", f"/orders/{order['id']}")
            await first.ask("GET", "/account")

    def connection(self) -> Connection:
        """Packets of a new connection."""
        self._next_port += 1
        return Connection(Endpoint(self.address, self._next_port), endpoint("10.0.1.20:80"))


FORM, JSON = "application/x-www-form-urlencoded", "application/json"
JOURNEY = Counter(
    {
        ("GET /login", 200): 1,
        ("POST /login", 303): 1,
        ("GET /account", 200): 2,
        ("POST /orders", 201): 1,
        ("GET /orders", 200): 2,
    }
)
"""What a visit of production is."""


class Browser:
    """One connection of a visitor's to production; `shown` says which of its packets the mirror sends."""

    def __init__(self, visitor: Visitor):
        self.location = ""
        self._visitor = visitor
        self._packets = visitor.connection()

    async def __aenter__(self):
        visitor = self._visitor
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", visitor._port)
        visitor._mirror.send(self._packets.open())
        return self

    async def __aexit__(self, *_):
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()
        self._visitor._mirror.send(self._packets.close())

    async def ask(self, method: str, path: str, body: bytes = b"", *fields: str, media: str = "") -> bytes:
        """Make a request; the body of the answer."""
        visitor = self._visitor
        cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        lines = [f"{method} {path} HTTP/1.1", "Host: shop.example", *fields]
        lines += [f"Cookie: {cookies}"] if cookies else []
        lines += [f"Content-Type: {media}", f"Content-Length: {len(body)}"] if body else []
        asked = "\r\n".join([*lines, "", ""]).encode() + body
        visitor._mirror.send(self._packets.send(0, asked))
        self._writer.write(asked)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        answer = await self._reader.readexactly(length)
        visitor._mirror.send(self._packets.send(1, head + answer))
        self._take(head.decode("latin-1"))
        return answer

    def _take(self, head: str) -> None:
        for line in head.split("\r\n"):
            name, _, value = line.partition(": ")
            if name == "Set-Cookie":
                cookie, _, text = value.partition(";")[0].partition("=")
                self._visitor.cookies[cookie] = text
            elif name == "Location":
                self.location = value
