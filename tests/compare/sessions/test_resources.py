"""What a number is the number of."""

import pytest

from shadowtap.compare.sessions.resources import named_resource, path_resource, resource


@pytest.mark.parametrize(
    ("name", "one"),
    [
        ("Orders", "order"),
        ("categories", "category"),
        ("boxes", "box"),
        ("classes", "class"),
        ("address", "address"),
        ("line_items", "lineitem"),
    ],
)
def test_collections_and_their_things_have_one_name(name: str, one: str) -> None:
    assert resource(name) == resource(one) == one


def test_fields_name_what_they_number() -> None:
    assert named_resource("orderId", "x") == "order"
    assert named_resource("order_id", "x") == "order"
    assert named_resource("line-item-id", "x") == "lineitem"
    assert named_resource("id", "order") == "order"
    assert named_resource("price", "order") == ""
    assert named_resource("paid", "order") in ("", "pa")


def test_paths_name_what_they_are_about() -> None:
    assert path_resource("/shop/orders?x=1") == "order"
    assert path_resource("/orders/1007") == "order"
    assert path_resource("/1007") == ""
