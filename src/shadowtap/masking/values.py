"""What comes in the place of one value that is known to be secret, from its format."""

import re

from shadowtap.masking.digits import is_masked_card
from shadowtap.masking.linear import gate
from shadowtap.masking.numbers import bare
from shadowtap.masking.shapes import Shapes
from shadowtap.masking.spans import Span
from shadowtap.masking.standins import BLANK, MASKED, StandIns, is_masked_iban
from shadowtap.masking.tokens import decoded_base64, encoded_base64
from shadowtap.masking.views import plain

CACHE_LIMIT = 4096
"""Values whose stand-in is remembered, each of at most 256 octets: 2 MB."""
CACHED_BYTES = 256

SCHEMES = frozenset(
    b"apikey aws aws4-hmac-sha256 aws4-ecdsa-p256-sha256 basic bearer digest dpop gnap hawk hmac jwt mutual "
    b"negotiate ntlm oauth scram-sha-1 scram-sha-256 sharedkey token vapid".split()
)
"""Authentication schemes (IANA's registry, and those of clouds), which stay readable."""

_UUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_UUID_BYTES = 36
_NUMBER = re.compile(rb"-?[0-9][0-9.eE+-]*")

StandIn = tuple[bytes, str]
"""What comes in its place, and of which kind the value is; an empty kind where the value stays as it is."""


class Values:
    """Stand-ins of whole values. The same value has the same stand-in however it is written: quoted, with JSON's
    escapes, percent-encoded, with + for a space."""

    __slots__ = ("_gate", "_known", "_shapes", "_stand_ins")

    def __init__(self, stand_ins: StandIns) -> None:
        self._stand_ins = stand_ins
        self._shapes = Shapes(stand_ins)
        self._gate = gate(tuple(self._shapes.gates.items()))
        self._known: dict[tuple[bytes, str], StandIn] = {}

    def of(self, written: bytes, kind: str) -> StandIn:
        """The stand-in of a value as it is written in its place; `kind` is what it counts as if it has no format."""
        if not self._stand_ins.keyed:
            return (BLANK, kind) if written.strip(b" \t\r\n\"'") not in (b"", BLANK) else (written, "")
        known = self._known.get((written, kind))
        if known is None:
            known = self._find(written, kind)
            if len(written) <= CACHED_BYTES:
                if len(self._known) >= CACHE_LIMIT:
                    self._known.clear()
                self._known[written, kind] = known
        return known

    def number(self, written: bytes, kind: str) -> StandIn:
        """The stand-in of a number where only a number may stand."""
        stand_in, found = self.of(written, kind)
        if found and _NUMBER.fullmatch(stand_in) is None:
            return self._stand_ins.number(written), found
        return stand_in, found

    def authorization(self, written: bytes) -> StandIn:
        """Credentials (RFC 9110, section 11.4) with their scheme; those of Basic (RFC 7617) stay a pair."""
        value = written.strip(b" \t\"'")
        scheme, space, rest = value.partition(b" ")
        if not space or scheme.lower() not in SCHEMES:
            return self.of(value, "authorization")
        if scheme.lower() == b"basic":
            stand_in, kind = self._basic(rest.strip())
        else:
            stand_in, kind = self.of(rest, "authorization")
        return (scheme + space + stand_in, kind) if kind else (written, "")

    def _basic(self, encoded: bytes) -> StandIn:
        pair = decoded_base64(encoded)
        if pair is None or b":" not in pair or encoded == b"***":
            return self.of(encoded, "authorization")
        parts = [self.of(part, "authorization") for part in pair.split(b":", 1)]
        if not any(kind for _, kind in parts):
            return encoded, ""
        masked = b":".join([stand_in for stand_in, _ in parts])
        return (b"***" if b"***" in masked else encoded_base64(masked)), "authorization"

    def _find(self, written: bytes, kind: str) -> StandIn:
        value = plain(written)
        if not value or is_stand_in(value):
            return written, ""
        if len(value) == _UUID_BYTES and _UUID.fullmatch(value):
            return self._stand_ins.uuid(value), kind
        shape = self._whole(value)
        if shape is not None:
            return shape.stand_in, shape.kind
        if value.isdigit():
            return self._stand_ins.number(value), kind
        return self._stand_ins.opaque(value.replace(b"+", b" ")), kind

    def _whole(self, value: bytes) -> Span | None:
        """What a value is as a whole, where it has a shape."""
        occurring = self._gate.occurring(value)
        spans = self._shapes.find(value, occurring) if occurring else ()
        return spans[0] if len(spans) == 1 and spans[0][:2] == (0, len(value)) else None


def is_stand_in(value: bytes) -> bool:
    """Whether a value is a stand-in already."""
    if MASKED.fullmatch(value) is not None:
        return True
    written = value if value.isalnum() else bare(value)
    is_phone = value.startswith(b"+") and written.startswith(b"999") and written.isdigit()
    return is_masked_card(written) or is_phone or is_masked_iban(written.upper())
