"""Header fields: credentials keep their scheme, cookies their names and attributes, all else what is no secret."""

from enum import Enum

from shadowtap.masking.names import Names, Place, bare
from shadowtap.masking.spans import Masked, masked_with
from shadowtap.masking.texts import Kind, Texts
from shadowtap.masking.values import Values

CACHE_LIMIT = 4096
"""Names whose meaning is remembered, each of at most 128 octets."""
CACHED_BYTES = 128

_ATTRIBUTES = frozenset(
    b"comment commenturl discard domain expires httponly max-age partitioned path port priority samesite secure "
    b"version".split()
)
"""Attributes of Set-Cookie (RFC 6265, section 4.1, its successors and RFC 2965)."""


class _Means(Enum):
    CREDENTIALS = 1
    COOKIES = 2
    SET_COOKIE = 3
    SECRET = 4
    TEXT = 5


class Headers:
    """Masks values of header fields."""

    __slots__ = ("_known", "_names", "_texts", "_values")

    def __init__(self, names: Names, texts: Texts, values: Values) -> None:
        self._names = names
        self._texts = texts
        self._values = values
        self._known: dict[bytes, _Means] = {}

    def masked(self, name: bytes, value: bytes) -> Masked:
        """The value of a field as it may be shown."""
        means = self._means(name)
        if means is _Means.TEXT:
            return masked_with(value, self._texts.find(value, Kind.HEADER))
        if means is _Means.COOKIES:
            return self._cookies(value.split(b";"))
        if means is _Means.SET_COOKIE:
            return self._set_cookie(value)
        if means is _Means.CREDENTIALS:
            stand_in, kind = self._values.authorization(value)
        else:
            stand_in, kind = self._values.of(value, "header")
        return stand_in, ((kind,) if kind else ())

    def _means(self, name: bytes) -> _Means:
        known = self._known.get(name)
        if known is None:
            known = self._judge(name)
            if len(name) <= CACHED_BYTES:
                if len(self._known) >= CACHE_LIMIT:
                    self._known.clear()
                self._known[name] = known
        return known

    def _judge(self, name: bytes) -> _Means:
        if self._names.is_kept(name):
            return _Means.TEXT
        plain = bare(name)
        if plain.endswith("authorization"):
            return _Means.CREDENTIALS
        if plain.endswith(("setcookie", "setcookie2")):
            return _Means.SET_COOKIE
        if plain.endswith(("cookie", "cookie2")):
            return _Means.COOKIES
        return _Means.SECRET if self._names.is_secret(Place.HEADER, name) else _Means.TEXT

    def _cookies(self, pairs: list[bytes]) -> Masked:
        masked = [self._cookie(pair) for pair in pairs]
        kinds = tuple([kind for _, kind in masked if kind])
        return b";".join([pair for pair, _ in masked]), kinds

    def _set_cookie(self, value: bytes) -> Masked:
        first, *attributes = value.split(b";")
        masked = [self._cookie(first), *map(self._attribute, attributes)]
        kinds = tuple([kind for _, kind in masked if kind])
        return b";".join([part for part, _ in masked]), kinds

    def _cookie(self, pair: bytes) -> tuple[bytes, str]:
        name, equals, value = pair.partition(b"=")
        if equals and self._names.is_kept(name):
            return self._text(pair)
        value = value if equals else name
        lead = name + equals if equals else name[: len(name) - len(name.lstrip(b" \t"))]
        if not value.strip(b' \t"'):
            return pair, ""
        stand_in, kind = self._values.of(value, "cookie")
        return (lead + stand_in, kind) if kind else (pair, "")

    def _attribute(self, part: bytes) -> tuple[bytes, str]:
        name, _, value = part.partition(b"=")
        if name.strip(b" \t").lower() in _ATTRIBUTES and b"=" not in value:
            return self._text(part)
        return self._cookie(part)

    def _text(self, part: bytes) -> tuple[bytes, str]:
        masked, kinds = masked_with(part, self._texts.find(part, Kind.HEADER))
        return masked, (kinds[0] if kinds else "")
