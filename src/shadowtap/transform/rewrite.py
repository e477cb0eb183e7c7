"""Requests as they shall be sent: host, path, query, headers and JSON bodies changed by rules.

Rules apply in their order, each to what the ones before made; a rule's condition always looks at the request as
production saw it. A request that no rule changes stays the very same object. Consecutive rules for JSON read
and make the body once. What cannot be read as JSON is left alone, and counted.

Content-Length, chunking and content codings stay right by themselves (`shadowtap.content`), so no rule can name the
fields that frame a message. Values never appear in a rule's name, since they may be secrets.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import groupby

import msgspec

from shadowtap.content import (
    Content,
    add_field,
    content_of,
    remove_field,
    set_field,
    values,
    with_content,
    with_head,
    with_target,
)
from shadowtap.events import Request
from shadowtap.transform.jsonpath import JsonError, parse_path, remove_value, set_value
from shadowtap.transform.pattern import Replacement
from shadowtap.transform.target import add_query, remove_query, set_query, split

MAX_JSON_BYTES = 8 << 20
"""Octets of a decoded body that is read as JSON; a larger one is left alone, and counted."""
FRAMING = frozenset(("content-length", "transfer-encoding", "content-encoding", "x-shadowtap-replay"))
"""Fields that no rule may name: they frame the body, or are our own mark."""

Edit = Callable[[Request], Request]
"""The same object where there is nothing to change."""
JsonEdit = Callable[[bytes], bytes]
"""On a JSON text, the same object where there is nothing to change. Raises JsonError."""
Condition = Callable[[Request], bool]

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,200}")
_PORT = re.compile(rb":[0-9]*\Z")


class Rule(msgspec.Struct, frozen=True):
    """One change. `name` is how it is counted; of the two edits it has one."""

    name: str
    edit: Edit | None = None
    json: JsonEdit | None = None
    when: Condition | None = None


class Rewrite:
    """Applies rules. `applied` counts the requests that each rule changed, by its name; `unreadable` those whose body
    it could not read, by its name and the reason."""

    __slots__ = ("_groups", "applied", "unreadable")

    def __init__(self, rules: Iterable[Rule]) -> None:
        rules = tuple(rules)
        self.applied: Counter[str] = Counter({rule.name: 0 for rule in rules})
        self.unreadable: Counter[str] = Counter()
        self._groups = [
            (when, is_json, tuple(group))
            for (when, is_json), group in groupby(rules, lambda rule: (rule.when, rule.json is not None))
        ]

    def __call__(self, request: Request) -> Request:
        """The request as it shall be sent."""
        changed = request
        asked: Condition | None = None
        meant = True
        for when, is_json, rules in self._groups:
            if when is not asked:
                asked, meant = when, when is None or when(request)
            if not meant:
                continue
            if is_json:
                changed = self._edit_body(changed, rules)
                continue
            for rule in rules:
                new = rule.edit(changed) if rule.edit is not None else changed
                if new is not changed:
                    self.applied[rule.name] += 1
                    changed = new
        return changed

    def _edit_body(self, request: Request, rules: tuple[Rule, ...]) -> Request:
        if not request.body:
            return request
        content = content_of(request, limit_bytes=MAX_JSON_BYTES)
        if isinstance(content, Content) and not content.is_json:
            return request
        why = _why_not(content)
        text = content.data if isinstance(content, Content) else b""
        for rule in rules:
            if not why:
                try:
                    new = rule.json(text) if rule.json is not None else text
                except JsonError:
                    why = "not_json"
                else:
                    self.applied[rule.name] += new is not text
                    text = new
                    continue
            self.unreadable[f"{rule.name}: {why}"] += 1
        if not isinstance(content, Content) or text is content.data:
            return request
        return with_content(request, text)


def _why_not(content: object) -> str:
    if not isinstance(content, Content):
        return str(getattr(content, "reason", "unreadable"))
    if content.cut:
        return "cut"
    return "not_utf8" if content.charset not in (None, "utf-8", "utf8", "us-ascii") else ""


def only_when(rule: Rule, condition: Condition, text: str) -> Rule:
    """The rule for requests that meet a condition; `text` says which, in the rule's name."""
    return msgspec.structs.replace(rule, when=condition, name=f"{rule.name} when {text}")


# -- the rules ---------------------------------------------------------------------------------------------------


def rewrite_host(pattern: str, replacement: str) -> Rule:
    """Host and, in a target in absolute form, the authority. The pattern is for the whole name, in any case; a port
    stays unless the replacement has one. Raises ValueError."""
    replaced = Replacement(pattern, replacement, whole=True)

    def authority(old: bytes) -> bytes:
        port = _PORT.search(old)
        name = old[: port.start()] if port else old
        new = replaced(name)
        if new is name:
            return old
        return new if port is None or _PORT.search(new) else new + port[0]

    def edit(request: Request) -> Request:
        named = values(request.head, b"host")
        changed = request
        if named and (new := authority(named[0])) != named[0]:
            changed = with_head(request, set_field(request.head, b"host", new))
        parts = None if request.target.startswith(b"/") else split(request.target)
        if parts is not None:
            scheme, _, old = parts.before.partition(b"://")
            changed = with_target(changed, parts._replace(before=scheme + b"://" + authority(old)).whole)
        return changed

    return Rule(f"host {pattern} -> {replacement}", edit)


def rewrite_path(pattern: str, replacement: str) -> Rule:
    """The path, without the query: the first match of the pattern. Raises ValueError."""
    if "?" in replacement or "#" in replacement:
        raise ValueError(f'a path has no query; leave out "{replacement[replacement.find("?") :]}"')
    replaced = Replacement(pattern, replacement)

    def edit(request: Request) -> Request:
        parts = split(request.target)
        if parts is None or (path := replaced(parts.path)) == parts.path:
            return request
        path = path if path.startswith(b"/") else b"/" + path
        return with_target(request, parts._replace(path=path).whole)

    return Rule(f"path {pattern} -> {replacement}", edit)


def query_rule(kind: str, name: str, value: str = "") -> Rule:
    """`kind` is set, add or remove; name and value as they are meant, not percent-encoded."""
    key, new = name.encode(), value.encode()

    def edit(request: Request) -> Request:
        parts = split(request.target)
        if parts is None:
            return request
        if kind == "remove":
            query = remove_query(parts.query, key)
        else:
            query = (set_query if kind == "set" else add_query)(parts.query, key, new)
        return with_target(request, parts._replace(query=query).whole)

    return Rule(f"{kind} query {name}", edit)


def header_rule(kind: str, name: str, value: str = "") -> Rule:
    """`kind` is set, add or remove. Raises ValueError where no rule may name this field."""
    if not _TOKEN.fullmatch(name):
        raise ValueError(f'"{name}" is not the name of a header')
    if name.lower() in FRAMING:
        raise ValueError(f"{name} is kept right by itself; no rule can change it")
    if any(c in value for c in "\r\n\0"):
        raise ValueError(f"the value of {name} has a line break in it")
    field, new = name.encode(), value.encode()

    def edit(request: Request) -> Request:
        head = request.head
        if kind == "remove":
            return with_head(request, remove_field(head, field))
        if kind == "add":
            return with_head(request, add_field(head, field, new))
        return request if values(head, field) == [new] else with_head(request, set_field(head, field, new))

    return Rule(f"{kind} header {name}", edit)


def json_rule(kind: str, path: str, value: object = None) -> Rule:
    """`kind` is set or remove; `value` is what JSON can say. Raises ValueError."""
    steps = parse_path(path)
    new = msgspec.Raw(msgspec.json.encode(value))

    def edit(text: bytes) -> bytes:
        return remove_value(text, steps) if kind == "remove" else set_value(text, steps, new)

    return Rule(f"{kind} json {path}", json=edit)
