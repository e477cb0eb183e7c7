"""Secrets that are known by the name in front of them, in a text of any kind.

One pattern (RE2's) finds the ends of secret names where a value follows; what is around tells how name and value are
written there, and so where the value begins and ends:

    "name": value            JSON: a string, a number, or all within an object or an array
    ?name=value&             queries and forms
    name="value"             attributes, arguments, assignments
    <name>value<             XML
    name="name" value="…"    fields of HTML forms; also {"name": "name", "value": "…"}
    name: value              in plain text only

No value is looked at twice, so hostile texts cost no more than others. Broken ones give what there is.
"""

import re
from enum import Enum
from typing import NamedTuple

NAME_BYTES = 128
"""Longest name that is looked at; what is cut off in front of it cannot make it less secret."""
_TAG_BYTES = 2048
"""How much of a tag is looked at for the value that belongs to a name."""


class Text(Enum):
    """What kind of text it is, where that makes a difference."""

    URL = "url"
    FORM = "form"
    HEADER = "header"
    PLAIN = "plain"
    MARKUP = "markup"
    """JSON, XML, HTML, scripts and everything else that has a syntax of its own."""


class Named(NamedTuple):
    """`text[start:end]` is the value of a secret name."""

    start: int
    end: int
    name: bytes
    is_number: bool = False
    """Whether a number must take its place."""


_NAME_END = bytes(octet for octet in range(33, 256) if octet not in b"\"'<>=&;,{}()?#|\\`!*^~+")
_AFTER = rb"(?:\]|\[[0-9]*\])*(?:[\"']?[ \t\r\n]*[=:]|[ \t\r\n]*>|[ \t\r\n][^<>]*>|[\"'][\s/>,])"

_MEMBER = re.compile(rb"[\"'][ \t\r\n]*+:[ \t\r\n]*+")
_PAIR = re.compile(rb"(?:\]|\[[0-9]*+\])*+=")
_QUOTED = re.compile(rb"[ \t]{0,8}[=:][ \t\r\n]{0,8}(?=[\"'])")
_ELEMENT = re.compile(rb"(?:[ \t\r\n][^<>]{0,2048})?>[ \t\r\n]*+(?:<!\[CDATA\[)?")
_LOOSE = re.compile(
    rb"[\"']?[ \t]{0,8}[=:][ \t]{0,8}(?:(?:bearer|basic|digest|token|negotiate|apikey)[ \t]{1,8}(?=[^\s]))?",
    re.IGNORECASE,
)
_STRING = re.compile(rb"\"((?:[^\"\\]++|\\.)*+)|'((?:[^'\\]++|\\.)*+)", re.DOTALL)
_NUMBER = re.compile(rb"-?[0-9][0-9.eE+-]*+")
_TOKEN = re.compile(
    rb"\"((?:[^\"\\]++|\\.)*+)\"?+([ \t\r\n]*+:)?|([{}\[\]])|(-?[0-9][0-9.eE+-]*+)", re.DOTALL
)
_NAME_FIELD = re.compile(
    rb"(?:name|key|field|id)[\"']?[ \t\r\n]{0,8}[=:][ \t\r\n]{0,8}[\"']\Z", re.IGNORECASE
)
_VALUE_FIELD = re.compile(
    rb"[\"'][ \t\r\n]*+,[ \t\r\n]*+[\"']value[\"'][ \t\r\n]*+:[ \t\r\n]*+", re.IGNORECASE
)
_VALUE_ATTRIBUTE = re.compile(
    rb"\s(?:value|content)\s{0,8}=\s{0,8}(?:\"([^\"<>]*+)|'([^'<>]*+)|([^\s\"'<>]++))", re.IGNORECASE
)
_LINE_VALUE = re.compile(rb"[^\s\"'&,;<>]++")
_VALUES = {
    Text.FORM: re.compile(rb"[^&\r\n]*+"),
    Text.URL: re.compile(rb"(?:[^&#;]++|;(?![A-Za-z0-9_.%\[\]-]{1,64}=))*+"),
    Text.HEADER: re.compile(rb"(?:[^&#;\s\"]++|;(?![A-Za-z0-9_.%\[\] -]{1,64}=))*+"),
}
_URL_IN_TEXT = re.compile(rb"(?:[^&#;\s\"'<>\\]++|;(?![A-Za-z0-9_.%\[\]-]{1,64}=))*+")
_PATH_VALUE = re.compile(rb"[^/;?&#]*+")
_LISTED_VALUE = re.compile(rb"\"(?:[^\"\\]++|\\.)*+\"?|[^&#;,\s]*+")
