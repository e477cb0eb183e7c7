"""What is wrong with the shop's next version, and where that shows: on purpose, so that it can be found."""

from enum import StrEnum


class Regression(StrEnum):
    """What the next version does otherwise, as its users would say it."""

    MISSING_FIELD = "products have lost their weight"
    CHANGED_TYPE = "the total of a basket has become a text"
    GOLD_ACCOUNTS = "gold members cannot see their account"
    REORDERED_LIST = "the list of products has another order"
    CHANGED_HEADER = "pictures may no longer be cached"
    SLOW_SEARCH = "searching takes two and a half times as long"


FOUND = {
    Regression.MISSING_FIELD: ("GET /products/{id}", "json_missing", "body.weight_g"),
    Regression.CHANGED_TYPE: ("GET /basket", "json_type", "body.total"),
    Regression.GOLD_ACCOUNTS: ("GET /account", "status", "status"),
    Regression.REORDERED_LIST: ("GET /products", "json_order", "body"),
    Regression.CHANGED_HEADER: ("GET /images/{id}.jpg", "header_value", "header cache-control"),
}
"""Endpoint, kind and place of the difference by which each shows."""
SLOWER = "GET /search"
"""The endpoint that is slower."""
ALL = frozenset(Regression)
