"""One segment of a path → what it is called in a template: itself, or the class of identifier it looks like.

A class is only given where a route's own name practically never looks like that, because two routes that fall
together cannot be told apart any more, while identifiers that are not recognised are learned from their number
(`tree.py`). So `v2`, `oauth2` and `CamelCaseNames` stay, `deadbeef` stays (no digit), `3f2a1b9c` is a hash.
"""

import re

MAX_SEGMENT = 64
"""Characters of a segment that may stay as it is: what is longer is `{text}`, no route is."""
MAX_PATTERN = 256
"""Characters of a segment that the patterns are tried on, so that none can be made to run long."""

_DIGITS = re.compile(r"-?[0-9]{1,40}\Z")
_WHOLE = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z", re.I), "{uuid}"),
    (
        re.compile(r"(?:19|20)\d\d-[01]?\d(?:-[0-3]?\d)?(?:[T_ ][0-2]?\d[\d:.\-]*(?:Z|[+-][\d:]+)?)?\Z"),
        "{date}",
    ),
    (re.compile(r"(?:\d{1,3}\.){3}\d{1,3}\Z"), "{address}"),
    (re.compile(r"(?=.*:.*:)[0-9a-f:.]{3,45}\Z", re.I), "{address}"),
    (re.compile(r"-?\d+\.\d+\Z"), "{number}"),
    (re.compile(r"-?\d+(?:\.\d+)?(?:,-?\d+(?:\.\d+)?)+\Z"), "{ids}"),
    (re.compile(r"[^@/\s]+@[^@/\s]+\.[^@/\s]+\Z"), "{email}"),
    (re.compile(r"(?=.*[0-9])(?=.*[a-f])[0-9a-f]{8,128}\Z", re.I), "{hash}"),
)
_JOINED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~+="
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*\Z")
_TOKEN = re.compile(r"[A-Za-z0-9_~+-]{16,}={0,2}\Z")
_FILES = (
    "aspx?|avif|axd|bmp|bz2|cgi|css|csv|cur|docx?|do|eot|exe|gif|gz|html?|ico|ics|jar|jpe?g|js|jsx|json|jsonld|jsp|"
    "less|m3u8|m4a|m4s|map|md|mjs|mov|mp3|mp4|mpd|ogg|otf|pdf|php|png|pptx?|rss|scss|svg|swf|tar|tiff?|tgz|ts|tsx|ttf|"
    "txt|vtt|wasm|wav|webm|webmanifest|webp|woff2?|xhtml|xlsx?|xml|ya?ml|zip|zst"
)
_FILE = re.compile(rf"(.+?)((?:\.min|\.bundle|\.chunk)?(?:\.(?:{_FILES}))(?:\.(?:map|gz|br|zst))?)\Z", re.I)
_PARTS = re.compile(r"([-._~])")
_PARAMETER = re.compile(r"\{\w+\}(?:\.[\w.]+)?\Z")
_LEFT_ALONE = re.compile(r"[A-Za-z~_-]*\Z")


def piece(segment: str) -> str:
    """What a segment is called: `42` → `{id}`, `app.3f2a1b9c.js` → `app.{hash}.js`, `order-1234` → `order-{id}`."""
    if len(segment) <= 15 and _LEFT_ALONE.match(segment):
        return segment
    if _DIGITS.match(segment):
        return "{id}"
    if len(segment) > MAX_PATTERN:
        return "{token}" if _JWT.match(segment) or _looks_random(segment) else "{text}"
    if _JWT.match(segment):
        return "{token}"
    for pattern, name in _WHOLE:
        if pattern.match(segment):
            return name
    if _looks_random(segment):
        return "{token}"
    named = _inner(segment)
    return "{text}" if len(named) > MAX_SEGMENT else named


def extension(named: str) -> str:
    """The extension of a file's name, with its dot; empty where there is none."""
    file = _FILE.match(named)
    return file[2] if file else ""


def is_parameter(named: str) -> bool:
    """Whether nothing but an identifier stood there, perhaps with an extension."""
    return _PARAMETER.match(named) is not None


def _inner(segment: str) -> str:
    """Identifiers inside of a segment: between dots, dashes and underscores."""
    file = _FILE.match(segment)
    stem, suffix = (file[1], file[2]) if file else (segment, "")
    if suffix and (whole := _part(stem, least_digits=1)) != stem:
        return whole + suffix
    return "".join(_part(part, least_digits=3) for part in _PARTS.split(stem)) + suffix


def _part(part: str, least_digits: int) -> str:
    if part.isascii() and part.isdigit():
        return "{id}" if len(part) >= least_digits else part
    for pattern, name in _WHOLE:
        if name in ("{uuid}", "{hash}") and pattern.match(part):
            return name
    return "{token}" if _looks_random(part) else part


def _looks_random(text: str) -> bool:
    """Base64- or base32-like: 16 characters or more whose kind (capital, small, digit) changes more often than in
    words, however they are joined. Random base64 changes at about 0.6 of the places, CamelCase at a third; base32,
    which has one case, still has its digits all over."""
    if not _TOKEN.match(text) or len(text) > 4096:
        return False
    kinds = text.translate(_KINDS)
    digits = kinds.count("0")
    if not digits or 4 * len(kinds) < 3 * len(text):
        return False
    changes = sum(map(str.__ne__, kinds, kinds[1:]))
    one_case = "A" not in kinds or "a" not in kinds
    return changes >= 0.48 * len(kinds) or (
        one_case and digits >= 3 and changes >= 6 and len(kinds) == len(text)
    )


_KINDS = {
    ord(c): "0" if c.isdigit() else "A" if c.isupper() else "a" if c.isalpha() else None for c in _JOINED
}
