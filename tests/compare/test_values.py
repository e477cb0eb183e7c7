"""Classes of values, and times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.compare.values import class_of, same_class, time_of

NOV = 1_795_398_000_000_000_000


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0b8f0e7c-2f1c-4f43-9d8a-1b2c3d4e5f60", "uuid"),
        ("d41d8cd98f00b204e9800998ecf8427e", "hash"),
        ("kJ8sD0aLq2ZxPw7R", "token"),
        ("eyJhbGciOi.eyJzdWIi.c2ln", "token"),
        ("q83vEjRWeJCrze8SNFZ4kA==", "token"),
        ("2026-11-23T01:40:00Z", "timestamp"),
        ("Mon, 23 Nov 2026 01:40:00 GMT", "timestamp"),
        ("1795398000", "timestamp"),
        ("hello world", None),
        ("/o/Zp3XmQ9dT1vBn5Ls/pay", None),
        ("Products/Item1234/Details", None),
        ("Product1234OfTheDay2Details", None),
        ("ada@example.com", None),
        ("12345678", None),
        ("product-catalogue-page", None),
        ("x" * 1000, None),
    ],
)
def test_classes(text: str, kind: str | None) -> None:
    assert class_of(text) == kind


def test_two_of_a_class_are_of_one_size() -> None:
    assert same_class("d41d8cd98f00b204", "e41d8cd98f00b204") == "hash"
    assert same_class("d41d8cd98f00b204", "e41d8cd98f00b204e980") is None
    assert same_class("d41d8cd98f00b204", "hello") is None
    assert same_class("eyJhbGciOi.eyJzdWIi.c2ln", "eyJhbGciOi.eyJzdWIiOi.c2ln") == "token"


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-23T01:40:00Z",
        "2026-11-23T02:40:00+01:00",
        "2026-11-23 01:40:00",
        "20261123T014000Z",
        "Mon, 23 Nov 2026 01:40:00 GMT",
        1795398000,
        1795398000.0,
        1795398000_000,
        1795398000_000_000,
        NOV,
        "1795398000",
        "1795398000000",
    ],
)
def test_times(value: object) -> None:
    found = time_of(value)
    assert found is not None
    assert found.ns == NOV


@pytest.mark.parametrize(
    "value",
    [
        True,
        None,
        17,
        "hello",
        "2026-99-99",
        "99999999",
        4e300,
        float("nan"),
        -1795398000,
        "20261",
        [],
        "Mon, nonsense",
    ],
)
def test_no_times(value: object) -> None:
    assert time_of(value) is None


@given(st.text(max_size=60))
def test_any_text_has_a_class_or_none(text: str) -> None:
    assert same_class(text, text) == class_of(text)
    time_of(text)
