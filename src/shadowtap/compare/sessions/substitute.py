"""Puts the target's values into a request in place of production's: everywhere a known value stands.

    target      path segments, query values; numbers of resources (`/orders/1007`, `?order_id=1007`)
    cookies     by name for weak values
    headers     Authorization, X-CSRF-Token, Referer and all others
    body        forms, JSON, XML, multipart and texts alike: tokens wherever they stand, numbers behind names

Only the octets of the values change; lengths and codings are put right.
"""

import re
from collections.abc import Callable
from urllib.parse import quote, unquote, unquote_to_bytes

import msgspec

from shadowtap.compare.sessions.bindings import Kind
from shadowtap.compare.sessions.resources import named_resource, path_resource, resource
from shadowtap.compare.sessions.strong import MIN_TOKEN, TOKENS
from shadowtap.content import Content, content_of, with_content, with_target
from shadowtap.events import Request, Substitution, replace

MAX_BODY = 1 << 20
"""Octets of a body, decoded, in which values are put; a longer one goes as it is."""
MAX_SUBSTITUTIONS = 200
"""Substitutions of one request that are listed."""
_PIECE = re.compile(rb"[^/:]+")
_WITHOUT_VALUES = b"|".join(
    b"""
    accept accept-charset accept-encoding accept-language cache-control connection content-length content-type date
    host if-modified-since if-none-match origin pragma range sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform
    sec-fetch-dest sec-fetch-mode sec-fetch-site sec-fetch-user transfer-encoding upgrade-insecure-requests user-agent
    via x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto x-real-ip
    """.split()
)
"""Fields in which no server finds what it issued; most of a head is of these."""
_FIELD = re.compile(rb"\n(?!(?:%b)[ \t]*:)([^:\r\n]+):([^\r\n]*)" % _WITHOUT_VALUES, re.I)
_FORM = "application/x-www-form-urlencoded"
_OCTET = re.compile(rb"%[0-9A-Fa-f]{2}|.", re.S)
_PIECE_OF_URL = re.compile(rb"[^/:?&=#,;\s\"'<>]{6,}=*")
_COOKIE = re.compile(rb"((?:^|;)[ \t]*([^=;\s]+)=\"?)([^;\"\s]*)")
_NAMED = re.compile(
    rb"([A-Za-z_][\w.-]{0,63})(\]?[\"']?[ \t]*[=:][ \t]*[\"']?)([A-Za-z0-9_-]{1,64})(?![\w.%-])"
)


class Rewriting:
    """One request on its way; looks values up and notes what it put in. `look` gives the target's value for a scope
    and a value of production, and may note that it is still awaited."""

    def __init__(self, client: str, look: Callable[[str, str], str | None]) -> None:
        self._client = client
        self._look = look
        self._kind = Kind.TARGET
        self._original = self._resource = ""
        self._spell: Callable[[str], str] = _plain
        self.done: list[Substitution] = []

    def request(self, request: Request) -> Request:
        """The request with the target's values."""
        made = self.target(request)
        line_end = made.head.find(b"\n")
        head = made.head[:line_end] + self.fields(made.head[line_end:])
        if head != made.head:
            made = replace(made, head=head)
        return self._body(made) if made.body else made

    def target(self, request: Request) -> Request:
        """The request with the target's values in its request target."""
        self._original = request.target.decode("latin-1")
        path, mark, query = request.target.partition(b"?")
        before, parts = b"", []
        self._spell = _in_path
        for segment in path.split(b"/"):
            parts.append(self._segment(segment, before))
            before = segment
        self._spell = _in_query
        query = self._text(query) if query else query
        return with_target(request, b"/".join(parts) + mark + query)

    def _segment(self, segment: bytes, before: bytes) -> bytes:
        if before and segment and len(segment) <= 64:
            scope = f"resource {resource(before.decode('latin-1'))}"
            found = self._found(scope, segment)
            if found is not None:
                return found
        return TOKENS.sub(self._token, segment) if len(segment) >= MIN_TOKEN else segment

    def fields(self, fields: bytes) -> bytes:
        """The header fields, what is behind the start line: Host and its kin hold no values."""
        self._spell = _plain
        return _FIELD.sub(self._field, fields)

    def _field(self, found: re.Match[bytes]) -> bytes:
        if found[1].lower() == b"cookie":
            self._kind = Kind.COOKIE
            value = _COOKIE.sub(self._cookie, found[2])
        else:
            self._kind = Kind.HEADER
            value = TOKENS.sub(self._token, found[2])
        return b"\n%b:%b" % (found[1], value)

    def _cookie(self, found: re.Match[bytes]) -> bytes:
        name = found[2].decode("latin-1")
        value = self._found(f"cookie {self._client} {name}", found[3]) or TOKENS.sub(self._token, found[3])
        return found[1] + value

    def _body(self, request: Request) -> Request:
        self._kind = Kind.BODY
        content = content_of(request, limit_bytes=MAX_BODY)
        if not isinstance(content, Content) or content.cut or b"\0" in content.data[:1024]:
            return request
        self._spell = _in_query if content.media_type == _FORM else _in_json if content.is_json else _plain
        data = self._text(content.data)
        return request if data == content.data else with_content(request, data)

    def _text(self, data: bytes) -> bytes:
        self._resource = path_resource(self._original)
        return TOKENS.sub(self._token, _NAMED.sub(self._number, data))

    def _number(self, found: re.Match[bytes]) -> bytes:
        about = named_resource(found[1].decode("latin-1").rpartition(".")[2], self._resource)
        value = self._found(f"resource {about}", found[3]) if about else None
        return found[0] if value is None else found[1] + found[2] + value

    def _token(self, found: re.Match[bytes]) -> bytes:
        """A whole token, or the pieces between its slashes and colons."""
        whole = self._found("", found[0])
        if whole is not None:
            return whole
        text = found[0]
        if b"%" in text:
            return self._escaped(text)
        if b"/" in text or b":" in text:
            return _PIECE.sub(lambda piece: self._found("", piece[0]) or piece[0], text)
        if text.count(b".") >= 1:
            return b".".join(self._found("", piece) or piece for piece in text.split(b"."))
        return text

    def _escaped(self, text: bytes) -> bytes:
        """What stands within percent-encoded text, such as a link in a parameter; only the values' octets change."""
        places = [found.span() for found in _OCTET.finditer(text)]
        plain = unquote_to_bytes(text)
        before, self._spell = self._spell, _encoded
        made, end = [], 0
        for token in _PIECE_OF_URL.finditer(plain):
            value = self._found("", token[0])
            if value is not None:
                made += [text[end : places[token.start()][0]], value]
                end = places[token.end() - 1][1]
        self._spell = before
        return b"".join([*made, text[end:]])

    def _found(self, scope: str, octets: bytes) -> bytes | None:
        if not scope and len(octets) < MIN_TOKEN:
            return None
        text = octets.decode("latin-1")
        value, spell = self._look(scope, text), self._spell
        if value is None and "%" in text:
            value = self._look(scope, unquote(text))
            spell = _encoded
        if value is None:
            return None
        if len(self.done) < MAX_SUBSTITUTIONS:
            self.done.append(Substitution(self._kind, text, value))
        return _ONLY_SAFE.sub(b"", spell(value).encode("latin-1", "replace"))


def _plain(value: str) -> str:
    return value


def _encoded(value: str) -> str:
    return quote(value, safe="")


def _in_path(value: str) -> str:
    return quote(value, safe="+:=~@!$&'()*,;")


def _in_query(value: str) -> str:
    return quote(value, safe="/:=~@!$'()*,;?")


def _in_json(value: str) -> str:
    """Within quotes; `1007` may stand without them."""
    return msgspec.json.encode(value).decode()[1:-1]


_ONLY_SAFE = re.compile(rb"[\x00-\x20\x7f]")
"""What a value must not bring into a request: it could begin another header field."""
