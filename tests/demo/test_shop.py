"""The shop as a transcript: what is asked, and what it says."""

import gzip
import json
from random import Random

import h11

from shadowtap.demo import wire
from shadowtap.demo.shop import LARGE_ORDER, PASSWORD, Ask, Reply, Shop
from shadowtap.demo.visitors import visit


def ask(shop, method, target, body=None, **headers):
    reply = shop.answer(Ask(method, target, headers, json.dumps(body).encode() if body else b""))
    said = json.loads(reply.body) if reply.headers.get("Content-Type") == "application/json" else reply.body
    return reply.status, said, reply


def log_in(shop):
    _, _, reply = ask(shop, "POST", "/login", {"user": "ada", "password": PASSWORD, "visit": 1})
    return reply.headers["Set-Cookie"].partition(";")[0]


def test_looking_around():
    shop = Shop()
    status, page, _ = ask(shop, "GET", "/")
    assert status == 200
    assert b"Oak table" in page
    assert ask(shop, "GET", "/products/4")[:2] == (200, {"id": 4, "name": "Teapot", "price": 3400})
    assert ask(shop, "GET", "/products/404")[:2] == (404, {"error": "no such product"})
    assert ask(shop, "GET", "/search?q=lamp")[1]["found"] == [
        {"id": 2, "name": "Reading lamp", "price": 4900}
    ]
    assert ask(shop, "GET", "/favicon.ico")[0] == 404
    assert ask(shop, "GET", "/images/1.jpg")[1].startswith(b"\xff\xd8")


def test_the_front_page_is_compressed_for_those_who_take_it():
    _, page, reply = ask(Shop(), "GET", "/", **{"accept-encoding": "gzip"})
    assert reply.headers["Content-Encoding"] == "gzip"
    assert b"Oak table" in gzip.decompress(page)


def test_buying():
    shop = Shop()
    assert ask(shop, "GET", "/basket")[0] == 401
    assert ask(shop, "POST", "/login", {"user": "ada", "password": "guess", "visit": 1})[0] == 401
    cookie = log_in(shop)
    assert ask(shop, "PUT", "/basket/4", {"pieces": 2}, cookie=cookie)[:2] == (200, {"pieces": 2})
    assert ask(shop, "PUT", "/basket/5", {"pieces": 1}, cookie=cookie)[0] == 200
    assert ask(shop, "DELETE", "/basket/5", cookie=cookie)[:2] == (204, b"")
    assert ask(shop, "GET", "/basket", cookie=cookie)[:2] == (200, {"4": 2})
    status, order, reply = ask(shop, "POST", "/orders", cookie=cookie)
    assert (status, order["total"]) == (201, 6800)
    assert ask(shop, "GET", reply.headers["Location"])[:2] == (200, order)
    assert ask(shop, "POST", "/orders", cookie=cookie)[:2] == (409, {"error": "the basket is empty"})


def test_the_next_version_fails_on_large_orders():
    before, after = Shop(), Shop(next_version=True)
    for shop, status in ((before, 201), (after, 500)):
        cookie = log_in(shop)
        ask(shop, "PUT", "/basket/4", {"pieces": LARGE_ORDER}, cookie=cookie)
        assert ask(shop, "POST", "/orders", cookie=cookie)[0] == status


def test_the_same_questions_get_the_same_answers():
    """What the demo stands on: a replay needs no session of its own."""
    production, replay = Shop(), Shop()
    statuses = set()
    for number in range(100):
        steps = visit(Random(number), number)
        asked = next(steps)
        try:
            while True:
                reply = production.answer(asked)
                assert replay.answer(asked) == reply
                statuses.add(reply.status)
                asked = steps.send(reply)
        except StopIteration:
            pass
    assert statuses >= {200, 201, 204, 401, 404}


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
