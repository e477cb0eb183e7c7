"""E-mail addresses (RFC 5321, section 4.1.2, as people write them) and the user and password of a URL (RFC 3986,
section 3.2.1)."""

import re
from collections.abc import Iterator

from shadowtap.masking.spans import Span
from shadowtap.masking.standins import MASKED, StandIns
from shadowtap.masking.views import plain

EMAIL_GATE = rb"[A-Za-z0-9_.+\x80-\xff-]@[A-Za-z0-9\x80-\xff]"
USERINFO_GATE = rb"://[^\s/?#\"'<>\\]+@"

_WINDOW_BYTES = 256
"""How far back a local part is looked for; 64 octets are allowed."""
_USERINFO = re.compile(rb"://([^\s/?#\"'<>\\]{1,1024})@")
_LABEL = rb"[A-Za-z0-9\x80-\xff][A-Za-z0-9\x80-\xff-]{0,62}+"
_DOMAIN = re.compile(
    rb"(?:" + _LABEL + rb"\.(?=[A-Za-z0-9\x80-\xff])){1,8}+((?<=\.)[A-Za-z\x80-\xff]" + _LABEL + rb")"
)
_LOCAL = b"!'+-._0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + bytes(
    octet for octet in range(0x80, 0xD5) if octet not in (0xC0, 0xC1, 0xC2)
)
"""Letters beyond ASCII are those of Europe (two octets in UTF-8), since in other scripts no space need
stand before an address."""
_NO_BEGINNING = b"!'+-." + bytes(range(0x80, 0xC0))
_FILES = frozenset(
    b"avif cjs css eot gif gz htm html ico jpeg jpg js json map mjs mp3 mp4 otf pdf png svg tgz ttf wasm webm webp "
    b"woff woff2 xml".split()
)
"""Last parts of names such as logo@2x.png, which are files and no domains."""


def emails(text: bytes, stand_ins: StandIns) -> Iterator[Span]:
    """E-mail addresses, also with letters beyond ASCII (RFC 6531)."""
    end = 0
    at = text.find(b"@")
    while at >= 0:
        window = text[max(end, at - _WINDOW_BYTES) : at]
        local = window[len(window.rstrip(_LOCAL)) :].lstrip(_NO_BEGINNING)
        domain = _domain_end(text, at + 1) if local else 0
        if domain:
            address = text[at - len(local) : domain]
            end = domain
            masked = MASKED.fullmatch(address)
            yield Span(
                at - len(local), end, *((address, "") if masked else (stand_ins.email(address), "email"))
            )
        at = text.find(b"@", max(end, at + 1))


def userinfo(text: bytes, stand_ins: StandIns) -> Iterator[Span]:
    """What stands between :// and @, user and password each for itself."""
    for found in _USERINFO.finditer(text):
        parts = found[1].split(b":", 1)
        masked = [
            part if not part or MASKED.fullmatch(part) else stand_ins.opaque(plain(part)) for part in parts
        ]
        if masked != parts:
            yield Span(*found.span(1), b":".join(masked), "userinfo")


def _domain_end(text: bytes, start: int) -> int:
    """Where a domain ends that begins here; 0 where none does."""
    domain = _DOMAIN.match(text, start)
    if domain is None or domain[1].lower() in _FILES:
        return 0
    return domain.end()
