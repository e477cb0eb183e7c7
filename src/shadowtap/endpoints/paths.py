"""The target of a request → the segments of its path, in one spelling.

Percent-encoding is made uniform (RFC 3986, section 6.2.2), the query, the fragment and parameters behind `;` are
left away, empty segments too. A brace is encoded, so that no path can look like a template.
"""

import re
from urllib.parse import quote, unquote_to_bytes

MAX_DEPTH = 16
"""Segments of a path that are looked at; what is deeper becomes `**`."""
MAX_PATH = 4096
"""Octets of a path that are looked at; the rest is cut off before anything else."""

_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]{0,20}://[^/]*")
_PLAIN = re.compile(rb"[A-Za-z0-9/_.~-]*\Z")
_SAFE = "!$&'()*+,:=@ "
"""What may stay in a segment beside letters and digits: pchar without `;` (RFC 3986, section 3.3), and the space."""


def path_of(target: bytes) -> bytes:
    """The path of a request target: without query, and without scheme and host where it has them."""
    path = target[:MAX_PATH].partition(b"?")[0].partition(b"#")[0]
    if not path.startswith(b"/"):
        absolute = _ABSOLUTE.match(path)
        if absolute is not None:
            return path[absolute.end() :] or b"/"
    return path


def segments(path: bytes) -> tuple[list[str], bool]:
    """The segments of a path, decoded where that is harmless, and whether it ends with a slash."""
    parts = [part for part in path.split(b"/") if part]
    found = [_spelled(part) for part in parts[:MAX_DEPTH]]
    if len(parts) > MAX_DEPTH:
        found.append("**")
    return found, path.endswith(b"/") and bool(parts)


def _spelled(part: bytes) -> str:
    if _PLAIN.match(part):
        return part.decode()
    octets = unquote_to_bytes(part.partition(b";")[0])
    return quote(octets, safe=_SAFE).replace(" ", "%20") or ";"
