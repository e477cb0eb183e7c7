"""Names of places, and patterns of them."""

from hypothesis import given
from hypothesis import strategies as st

from shadowtap.compare.places import Pattern, place

steps = st.lists(st.one_of(st.integers(0, 9), st.text(max_size=12)), max_size=40).map(tuple)


def test_places() -> None:
    assert place(()) == "body"
    assert place(("items", 3, "price")) == "body.items[].price"
    assert place(("a b", "17", "x" * 99)) == 'body."a b".{id}.{text}'
    assert place(("a",) * 30).endswith(".**")


@given(steps)
def test_every_place_is_covered_by_itself_and_by_all(path: tuple[str | int, ...]) -> None:
    where = place(path)
    assert Pattern.parse("**").covers("", where)
    assert Pattern.parse("body").covers("GET /", where)
    if "*" not in where and not where.endswith(" ") and not where.startswith(" "):
        assert Pattern.parse(where).covers("", where)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_pattern_can_be_asked(pattern: str, where: str) -> None:
    Pattern.parse(pattern).covers("GET /a", where)
