"""What the user says about noise."""

import pytest

from compare.answers import answer, noise, said
from shadowtap.compare import make_rules
from shadowtap.errors import UsageError


def test_places_that_are_not_compared() -> None:
    rules = make_rules(ignore=["body.took", "header x-cell", "body.items[].seen", "json_order body.tags"])
    before = answer({"took": 1, "items": [{"seen": 1}], "tags": [1, 2]}, 200, None, "X-Cell: a")
    after = answer({"took": {"ms": 2}, "items": [{"seen": 5}], "tags": [2, 1]}, 200, None, "X-Cell: b")
    assert noise(before, after, rules=rules) == [
        "header_value header x-cell: ignore header x-cell",
        "json_type body.took: ignore body.took",
        "json_value body.items[].seen: ignore body.items[].seen",
        "json_order body.tags: ignore json_order body.tags",
    ]


def test_an_ignored_place_covers_what_is_below_and_nothing_else() -> None:
    rules = make_rules(ignore=["body.meta"])
    assert noise(answer({"meta": {"a": {"b": 1}}}), answer({"meta": {"a": {"b": 2}}}), rules=rules)
    assert said(answer({"metadata": 1}), answer({"metadata": 2}), rules=rules)


def test_a_rule_may_hold_at_one_endpoint() -> None:
    rules = make_rules(ignore=["GET /users/{id} body.seen"])
    before, after = answer({"seen": 1}), answer({"seen": 2})
    assert noise(before, after, rules=rules, endpoint="GET /users/{id}")
    assert said(before, after, rules=rules, endpoint="GET /users/{id}/orders")
    assert noise(
        before, after, rules=make_rules(ignore=["* /users/** body.seen"]), endpoint="PUT /users/{id}/orders"
    )


def test_patterns() -> None:
    for pattern in ("body.*.b", "**.b", "body.a[]", "body.**", "body"):
        assert noise(answer({"a": [{"b": 1}]}), answer({"a": [{"b": 2}]}), rules=make_rules(ignore=[pattern]))
    assert said(answer({"a": [{"b": 1}]}), answer({"a": [{"b": 2}]}), rules=make_rules(ignore=["body.*.c"]))


def test_numbers_within_a_tolerance() -> None:
    rules = make_rules(tolerance={"body.price": 0.01, "**.score": "1%"})
    assert noise(
        answer({"price": 1.0, "a": {"score": 100}}),
        answer({"price": 1.005, "a": {"score": 101}}),
        rules=rules,
    ) == [
        "json_value body.price: tolerance body.price",
        "json_value body.a.score: tolerance **.score",
    ]
    assert (
        len(
            said(
                answer({"price": 1.0, "a": {"score": 100}}),
                answer({"price": 1.5, "a": {"score": 103}}),
                rules=rules,
            )
        )
        == 2
    )


def test_classes_can_be_turned_off() -> None:
    before, after = answer({"v": "d41d8cd98f00b204"}), answer({"v": "e41d8cd98f00b204"})
    assert noise(before, after) == ["json_value body.v: class hash"]
    assert said(before, after, rules=make_rules(classes=[]))


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"tolerance": {"body": "few"}}, "1%"),
        ({"tolerance": {"body": "-1"}}, "1%"),
        ({"classes": ["colour"]}, "uuid"),
    ],
)
def test_what_cannot_be_read_is_refused_with_advice(more: dict[str, object], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        make_rules(**more)  # type: ignore[arg-type]
