"""The parts of a multipart body (RFC 2046, section 5.1; RFC 7578 for forms), found without the header that names the
boundary: the first line that looks like a delimiter is one."""

import re
from typing import NamedTuple

_DELIMITER = re.compile(rb"(?:\A|\n)(--[^\r\n]{1,200}?)[ \t]*\r?\n")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_NAME = re.compile(rb"\bname=(?:\"((?:[^\"\\\r\n]|\\.)*)|([^\s;\"]+))", re.IGNORECASE)
_TYPE = re.compile(rb"^content-type[ \t]*:[ \t]*([^\s;]{1,100})", re.IGNORECASE | re.MULTILINE)
_CODED = re.compile(
    rb"^content-transfer-encoding[ \t]*:[ \t]*(?!7bit|8bit|binary)\S", re.IGNORECASE | re.MULTILINE
)


class Part(NamedTuple):
    """One part by its places: `head` to `body` are header fields and the empty line, `body` to `end` its content.
    `coded` is True where the content has a transfer encoding of its own."""

    head: int
    body: int
    end: int
    name: bytes
    media_type: str
    coded: bool


def parts_of(octets: bytes) -> list[Part] | None:
    """All parts, with what stands in front of the first one and behind the last; None where there is no delimiter."""
    first = _DELIMITER.search(octets)
    if first is None:
        return None
    starts = [found.start() for found in re.finditer(rb"(?:\A|\n)" + re.escape(first[1]), octets)]
    parts = [Part(0, 0, starts[0], b"", "text/plain", False)] if starts[0] else []
    for start, end in zip(starts, [*starts[1:], len(octets)], strict=True):
        parts.append(_part(octets, start, end))
    return parts


def _part(octets: bytes, start: int, end: int) -> Part:
    head_end = _HEAD_END.search(octets, start + 1, end)
    body = end if head_end is None else head_end.end()
    last = end - 1 if end < len(octets) and octets[end - 1 : end] == b"\r" else end
    head = octets[start:body]
    name, kind = _NAME.search(head), _TYPE.search(head)
    return Part(
        start,
        body,
        max(last, body),
        (name[1] or name[2] or b"") if name else b"",
        kind[1].decode("latin-1").lower() if kind else "text/plain",
        _CODED.search(head) is not None,
    )
