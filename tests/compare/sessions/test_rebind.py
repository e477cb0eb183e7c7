"""The log-in journey at a target with tokens of its own: without re-binding it fails, with it it succeeds."""

import random
from collections import Counter

import pytest

from compare.answers import NOW, SECOND, Answer, exchange, outcome, request
from compare.world import World
from shadowtap.compare.sessions import Bindings, Rebinder, Rebound, Wait, key_of
from shadowtap.events import Exchange, Failure, Fault, Request, replace


def statuses(world: World) -> Counter[tuple[str, int, int]]:
    return Counter(
        (path.split("/")[1], p, t)
        for path, p, t in world.statuses
        if path.startswith(("/login", "/account", "/orders"))
    )


def test_without_rebinding_the_journey_fails() -> None:
    world = World(1)
    world.run(1500)
    found = statuses(world)
    assert found["login", 303, 403] > 20
    assert found["account", 200, 401] > 20
    assert found["orders", 201, 401] > 20
    assert not found["orders", 201, 201]


@pytest.mark.parametrize("seed", range(5))
def test_with_rebinding_it_succeeds(seed: int) -> None:
    rebinder = Rebinder()
    world = World(seed, rebinder=rebinder)
    world.run(1500)
    assert all(production == target for _, production, target in world.statuses)
    assert statuses(world)["orders", 201, 201] > 20
    assert statuses(world)["orders", 200, 200] > 20
    assert rebinder.counts["bound"] > 100
    assert rebinder.counts["cookie"] > 50
    assert rebinder.counts["header"] > 40
    assert rebinder.counts["target"] > 20
    assert rebinder.counts["body"] > 20
    assert all(
        rebinder.is_settled((client.number, index))
        for client in world.clients
        for index in range(client.index)
    )


def asks(
    path: str, *fields: str, connection: int = 1, index: int = 0, method: str = "GET", body: bytes = b""
) -> Request:
    made = request(
        method, path, *fields, connection=connection, body=body, at=NOW + (10 * connection + index) * SECOND
    )
    return replace(made, index=index)


def answers(
    rebinder: Rebinder, asked: Request, production: Answer, target: Answer, *, target_first: bool = False
) -> None:
    assert isinstance(rebinder.before(asked), Rebound)
    if target_first:
        assert rebinder.answered(asked, outcome(asked, target)) == ()
        assert rebinder.produced(exchange(asked, production)) == (key_of(asked),)
    else:
        assert rebinder.produced(exchange(asked, production)) == ()
        assert rebinder.answered(asked, outcome(asked, target)) == (key_of(asked),)


def rebound(rebinder: Rebinder, asked: Request) -> Request:
    found = rebinder.before(asked)
    assert isinstance(found, Rebound)
    return found.request


@pytest.mark.parametrize("target_first", [False, True])
def test_a_cookie_is_replaced_whichever_answer_comes_first(target_first: bool) -> None:
    rebinder = Rebinder()
    answers(
        rebinder,
        asks("/"),
        Answer("", fields=("Set-Cookie: sid=kJ8sD0aLq2ZxPw7R; Path=/",)),
        Answer("", fields=("Set-Cookie: sid=Zp3XmQ9dT1vBn5Ls; Path=/",)),
        target_first=target_first,
    )
    made = rebinder.before(asks("/a", "Cookie: lang=de; sid=kJ8sD0aLq2ZxPw7R; x=y", index=1))
    assert isinstance(made, Rebound)
    assert b"Cookie: lang=de; sid=Zp3XmQ9dT1vBn5Ls; x=y\r\n" in made.request.head
    assert [tuple(s) for s in made.substitutions] == [("cookie", "kJ8sD0aLq2ZxPw7R", "Zp3XmQ9dT1vBn5Ls")]


def test_only_who_depends_on_an_answer_waits_for_it() -> None:
    rebinder = Rebinder()
    login = asks("/login", method="POST")
    rebinder.before(login)
    rebinder.produced(exchange(login, Answer({"token": "kJ8sD0aLq2ZxPw7R"})))
    dependent = asks("/me", "Authorization: Bearer kJ8sD0aLq2ZxPw7R", connection=2)
    waiting = rebinder.before(dependent)
    assert waiting == Wait(frozenset({key_of(login)}))
    assert isinstance(rebinder.before(asks("/other", connection=3)), Rebound)
    assert isinstance(
        rebinder.before(asks("/me", "Authorization: Bearer Zp3XmQ9dT1vBn5Ls", connection=4)), Rebound
    )
    assert rebinder.answered(login, outcome(login, Answer({"token": "QQQsD0aLq2ZxPw7R"}))) == (key_of(login),)
    assert b"Bearer QQQsD0aLq2ZxPw7R" in rebound(rebinder, dependent).head


def test_who_waits_goes_when_the_target_fails_or_time_is_up() -> None:
    rebinder = Rebinder()
    login, dependent = asks("/login"), asks("/me?token=kJ8sD0aLq2ZxPw7R", connection=2)
    rebinder.before(login)
    rebinder.produced(exchange(login, Answer({"token": "kJ8sD0aLq2ZxPw7R"})))
    assert isinstance(rebinder.before(dependent), Wait)
    assert rebinder.before(dependent, wait=False) == Rebound(dependent)
    failed = replace(outcome(login, Answer("")), failure=Failure.TIMEOUT)
    assert rebinder.answered(login, failed) == (key_of(login),)
    assert rebound(rebinder, dependent) == dependent
    other = asks("/login", connection=9)
    rebinder.before(other)
    assert rebinder.give_up(other) == (key_of(other),)
    assert rebinder.give_up(other) == ()


def test_a_chain_of_answers_is_waited_for_link_by_link() -> None:
    rebinder = Rebinder()
    first, second = asks("/a"), asks("/b?t=kJ8sD0aLq2ZxPw7R", index=1)
    third = asks("/c?u=mN4sD0aLq2ZxPw7R", index=2, connection=5)
    rebinder.before(first)
    rebinder.produced(exchange(first, Answer({"t": "kJ8sD0aLq2ZxPw7R"})))
    assert rebinder.before(second) == Wait(frozenset({key_of(first)}))
    rebinder.produced(exchange(second, Answer({"u": "mN4sD0aLq2ZxPw7R"})))
    assert rebinder.before(third) == Wait(frozenset({key_of(second)}))
    rebinder.answered(first, outcome(first, Answer({"t": "AAAsD0aLq2ZxPw7R"})))
    assert rebound(rebinder, second).target == b"/b?t=AAAsD0aLq2ZxPw7R"
    rebinder.answered(second, outcome(second, Answer({"u": "BBBsD0aLq2ZxPw7R"})))
    assert rebound(rebinder, third).target == b"/c?u=BBBsD0aLq2ZxPw7R"


def test_numbers_of_resources_only_stand_for_their_resource() -> None:
    rebinder = Rebinder()
    answers(rebinder, asks("/orders", method="POST"), Answer({"id": 1007}, 201), Answer({"id": 53}, 201))
    assert rebound(rebinder, asks("/orders/1007/items", index=1)).target == b"/orders/53/items"
    assert rebound(rebinder, asks("/products/1007", index=2)).target == b"/products/1007"
    assert rebound(rebinder, asks("/x?order_id=1007&n=1007", index=3)).target == b"/x?order_id=53&n=1007"
    made = rebound(
        rebinder,
        asks(
            "/pay",
            "Content-Type: application/json",
            index=4,
            method="POST",
            body=b'{"orderId": 1007, "cents": 1007}',
        ),
    )
    assert made.body == b'{"orderId": 53, "cents": 1007}'
    assert b"Content-Length: 30" in made.head


def test_a_weak_cookie_belongs_to_its_client() -> None:
    rebinder = Rebinder()
    answers(
        rebinder,
        asks("/", "X-Forwarded-For: 192.0.2.1"),
        Answer("", fields=("Set-Cookie: cart=17",)),
        Answer("", fields=("Set-Cookie: cart=4",)),
    )
    assert (
        b"cart=4"
        in rebound(rebinder, asks("/c", "X-Forwarded-For: 192.0.2.1", "Cookie: cart=17", index=1)).head
    )
    assert (
        b"cart=17"
        in rebound(rebinder, asks("/c", "X-Forwarded-For: 192.0.2.2", "Cookie: cart=17", index=2)).head
    )


def test_a_cookie_that_only_the_target_renews() -> None:
    rebinder = Rebinder()
    answers(
        rebinder,
        asks("/"),
        Answer("", fields=("Set-Cookie: sid=kJ8sD0aLq2ZxPw7R",)),
        Answer("", fields=("Set-Cookie: sid=Zp3XmQ9dT1vBn5Ls",)),
    )
    second = asks("/a", "Cookie: sid=kJ8sD0aLq2ZxPw7R", index=1)
    answers(rebinder, second, Answer(""), Answer("", fields=("Set-Cookie: sid=RRRXmQ9dT1vBn5Ls",)))
    assert (
        b"sid=RRRXmQ9dT1vBn5Ls" in rebound(rebinder, asks("/b", "Cookie: sid=kJ8sD0aLq2ZxPw7R", index=2)).head
    )


def test_explicit_rules() -> None:
    rebinder = Rebinder(always=["body.ticket", "header x-lane"], never=["cookie sid"])
    answers(
        rebinder,
        asks("/"),
        Answer({"ticket": "blue-fish"}, fields=("X-Lane: slow-lane", "Set-Cookie: sid=kJ8sD0aLq2ZxPw7R")),
        Answer({"ticket": "red-horse"}, fields=("X-Lane: fast-lane", "Set-Cookie: sid=Zp3XmQ9dT1vBn5Ls")),
    )
    made = rebound(
        rebinder, asks("/t/blue-fish", "X-Lane: slow-lane", "Cookie: sid=kJ8sD0aLq2ZxPw7R", index=1)
    )
    assert made.target == b"/t/red-horse"
    assert b"X-Lane: fast-lane" in made.head
    assert b"sid=kJ8sD0aLq2ZxPw7R" in made.head


@pytest.mark.parametrize("value", ["1", "x", "true", "null", "0", "admin", "-1", "1.5"])
def test_short_and_common_values_are_never_put_anywhere(value: str) -> None:
    """Not even where a rule says that they are issued: they would be found everywhere."""
    rebinder = Rebinder(always=["body", "header x-auth"])
    there, here = Answer({"token": value, "csrf": value, "ok": True, "n": 1}), {"token": "9", "csrf": "no"}
    fields = (f"X-Auth: {value}",)
    answers(
        rebinder,
        asks("/login", method="POST"),
        there._replace(fields=fields),
        Answer({**here, "ok": False, "n": 2}, fields=("X-Auth: 7",)),
    )
    asked = asks(
        f"/a/{value}/b?x={value}&page=1",
        f"X-A: {value}",
        f"Cookie: a={value}; b=1",
        "Content-Type: application/json",
        method="POST",
        body=f'{{"a": "{value}", "ok": true, "n": 1, "x": [1, 1.5, null]}}'.encode(),
        index=1,
    )
    assert rebound(rebinder, asked) == asked


def test_who_never_gets_an_answer_of_production_s_is_forgotten() -> None:
    rebinder = Rebinder()
    for n in range(100):
        asked = asks("/", connection=n)
        rebinder.before(asked)
        if n % 2:
            rebinder.answered(asked, outcome(asked, Answer("")))
        assert rebinder.produced(Exchange(asked, None)) == (key_of(asked),)
    assert len(rebinder._pending) == rebinder._bytes == 0


def test_of_an_answer_that_came_in_part_the_head_is_enough() -> None:
    for head, put in ((b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=kJ8sD0aLq2ZxPw7R\r\n\r\n", True), (b"", False)):
        rebinder = Rebinder()
        asked = asks("/")
        rebinder.before(asked)
        whole = exchange(asked, Answer(""))
        assert whole.response is not None
        part = replace(whole.response, head=head, fault=Fault.GAP)
        rebinder.produced(Exchange(asked, part))
        target = Answer("", fields=("Set-Cookie: sid=Zp3XmQ9dT1vBn5Ls",))
        rebinder.answered(asked, outcome(asked, target))
        made = rebound(rebinder, asks("/a", "Cookie: sid=kJ8sD0aLq2ZxPw7R", index=1))
        assert (b"sid=Zp3XmQ9dT1vBn5Ls" in made.head) == put


def test_places_in_bodies_can_be_left_alone() -> None:
    rebinder = Rebinder(never=["body.build"])
    answers(
        rebinder,
        asks("/"),
        Answer({"build": "kJ8sD0aLq2ZxPw7R", "token": "mN4sD0aLq2ZxPw7R"}),
        Answer({"build": "Zp3XmQ9dT1vBn5Ls", "token": "AAAsD0aLq2ZxPw7R"}),
    )
    made = rebound(rebinder, asks("/?a=kJ8sD0aLq2ZxPw7R&b=mN4sD0aLq2ZxPw7R", index=1))
    assert made.target == b"/?a=kJ8sD0aLq2ZxPw7R&b=AAAsD0aLq2ZxPw7R"


# -- memory ----------------------------------------------------------------------------------------------------------


def test_memory_is_bounded_whatever_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests without answers, answers without their counterparts, huge bodies, thousands of long tokens."""
    for name, limit in (("MAX_PENDING_BYTES", 400_000), ("MAX_AWAITED", 500), ("MAX_AWAITED_OCTETS", 60_000)):
        monkeypatch.setattr(f"shadowtap.compare.sessions.rebind.{name}", limit)
    draw = random.Random(5)
    rebinder = Rebinder()
    rebinder.bindings = Bindings(limit=1000, limit_octets=100_000)
    for n in range(600):
        asked = asks("/", connection=n, method="POST", body=bytes(draw.randrange(2000)))
        rebinder.before(asked)
        mine, yours = (
            Answer({f"t{k}": draw.randbytes(draw.choice((12, 500))).hex() for k in range(draw.randrange(30))})
            for _ in range(2)
        )
        if draw.random() < 0.8:
            huge = Answer(bytes(600_000)) if draw.random() < 0.05 else mine
            rebinder.produced(exchange(asked, huge))
            rebinder.before(asks(f"/{n}", connection=5000 + n, index=1))
        if draw.random() < 0.7:
            rebinder.answered(asked, outcome(asked, yours))
        assert rebinder._bytes == sum(p.size for p in rebinder._pending.values()) <= 400_000
        awaited = [len(scope) + len(value) for scope, value in rebinder._awaited]
        assert sum(awaited) == rebinder._awaited_octets <= 60_000
        assert len(awaited) <= 500
        assert {key for unread in rebinder._unread.values() for key in unread} <= set(rebinder._pending)
        assert all(rebinder._unread.values())
    table = rebinder.bindings._table
    assert 0 < sum(len(s) + len(p) + len(t) for (s, p), (t, _) in table.items()) <= 100_000
    assert rebinder.counts["given_up"] > 0
    assert rebinder.bindings.forgotten > 0


def test_values_cannot_break_out_of_their_place() -> None:
    rebinder = Rebinder(always=["body.ticket"])
    answers(
        rebinder,
        asks("/"),
        Answer({"ticket": "blue-fish"}),
        Answer({"ticket": "x\r\nX-Evil: 1\r\n\r\nGET /"}),
    )
    made = rebound(rebinder, asks("/t?q=blue-fish", "X-T: blue-fish", index=1))
    assert made.head.count(b"\r\n") == asks("/t", "X-T: a").head.count(b"\r\n")
    assert b"\r\nX-Evil" not in made.head


def test_it_forgets_the_oldest_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shadowtap.compare.sessions.rebind.MAX_PENDING", 3)
    rebinder = Rebinder()
    freed: list[object] = []
    for n in range(10):
        rebinder.before(asks("/", connection=n))
        freed += rebinder.answered(asks("/", connection=99), outcome(asks("/"), Answer("")))
    last = asks("/", connection=9)
    freed += rebinder.give_up(last)
    assert rebinder.counts["given_up"] == 7
    assert len(freed) == 8


def test_lists_in_another_order_bind_nothing() -> None:
    rebinder = Rebinder()
    ids = [f"0b8f0e7c-2f1c-4f43-9d8a-1b2c3d4e5f6{n}" for n in range(5)]
    products = [{"id": n, "key": key} for n, key in enumerate(ids)]
    answers(rebinder, asks("/products"), Answer(products), Answer(products[::-1]))
    answers(rebinder, asks("/products", method="POST", index=1), Answer(products), Answer(products[::-1]))
    assert not rebinder.bindings
