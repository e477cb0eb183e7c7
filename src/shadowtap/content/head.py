"""Edits of a head that leave every other octet as it was: order, case, spacing, line ends and oddities.

A field is its line with the lines that continue it (RFC 9112, section 5.2); names are matched in any case, and also
where white space stands before the colon, since some servers read such a line as a field. What is put in cannot
break out of its place: CR, LF and NUL in a value become spaces (RFC 9110, section 5.5), white space and control
octets in a target are percent-encoded.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from shadowtap.http1.head import LOOSE_REQUEST_LINE

_VALUE = rb"((?:[^\n]++|\n[ \t])*+)"
_FIELD = re.compile(rb"\n([^\s:][^:\n]*+):" + _VALUE)
_BREAKS = re.compile(rb"[\r\n\0]")
_NO_TARGET = re.compile(rb"[\x00-\x20\x7f]")
_OLD_LINE = re.compile(rb"\S+[ \t]+([^\r\n]*)")


def values(head: bytes, name: bytes) -> list[bytes]:
    """The values of all fields of this name, in order, folded lines joined by a space."""
    return [_unfolded(found[1]) for found in _fields_named(name.lower()).finditer(head)]


def set_field(head: bytes, name: bytes, value: bytes) -> bytes:
    """The head with this value in its first field of this name and no other field of the name; the field is added
    at the end where there was none. The field keeps its name's case and the space behind its colon."""
    pattern = _fields_named(name.lower())
    first = pattern.search(head)
    if first is None:
        return add_field(head, name, value)
    start, stop = first.span(1)
    old = first[1]
    lead = old[: len(old) - len(old.lstrip(b" \t"))] if old.strip(b" \t\r\n") else b" "
    rest = head[stop:]
    if pattern.search(rest) is not None:
        rest = _without(rest, pattern)
    return b"".join((head[:start], lead, _safe(value), b"\r" if old.endswith(b"\r") else b"", rest))


def add_field(head: bytes, name: bytes, value: bytes) -> bytes:
    """The head with one more field, behind the others. Where the head breaks off before its empty line, the field
    stands at the end of what there is."""
    if head.endswith(b"\n\r\n"):
        end, line_end = len(head) - 2, b"\r\n"
    elif head.endswith(b"\n\n"):
        end, line_end = len(head) - 1, b"\n"
    else:
        end, line_end = len(head), b"\r\n"
        if not head.endswith(b"\n"):
            head += line_end
            end += len(line_end)
    return b"".join((head[:end], name, b": ", _safe(value), line_end, head[end:]))


def remove_field(head: bytes, name: bytes) -> bytes:
    """The head without its fields of this name; the same object where there is none."""
    return _without(head, _fields_named(name.lower()))


def map_fields(head: bytes, change: Callable[[bytes, bytes], bytes | None]) -> bytes:
    """The head with each field's value changed by `change(name, value)`: name as it is written, value unfolded and
    without white space around it. The same value leaves the field's octets alone; None removes the field."""
    parts: list[bytes] = []
    pos = 0
    for found in _FIELD.finditer(head):
        value = _unfolded(found[2])
        new = change(found[1].rstrip(b" \t"), value)
        if new == value:
            continue
        if new is None:
            parts.append(head[pos : found.start()])
        else:
            start, old = found.start(2), found[2]
            lead = old[: len(old) - len(old.lstrip(b" \t"))]
            parts += (head[pos:start], lead, _safe(new), b"\r" if old.endswith(b"\r") else b"")
        pos = found.end()
    if not pos:
        return head
    parts.append(head[pos:])
    return b"".join(parts)


def replace_line(head: bytes, line: bytes) -> bytes:
    """The head with another start line, which is given without its line end."""
    end = head.find(b"\n")
    end = len(head) if end < 0 else end - 1 if head[end - 1 : end] == b"\r" else end
    return _safe(line) + head[end:]


def replace_target(head: bytes, target: bytes) -> bytes:
    """The head of a request with another request target (RFC 9112, section 3.2)."""
    found = LOOSE_REQUEST_LINE.match(head)
    if found is not None:
        start, stop = found.span(2)
    else:
        line = _OLD_LINE.match(head)
        if line is None:
            return head
        start, stop = line.span(1)
    return b"".join((head[:start], safe_target(target), head[stop:]))


def safe_target(target: bytes) -> bytes:
    """A request target with white space and control octets percent-encoded."""
    return _NO_TARGET.sub(lambda octet: b"%%%02X" % octet[0][0], target)


@lru_cache(maxsize=1024)
def _fields_named(lower: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"\n" + re.escape(lower) + rb"[ \t]*+:" + _VALUE, re.IGNORECASE)


def _without(head: bytes, pattern: re.Pattern[bytes]) -> bytes:
    """Without the lines of one field. A match runs from the LF before its line to the LF of its own, which stays."""
    return pattern.sub(b"", head) if pattern.search(head) is not None else head


def _safe(value: bytes) -> bytes:
    return _BREAKS.sub(b" ", value) if _BREAKS.search(value) is not None else value


def _unfolded(value: bytes) -> bytes:
    if b"\n" in value:
        return b" ".join(line.strip(b" \t\r") for line in value.split(b"\n")).strip(b" ")
    return value.strip(b" \t\r")
