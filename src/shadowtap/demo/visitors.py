"""What visitors of the shop do: look around, search, log in, fill a basket, order. Pure: even the dice are given.

A visit is a generator: it yields what to ask next and is sent the reply, as a browser would act on it.
"""

import json
from collections.abc import Generator
from random import Random

from shadowtap.demo.catalogue import PRODUCTS
from shadowtap.demo.shop import GOLD, PASSWORD, Ask, Reply

Visit = Generator[Ask, Reply, None]

_HOST = "shop.example"
_BROWSERS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
    "shop-app/7.2 (Android 15)",
)
_WORDS = ("lamp", "table", "clock", "pan", "blanket", "umbrella")


def visit(dice: Random, number: int, *, member: bool) -> Visit:
    """One visitor from arriving to leaving. Members log in and buy; what they do has to stay in order, so they need
    a connection that stays open."""
    headers = {
        "host": _HOST,
        "user-agent": dice.choice(_BROWSERS),
        "accept": "*/*",
        "accept-encoding": "gzip",
    }
    yield Ask("GET", "/", headers)
    yield from _look_around(dice, headers)
    if member:
        yield from _as_member(dice, headers, number)
    elif dice.random() < 0.3:
        yield Ask("GET", "/basket", headers)


def _look_around(dice: Random, headers: dict[str, str]) -> Visit:
    yield Ask("GET", "/products", headers)
    for _ in range(dice.randint(1, 4)):
        product = dice.choice(list(PRODUCTS))
        yield Ask("GET", f"/products/{product}", headers)
        yield Ask(
            "GET", f"/images/{product}.jpg", {**headers, "referer": f"http://{_HOST}/products/{product}"}
        )
    if dice.random() < 0.5:
        yield Ask("GET", f"/search?q={dice.choice(_WORDS)}", headers)
    if dice.random() < 0.1:
        yield Ask("GET", "/products/404", headers)
    if dice.random() < 0.1:
        yield Ask("GET", "/favicon.ico", headers)


def _as_member(dice: Random, headers: dict[str, str], number: int) -> Visit:
    user = f"{GOLD if number % 4 == 0 else 'visitor'}-{dice.randint(1, 500)}"
    if dice.random() < 0.1:
        yield _json("POST", "/login", headers, {"user": user, "password": "guess"})
    reply = yield _json("POST", "/login", headers, {"user": user, "password": PASSWORD})
    cookie = reply.headers.get("Set-Cookie", "").partition(";")[0]
    known = {**headers, "cookie": cookie}
    yield Ask("GET", "/account", known)
    yield from _buy(dice, known, {**known, "x-csrf-token": json.loads(reply.body)["csrf_token"]})
    yield Ask("GET", "/account", known)
    yield Ask("GET", "/account", known)


def _buy(dice: Random, headers: dict[str, str], signed: dict[str, str]) -> Visit:
    products = dice.sample(list(PRODUCTS), dice.randint(1, 4))
    for product in products:
        yield _json("PUT", f"/basket/{product}", signed, {"pieces": dice.randint(1, 3)})
    if dice.random() < 0.3:
        yield Ask("DELETE", f"/basket/{products[0]}", signed)
    yield Ask("GET", "/basket", headers)
    if dice.random() < 0.8:
        reply = yield Ask("POST", "/orders", {**signed, "content-length": "0"})
        if "Location" in reply.headers:
            yield Ask("GET", reply.headers["Location"], headers)


def _json(method: str, target: str, headers: dict[str, str], content: object) -> Ask:
    octets = json.dumps(content).encode()
    more = {"content-type": "application/json", "content-length": str(len(octets))}
    return Ask(method, target, {**headers, **more}, octets)
