"""Bodies read and made again.

Two layers lie over what a message says: transfer codings (chunked, seldom another one) and content codings (gzip and
its kin). Reading takes both off; making puts the same ones on again, so that a target receives what it would have
received, but for the change. Content-Length is corrected where there is one; a chunked body becomes one chunk, and
its trailers stay. Fields that speak of the old octets (Content-MD5, Digest, Content-Digest, ETag, signatures) are
left as they are: whether a target checks them only its owner knows, and a rule can remove them.
"""

import re
from typing import TypeVar

import msgspec

from shadowtap.content.codings import Reason, Unreadable, decode, encode
from shadowtap.content.head import add_field, replace_target, safe_target, set_field, values
from shadowtap.content.media import charset_of_bom, codec, media_type_and_charset
from shadowtap.events import Request, Response, replace
from shadowtap.http1 import payload

_DESCRIBING = re.compile(
    rb"\n(content-type|content-encoding|transfer-encoding)[ \t]*+:((?:[^\n]++|\n[ \t])*+)"
).findall
_CHUNK_SIZE = re.compile(rb"[ \t\f\v]*0*([0-9a-fA-F]{1,15})[ \t\f\v]*(?:;[^\n]*)?\r?\n")
_JSON_LEAD = b"\xef\xbb\xbf \t\r\n"
_SPARE_BYTES = 1024
"""What codings one over the other may add to octets that do not shrink."""

Message = TypeVar("Message", Request, Response)


class Content(msgspec.Struct, frozen=True, gc=False):
    """What a body says. `data` has no codings any more; it begins with its byte order mark where it has one.

    `media_type` is in lower case without parameters, empty where none is named; `charset` is what the byte order
    mark or the header names, in lower case, None where neither does. `codings` are those that were undone, in the
    order in which they were applied. `cut` is True where the body or a coded stream broke off: there was more.
    """

    media_type: str
    charset: str | None
    data: bytes
    codings: tuple[str, ...] = ()
    cut: bool = False

    @property
    def is_json(self) -> bool:
        """Whether it calls itself JSON, or nothing, and looks like an object or a list."""
        kind = self.media_type
        if not kind:
            return self.data.lstrip(_JSON_LEAD)[:1] in (b"{", b"[")
        return kind in ("application/json", "text/json") or kind.endswith("+json")

    @property
    def text(self) -> str:
        """The data as text: in its charset, else as UTF-8, else as Latin-1. Never raises."""
        name = codec(self.charset) if self.charset else "utf-8"
        for charset in (name, "utf-8"):
            try:
                return self.data.decode(charset or "utf-8").removeprefix("\ufeff")
            except UnicodeError:
                continue
        return self.data.decode("latin-1")


def content_of(message: Request | Response, *, limit_bytes: int) -> Content | Unreadable:
    """What a message says, at most `limit_bytes` octets of it decoded, else it is unreadable. Never raises."""
    if isinstance(message, Response) and message.body_bytes and not message.body:
        return Unreadable(Reason.NOT_KEPT, "the octets of this answer were not kept")
    content = read_content(message.head, message.body, message.chunked, limit_bytes=limit_bytes)
    if message.fault is not None and isinstance(content, Content) and not content.cut:
        return msgspec.structs.replace(content, cut=True)
    return content


def read_content(head: bytes, body: bytes, chunked: bool, *, limit_bytes: int) -> Content | Unreadable:
    """As `content_of`, for a head and the body behind it with its chunked framing."""
    content_type, codings = _described(head)
    media_type, charset = media_type_and_charset(content_type) if content_type else ("", None)
    octets, cut = payload(body, chunked), False
    if codings and octets:
        decoded = decode(octets, codings, limit_bytes)
        if isinstance(decoded, Unreadable):
            return decoded
        octets, cut = decoded
    elif len(octets) > limit_bytes:
        return Unreadable(Reason.TOO_LARGE, f"more than {limit_bytes} octets")
    return Content(media_type, charset_of_bom(octets) or charset, octets, codings, cut)


def with_content(message: Message, data: bytes) -> Message:
    """The message with other octets in the same codings; the message itself where it says these octets already.
    A body that `content_of` cannot read should not be changed: what comes out would lack what was not understood."""
    was = content_of(message, limit_bytes=len(data) + _SPARE_BYTES)
    if isinstance(was, Content) and was.data == data and not was.cut:
        return message
    head, body = make_body(message.head, message.body, message.chunked, data)
    if isinstance(message, Request):
        if body and not message.chunked and not values(head, b"content-length"):
            head = add_field(head, b"Content-Length", b"%d" % len(body))
        return replace(message, head=head, body=body)
    return replace(message, head=head, body=body, body_bytes=len(body))


def make_body(head: bytes, body: bytes, chunked: bool, data: bytes) -> tuple[bytes, bytes]:
    """Head and body that say `data` in the codings of the ones given. A length is corrected, never added."""
    old = payload(body, chunked)
    new = encode(data, _described(head)[1], old)
    if chunked:
        return head, _chunked(new, _trailers(body))
    return (set_field(head, b"content-length", b"%d" % len(new)) if _has_length(head) else head), new


def with_head(message: Message, head: bytes) -> Message:
    """The message with another head, of the same start line; the message itself where the head is the same."""
    return message if head is message.head else replace(message, head=head)


def with_target(request: Request, target: bytes) -> Request:
    """The request with another request target, in its head too; the request itself where it has it already."""
    if target == request.target:
        return request
    target, head, start = safe_target(target), request.head, len(request.method) + 1
    if head.startswith(request.target + b" HTTP/", start):
        head = b"".join((head[:start], target, head[start + len(request.target) :]))
    else:
        head = replace_target(head, target)
    return replace(request, target=target, head=head)


def is_chunked(head: bytes) -> bool:
    """Whether a head says that its body is chunked: for answers of targets, of which only the octets are kept."""
    lower = head.lower()
    if b"\ntransfer-encoding" not in lower:
        return False
    return b"chunked" in [
        coding.strip() for coding in b",".join(values(lower, b"transfer-encoding")).split(b",")
    ]


def _described(head: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The Content-Type in lower case, and the content codings and, over them, the transfer codings other than
    chunked, in lower case, as they were applied."""
    content_type, content, transfer = b"", b"", b""
    for name, value in _DESCRIBING(head.lower()):
        if name == b"content-type":
            content_type = content_type or value
        elif name == b"content-encoding":
            content += value + b","
        elif value not in (b" chunked\r", b"chunked\r"):
            transfer += value + b","
    if not (content or transfer):
        return content_type, ()
    codings = [coding.strip(b" \t\r\n") for coding in (content + transfer).split(b",")]
    known = [coding.decode("latin-1") for coding in codings if coding not in (b"", b"chunked", b"identity")]
    return content_type, tuple(known)


def _has_length(head: bytes) -> bool:
    return b"\ncontent-length" in head.lower()


def _chunked(octets: bytes, trailers: bytes) -> bytes:
    chunk = b"%x\r\n%b\r\n" % (len(octets), octets) if octets else b""
    return b"%b0\r\n%b" % (chunk, trailers)


def _trailers(body: bytes) -> bytes:
    """What stands behind the last chunk: trailer fields and the empty line (RFC 9112, section 7.1.2)."""
    pos = 0
    while (size := _CHUNK_SIZE.match(body, pos)) is not None:
        length = int(size[1], 16)
        if not length:
            return body[size.end() :] or b"\r\n"
        pos = body.find(b"\n", size.end() + length) + 1
        if not pos:
            break
    return b"\r\n"
