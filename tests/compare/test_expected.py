"""What follows from replaying, and what does not."""

from compare.answers import NOW, SECOND, TEXT, answer, judged, noise, request, said
from shadowtap.compare import make_rules


def at(second: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(NOW / SECOND + second, UTC).isoformat()


def test_a_clock_is_later_by_the_delay() -> None:
    before, after = (
        {"now": at(0), "until": at(3600), "n": int(NOW / 1e6)},
        {"now": at(600), "until": at(4200), "n": int(NOW / 1e6) + 600_000},
    )
    assert noise(answer(before), answer(after), delay_ns=600 * SECOND) == [
        f"json_value body.{k}: replay: clock" for k in ("now", "until", "n")
    ]
    assert len(said(answer(before), answer(after), delay_ns=SECOND)) == 3


def test_another_date_is_a_difference() -> None:
    assert said(answer({"born": "1990-01-01"}), answer({"born": "1991-01-01"}))
    assert said(answer({"due": at(86400)}), answer({"due": at(2 * 86400)}))


def test_the_class_timestamp_covers_any_times_if_asked() -> None:
    rules = make_rules(classes=["timestamp"])
    assert noise(answer({"due": at(86400)}), answer({"due": at(2 * 86400)}), rules=rules) == [
        "json_value body.due: class timestamp"
    ]


def test_the_target_names_itself() -> None:
    before = {"next": "https://shop.example/items?page=2", "img": "//shop.example/a.png"}
    after = {"next": "http://next.example:8080/items?page=2", "img": "//next.example:8080/a.png"}
    assert noise(answer(before), answer(after)) == [
        "json_value body.next: replay: host",
        "json_value body.img: replay: host",
    ]
    assert said(answer(before), answer(after | {"img": "//next.example:8080/b.png"}))


def test_what_a_write_has_just_made_has_a_number_of_its_own() -> None:
    before, after = {"id": 1007, "orderId": "A-1", "total": 5}, {"id": 53, "orderId": "B-9", "total": 5}
    post = request("POST", "/shop/orders")
    assert noise(answer(before, 201), answer(after, 201), asked=post) == [
        "json_value body.id: replay: issued",
        "json_value body.orderId: replay: issued",
    ]
    assert said(answer(before), answer(after))
    assert said(answer({"product_id": 1}, 201), answer({"product_id": 2}, 201), asked=post)
    location = [answer("", 201, None, f"Location: /orders/{n}") for n in (1007, 53)]
    assert noise(*location, asked=post) == ["header_value header location: replay: issued"]


def test_values_that_mean_the_same_in_this_session() -> None:
    issued = frozenset({("1007", "53")})
    assert noise(answer({"id": 1007}), answer({"id": 53}), issued=issued) == [
        "json_value body.id: replay: bound"
    ]
    assert noise(
        answer("order 1007 is on its way", 200, TEXT),
        answer("order 53 is on its way", 200, TEXT),
        issued=issued,
    ) == ["text_value body lines: replay: bound"]


def test_writes_that_happen_twice_if_the_state_is_shared() -> None:
    shared, post = make_rules(shared_state=True), request("POST", "/orders")
    assert noise(answer({}, 201), answer({}, 409), asked=post, rules=shared) == [
        "status status: replay: written twice"
    ]
    assert said(answer({}, 201), answer({}, 409), asked=post)
    assert said(answer({}, 200), answer({}, 409), rules=shared)
    assert noise(answer({"stock": 5}), answer({"stock": 4}), asked=post, rules=shared) == [
        "json_value body.stock: replay: written twice"
    ]
    assert noise(answer({}, 204), answer({}, 404), asked=request("DELETE", "/orders/5"), rules=shared)


def test_a_type_that_changes_is_never_expected() -> None:
    assert said(answer({"id": "0b8f0e7c-2f1c-4f43-9d8a-1b2c3d4e5f60"}), answer({"id": None}))
    assert judged(answer({"now": at(0)}), answer({"now": NOW // SECOND})).differences
