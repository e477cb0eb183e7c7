"""Secrets that are known by the name in front of them, in a text of any kind.

One pattern (RE2's) finds the ends of secret names where a value may follow; what is around tells how name and value
are written there, and so where the value begins and ends:

    "name": value            JSON: a string, a number, or all that is within an object or an array
    ?name=value&             a URL within the text
    name="value"             attributes, arguments, assignments
    <name>value</name>       XML
    name="name" value="…"    fields of HTML forms; and {"name": "name", "value": "…"}
    name: value              in plain text only

No value is looked at twice, so hostile texts cost no more than others. Broken ones give what there is.
"""

import re
from collections.abc import Iterator

from shadowtap.masking.linear import group_finder
from shadowtap.masking.names import Names, Place
from shadowtap.masking.pairs import URL_IN_TEXT, Named

NAME_BYTES = 128
"""Longest name that is looked at; what is cut off in front of it cannot make it less secret."""
_TAG_BYTES = 1024
"""How much of a tag is looked at for the value that belongs to a name."""

_NAME = bytes(octet for octet in range(33, 256) if octet not in b"\"'<>=&;,{}()?#|\\`!*^~+")
_SUFFIX = rb"(?:\]|\[[0-9]*\]|%5[BDbd])*"
AFTER = _SUFFIX + rb"(?:[\"']?[ \t\r\n]*[=:]|[ \t\r\n]*>|[\"'][\s/>,]|[ \t\r\n][a-z-]{1,12}=)"
"""What stands behind a name where a value may follow."""

_MEMBER = re.compile(rb"[\"'][ \t\r\n]*+:[ \t\r\n]*+")
_PAIR = re.compile(_SUFFIX + rb"=")
_QUOTED = re.compile(rb"[ \t]{0,8}[=:][ \t\r\n]{0,8}(?=[\"'])")
_TAG_END = re.compile(rb"[ \t\r\n]*+>")
_CONTENT = re.compile(rb"[ \t\r\n]*+(?:<!\[CDATA\[)?([^<\]]*+)")
_SCHEME = rb"(?:(?:apikey|basic|bearer|digest|negotiate|token)[ \t]{1,8})?"
_LOOSE = re.compile(rb"[\"']?[ \t]{0,8}[=:][ \t]{0,8}" + _SCHEME + rb"([^\s\"'&,;<>]++)", re.IGNORECASE)
_STRING = re.compile(rb"\"((?:[^\"\\]++|\\.)*+)|'((?:[^'\\]++|\\.)*+)", re.DOTALL)
_NUMBER = re.compile(rb"-?[0-9][0-9.eE+-]*+")
_TOKEN = re.compile(
    rb"\"((?:[^\"\\]++|\\.)*+)\"?+([ \t\r\n]*+:)?|([{}\[\]])|(-?[0-9][0-9.eE+-]*+)", re.DOTALL
)
_NAMING = re.compile(rb"(?:name|key|field|id)[\"']?[ \t\r\n]{0,8}[=:][ \t\r\n]{0,8}[\"']?\Z", re.IGNORECASE)
_VALUE_MEMBER = re.compile(
    rb"[\"'][ \t\r\n]*+,[ \t\r\n]*+[\"']value[\"'][ \t\r\n]*+:[ \t\r\n]*+", re.IGNORECASE
)
_VALUE_ATTRIBUTE = re.compile(
    rb"\s(?:value|content)\s{0,8}=\s{0,8}(?:\"([^\"<>]*+)|'([^'<>]*+)|([^\s\"'<>]++))", re.IGNORECASE
)


Found = tuple[list[Named], int]
"""Values, and where to look on."""


class Fields:
    """Finds the values of secret names."""

    __slots__ = ("_find", "_names")

    def __init__(self, names: Names) -> None:
        self._names = names
        self._find = group_finder(b"(?i)(" + names.pattern + b")" + AFTER)

    def find(self, text: bytes, *, plain: bool) -> Iterator[Named]:
        """In order, without overlap; `plain` where a name and a value need no syntax around them."""
        at = done = 0
        while (hit := self._find(text, at)) is not None:
            at = hit[1]
            window = text[max(done, at - NAME_BYTES) : at]
            name = window[len(window.rstrip(_NAME)) :]
            in_query = _is_in_query(text, at - len(name))
            if not self._names.is_secret(Place.PARAMETER if in_query else Place.FIELD, name.lstrip(b"/")):
                continue
            values, at = _values(text, done, at, name, in_query, plain)
            yield from values
            done = at


def value_of(text: bytes, name_end: int, name: bytes) -> Found:
    """The value of a JSON member whose name ends there, in front of its quote; nothing where it is no member."""
    member = _MEMBER.match(text, name_end)
    return _json_value(text, member.end(), name) if member else ([], name_end)


def _is_in_query(text: bytes, start: int) -> bool:
    mark = text[start - 1 : start] if start else b""
    return mark in (b"?", b"&", b"#") or (mark == b";" and text.endswith(b"&amp;", 0, start))


def _values(text: bytes, done: int, end: int, name: bytes, in_query: bool, plain: bool) -> Found:
    """The values of the name that ends at `end`; nothing in front of `done` is looked at."""
    start = end - len(name)
    before = text[start - 1 : start] if start else b""
    if (member := _MEMBER.match(text, end)) is not None:
        return _json_value(text, member.end(), name)
    if before in (b'"', b"'", b"=") and _NAMING.search(text, max(start - 40, done), start) is not None:
        return _neighbour(text, done, start, end, name)
    if in_query and (pair := _PAIR.match(text, end)) is not None:
        return _one(URL_IN_TEXT.match(text, pair.end()), 0, name, end)
    if (assigned := _QUOTED.match(text, end)) is not None:
        return _json_value(text, assigned.end(), name)
    if before == b"<" and (tag := _TAG_END.match(text, end)) is not None:
        if name.startswith(b"/"):
            return _in_front(text, done, start - 1, tag.end(), name)
        return _one(_CONTENT.match(text, tag.end()), 1, name, end)
    return _one(_LOOSE.match(text, end), 1, name, end) if plain else ([], end)


def _one(value: re.Match[bytes] | None, group: int, name: bytes, end: int) -> Found:
    if value is None:
        return [], end
    return [Named(*value.span(group), name)], value.end(group)


def _json_value(text: bytes, start: int, name: bytes) -> Found:
    """The value that begins here: a string, a number, or what is within an object or an array."""
    first = text[start : start + 1]
    if first in (b'"', b"'"):
        string = _STRING.match(text, start)
        return _one(string, string.lastindex or 0 if string else 0, name, start)
    if first in (b"{", b"["):
        return _leaves(text, start, name)
    number = _NUMBER.match(text, start)
    return ([Named(*number.span(), name, True)], number.end()) if number else ([], start)


def _leaves(text: bytes, start: int, name: bytes) -> Found:
    """Strings and numbers within an object or an array, to its end or that of the text."""
    leaves: list[Named] = []
    depth = 0
    for token in _TOKEN.finditer(text, start):
        if token[3]:
            depth += 1 if token[3] in b"{[" else -1
            if depth <= 0:
                return leaves, token.end()
        elif not token[2]:
            group = 4 if token[4] else 1
            leaves.append(Named(*token.span(group), name, group == 4))
    return leaves, len(text)


def _in_front(text: bytes, done: int, close: int, end: int, name: bytes) -> Found:
    """What stands in front of a closing tag, which is at `close`."""
    if text.endswith(b"]]>", done, close):
        opening = text.rfind(b"<![CDATA[", done, close)
        start, close = max(opening + 9, done), close - 3
    else:
        start = max(text.rfind(b">", done, close) + 1, done)
    return [Named(start, close, name)] if start < close else [], end


def _neighbour(text: bytes, done: int, start: int, end: int, name: bytes) -> Found:
    """The value that stands in a member or an attribute of its own, beside the one that holds the name."""
    if (member := _VALUE_MEMBER.match(text, end)) is not None:
        return _json_value(text, member.end(), name)
    opening = text.rfind(b"<", max(start - _TAG_BYTES, done), start)
    closing = text.find(b">", end, end + _TAG_BYTES)
    if opening < 0 or closing < 0:
        return [], end
    found = _VALUE_ATTRIBUTE.finditer(text, opening, closing)
    values = [Named(*attribute.span(attribute.lastindex or 0), name) for attribute in found]
    return values, max(end, values[-1].end) if values else end
