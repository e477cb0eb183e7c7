"""Texts, forms and octets."""

from hypothesis import given
from hypothesis import strategies as st

from compare.answers import TEXT, answer, judged, noise, said

FORM = "application/x-www-form-urlencoded"


def both(production: str | bytes, target: str | bytes, media: str = TEXT) -> list[str]:
    return said(answer(production, 200, media), answer(target, 200, media))


def test_lines() -> None:
    assert both("a\nb\nc", "a\nx\nc\n") == ["text_value body lines: b ≠ x"]
    assert both("a\nb\nc", "a\nc") == ["text_missing body lines: b ≠ "]
    assert both("a\nc", "a\r\nb\r\nc") == ["text_extra body lines:  ≠ b"]
    assert [line.split(":")[0] for line in both("a\nb\nc", "c\nb\na")] == ["text_order body lines"]
    assert not both("a\nb", "a\r\nb\r\n")


def test_very_many_lines_are_not_aligned() -> None:
    assert both("a\n" * 30_000, "a\n" * 30_001 + "b") == ["text_value body: 30000 lines ≠ 30002 other lines"]


def test_forms() -> None:
    assert both("a=1&b=2&b=3", "b=2&b=4&c=5", FORM) == [
        "form_missing body.a: 1 ≠ ",
        "form_value body.b: 3 ≠ 4",
        "form_extra body.c:  ≠ 5",
    ]
    assert not both("a=1&b=%20", "b=+&a=1", FORM)


def test_octets() -> None:
    found = both(b"\x00\x01", b"\x00\x02", "image/png")
    assert found[0].startswith("binary body: 2 octets, SHA-256 b413f47d")


def test_words_are_judged_one_by_one() -> None:
    before, after = (
        "order 0b8f0e7c-2f1c-4f43-9d8a-1b2c3d4e5f60 for ada",
        "order 1b8f0e7c-2f1c-4f43-9d8a-1b2c3d4e5f61 for ada",
    )
    assert noise(answer(before, 200, TEXT), answer(after, 200, TEXT)) == ["text_value body lines: class uuid"]
    assert both(before, after.replace("ada", "bob")) != []


@given(st.text(max_size=50), st.text(max_size=50))
def test_any_texts_are_compared(production: str, target: str) -> None:
    for media in (TEXT, FORM):
        verdict = judged(
            answer(production.encode("utf-8", "replace"), 200, media),
            answer(target.encode("utf-8", "replace"), 200, media),
        )
        assert production != target or verdict.same
