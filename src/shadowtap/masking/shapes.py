"""Secrets that are known by what they look like, wherever they stand.

Each kind has a gate, a test that passes over a text at once and says whether there can be one, and a finder that is
asked only then. The finders' patterns have bounds or take no step back, so they are linear in the text too.
"""

from collections.abc import Callable, Iterable, Iterator

from shadowtap.masking import contacts, numbers, tokens
from shadowtap.masking.spans import Span, beside
from shadowtap.masking.standins import StandIns

Finder = tuple[Callable[[bytes], bool], Callable[[bytes, StandIns], Iterator[Span]]]

_FINDERS: dict[str, Finder] = {
    "private_key": (lambda text: b"PRIVATE KEY" in text, tokens.private_keys),
    "userinfo": (lambda text: b"@" in text and b"://" in text, contacts.userinfo),
    "jwt": (lambda text: b"eyJ" in text, tokens.jwts),
    "service_key": (tokens.has_service_key, tokens.service_keys),
    "email": (lambda text: b"@" in text, contacts.emails),
    "iban": (numbers.has_iban, numbers.ibans),
    "card": (numbers.has_card, numbers.cards),
    "phone": (lambda text: b"+" in text, numbers.phones),
}
"""In order of precedence: what is found first keeps its place."""

SHAPES = frozenset(_FINDERS)
"""The kinds that are found by shape."""

GATE = rb"|".join((contacts.GATE, numbers.GATE, tokens.GATE))
"""What a text with any of them contains, in any case of letters."""


class Shapes:
    """Finds what has one of the wanted shapes, and puts the stand-in beside it."""

    __slots__ = ("_finders", "_stand_ins")

    def __init__(self, stand_ins: StandIns, shapes: Iterable[str] = SHAPES) -> None:
        wanted = frozenset(shapes)
        self._stand_ins = stand_ins
        self._finders = [finder for kind, finder in _FINDERS.items() if kind in wanted]

    def find(self, text: bytes) -> list[Span]:
        """All of them, in order and without overlap. Stand-ins are not found again."""
        found: list[Span] = []
        for test, find in self._finders:
            if test(text):
                found = beside(found, list(find(text, self._stand_ins)))
        return found

    def whole(self, value: bytes) -> Span | None:
        """What a value is as a whole, where it has a shape."""
        spans = self.find(value)
        return spans[0] if len(spans) == 1 and spans[0][:2] == (0, len(value)) else None
