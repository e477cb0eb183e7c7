"""Which values are so random that they mean the same wherever they stand.

A strong value (a token, a UUID, a hash) can be put in place of another in any part of a request. A weak one (`1007`)
means something only at its place: in the cookie of its name, or as the number of its resource (`/orders/1007`,
`order_id=1007`).
"""

import re
from functools import lru_cache

from shadowtap.compare.values import ValueClass, class_of

MIN_STRONG, MAX_STRONG = 12, 4096
MIN_NAMED = 6
"""Characters of a value whose place says that it is a token."""
MAX_WEAK = 64

MIN_TOKEN = 6
"""Octets of what may be a value in any text."""
TOKENS = re.compile(rb"[A-Za-z0-9_.~+/%%:-]{%d,4096}={0,2}" % MIN_TOKEN)
"""What may be a value, in octets of any text."""
WEAK = re.compile(r"[A-Za-z0-9_-]*[0-9][A-Za-z0-9_-]*\Z")
_PLAIN = re.compile(r"[A-Za-z0-9_.~+/%:=-]+\Z")
_TOKEN_NAME = re.compile(
    r"token|csrf|xsrf|session|sess\b|\bsid\b|secret|nonce|ticket|verifier|\bauth|api.?key|\bjwt\b|\bstate\b|\bcode\b",
    re.I,
)


def is_strong(text: str) -> bool:
    """Whether a value is random enough to be known by itself."""
    return (
        _is_strong(text) if len(text) <= 256 else len(text) <= MAX_STRONG and _PLAIN.match(text) is not None
    )


@lru_cache(maxsize=4096)
def _is_strong(text: str) -> bool:
    if len(text) < MIN_STRONG or not _PLAIN.match(text):
        return False
    kind = class_of(text)
    if kind is not None:
        return kind is not ValueClass.TIMESTAMP
    if text.isdigit():
        return len(text) >= 15
    digits = sum(map(str.isdigit, text))
    return digits >= 3 and digits < len(text) and "/" not in text and ":" not in text


def is_named(name: str, text: str) -> bool:
    """Whether a value is a token because its place says so: a cookie `sid`, a field `csrf_token`."""
    plain = _PLAIN.match(text) is not None and MIN_NAMED <= len(text) <= MAX_STRONG
    return plain and _TOKEN_NAME.search(name) is not None


def is_weak(value: object) -> bool:
    """Whether a value may be the number or name of a resource."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return abs(value) < 1 << 63
    return isinstance(value, str) and 0 < len(value) <= MAX_WEAK and WEAK.match(value) is not None
