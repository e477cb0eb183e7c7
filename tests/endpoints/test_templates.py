"""Templates of whole targets, and what stays true whatever the paths are."""

import random
import timeit

from hypothesis import given
from hypothesis import strategies as st

from shadowtap.endpoints import Endpoints
from shadowtap.endpoints.templates import REMEMBERED

NAMES = [a + b + c for a in "bcdfglmnprst" for b in "aeiou" for c in ("rin", "vel", "tos")]


def templates(*targets: str) -> list[str]:
    endpoints = Endpoints()
    return [endpoints.template("GET", target) for target in targets]


def test_identifiers_become_parameters_at_once() -> None:
    assert templates("/users/42/orders/7?full=1", "/users/43/orders/8") == ["/users/{id}/orders/{id}"] * 2


def test_octets_and_text_are_the_same() -> None:
    endpoints = Endpoints()
    assert endpoints.template(b"GET", b"/users/42") == endpoints.template("GET", "/users/42") == "/users/{id}"


def test_what_is_not_a_path() -> None:
    endpoints = Endpoints()
    assert endpoints.template(b"OPTIONS", b"*") == "*"
    assert endpoints.template(b"CONNECT", b"shop.example:443") == "{authority}"
    assert endpoints.template(b"GET", b"") == "/"


def test_the_last_slash_is_kept() -> None:
    assert templates("/users/42/", "/users/42", "/") == ["/users/{id}/", "/users/{id}", "/"]


def test_many_names_at_one_place_become_a_parameter() -> None:
    endpoints = Endpoints()
    first = endpoints.template("GET", f"/people/{NAMES[0]}/photo")
    for name in NAMES:
        endpoints.template("GET", f"/people/{name}/photo")
    assert first == f"/people/{NAMES[0]}/photo"
    assert endpoints.template("GET", f"/people/{NAMES[0]}/photo") == "/people/{name}/photo"
    assert endpoints.template("GET", "/people/someone/photo") == "/people/{name}/photo"
    assert endpoints.current(first) == "/people/{name}/photo"
    assert endpoints.current("/people/{name}/photo") == "/people/{name}/photo"


def test_slugs_with_numbers_are_learned_too() -> None:
    endpoints = Endpoints()
    for name in NAMES:
        endpoints.template("GET", f"/p/{name}-12345")
    assert endpoints.template("GET", "/p/other-999-9") == "/p/{name}"


def test_a_scanner_does_not_wash_out_the_routes() -> None:
    routes = ["/products", "/search", "/basket", "/orders/17", "/login", "/images/3.png", "/api/v1/users/4"]
    endpoints = Endpoints()
    draw = random.Random(3)
    for number in range(8_000):
        endpoints.template("GET", draw.choice(routes))
        endpoints.template("GET", f"/{draw.choice(NAMES)}{draw.choice(NAMES)}.php")
        endpoints.template("GET", f"/{draw.choice(NAMES)}{draw.choice(NAMES)}")
        endpoints.template("GET", f"/api/v1/{draw.choice(NAMES)}{number % 5}")
    found = [endpoints.template("GET", route) for route in routes]
    assert found == [
        "/products",
        "/search",
        "/basket",
        "/orders/{id}",
        "/login",
        "/images/{id}.png",
        "/api/v1/users/{id}",
    ]
    assert endpoints.template("GET", "/xyzzy") == "/{name}"
    assert len(endpoints) < 1000


def test_a_scanner_that_comes_first_does_not_either() -> None:
    endpoints = Endpoints()
    for a in NAMES:
        endpoints.template("GET", f"/{a}{a}")
        endpoints.template("GET", f"/{a}x")
    assert endpoints.template("GET", "/basket") == "/{name}"
    for _ in range(200):
        endpoints.template("GET", "/basket")
    assert endpoints.template("GET", "/basket") == "/basket"


def test_memory_is_bounded_and_the_overflow_is_counted() -> None:
    endpoints = Endpoints(limit=100)
    draw = random.Random(3)
    found = set()
    for _ in range(20_000):
        path = "".join(f"/{draw.choice(NAMES)}" for _ in range(draw.randint(1, 20)))
        found.add(endpoints.template("GET", path))
    assert len(endpoints) <= 100
    assert len(found) < 400
    assert endpoints.overflowed > 10_000
    assert any(template.endswith("/**") for template in found)


@given(st.lists(st.one_of(st.binary(max_size=60), st.text(max_size=40).map(lambda t: "/" + t)), max_size=60))
def test_any_target_has_a_template_that_is_current(targets: list[bytes | str]) -> None:
    endpoints = Endpoints(limit=40)
    for target in targets:
        template = endpoints.template("GET", target)
        assert template == "*" or template.startswith("/")
        assert template.isascii()
        assert template.isprintable()
        assert endpoints.current(template) == template
        assert len(endpoints) <= 40


def test_a_repeated_path_costs_less_than_two_microseconds() -> None:
    endpoints = Endpoints()
    once = min(
        timeit.repeat(lambda: endpoints.template(b"GET", b"/users/42/orders?page=2"), number=2000, repeat=5)
    )
    assert once / 2000 < 2e-6


def test_forgetting_remembered_paths_changes_nothing() -> None:
    endpoints = Endpoints()
    for number in range(REMEMBERED + 10):
        assert endpoints.template("GET", f"/users/{number}") == "/users/{id}"
    assert len(endpoints) == 3
