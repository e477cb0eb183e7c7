"""Secrets that are known by what they look like, wherever they stand.

Each kind has a gate, a test that passes over a text at once and says whether there can be one, and a finder that is
asked only then. The finders' patterns have bounds or take no step back, so they are linear in the text too.
"""

from collections.abc import Callable, Iterable, Iterator

from shadowtap.masking import contacts, numbers, tokens
from shadowtap.masking.spans import Span, joined
from shadowtap.masking.standins import StandIns
from shadowtap.masking.views import plain

_FINDERS: dict[str, tuple[bytes, Callable[[bytes, StandIns], Iterator[Span]]]] = {
    "private_key": (tokens.PRIVATE_KEY_GATE, tokens.private_keys),
    "userinfo": (contacts.USERINFO_GATE, contacts.userinfo),
    "jwt": (tokens.JWT_GATE, tokens.jwts),
    "service_key": (tokens.SERVICE_KEY_GATE, tokens.service_keys),
    "email": (contacts.EMAIL_GATE, contacts.emails),
    "iban": (numbers.IBAN_GATE, numbers.ibans),
    "card": (numbers.CARD_GATE, numbers.cards),
    "phone": (numbers.PHONE_GATE, numbers.phones),
}
"""Where two overlap, the outer one counts; where neither holds the other, one stand-in takes the place of both."""

SHAPES = frozenset(_FINDERS)
"""The kinds that are found by shape."""


class Shapes:
    """Finds what has one of the wanted shapes, and puts the stand-in beside it. `gates` is what a text with any of
    them contains, by kind."""

    __slots__ = ("_finders", "_stand_ins", "gates")

    def __init__(self, stand_ins: StandIns, shapes: Iterable[str] = SHAPES) -> None:
        wanted = frozenset(shapes)
        self._stand_ins = stand_ins
        self._finders = {kind: find for kind, (_, find) in _FINDERS.items() if kind in wanted}
        self.gates = {kind: pattern for kind, (pattern, _) in _FINDERS.items() if kind in wanted}

    def find(self, text: bytes, occurring: Iterable[str]) -> list[Span]:
        """All of them, in order and without overlap; `occurring` are the gates that they come through. Stand-ins are
        not found again."""
        found: list[Span] = []
        for kind, find in self._finders.items():
            if kind in occurring:
                more = list(find(text, self._stand_ins))
                found = (
                    joined(found, more, lambda start, end: self._union(text, start, end)) if found else more
                )
        return found

    def _union(self, text: bytes, start: int, end: int) -> Span:
        return Span(start, end, self._stand_ins.opaque(plain(text[start:end])), "service_key")
