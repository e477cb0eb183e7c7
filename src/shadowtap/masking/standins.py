"""Stand-ins: what a secret becomes.

A stand-in is a function of the key and the secret alone (BLAKE2b with a key, RFC 7693), so one secret has one
stand-in in every place, process and run that has the key, and without the key nobody gets from one to the other, not
even by trying all card numbers. Each is built so that it is recognised as a stand-in and no secret is taken for
one: masking twice is masking once.

Without a key no secret can be told from another: every stand-in is `***`, or a number of nines and zeros where only a
number may stand.
"""

import base64
import re
from hashlib import blake2b

from shadowtap.masking.digits import IBAN_BYTES, MARK, iban_check, luhn_digit

BLANK = b"***"
_HEX = rb"[0-9a-f]{12}"
MASKED = re.compile(
    rb"\*\*\*|masked-" + _HEX + rb"(?:@example\.com)?"
    rb"|ffffffff-ffff-8[0-9a-f]{3}-b[0-9a-f]{3}-" + _HEX + rb"|9999[0-9]{11}"
    rb"|eyJhbGciOiJub25lIiwidHlwIjoibWFza2VkIn0\.eyJzdWIiOiJtYXNrZWQt[A-Za-z0-9_-]{19}\.bWFza2Vk"
)
"""What a whole stand-in looks like; those of cards, accounts and telephones are recognised by their digits."""
_JWT = b"eyJhbGciOiJub25lIiwidHlwIjoibWFza2VkIn0.%b.bWFza2Vk"
"""`{"alg":"none","typ":"masked"}`, the claims, and `masked` for a signature."""
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class StandIns:
    """Stand-ins under one key of any length, or under none. What comes in is canonical: without escapes, separators
    and differences that mean nothing."""

    __slots__ = ("_base", "keyed")

    def __init__(self, key: bytes | None) -> None:
        self.keyed = key is not None
        short = blake2b(key or b"", digest_size=32, person=b"shadowtap-key").digest()
        self._base = blake2b(key=short, digest_size=32, person=b"shadowtap-mask")

    def opaque(self, secret: bytes) -> bytes:
        """`masked-` and 12 hexadecimal digits: for whatever has no format worth keeping."""
        return b"masked-%b" % self._hex(secret, 12) if self.keyed else BLANK

    def email(self, address: bytes) -> bytes:
        """An address at example.com, which nobody has (RFC 2606)."""
        return self.opaque(address.lower()) + b"@example.com" if self.keyed else BLANK

    def card(self, digits: bytes) -> bytes:
        """As many digits with a right check digit and a beginning that no issuer has."""
        head = MARK + self._digits(digits, len(digits) - len(MARK) - 1)
        return head + luhn_digit(head)

    def number(self, digits: bytes) -> bytes:
        """15 digits, which any JSON reader takes exactly (RFC 8259, section 6)."""
        return MARK + self._digits(digits, 11)

    def phone(self, digits: bytes) -> bytes:
        """As many digits behind a + and a country code that is not assigned (ITU-T E.164). Takes the digits only."""
        return b"+999" + self._digits(digits, len(digits) - 3) if self.keyed else BLANK

    def iban(self, iban: bytes) -> bytes:
        """An account of the same country with right check digits, letters and digits where they were."""
        if not self.keyed:
            return BLANK
        digest = self._digest(iban)
        marked = [(57 if octet < 65 else 88) for octet in iban[4:8]]
        rest = [
            48 + digest[i] % 10 if octet < 65 else _LETTERS[digest[i] % 26]
            for i, octet in enumerate(iban[8:])
        ]
        account = bytes(marked + rest)
        return iban[:2] + iban_check(iban[:2], account) + account

    def uuid(self, uuid: bytes) -> bytes:
        """A UUID of version 8 (RFC 9562, section 5.8) that begins with nothing but ones."""
        if not self.keyed:
            return BLANK
        digits = self._hex(uuid.lower(), 18)
        return b"ffffffff-ffff-8%b-b%b-%b" % (digits[:3], digits[3:6], digits[6:])

    def jwt(self, token: bytes) -> bytes:
        """Three parts in base64url; the first two are JSON, and the subject is the stand-in of the whole token."""
        if not self.keyed:
            return BLANK
        claims = b'{"sub":"%b"}' % self.opaque(token)
        return _JWT % base64.urlsafe_b64encode(claims).rstrip(b"=")

    def _digits(self, secret: bytes, count: int) -> bytes:
        if not self.keyed:
            return b"0" * count
        return b"%0*d" % (count, int.from_bytes(self._digest(secret)) % 10**count)

    def _hex(self, secret: bytes, count: int) -> bytes:
        return self._digest(secret).hex()[:count].encode()

    def _digest(self, secret: bytes) -> bytes:
        keyed = self._base.copy()
        keyed.update(secret)
        return keyed.digest()


def is_masked_iban(iban: bytes) -> bool:
    """Whether this is the stand-in of an IBAN."""
    return len(iban) == IBAN_BYTES.get(iban[:2], 0) and all(octet in b"9X" for octet in iban[4:8])
