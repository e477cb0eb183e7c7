"""Where exchanges are kept: the URL of a sink, and its options.

    recording:DIR       Parquet files                (docs/recording.md)
    gor:FILE            GoReplay's format            (docs/formats.md)
    jsonl:FILE, jsonl:- a JSON object a line, as of `shadowtap extract`

A `?` ends the path and begins the options. What a sink keeps is masked unless it is told otherwise.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

import msgspec

from shadowtap.config.kinds import Seconds, Size, Switch, Text
from shadowtap.config.tables import Keys, keys_of

EXAMPLES = "recording:DIR, gor:FILE, jsonl:FILE or jsonl:-"

_RENAMED = {
    "roll_bytes": "roll_size",
    "roll_s": "roll",
    "max_bytes": "max_size",
    "max_age_s": "max_age",
    "free_bytes": "free_size",
    "file_bytes": "file_size",
}


class SinkSettings(msgspec.Struct, frozen=True, kw_only=True, rename=_RENAMED):
    """One sink. Options that are None have the sink's own default."""

    url: Text
    mask: Switch = True
    left_out: Switch = False
    """Keep also requests that rules or the sample left out."""
    roll_bytes: Size | None = None
    roll_s: Seconds | None = None
    max_bytes: Size | None = None
    max_age_s: Seconds | None = None
    free_bytes: Size | None = None
    key: Text | None = None
    """A file with the key that a recording is encrypted with."""
    file_bytes: Size | None = None

    @property
    def kind(self) -> str:
        """`recording`, `gor` or `jsonl`."""
        return self.url.partition(":")[0].lower()

    @property
    def path(self) -> str:
        """What the URL names."""
        return self.url.partition(":")[2]


_EVERY = ("mask", "left_out")
_OWN: Mapping[str, tuple[str, ...]] = {
    "recording": (*_EVERY, "roll_bytes", "roll_s", "max_bytes", "max_age_s", "free_bytes", "key"),
    "gor": (*_EVERY, "file_bytes"),
    "jsonl": _EVERY,
}
SINK_KEYS: Mapping[str, Keys] = {
    kind: {name: found for name, found in keys_of(SinkSettings).items() if found[0] in own}
    for kind, own in _OWN.items()
}
"""The options of each kind of sink."""


def is_sink(url: str) -> bool:
    """Whether a URL names something that keeps exchanges, rather than a target."""
    return url.partition(":")[0].lower() in SINK_KEYS


def split_sink(url: str) -> tuple[str, dict[str, str]]:
    """A sink's URL and its options. Raises ValueError, whose text says what to write instead."""
    base, _, query = url.partition("?")
    kind, _, path = base.partition(":")
    if not path or "\0" in path:
        what = "a folder" if kind == "recording" else "a file"
        raise ValueError(f'"{url}" names nothing; write {kind}: and {what}, as in {EXAMPLES}')
    if kind == "recording" and path == "-":
        raise ValueError("a recording is a folder, and cannot be written to a pipe; write recording:DIR")
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) < len(pairs):
        twice = next(name for name, _ in pairs if [n for n, _ in pairs].count(name) > 1)
        raise ValueError(f'option "{twice}" is given twice')
    return f"{kind.lower()}:{path}", options
