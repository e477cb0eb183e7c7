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
    for key, value in body:
        if isinstance(value, Block):
            lines.append(_block(value, depth + 1).rstrip("\n"))
        elif isinstance(value, list) and value and all(isinstance(v, Block) for v in value):
            lines += [_block(v, depth + 1).rstrip("\n") for v in value]
        else:
            lines.append(f"{pad}  {key} = {_value(value, depth + 1)}")
    return "\n".join([*lines, f"{pad}}}", ""])


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
        inner = "\n".join(f"{pad}  {json.dumps(k)} = {_value(v, depth + 1)}" for k, v in value.items())
        return f"{{\n{inner}\n{pad}}}"
    return "[" + ", ".join(_value(v, depth) for v in value) + "]"


def quoted(value: str) -> str:
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")


def heredoc(script: str) -> Expression:
    """A script with references in it, `${…}`, base64-encoded as user data is."""
    return Expression("base64encode(<<-END_OF_SCRIPT\n" + script + "END_OF_SCRIPT\n)")
