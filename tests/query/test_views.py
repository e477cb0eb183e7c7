"""The views say what their meaning says."""

import pytest

from shadowtap.query import EXAMPLES, VIEWS


def test_exchanges_are_all_of_them_with_endpoint_and_readable_times(ask):
    found = ask("SELECT * FROM exchanges ORDER BY time LIMIT 1")[0]
    assert (found["path"], found["endpoint"], found["latency_ms"], found["duration_ms"]) == (
        "/products/0", "/products/{id}", 1.0, 1.00002,
    )  # fmt: skip
    assert ask("SELECT count(*) AS n FROM exchanges") == [{"n": 110}]


def test_endpoints_are_the_templates(ask):
    products, users = ask("SELECT * FROM endpoints")
    assert (products["method"], products["endpoint"], products["requests"], products["errors"]) == (
        "GET", "/products/{id}", 100, 1,
    )  # fmt: skip
    assert (users["method"], users["endpoint"], users["requests"]) == ("POST", "/users/{id}/cart", 10)
    assert products["p50_ms"] == pytest.approx(1.0, abs=0.01)
    assert products["max_ms"] == 50.0


def test_slow_is_what_is_far_from_the_median_of_its_endpoint(ask):
    assert [(row["path"], row["latency_ms"]) for row in ask("SELECT * FROM slow")] == [("/products/7", 50.0)]


def test_errors_say_why(ask):
    found = ask("SELECT path, why FROM errors ORDER BY time")
    assert found == [
        {"path": "/products/3", "why": ["production answered 500", "http://staging: answered 500"]},
        {"path": "/products/5", "why": ["http://staging: timeout"]},
    ]


def test_outcomes_stand_beside_production(ask):
    found = ask("SELECT * FROM outcomes WHERE NOT same ORDER BY time")
    assert [(row["path"], row["production_status"], row["status"], row["skipped"]) for row in found] == [
        ("/products/5", 200, 0, "timeout"),
        ("/products/9", 200, 404, None),
    ]
    assert ask("SELECT count(*) AS n, count(same) AS compared FROM outcomes") == [{"n": 100, "compared": 100}]


def test_differences_are_rows_without_the_noise(ask):
    found = ask("SELECT kind, place, production_value, target_value, endpoint FROM differences ORDER BY kind")
    assert [tuple(row.values()) for row in found] == [
        ("json_missing", "body.ok", "true", "", "/products/{id}"),
        ("status", "status", "200", "404", "/products/{id}"),
    ]


@pytest.mark.parametrize("sql", EXAMPLES)
def test_the_examples_run(ask, sql):
    assert ask(sql) is not None


@pytest.mark.parametrize("view", VIEWS)
def test_no_two_columns_of_a_view_have_one_name(ask, view):
    names = [row["column_name"] for row in ask(f"DESCRIBE {view.name}")]
    assert len(names) == len(set(names))
