"""Start lines, and the few header fields that decide where a message ends.

Header fields are parsed only when someone asks (`headers`, `field`); framing looks for Content-Length and
Transfer-Encoding in the lower-cased head, since nearly all requests have neither.
"""

import re
from typing import NamedTuple

from shadowtap.events import Flag

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"

REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb"{1,32}) ([^ \r\n]+) HTTP/(1\.[01])\r?\n")
LOOSE_REQUEST_LINE = re.compile(
    rb"(" + _TOKEN + rb"{1,32}+)[ \t]++((?:[^ \t\r\n]++|[ \t]++(?!HTTP/[01]\.\d[ \t]*+\r?\n))*+)"
    rb"[ \t]++HTTP/([01]\.\d)[ \t]*+\r?\n",
    re.IGNORECASE,
)
STATUS_LINE = re.compile(rb"HTTP/(\d\.\d)[ \t]++(\d\d\d)(?:[ \t]++([^\r\n]*+))?\r?\n")
"""None of the patterns here steps back over what it has passed, so hostile lines cost no more than others."""

REQUEST_PREFIX = re.compile(_TOKEN + rb"{1,32}(?:[ \t][^\r\n\0]*)?\r?\Z")
"""What a request line may look like while its end has not come."""

EMPTY_LINES = re.compile(rb"[\r\n]+")
"""What may stand in front of a start line (RFC 9112, section 2.2)."""

_PROXY_1 = re.compile(rb"PROXY [^\r\n]{1,100}\r\n")
_PROXY_2 = b"\0\r\nQUIT\n"
_FOLD = re.compile(rb"\n[ \t]")
_FRAMING = re.compile(rb"\n(content-length|transfer-encoding)([ \t]*):((?:[^\r\n]|\r?\n[ \t])*)")
_LENGTH = re.compile(rb"0*[0-9]{1,18}\Z")

MAX_LENGTH = 1 << 50
"""A Content-Length beyond this (1 PiB) is taken for an error."""


class Framing(NamedTuple):
    """What the header says of the body: `length` is None where no valid Content-Length is there."""

    length: int | None
    chunked: bool
    other_coding: bool
    flags: tuple[Flag, ...]


NO_FRAMING = Framing(None, False, False, ())


def framing(head: bytes) -> Framing:
    """Read the framing fields of a head (RFC 9112, section 6). Cheap when there are none."""
    lower = head.lower()
    if b"\ncontent-length" not in lower and b"\ntransfer-encoding" not in lower:
        return NO_FRAMING
    return _framing(lower)


def _framing(lower: bytes) -> Framing:
    lengths: list[int | None] = []
    codings: list[bytes] = []
    odd = False  # a spelling that some readers take for this field and value and others do not
    for name, space, value in _FRAMING.findall(lower):
        plain = [part.strip(b" \t\r\n") for part in value.split(b",")]
        parts = [part.strip(b"\f\v\0 \t\r\n") for part in plain]
        odd |= bool(space) or plain != parts
        if name == b"content-length":
            lengths += [int(part) if _LENGTH.match(part) else None for part in parts]
        else:
            codings += [part for part in parts if part]
    flags: list[Flag] = []
    valid = [length for length in lengths if length is not None and length < MAX_LENGTH]
    chunked = b"chunked" in codings
    other = bool(codings) and codings[-1] not in (b"chunked", b"identity")
    twisted = other or (chunked and codings.index(b"chunked") != len(codings) - 1)
    if len(valid) < len(lengths) or odd:
        flags.append(Flag.MALFORMED_HEADER)
    if len(set(valid)) > 1 or len(valid) < len(lengths) or (valid and codings) or twisted or odd:
        flags.append(Flag.AMBIGUOUS_LENGTH)
    return Framing(valid[0] if valid and len(valid) == len(lengths) else None, chunked, other, tuple(flags))


def is_folded(head: bytes) -> bool:
    """Whether a header field goes on in the next line (RFC 9112, section 5.2)."""
    return _FOLD.search(head) is not None


def proxy_end(data: bytes, pos: int) -> int:
    """The position behind a header of the PROXY protocol (haproxy.org, proxy-protocol.txt), version 1 or 2, of which
    the empty lines in front were taken already; `pos` where there is none, or not all of it."""
    first = _PROXY_1.match(data, pos)
    if first is not None:
        return first.end()
    if not data.startswith(_PROXY_2, pos) or len(data) < pos + 12:
        return pos
    end = pos + 12 + int.from_bytes(data[pos + 10 : pos + 12])
    return end if end <= len(data) else pos


def headers(head: bytes) -> list[tuple[bytes, bytes]]:
    """The header fields of a head, in order: names as they were, values without surrounding white space.

    Folded lines are joined with one space (RFC 9112, section 5.2); a line without a colon becomes a name with
    an empty value.
    """
    fields: list[tuple[bytes, bytes]] = []
    for line in head.split(b"\n")[1:]:
        text = line.rstrip(b"\r")
        if not text:
            continue
        if text[:1] in b" \t" and fields:
            name, value = fields[-1]
            fields[-1] = (name, (value + b" " + text.strip(b" \t")).strip(b" "))
            continue
        name, _, value = text.partition(b":")
        fields.append((name.strip(b" \t"), value.strip(b" \t")))
    return fields


def field(head: bytes, name: bytes) -> bytes | None:
    """The first value of a header field, `name` in lower case; None where it is not there."""
    lower = head.lower()
    at = lower.find(b"\n" + name)
    while at >= 0:
        colon = at + 1 + len(name)
        while lower[colon : colon + 1] in (b" ", b"\t"):
            colon += 1
        if lower[colon : colon + 1] == b":":
            end = head.find(b"\n", colon)
            return head[colon + 1 : end if end >= 0 else len(head)].strip(b" \t\r")
        at = lower.find(b"\n" + name, at + 1)
    return None
