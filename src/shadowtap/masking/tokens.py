"""Keys and tokens that are known by how they begin."""

import base64
import binascii
import re
from collections.abc import Iterator

from shadowtap.masking.linear import finder, group_finder
from shadowtap.masking.services import AWS_KEY_ID, AWS_SECRET, BEGINNINGS, SERVICE_KEY
from shadowtap.masking.spans import Span, beside
from shadowtap.masking.standins import MASKED, StandIns

PRIVATE_KEY_GATE = rb"PRIVATE KEY"
JWT_GATE = rb"eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]"
SERVICE_KEY_GATE = BEGINNINGS

_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PRIVATE_KEY_END = re.compile(rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_service_key = group_finder(rb"(?:^|[^A-Za-z0-9])(" + SERVICE_KEY + rb")")
_FORMATTING = re.compile(rb"\\[nr]|\s")
_jwt = finder(
    rb"eyJ[A-Za-z0-9_-]{4,}"
    rb"\.(?:eyJ[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*){0,3}|[A-Za-z0-9_-]{2,}(?:\.[A-Za-z0-9_-]*){1,3})"
)
"""A JSON object begins with eyJ in base64. Two parts are enough where the second does too: it may have broken off."""


def private_keys(text: bytes, stand_ins: StandIns) -> Iterator[Span]:
    """What stands between the first and the last line of a private key (RFC 7468), or behind the first line where the
    last is missing."""
    at = 0
    while (begin := _PRIVATE_KEY.search(text, at)) is not None:
        end = _PRIVATE_KEY_END.search(text, begin.end())
        at = len(text) if end is None else end.start()
        key = _FORMATTING.sub(b"", text[begin.end() : at])
        if key and not MASKED.fullmatch(key):
            yield Span(begin.end(), at, stand_ins.opaque(key), "private_key")


def jwts(text: bytes, stand_ins: StandIns) -> Iterator[Span]:
    """JWS and JWE in compact form (RFC 7515, RFC 7516)."""
    end = 0
    while (found := _jwt(text, end)) is not None:
        start, end = found
        token = text[start:end]
        if not MASKED.fullmatch(token):
            yield Span(start, end, stand_ins.jwt(token), "jwt")


def service_keys(text: bytes, stand_ins: StandIns) -> Iterator[Span]:
    """Keys of well-known services; beside an AWS key id also what looks like the secret that belongs to it."""
    keys: list[Span] = []
    end = 0
    while (found := _service_key(text, end)) is not None:
        start, end = found
        keys.append(Span(start, end, stand_ins.opaque(text[start:end]), "service_key"))
    if AWS_KEY_ID.search(text) is not None:
        keys = beside(keys, list(_aws_secrets(text, stand_ins)))
    yield from keys


def _aws_secrets(text: bytes, stand_ins: StandIns) -> Iterator[Span]:
    for found in AWS_SECRET.finditer(text):
        yield Span(*found.span(), stand_ins.opaque(found[0]), "service_key")


def decoded_base64(encoded: bytes) -> bytes | None:
    """What base64 of either alphabet says, with or without its padding; None where it says nothing."""
    bare = encoded.strip().rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    try:
        return base64.b64decode(bare + b"=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def encoded_base64(octets: bytes) -> bytes:
    """Base64 with padding (RFC 4648, section 4)."""
    return base64.b64encode(octets)
