"""Learned noise as a TOML file: to be looked at, edited, kept with the code, and loaded again.

    [[noise]]
    enabled = true
    endpoint = "GET /users/{id}"
    kind = "json_value"
    where = "body.last_seen"
    source = "production"
    pairs = 120
    differed = 118
    production = "…"
    other = "…"

`enabled = false` makes differences at this place count whatever is learned. `kind`, `where` and `endpoint` name the
place exactly as reports do. A rule without `pairs` was written by hand and always holds.
"""

import tomllib
from collections.abc import Iterable

import msgspec

from shadowtap.compare.learned import NoiseRule, Source
from shadowtap.compare.mask import Mask, masked_example
from shadowtap.errors import UsageError

MAX_BYTES = 16 << 20
"""Octets of a file that is read: ten thousand rules are a quarter of that."""
_HEAD = """\
# Noise that shadowtap has learned: places that change by themselves. Differences there are not reported.
# `differed` of `pairs` answers that ought to be the same were different there.
# Set enabled = false where a difference matters all the same. Load it with `noise_file`.
"""
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    endpoint: str
    kind: str
    where: str
    source: Source = Source.PRODUCTION
    pairs: int = 0
    differed: int = 0
    enabled: bool = True
    production: str = ""
    other: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    noise: list[_Written] = []


def write_noise(rules: Iterable[NoiseRule], mask: Mask) -> str:
    """The text of a file with these rules, and their examples without secrets."""
    return _HEAD + "".join(_rule(rule, masked_example(rule, mask), mask) for rule in rules)


def read_noise(text: str) -> list[NoiseRule]:
    """The rules of a file. Raises `UsageError` that says what is wrong."""
    if len(text) > MAX_BYTES:
        raise UsageError(
            f"the file of learned noise is longer than {MAX_BYTES >> 20} MiB: is it the right one?"
        )
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise UsageError(f"learned noise: {error}; see docs/comparing.md for the form of the file") from None
    return [
        NoiseRule(
            r.endpoint,
            r.kind,
            r.where,
            r.source,
            r.pairs,
            r.differed,
            r.enabled,
            (r.production, r.other),
            by_hand=not r.pairs,
        )
        for r in file.noise
    ]


def _rule(rule: NoiseRule, example: tuple[str, str], mask: Mask) -> str:
    endpoint, where = mask.text(rule.endpoint), mask.text(rule.where)
    texts = {"endpoint": endpoint, "kind": rule.kind, "where": where, "source": rule.source.value}
    lines = ["", "[[noise]]", f"enabled = {str(rule.enabled).lower()}"]
    lines += [f"{name} = {_quoted(text)}" for name, text in texts.items()]
    if not rule.by_hand:
        lines += [f"pairs = {rule.pairs}", f"differed = {rule.differed}"]
    if any(example):
        lines += [f"production = {_quoted(example[0])}", f"other = {_quoted(example[1])}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A basic string (TOML 1.0): control characters and lone surrogates escaped."""
    parts = []
    for c in text:
        if c in _ESCAPES:
            parts.append(_ESCAPES[c])
        elif "\ud800" <= c <= "\udfff":
            parts.append("\\uFFFD")
        else:
            parts.append(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04X}")
    return '"' + "".join(parts) + '"'
