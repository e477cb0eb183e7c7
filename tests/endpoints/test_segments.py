"""What single segments are called."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.endpoints import segments
from shadowtap.endpoints.segments import MAX_PATTERN, MAX_SEGMENT, extension, is_parameter, piece


@pytest.mark.parametrize(
    ("segment", "named"),
    [
        ("42", "{id}"),
        ("-7", "{id}"),
        ("0b8f0e7c-2f1c-4f43-9d8a-1b2c3d4e5f60", "{uuid}"),
        ("0B8F0E7C-2F1C-4F43-9D8A-1B2C3D4E5F60", "{uuid}"),
        ("2026-11-23", "{date}"),
        ("2026-11", "{date}"),
        ("2026-11-23T10:20:30.5Z", "{date}"),
        ("2026-11-23T10:20:30+01:00", "{date}"),
        ("10.0.8.9", "{address}"),
        ("fe80::1:2", "{address}"),
        ("12.5", "{number}"),
        ("1,2,3", "{ids}"),
        ("52.1,13.4", "{ids}"),
        ("ada@example.com", "{email}"),
        ("d41d8cd98f00b204e9800998ecf8427e", "{hash}"),
        ("3f2a1b9c", "{hash}"),
        ("507f1f77bcf86cd799439011", "{hash}"),
        ("eyJhbGciOi.eyJzdWIi.c2ln", "{token}"),
        ("aGVsbG8gd29ybGQgZm9v", "{token}"),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "{token}"),
        ("app.3f2a1b9c.js", "app.{hash}.js"),
        ("chunk-3f2a1b9c.min.js", "chunk-{hash}.min.js"),
        ("42.png", "{id}.png"),
        ("order-1234", "order-{id}"),
        ("IMG_20240102.jpg", "IMG_{id}.jpg"),
        ("y" * 100, "{text}"),
    ],
)
def test_identifiers_are_recognised(segment: str, named: str) -> None:
    assert piece(segment) == named


ROUTES = """
    users v2 v1.1 oauth2 s3 utf-8 en-US index.html main.js.map wp-login.php deadbeef top-10 a.b.c
    OAuth2AuthorizationServer getUserProfileSettingsV2ById how-to-win-at-chess-in-3-days
"""


@pytest.mark.parametrize("segment", ROUTES.split())
def test_names_of_routes_stay(segment: str) -> None:
    assert piece(segment) == segment


def test_only_known_extensions_count_as_such() -> None:
    assert extension("logo.png") == ".png"
    assert extension("app.min.js") == ".min.js"
    assert extension("john.doe") == ""


def test_parameters_are_told_from_names_with_one_inside() -> None:
    assert is_parameter("{id}")
    assert is_parameter("{name}.png")
    assert not is_parameter("order-{id}")


@given(st.text(max_size=300))
def test_any_text_has_a_short_name(text: str) -> None:
    assert len(piece(text)) <= MAX_SEGMENT


@pytest.mark.parametrize(
    "unit", ["a@.", ".", ":", "1,", "-1", "a1", "0", "aA0", "eyJ", "_", "@", ".js", "1."]
)
def test_long_ones_meet_none_of_the_patterns_that_try_again(
    unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are left for them read a text once: they have no two places that could take the same octet."""
    seen: list[int] = []
    for name in ("_FILE", "_PARTS"):
        monkeypatch.setattr(segments, name, Watched(getattr(segments, name), seen))
    monkeypatch.setattr(
        segments, "_WHOLE", [(Watched(pattern, seen), told) for pattern, told in segments._WHOLE]
    )
    piece(unit * 20 + "@")
    assert seen, "they are watched"
    for length in (200, MAX_PATTERN, MAX_PATTERN + 1, 4000, 100_000):
        piece((unit * length)[: length - 1] + "@")
        piece((unit * length)[:length])
    assert max(seen) <= MAX_PATTERN


class Watched:
    """A pattern, and the lengths of what it was tried on."""

    def __init__(self, pattern: re.Pattern[str], seen: list[int]) -> None:
        self._pattern, self._seen = pattern, seen

    def match(self, text: str) -> re.Match[str] | None:
        self._seen.append(len(text))
        return self._pattern.match(text)

    def split(self, text: str) -> list[str]:
        self._seen.append(len(text))
        return self._pattern.split(text)
