"""What an answer issues, and which of the target's values stands in place of which of production's.

    cookies     by name (Set-Cookie)
    headers     Location by segment; tokens in any other header field
    JSON        by path: tokens anywhere, numbers of resources under `id` and its kin
    texts       (HTML, XML, scripts) tokens by what stands before them: `name="csrf" value="`

Only values that differ make a pair. Bodies that cannot be read or are too long give none.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from shadowtap.compare.header_names import IGNORED
from shadowtap.compare.json_body import NotJson, parse_json
from shadowtap.compare.places import Path, Pattern, place
from shadowtap.compare.sessions.resources import named_resource, path_resource, resource
from shadowtap.compare.sessions.strong import MAX_STRONG, MIN_STRONG, is_named, is_strong, is_weak
from shadowtap.content import Content
from shadowtap.http1 import headers

MAX_BODY = 512 << 10
"""Octets of a body in which values are looked for."""
MAX_VALUES = 2000
"""Values of one answer."""
MAX_DEPTH = 40
_CONTEXT = 64
"""Octets in front of a value that say which it is."""
_NO_VALUES = frozenset(
    name.encode()
    for name in IGNORED
    | {
        "",
        "cache-control",
        "content-security-policy",
        "content-type",
        "etag",
        "expires",
        "last-modified",
        "vary",
    }
)
"""Header fields whose values nobody sends back as what they are."""


_DIGIT = re.compile(rb"[0-9]")
_LONG = re.compile(rb"[A-Za-z0-9_.~+/%-]{12,}")
_WORDS = re.compile(rb"[A-Za-z0-9_.~+/%:=-]{6,}")
_CLOCK = re.compile(
    rb"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\Z|[0-9.]{6,13}\Z"
)
_NAMES = (b"token", b"csrf", b"xsrf", b"sess", b"secret", b"nonce", b"ticket", b"verifier", b"auth", b"key", b"jwt",
          b'"sid"', b'"state"', b'"code"')  # fmt: skip
"""Where a body has neither a long word with a digit nor one of these it issues nothing that is known by itself."""


_REMEMBERED_BYTES = 256
"""Octets of a line of a head of which it is remembered what it issues."""


class Issued(NamedTuple):
    """A value in an answer. `slot` is where it stands, and pairs it with the other answer's; `scope` is empty for a
    value that is known by itself, else `cookie NAME` or `resource NAME`, where it means something; `path` leads to it
    in JSON."""

    slot: str
    value: str
    scope: str
    path: Path = ()

    @property
    def where(self) -> str:
        """The place as users write it: `cookie sid`, `header x-auth`, `body.ticket`."""
        return place(self.path) if self.path else " ".join(self.slot.split(" ")[:2])


class Answered(NamedTuple):
    """An answer: its head, what it says (None where that is not known), the path that was asked for, and whether the
    request may have made something: only then numbers of resources are new."""

    head: bytes
    content: Content | None
    path: str
    makes: bool


def issued(answer: Answered, always: tuple[Pattern, ...] = ()) -> Iterator[Issued]:
    """The values that an answer may issue; `always` are places whose values are bound whatever they look like."""
    for count, value in enumerate(_values(answer, always)):
        if count >= MAX_VALUES:
            return
        yield value


def pairs(
    production: Answered, target: Answered, always: tuple[Pattern, ...] = ()
) -> Iterator[tuple[Issued, str]]:
    """Production's values with the target's that stand in their place, where they differ. A value that is in both
    answers, if only in another place, is no one's own: lists are read in another order sometimes."""
    if not always and not production.makes and not _differ(production.content, target.content):
        production, target = production._replace(content=None), target._replace(content=None)
    theirs: dict[str, str] = {}
    for value in issued(target, always):
        theirs.setdefault(value.slot, value.value)
    mine = list(issued(production, always))
    shared = {value.value for value in mine} & set(theirs.values())
    for value in mine:
        other = theirs.get(value.slot)
        if other is not None and value.value not in shared and other not in shared:
            yield value, other


def unlike(production: bytes, target: bytes) -> tuple[bytes, bytes]:
    """The lines of two heads that are not in the other one, each behind a line feed; the start lines are left out."""
    mine, theirs = production.split(b"\n")[1:], target.split(b"\n")[1:]
    if mine == theirs:
        return b"", b""
    in_mine, in_theirs = frozenset(mine), frozenset(theirs)
    return (
        b"".join([b"\n" + line for line in mine if line not in in_theirs]),
        b"".join([b"\n" + line for line in theirs if line not in in_mine]),
    )


def _differ(production: Content | None, target: Content | None) -> bool:
    """Whether two bodies may issue values that differ, those of clocks aside: a quick look that seldom errs, and then
    only for yes."""
    if production is None or target is None:
        return False
    if len(production.data) > MAX_BODY or len(target.data) > MAX_BODY:
        return False
    at = b"," if production.is_json else b"<"
    theirs = frozenset(target.data.split(at))
    unlike_pieces = at.join([piece for piece in production.data.split(at) if piece not in theirs])
    words = [word for word in _WORDS.findall(unlike_pieces) if not _CLOCK.match(word)]
    if any(len(word) >= MIN_STRONG and not word.isalpha() and _DIGIT.search(word) for word in words):
        return True
    if not unlike_pieces:
        return False
    lower = production.data.lower()
    return any(name in lower for name in _NAMES)


def cookies_set(head: bytes) -> dict[str, str]:
    """The cookies that an answer sets, by name; those it deletes have an empty value."""
    if b"set-cookie" not in head.lower():
        return {}
    return dict(_cookie_pair(value) for name, value in headers(head) if name.lower() == b"set-cookie")


def _cookie_pair(field: bytes) -> tuple[str, str]:
    name, _, value = field.partition(b";")[0].decode("latin-1").partition("=")
    return name.strip(), value.strip().strip('"')


def head_issues(head: bytes, *, makes: bool) -> bool:
    """Whether a head issues a value that looks like one."""
    return any(True for _ in _head_values(head, (), makes=makes))


def _head_values(head: bytes, always: tuple[Pattern, ...], *, makes: bool) -> Iterator[Issued]:
    for line in head.split(b"\n")[1:]:
        if always or len(line) > _REMEMBERED_BYTES:
            yield from _field(line, always, makes=makes)
        else:
            yield from _remembered_field(line, makes=makes)


def _values(answer: Answered, always: tuple[Pattern, ...]) -> Iterator[Issued]:
    yield from _head_values(answer.head, always, makes=answer.makes)
    content = answer.content
    if content is None or not content.data or len(content.data) > MAX_BODY:
        return
    if not (answer.makes or always or may_issue(content.data)):
        return
    if content.is_json:
        try:
            parsed = parse_json(content.data, content.text)
        except NotJson:
            return
        around = path_resource(answer.path) if answer.makes else ""
        yield from _json(parsed, (), around, always, makes=answer.makes)
    elif (
        content.media_type.startswith(("text/", "application/xml", "application/xhtml"))
        or not content.media_type
    ):
        yield from _text(content.data)


def _field(line: bytes, always: tuple[Pattern, ...], *, makes: bool) -> Iterator[Issued]:
    field, _, octets = line.partition(b":")
    name = field.strip(b" \t\r").lower()
    if name == b"set-cookie":
        yield from _cookie(*_cookie_pair(octets))
    elif name not in _NO_VALUES or always:
        yield from _header(name.decode("latin-1"), octets.decode("latin-1").strip(), always, makes=makes)


@lru_cache(maxsize=2048)
def _remembered_field(line: bytes, *, makes: bool) -> tuple[Issued, ...]:
    """Most lines of a head are the same in answer after answer."""
    return tuple(_field(line, (), makes=makes))


def _cookie(name: str, value: str) -> Iterator[Issued]:
    if value and len(value) <= MAX_STRONG:
        strong = is_strong(value) or is_named(name, value)
        yield Issued(f"cookie {name}", value, "" if strong else f"cookie {name}")


def may_issue(data: bytes) -> bool:
    """Whether a body may issue a value that is known by itself; if not, no numbers but those of new things count."""
    lower = data.lower()
    if any(name in lower for name in _NAMES):
        return True
    return any(not word.isalpha() and _DIGIT.search(word) for word in _LONG.findall(data))


def _header(name: str, value: str, always: tuple[Pattern, ...], *, makes: bool) -> Iterator[Issued]:
    if name == "location":
        yield from _location(value, makes=makes)
    elif _meant(always, f"header {name}"):
        yield Issued(f"header {name}", value, "")
    elif name.encode("latin-1") not in _NO_VALUES:
        for at, word in enumerate(value.replace(",", " ").split()):
            if is_strong(word) or is_named(name, word):
                yield Issued(f"header {name} {at}", word, "")


def _location(url: str, *, makes: bool) -> Iterator[Issued]:
    path, _, query = url.partition("?")
    before = ""
    for at, segment in enumerate(path.split("//", 1)[-1].split("/") if "//" in path else path.split("/")):
        value = unquote(segment)
        if is_strong(value):
            yield Issued(f"location {at}", value, "")
        elif makes and before and is_weak(value) and value != before:
            yield Issued(f"location {at}", value, f"resource {resource(before)}")
        before = value
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        value = unquote(value)
        if is_strong(value) or is_named(name, value):
            yield Issued(f"location ?{name}", value, "")


def _json(
    value: Any, path: Path, around: str, always: tuple[Pattern, ...], *, makes: bool
) -> Iterator[Issued]:
    if len(path) > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, dict | list):
                about = (resource(name) or around) if makes else ""
                yield from _json(inner, (*path, name), about, always, makes=makes)
            elif type(inner) is str or ((makes or always) and type(inner) is int):
                yield from _scalar(name, inner, (*path, name), around, always, makes=makes)
    elif isinstance(value, list):
        for at, inner in enumerate(value[:200]):
            if isinstance(inner, dict | list):
                yield from _json(inner, (*path, at), around, always, makes=makes)


def _scalar(
    name: str, value: str | int, path: Path, around: str, always: tuple[Pattern, ...], *, makes: bool
) -> Iterator[Issued]:
    text = value if isinstance(value, str) else str(value) if is_weak(value) else ""
    if not text or len(text) > MAX_STRONG:
        return
    if is_strong(text) or is_named(name, text) or (always and _meant(always, place(path))):
        yield Issued(f"json {path}", text, "", path)
    elif makes and is_weak(value):
        about = named_resource(name, around)
        if about:
            yield Issued(f"json {path}", text, f"resource {about}", path)


def _text(data: bytes) -> Iterator[Issued]:
    seen: dict[bytes, int] = {}
    for found in _TEXT_TOKENS.finditer(data):
        token = found[0].decode("ascii")
        before = data[max(0, found.start() - _CONTEXT) : found.start()]
        context = _RUN.sub(b"*", _OUTSIDE.sub(b"", before))
        name = context.decode("latin-1")
        values = [token] if is_strong(token) or is_named(name, token) else token.split("/")
        for value in values:
            if is_strong(value) or (value is token and is_named(name, value)):
                at = seen[context] = seen.get(context, 0) + 1
                yield Issued(f"text {at} {name}", value, "")


_TOKEN = rb"[A-Za-z0-9_.~+%-]"
_TEXT_TOKENS = re.compile(
    rb"(?<=[\"'])[A-Za-z0-9_.~+%%/-]{12,4096}={0,2}(?=[\"'])|%b{12,4096}={0,2}" % _TOKEN
)
"""What may be a value in a text: within quotes slashes belong to it."""
_OUTSIDE = re.compile(rb"\A(?:.*[>\n]|%b+)\s*" % _TOKEN, re.S)
"""What stands before the tag or the line in which a value is, or the rest of a word."""
_RUN = re.compile(rb"%b{10,}" % _TOKEN)


def _meant(patterns: tuple[Pattern, ...], where: str) -> bool:
    return any(pattern.covers("", where) for pattern in patterns)
