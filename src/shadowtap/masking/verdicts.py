"""Verdicts: the values that are shown of a difference are secret by the name of their place, or by their shape.

Values are shortened there, so one may break off in the middle of a secret that is no longer recognised: what stands
in front of the dots and could be a part of one is masked too.
"""

import re

from shadowtap.events import Difference, Verdict, replace
from shadowtap.masking.headers import Headers
from shadowtap.masking.names import Names, Place
from shadowtap.masking.spans import Masked, masked_with
from shadowtap.masking.texts import Kind, Texts
from shadowtap.masking.values import Values

_CUT = re.compile(rb"((?:[0-9]{3,6}[ .-]){0,4}[^\s\"'<>{}\[\]]{1,200})(?:\xe2\x80\xa6|\.\.\.)\Z")
"""The last word of a text that was shortened, with groups of digits in front of it."""
_CUT_BYTES = 250


class Verdicts:
    """Masks verdicts."""

    __slots__ = ("_headers", "_names", "_texts", "_values")

    def __init__(self, names: Names, headers: Headers, texts: Texts, values: Values) -> None:
        self._names = names
        self._headers = headers
        self._texts = texts
        self._values = values

    def masked(self, verdict: Verdict) -> tuple[Verdict, tuple[str, ...]]:
        """The verdict as it may be shown, and the kinds of what was masked in it."""
        counted: list[str] = []
        differences = tuple([self._difference(one, counted) for one in verdict.differences])
        noise = tuple([(self._difference(one, counted), rule) for one, rule in verdict.noise])
        return replace(verdict, differences=differences, noise=noise), tuple(counted)

    def _difference(self, difference: Difference, counted: list[str]) -> Difference:
        place = difference.where.encode("utf-8", "surrogatepass")
        where, kinds = masked_with(place, self._texts.find(place, Kind.PLAIN))
        counted += kinds
        return replace(
            difference,
            where=where.decode("utf-8", "replace"),
            production=self._value(place, difference.production, counted),
            target=self._value(place, difference.target, counted),
        )

    def _value(self, place: bytes, text: str, counted: list[str]) -> str:
        octets = text.encode("utf-8", "surrogatepass")
        first, _, name = place.rpartition(b" ")
        if first == b"header":
            masked, kinds = self._headers.masked(name, octets)
        elif octets and self._names.is_secret(Place.FIELD, place):
            stand_in, kind = self._values.of(octets, "field")
            masked, kinds = stand_in, ((kind,) if kind else ())
        else:
            masked, kinds = self._shortened(octets)
        counted += kinds
        return masked.decode("utf-8", "replace")

    def _shortened(self, octets: bytes) -> Masked:
        masked, kinds = masked_with(octets, self._texts.find(octets, Kind.PLAIN))
        word = _CUT.search(masked, max(len(masked) - _CUT_BYTES, 0))
        if word is None or len(word[1]) < 6 or not re.search(rb"[0-9@]", word[1]):
            return masked, kinds
        return masked[: word.start(1)] + self._values.of(word[1], "field")[0] + masked[word.end(1) :], kinds
