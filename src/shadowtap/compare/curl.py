"""A request as a curl command that makes it again.

Whatever a shell or curl itself could take for something else is quoted or left out: a header or body that begins with
`@` names no file here. A body that is long, coded or not text has to be saved as the file `body` first.
"""

import re
import shlex

from shadowtap.content import content_of
from shadowtap.content.codings import Unreadable
from shadowtap.events import Request
from shadowtap.http1 import headers

MAX_BODY = 4096
"""Octets of a body that stand in the command."""
_LEFT_OUT = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"expect", b"x-shadowtap-replay")
)  # fmt: skip
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_FROM_FILE = ["--data-binary", "@body"]
_WORD = re.compile(r"[\w@%+=:,./-]+\Z")


def curl(request: Request, base: str) -> str:
    """The command; `base` is scheme and authority, such as `http://next.example:8080`."""
    method, target = _text(request.method), _text(request.target)
    words = ["curl", "-i", "--path-as-is", "--globoff"]
    if method != "GET" or request.body:
        words += ["-I"] if method == "HEAD" else ["-X", method]
    for name, value in headers(request.head):
        if name.lower() not in _LEFT_OUT and _NAME.match(name):
            words += ["-H", f"{_text(name)}: {_text(value)}" if value else f"{_text(name)};"]
    if request.body:
        words += _body(request)
    if not target.startswith("/"):
        words += ["--request-target", target]
        target = "/"
    return " ".join(_quoted(word) for word in [*words, base.rstrip("/") + target])


def _body(request: Request) -> list[str]:
    content = content_of(request, limit_bytes=MAX_BODY)
    if isinstance(content, Unreadable) or content.codings or b"\0" in content.data:
        return _FROM_FILE
    try:
        return ["--data-raw", content.data.decode()]
    except UnicodeDecodeError:
        return _FROM_FILE


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "backslashreplace")


def _quoted(word: str) -> str:
    """For a POSIX shell; with control characters, which have no place between plain quotes, for bash ($'…')."""
    if _WORD.match(word):
        return word
    if word.isprintable():
        return shlex.quote(word)
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return "$'" + "".join(c if c.isprintable() else _escape(c) for c in escaped) + "'"


def _escape(c: str) -> str:
    return (
        f"\\x{ord(c):02x}"
        if ord(c) < 0x80
        else f"\\u{ord(c):04x}"
        if ord(c) < 0x10000
        else f"\\U{ord(c):08x}"
    )
