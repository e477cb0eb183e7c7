"""The shop as a transcript: what is asked, and what it says."""

import gzip
import json
from random import Random

import h11
import pytest

from shadowtap.demo import wire
from shadowtap.demo.regressions import ALL, Regression
from shadowtap.demo.shop import GOLD, PASSWORD, Ask, Reply, Shop
from shadowtap.demo.visitors import visit

NOW = 1_795_608_000.0


def shop(*regressions, seed=1):
    return Shop(Random(seed), frozenset(regressions))


def ask(shop, method, target, body=None, **headers):
    known = {name.replace("_", "-"): value for name, value in headers.items()}
    reply = shop.answer(Ask(method, target, known, json.dumps(body).encode() if body else b""), NOW)
    said = json.loads(reply.body) if reply.headers.get("Content-Type") == "application/json" else reply.body
    return reply.status, said, reply


def log_in(shop, user="ada"):
    """The headers that a member sends."""
    _, said, reply = ask(shop, "POST", "/login", {"user": user, "password": PASSWORD})
    cookie = reply.headers["Set-Cookie"].partition(";")[0]
    return {"cookie": cookie, "x_csrf_token": said["csrf_token"]}


def test_looking_around():
    old = shop()
    status, page, _ = ask(old, "GET", "/")
    assert status == 200
    assert b"Oak table" in page
    status, product, _ = ask(old, "GET", "/products/4")
    assert (status, product["name"], product["price"], product["weight_g"]) == (200, "Teapot", 3400, 900)
    assert ask(old, "GET", "/products/404")[:2] == (404, {"error": "no such product"})
    assert ask(old, "GET", "/search?q=lamp")[1]["found"] == ["Reading lamp"]
    assert ask(old, "GET", "/favicon.ico")[0] == 404
    assert ask(old, "GET", "/images/1.jpg")[1].startswith(b"\xff\xd8")
    assert ask(old, "GET", "/images/99.jpg")[0] == 404


def test_the_front_page_is_compressed_for_those_who_take_it():
    _, page, reply = ask(shop(), "GET", "/", accept_encoding="gzip")
    assert reply.headers["Content-Encoding"] == "gzip"
    assert b"Oak table" in gzip.decompress(page)


def test_buying():
    old = shop()
    assert ask(old, "GET", "/basket")[0] == 401
    assert ask(old, "POST", "/login", {"user": "ada", "password": "guess"})[0] == 401
    member = log_in(old)
    assert ask(old, "PUT", "/basket/4", {"pieces": 2}, **member)[:2] == (200, {"pieces": 2})
    assert ask(old, "PUT", "/basket/5", {"pieces": 1}, **member)[0] == 200
    assert ask(old, "DELETE", "/basket/5", **member)[:2] == (204, b"")
    _, basket, _ = ask(old, "GET", "/basket", **member)
    assert (basket["items"], basket["total"]) == ([{"id": 4, "pieces": 2}], 6800)
    status, order, reply = ask(old, "POST", "/orders", **member)
    assert (status, order["total"]) == (201, 6800)
    assert ask(old, "GET", reply.headers["Location"], **member)[:2] == (200, order)
    assert ask(old, "POST", "/orders", **member)[:2] == (409, {"error": "the basket is empty"})


def test_what_one_shop_issues_is_worth_nothing_to_another():
    old, new = shop(seed=1), shop(seed=2)
    member = log_in(old)
    assert ask(old, "GET", "/account", **member)[0] == 200
    assert ask(new, "GET", "/account", **member)[0] == 401
    forged = {**log_in(new), "x_csrf_token": member["x_csrf_token"]}
    assert ask(new, "PUT", "/basket/4", {"pieces": 2}, **forged)[0] == 403


@pytest.mark.parametrize("regression", [*Regression, None])
def test_each_regression_is_the_one_thing_that_it_says(regression):
    new = shop(*([regression] if regression else []))
    gold = log_in(new, f"{GOLD}-1")
    seen = {
        Regression.GOLD_ACCOUNTS: ask(new, "GET", "/account", **gold)[0] == 500,
        Regression.MISSING_FIELD: "weight_g" not in ask(new, "GET", "/products/4")[1],
        Regression.CHANGED_TYPE: isinstance(ask(new, "GET", "/basket", **gold)[1]["total"], str),
        Regression.REORDERED_LIST: ask(new, "GET", "/products")[1][0]["id"] != 1,
        Regression.CHANGED_HEADER: ask(new, "GET", "/images/1.jpg")[2].headers["Cache-Control"] == "no-store",
    }
    assert [name for name, is_there in seen.items() if is_there] == [
        name for name in seen if name is regression
    ]
    assert ask(new, "GET", "/account", **log_in(new))[0] == 200


def test_visitors_do_all_that_the_shop_offers():
    new, statuses = Shop(Random(1), ALL), set()
    for number in range(100):
        steps = visit(Random(number), number, member=number % 2 == 0)
        asked = next(steps)
        try:
            while True:
                reply = new.answer(asked, NOW)
                statuses.add(reply.status)
                asked = steps.send(reply)
        except StopIteration:
            pass
    assert statuses >= {200, 201, 204, 401, 404, 500}


def test_requests_and_replies_are_http():
    client, server = h11.Connection(h11.CLIENT), h11.Connection(h11.SERVER)
    asked = Ask("PUT", "/basket/4", {"host": "shop", "content-length": "2"}, b"{}")
    server.receive_data(wire.request(asked, keep_alive=False))
    request, data = server.next_event(), server.next_event()
    assert (request.method, request.target, bytes(data.data)) == (b"PUT", b"/basket/4", b"{}")
    assert (b"connection", b"close") in list(request.headers)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "shop")]))
    client.send(h11.EndOfMessage())
    client.receive_data(wire.response(Reply(200, {"X": "y"}, b"z" * 1000, chunked=True)))
    events = []
    while not isinstance(event := client.next_event(), h11.EndOfMessage):
        events.append(event)
    assert b"".join(bytes(event.data) for event in events[1:]) == b"z" * 1000
