"""What a Content-Type says (RFC 9110, section 8.3): media type and charset."""

import codecs
import re
from functools import lru_cache

_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s\";]{1,40})", re.IGNORECASE)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BOM_OCTETS = frozenset((b"\xef", b"\xff", b"\xfe", b"\0"))
_CACHED_BYTES = 200
"""Values longer than this are read anew each time, so that the cache holds less than a megabyte."""
_PLAIN = re.compile(
    r"utf-(?:8|16|32)|iso8859-|cp\d|mac-|koi8-|gb|big5|euc_|iso2022_|shift_jis|johab|ascii|tis-620|hz"
)
"""Python's names of codecs that turn text into octets and nothing else; the names of others (punycode,
unicode-escape, zip) may stand in a header too."""


def media_type_and_charset(value: bytes) -> tuple[str, str | None]:
    """Of a Content-Type: the media type in lower case without parameters, and the charset in lower case where one
    is named, known to Python or not."""
    return _known(value) if len(value) <= _CACHED_BYTES else _read(value)


def charset_of_bom(octets: bytes) -> str | None:
    """The charset that a byte order mark announces, which counts more than what the header says."""
    if octets[:1] not in _BOM_OCTETS:
        return None
    return next((charset for mark, charset in _BOMS if octets.startswith(mark)), None)


@lru_cache(maxsize=256)
def codec(charset: str) -> str | None:
    """Python's name for a charset; None where it knows none."""
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return None
    return name if _PLAIN.match(name) else None


def _read(value: bytes) -> tuple[str, str | None]:
    text = value.decode("latin-1")
    charset = _CHARSET.search(text)
    return text.partition(";")[0].strip().lower(), charset[1].lower() if charset else None


_known = lru_cache(maxsize=1024)(_read)
