"""All secrets of a text: by name, by shape, and in each other way of writing that is found in the text.

A text is looked at as it is written and, where it has escapes, once more with one kind of escape undone, which is a
text in its turn; in JSON and in queries each string or pair by itself, since escapes hide what would end it. So an
address in a URL in a JSON string is found, and a password in JSON within JSON. What a name covers is masked as a
whole; what a view shows counts more than what its escapes look like.
"""

import re
from enum import IntEnum
from functools import partial

from shadowtap.masking.fields import AFTER, Fields, value_of
from shadowtap.masking.linear import gate
from shadowtap.masking.names import Names, Place, bare
from shadowtap.masking.pairs import Named, Pairs, named_in_pairs
from shadowtap.masking.shapes import Shapes
from shadowtap.masking.spans import Span, beside, joined, moved
from shadowtap.masking.tokens import decoded_base64
from shadowtap.masking.values import Values
from shadowtap.masking.views import JSON, PERCENT, REFERENCE, VIEWS, View

MAX_DEPTH = 3
"""Ways of writing that are undone one within the other."""

_ENCODED_JSON = re.compile(rb"(?<![A-Za-z0-9_/+.-])eyJ[A-Za-z0-9_/+-]{8,}+={0,2}(?![A-Za-z0-9_/+.-])")
"""A JSON object in base64."""


class Kind(IntEnum):
    """What kind of text it is, where that makes a difference."""

    URL = 0
    FORM = 1
    HEADER = 2
    PLAIN = 3
    MARKUP = 4
    """JSON, XML, HTML, scripts and all else with a syntax of its own."""


_JSON_BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?\s*+(?:[\[{\"]|(?:data|event|id|retry)?:)")
_STRINGS = re.compile(rb"\"([^\"\\%&]*+(?:\\.|[%&])(?:[^\"\\]++|\\.)*+)", re.DOTALL)
"""The strings of a JSON text (or a stream of events) that can hold an escape: each is a text of its own."""
_JSON_KINDS = (Kind.MARKUP, Kind.PLAIN)
_PAIR_WITH_ESCAPE = re.compile(rb"(?:(?<=[?&#])|\A)[^?&#%]*+%[^?&#]*+")

_PAIRS = {Kind.URL: Pairs.URL, Kind.FORM: Pairs.FORM, Kind.HEADER: Pairs.HEADER}
_VIEWS: dict[Kind, tuple[View, ...]] = {
    Kind.URL: (PERCENT,),
    Kind.FORM: (PERCENT,),
    Kind.HEADER: (PERCENT, JSON),
    Kind.PLAIN: (JSON, PERCENT, REFERENCE),
    Kind.MARKUP: (JSON, PERCENT, REFERENCE),
}


class Texts:
    """Finds the secrets of texts."""

    __slots__ = ("_fields", "_gate", "_names", "_shapes", "_values")

    def __init__(self, names: Names, shapes: Shapes, values: Values) -> None:
        self._names = names
        self._shapes = shapes
        self._values = values
        self._fields = Fields(names)
        views = {view.name: view.gate for view in VIEWS}
        named = {"named": b"(?i)(?:" + names.pattern + b")" + AFTER}
        self._gate = gate(
            tuple({**shapes.gates, **views, **named, "encoded": rb"eyJ[A-Za-z0-9_/+-]{8}"}.items())
        )

    def find(self, text: bytes, kind: Kind, depth: int = 0) -> list[Span]:
        """All of them, in order and without overlap."""
        occurring = self._gate.occurring(text)
        pairs = _PAIRS.get(kind)
        if not occurring and (pairs is None or b"=" not in text):
            return []
        named: list[Named] = []
        if pairs is not None and b"=" in text:
            named = named_in_pairs(text, pairs, self._names)
        elif pairs is None and "named" in occurring:
            named = list(self._fields.find(text, plain=kind is Kind.PLAIN))
        shaped = self._shapes.find(text, occurring) if occurring else []
        if occurring and depth < MAX_DEPTH:
            shaped = beside(self._viewed(text, kind, depth, occurring), shaped)
        if not named:
            return shaped
        return joined(self._spans(text, named, kind), shaped, partial(self._union, text))

    def _viewed(self, text: bytes, kind: Kind, depth: int, occurring: list[str]) -> list[Span]:
        found: list[Span] = []
        views = [view for view in _VIEWS[kind] if view.name in occurring]
        if views and kind in _JSON_KINDS and _JSON_BEGINNING.match(text):
            found = self._strings(text, depth)
        else:
            for view in views:
                found = beside(found, self._view(view, text, kind, depth))
        return beside(found, self._encoded(text, depth)) if "encoded" in occurring else found

    def _view(self, view: View, text: bytes, kind: Kind, depth: int) -> list[Span]:
        """What is found with one kind of escape undone."""
        if kind not in (Kind.URL, Kind.FORM):
            return self._decoded(view, text, Kind.PLAIN if kind is Kind.PLAIN else Kind.MARKUP, depth)
        found: list[Span] = []
        for pair in _PAIR_WITH_ESCAPE.finditer(text):
            found += moved(self._decoded(view, pair[0], Kind.MARKUP, depth), pair.start())
        return found

    def _decoded(self, view: View, text: bytes, kind: Kind, depth: int) -> list[Span]:
        decoded = view.decoded(text)
        if decoded == text:
            return []
        spans = self.find(decoded, kind, depth + 1)
        return view.back(text, spans) if spans else spans

    def _strings(self, text: bytes, depth: int) -> list[Span]:
        """What is found in those strings of a JSON text that hold an escape, and behind names that do."""
        found: list[Span] = []
        done = 0
        for string in _STRINGS.finditer(text):
            start, end = string.span(1)
            if start < done:
                continue
            if b"\\" not in string[1]:
                found += moved(self.find(string[1], Kind.MARKUP, depth + 1), start)
                continue
            found += moved(self._decoded(JSON, string[1], Kind.MARKUP, depth), start)
            if self._names.is_secret(Place.FIELD, JSON.decoded(string[1])):
                values, done = value_of(text, end, string[1])
                found += self._spans(text, values, Kind.MARKUP)
        return found

    def _encoded(self, text: bytes, depth: int) -> list[Span]:
        """JSON objects in base64 that hold a secret, each as one secret."""
        spans: list[Span] = []
        for found in _ENCODED_JSON.finditer(text):
            inner = decoded_base64(found[0])
            if inner is not None and self.find(inner, Kind.MARKUP, depth + 1):
                spans.append(self._union(text, *found.span()))
        return spans

    def _union(self, text: bytes, start: int, end: int) -> Span:
        stand_in, kind = self._values.of(text[start:end], "field")
        return Span(start, end, stand_in, kind)

    def _spans(self, text: bytes, named: list[Named], kind: Kind) -> list[Span]:
        spans: list[Span] = []
        counted = "query" if kind is Kind.URL else "field"
        for start, end, name, is_number in named:
            written = text[start:end]
            if is_number:
                stand_in, found = self._values.number(written, counted)
            elif bare(name).endswith("authorization"):
                stand_in, found = self._values.authorization(written)
            else:
                stand_in, found = self._values.of(written, counted)
            if found:
                if kind in (Kind.URL, Kind.FORM) and b"%" in written:
                    stand_in = PERCENT.encode(stand_in)
                spans.append(Span(start, end, stand_in, found))
        return spans
