"""Rules for rewriting, from a configuration file or the command line, and the transform they add up to.

A table of rules holds for requests that meet its condition. Within a table the order is that of the fields of
`RewriteSettings`, within a field that of the file; tables apply in their order, those of the command line last.
A value may name an environment variable, `env:NAME` as a word of its own, so that secrets need not stand in files;
it is looked up once and shown nowhere.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from shadowtap.config.suggest import suggest
from shadowtap.errors import UsageError
from shadowtap.events import Exchange, Request
from shadowtap.expression import parse
from shadowtap.transform.rewrite import (
    Condition,
    Rewrite,
    Rule,
    header_rule,
    json_rule,
    only_when,
    query_rule,
    rewrite_host,
    rewrite_path,
)

Texts = tuple[str, ...]


class RewriteSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One table of rules, as they were written. `where` says in which file, empty for the command line."""

    where: str = ""
    when: str | None = None
    host: Texts = ()
    path: Texts = ()
    remove_query: Texts = ()
    set_query: Texts = ()
    add_query: Texts = ()
    remove_header: Texts = ()
    set_header: Texts = ()
    add_header: Texts = ()
    remove_json: Texts = ()
    set_json: Texts = ()

    @property
    def sets_host(self) -> bool:
        """Whether Host is rewritten, so that it must not be replaced by the target's."""
        return bool(self.host) or any(text.lower().startswith("host:") for text in self.set_header)

    def place(self, field: str, text: str) -> str:
        """Where a rule stands, for messages."""
        if not self.where:
            return f"{OPTIONS[field].flag} {_shown(text)}"
        return f"{self.where}.{field}: {_shown(text)}"


class Option(NamedTuple):
    """How a field is given on the command line."""

    flag: str
    metavar: str
    help: str


OPTIONS: dict[str, Option] = {
    "host": Option("--rewrite-host", "'A -> B'", "replace the host A (a pattern for the whole name) by B"),
    "path": Option(
        "--rewrite-path", "'P -> R'", r"replace the pattern P in the path by R (\1: its first group)"
    ),
    "remove_query": Option("--remove-query", "NAME", "take a field out of the query"),
    "set_query": Option(
        "--set-query", "NAME=VALUE", "put a field into the query, in place of those of its name"
    ),
    "add_query": Option("--add-query", "NAME=VALUE", "add a field to the query"),
    "remove_header": Option("--remove-header", "NAME", "take a header out"),
    "set_header": Option("--set-header", "'NAME: VALUE'", "put a header in, in place of those of its name"),
    "add_header": Option("--add-header", "'NAME: VALUE'", "add a header"),
    "remove_json": Option(
        "--remove-json", "PATH", "take what is at a path such as $.user.id out of JSON bodies"
    ),
    "set_json": Option("--set-json", "'PATH = VALUE'", "put a value at a path into JSON bodies"),
}
"""One for each field of rules, in the order in which they apply. In a VALUE env:NAME is an environment variable."""

_ENVIRONMENT = re.compile(r"(?<!\S)env:([A-Za-z_][A-Za-z0-9_]*)(?!\S)")
_JSON_PAIR = re.compile(r"(\$(?:\[[^\]]*\]|[^=\s\[])*)\s*=\s*(.*)", re.DOTALL)


def read_rewrites(value: object, file: str) -> tuple[RewriteSettings, ...]:
    """The [[rewrite]] tables of a TOML file. Raises UsageError with the file, the key and what is expected."""
    tables = [value] if isinstance(value, dict) else value
    if not isinstance(tables, list):
        raise UsageError(f"{file}: rewrite: expected tables, each begun by [[rewrite]]")
    return tuple(_read_table(table, f"{file}: rewrite[{n}]") for n, table in enumerate(tables))


def rewrite_of(tables: Iterable[RewriteSettings], environment: Mapping[str, str]) -> Rewrite | None:
    """The transform that all rules make, None where there are none. Raises UsageError, which points at the rule."""
    rules = [rule for table in tables for rule in _rules(table, environment)]
    return Rewrite(rules) if rules else None


def _read_table(table: object, where: str) -> RewriteSettings:
    if not isinstance(table, dict):
        raise UsageError(f"{where}: expected a table, begun by [[rewrite]]")
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key == "when":
            if not isinstance(value, str):
                raise UsageError(f"{where}.when: expected an expression in quotes")
            values[key] = value
        elif key not in OPTIONS:
            raise UsageError(f"{where}.{key}: unknown key; {suggest(key, ('when', *OPTIONS))}")
        else:
            values[key] = _texts(value, f"{where}.{key}")
    return RewriteSettings(where=where, **values)


def _texts(value: object, where: str) -> Texts:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise UsageError(f"{where}: expected a rule in quotes, or a list of them")
    return tuple(texts)


def _rules(table: RewriteSettings, environment: Mapping[str, str]) -> Iterable[Rule]:
    condition = _condition(table)
    for field in OPTIONS:
        for text in getattr(table, field):
            try:
                rule = _READERS[field](text, environment)
            except ValueError as error:
                raise UsageError(f"{table.place(field, text)}: {error}") from None
            yield rule if condition is None else only_when(rule, condition, table.when or "")


def _condition(table: RewriteSettings) -> Condition | None:
    if table.when is None:
        return None
    try:
        expression = parse(table.when)
    except UsageError as error:
        raise UsageError(f"{table.where}.when: {error}") from None
    if expression.needs_answer:
        raise UsageError(
            f"{table.where}.when: a request is rewritten before production answers; ask for no answer"
        )
    matches = expression.matches

    def met(request: Request) -> bool:
        return matches(Exchange(request, None))

    return met


# -- rules, from their text --------------------------------------------------------------------------------------


def _resolved(value: str, environment: Mapping[str, str]) -> str:
    def look_up(found: re.Match[str]) -> str:
        if found[1] not in environment:
            raise ValueError(f"the environment variable {found[1]} is not set")
        return environment[found[1]]

    return _ENVIRONMENT.sub(look_up, value)


def _replacing(make: Callable[[str, str], Rule], example: str) -> "_Reader":
    def read(text: str, environment: Mapping[str, str]) -> Rule:
        pattern, arrow, replacement = text.partition("->")
        if not arrow or not pattern.strip():
            raise ValueError(f"expected PATTERN -> REPLACEMENT, such as {example}")
        return make(pattern.strip(), replacement.strip())

    return read


def _naming(make: Callable[[str, str], Rule], kind: str) -> "_Reader":
    def read(text: str, environment: Mapping[str, str]) -> Rule:
        if not text.strip():
            raise ValueError("expected a name")
        return make(kind, text.strip())

    return read


def _giving(make: Callable[[str, str, str], Rule], kind: str, sign: str, example: str) -> "_Reader":
    def read(text: str, environment: Mapping[str, str]) -> Rule:
        name, found, value = text.partition(sign)
        if not found or not name.strip():
            raise ValueError(f"expected {example}")
        return make(kind, name.strip(), _resolved(value.strip() if sign == ":" else value, environment))

    return read


def _set_json(text: str, environment: Mapping[str, str]) -> Rule:
    found = _JSON_PAIR.fullmatch(text.strip())
    if not found:
        raise ValueError("expected PATH = VALUE, such as $.user.id = 7")
    path, value = found[1], found[2]
    resolved = _resolved(value, environment)
    return json_rule("set", path, resolved if resolved != value else _json_value(value))


def _json_value(text: str) -> object:
    """JSON in its own spelling, else the text itself."""
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        if text[:1] in ("{", "[", '"'):
            raise ValueError(f"the value is not JSON: {error}") from None
        return text
    return msgspec.Raw(text.encode())


def _shown(text: str) -> str:
    return f'"{text}"' if len(text) <= 80 else f'"{text[:77]}…"'


_Reader = Callable[[str, Mapping[str, str]], Rule]
_READERS: dict[str, _Reader] = {
    "host": _replacing(rewrite_host, "shop.example -> staging.example"),
    "path": _replacing(rewrite_path, r"^/v1/(.*) -> /v2/\1"),
    "remove_query": _naming(query_rule, "remove"),
    "set_query": _giving(query_rule, "set", "=", "NAME=VALUE"),
    "add_query": _giving(query_rule, "add", "=", "NAME=VALUE"),
    "remove_header": _naming(header_rule, "remove"),
    "set_header": _giving(header_rule, "set", ":", "NAME: VALUE"),
    "add_header": _giving(header_rule, "add", ":", "NAME: VALUE"),
    "remove_json": _naming(json_rule, "remove"),
    "set_json": _set_json,
}
