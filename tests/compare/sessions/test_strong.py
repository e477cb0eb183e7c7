"""Which values are known by themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.compare.sessions.strong import is_named, is_strong, is_weak


@pytest.mark.parametrize(
    "text",
    [
        "kJ8sD0aLq2ZxPw7R",
        "0b8f0e7c-2f1c-4f43-9d8a-1b2c3d4e5f60",
        "d41d8cd98f00b204e9800998ecf8427e",
        "eyJhbGciOi.eyJzdWIi.c2ln",
        "x" * 300,
    ],
)
def test_random_values_are_strong(text: str) -> None:
    assert is_strong(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1007",
        "hello world, this is",
        "application/json",
        "2026-11-23T01:40:00Z",
        "1795398000000",
        "/orders/1007/items/",
        "internationalisation",
    ],
)
def test_others_are_not(text: str) -> None:
    assert not is_strong(text)


def test_a_name_makes_a_token() -> None:
    assert is_named("csrf_token", "abcdef")
    assert is_named("sid", "abcdefgh")
    assert not is_named("colour", "abcdefgh")
    assert not is_named("token", "abc")
    assert not is_named("token", "two words")


def test_weak_values_hold_a_number() -> None:
    assert is_weak(1007)
    assert is_weak("A-17")
    assert not is_weak("blue")
    assert not is_weak(True)
    assert not is_weak(None)
    assert not is_weak(1 << 80)


@given(st.text(max_size=40))
def test_any_text_can_be_asked(text: str) -> None:
    is_strong(text), is_named(text, text), is_weak(text)
