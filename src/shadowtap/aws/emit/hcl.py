"""Terraform's language, as much of it as is written here: blocks, attributes, references, strings, heredocs.

See "Configuration Syntax" and "Strings and Templates" of the Terraform language: in a string `${` and `%{` start a
template, so text that is not ours is escaped; what is meant as an expression is an `Expression`.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any


class Expression(str):
    """Written as it is: a reference, a function call."""

    __slots__ = ()


class Block(tuple[str, tuple[str, ...], tuple[tuple[str, Any], ...]]):
    """`kind "label" "label" { … }`."""

    __slots__ = ()

    def __new__(cls, kind: str, /, *labels: str, **body: Any) -> "Block":
        return super().__new__(cls, (kind, labels, tuple(body.items())))


def text(blocks: Iterable[Block]) -> str:
    return "\n".join(_block(block, 0) for block in blocks)


def _block(block: Block, depth: int) -> str:
    kind, labels, body = block
    pad = "  " * depth
    head = " ".join([kind, *(json.dumps(label) for label in labels)])
    lines = [f"{pad}{head} {{"]
    plain: list[tuple[str, str]] = []
    for key, value in body:
        if isinstance(value, Block):
            lines += [*_aligned(plain, pad + "  "), _block(value, depth + 1).rstrip("\n")]
            plain = []
        else:
            plain.append((key, _value(value, depth + 1)))
    return "\n".join([*lines, *_aligned(plain, pad + "  "), f"{pad}}}", ""])


def _aligned(pairs: list[tuple[str, str]], pad: str) -> list[str]:
    """Equals signs below each other, as `terraform fmt` puts them; a value of several lines stands alone."""
    lines: list[str] = []
    run: list[tuple[str, str]] = []
    for key, value in [*pairs, ("", "\n")]:
        if "\n" not in value:
            run.append((key, value))
            continue
        width = max((len(k) for k, _ in run), default=0)
        lines += [f"{pad}{k:{width}} = {v}" for k, v in run]
        run = []
        if key:
            lines.append(f"{pad}{key} = {value}")
    return lines


def _value(value: Any, depth: int) -> str:
    pad = "  " * depth
    if isinstance(value, Expression):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping):
        pairs = [(json.dumps(k), _value(v, depth + 1)) for k, v in value.items()]
        return "\n".join(["{", *_aligned(pairs, pad + "  "), f"{pad}}}"])
    return "[" + ", ".join(_value(v, depth) for v in value) + "]"


def quoted(value: str) -> str:
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")


def heredoc(script: str) -> Expression:
    """A script with references in it, `${…}`, base64-encoded as user data is."""
    return Expression("base64encode(<<-END_OF_SCRIPT\n" + script + "END_OF_SCRIPT\n  )")
