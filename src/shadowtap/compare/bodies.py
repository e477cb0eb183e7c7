"""Compares two bodies by what they are: JSON, HTML, XML, forms, texts, octets.

What a body is follows from its media type, and from its first octets where that says nothing. Two bodies of
different kinds are one difference, `body_type`; so is a body where there should be none. What cannot be read is not
guessed at: the comparison says why it was left out.
"""

from enum import StrEnum

from shadowtap.compare.differences import Differences
from shadowtap.compare.json_body import NotJson, compare_json, parse_json, parse_json_lines
from shadowtap.compare.markup import Element, NotMarkup, parse_html, parse_xml
from shadowtap.compare.texts import compare_forms, compare_octets, compare_texts
from shadowtap.compare.trees import compare_trees
from shadowtap.content import Content


class Kind(StrEnum):
    """What a body is compared as."""

    JSON = "json"
    JSON_LINES = "json lines"
    HTML = "html"
    XML = "xml"
    FORM = "form"
    TEXT = "text"
    BINARY = "binary"


_TYPES = {
    "application/x-ndjson": Kind.JSON_LINES, "application/jsonl": Kind.JSON_LINES,
    "application/json-lines": Kind.JSON_LINES, "text/json": Kind.JSON, "text/html": Kind.HTML,
    "application/xhtml+xml": Kind.HTML, "text/xml": Kind.XML, "application/xml": Kind.XML,
    "application/x-www-form-urlencoded": Kind.FORM, "application/javascript": Kind.TEXT,
    "application/ecmascript": Kind.TEXT, "application/x-javascript": Kind.TEXT, "application/graphql": Kind.TEXT,
    "application/yaml": Kind.TEXT, "application/x-yaml": Kind.TEXT, "application/sql": Kind.TEXT,
}  # fmt: skip


def kind_of(content: Content) -> Kind:
    """What a body is."""
    media = content.media_type
    kind = _TYPES.get(media)
    if kind is not None:
        return kind
    if media.endswith(("/json", "+json")):
        return Kind.JSON
    if media.endswith("+xml"):
        return Kind.XML
    if media.startswith("text/") and media != "text/plain":
        return Kind.TEXT
    return _guessed(content) if media in ("", "text/plain", "application/octet-stream") else Kind.BINARY


def _guessed(content: Content) -> Kind:
    start = content.data[:256].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] in (b"{", b"["):
        return Kind.JSON
    if content.media_type == "" and start[:1] == b"<":
        return Kind.XML if start.startswith(b"<?xml") else Kind.HTML
    if content.media_type == "text/plain" or content.charset:
        return Kind.TEXT
    return Kind.BINARY if b"\0" in content.data[:4096] or not _is_utf8(content.data) else Kind.TEXT


def _is_utf8(octets: bytes) -> bool:
    try:
        octets[:4096].decode()
    except UnicodeDecodeError as error:
        return error.start > 4000
    return True


def compare_bodies(production: Content, target: Content, found: Differences) -> str:
    """Add the differences of two bodies; why they could not be compared, or empty."""
    if production.data == target.data:
        return ""
    if not production.data or not target.data:
        kind = "body_extra" if not production.data else "body_missing"
        found.add(kind, "body", _shown(production, 200), _shown(target, 200))
        return ""
    kind, other = kind_of(production), kind_of(target)
    if kind is not other and not _is_plain(kind, other):
        found.add("body_type", "body", f"{kind}: {_shown(production, 80)}", f"{other}: {_shown(target, 80)}")
        return ""
    return _compare_as(kind, production, target, found)


def _shown(content: Content, most: int) -> str:
    """The beginning of a text. Of octets only how many they are: they say nothing to people, and nobody could find
    the secrets in a piece of a multipart body."""
    if content.data and kind_of(content) is Kind.BINARY:
        return f"{len(content.data)} bytes"
    return content.text[:most]


def _is_plain(kind: Kind, other: Kind) -> bool:
    """A text may have been guessed to be JSON on one side only."""
    return {kind, other} == {Kind.TEXT, Kind.JSON}


def _compare_as(kind: Kind, production: Content, target: Content, found: Differences) -> str:
    if kind is Kind.BINARY:
        compare_octets(production.data, target.data, found)
        return ""
    if kind is Kind.FORM:
        compare_forms(production.text, target.text, found)
        return ""
    if kind is not Kind.TEXT:
        mine, theirs = _tree(kind, production), _tree(kind, target)
        if not isinstance(mine, Unread) and not isinstance(theirs, Unread):
            return _compare_parsed(kind, mine, theirs, found)
        if isinstance(mine, Unread) != isinstance(theirs, Unread):
            found.add(
                f"{kind.split()[0]}_invalid",
                "body",
                f"not readable: {mine}" if isinstance(mine, Unread) else "readable",
                f"not readable: {theirs}" if isinstance(theirs, Unread) else "readable",
            )
            return ""
        if isinstance(mine, Unread) and mine.beyond:
            return f"body: {kind} that is {mine}"
    compare_texts(production.text, target.text, found)
    return ""


class Unread(str):
    """Why a body could not be parsed. `beyond` is True where it was too deep or too large, not wrong."""

    __slots__ = ()

    @property
    def beyond(self) -> bool:
        """Whether a limit was met."""
        return self.startswith(("deeper", "longer", "declaring"))


def _tree(kind: Kind, content: Content) -> object:
    try:
        if kind is Kind.JSON_LINES:
            return parse_json_lines(content.data)
        if kind is Kind.JSON:
            utf8 = content.charset in (None, "utf-8", "utf8") and not content.data.startswith(b"\xef")
            return parse_json(content.data) if utf8 else parse_json(content.text.encode(errors="replace"))
        return parse_html(content.text) if kind is Kind.HTML else parse_xml(content.data, content.charset)
    except (NotJson, NotMarkup) as error:
        return Unread(error)


def _compare_parsed(kind: Kind, production: object, target: object, found: Differences) -> str:
    try:
        if isinstance(production, Element) and isinstance(target, Element):
            compare_trees(production, target, found, kind.value)
        else:
            compare_json(production, target, found)
    except RecursionError:
        return f"body: {kind} that is deeper than can be compared"
    return ""
