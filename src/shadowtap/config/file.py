"""One TOML file, read and checked; what it means is settled in `merge`, together with the command line."""

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from shadowtap.config.addresses import LOOPBACK, Target, parse_listen, split_target
from shadowtap.config.compare import read_compare
from shadowtap.config.hooks import HookSettings
from shadowtap.config.kinds import Port, Switch, from_toml
from shadowtap.config.limits import FlowSettings, HttpSettings
from shadowtap.config.mask import read_mask
from shadowtap.config.rewrite import read_rewrites
from shadowtap.config.sessions import read_sessions
from shadowtap.config.settings import HealthSettings, Settings, TargetSettings
from shadowtap.config.sinks import SINK_KEYS, is_sink, split_sink
from shadowtap.config.suggest import suggest
from shadowtap.config.tables import Keys, keys_of, read_options, read_table
from shadowtap.config.transform import read_transform
from shadowtap.errors import UsageError

TARGET_KEYS = keys_of(TargetSettings, without=("url",))
REPLAY_KEYS = {
    "ambiguous": ("replay_ambiguous", Switch),
    "allow_production_target": ("allow_production_target", Switch),
}
_SECTIONS: dict[str, type[msgspec.Struct]] = {
    "flows": FlowSettings,
    "http": HttpSettings,
    "health": HealthSettings,
    "hooks": HookSettings,
}
_OWN_READERS: dict[str, Callable[[object, str], Any]] = {
    "transform": read_transform,
    "rewrite": read_rewrites,
    "mask": read_mask,
    "compare": read_compare,
    "sessions": read_sessions,
}
_PLAIN = keys_of(
    Settings,
    without=(
        "sources",
        "targets",
        "sinks",
        "ports",
        "schedule",
        *_SECTIONS,
        *_OWN_READERS,
        *(field for field, _ in REPLAY_KEYS.values()),
    ),
)
_OTHERS = ("aws",)
"""Tables of other commands in the same file, which read them for themselves."""
_KNOWN = ("from", "to", "ports", *_PLAIN, "replay", *_OWN_READERS, *_SECTIONS, *_OTHERS)


class Named(msgspec.Struct, frozen=True):
    """A source, or a target or sink with its own options, and where it was written."""

    where: str
    url: str
    options: dict[str, Any] = {}


class FileSettings(msgspec.Struct, frozen=True):
    """What a file says. `values` are fields of `Settings`, `defaults` options of every target; `to` are targets and
    sinks."""

    sources: tuple[Named, ...] = ()
    to: tuple[Named, ...] = ()
    defaults: dict[str, Any] = {}
    values: dict[str, Any] = {}


def read_file(path: str) -> FileSettings:
    """Read and check a configuration file; UsageError is one line with the file and the key."""
    table = _parse(path)
    for key in table:
        if key not in _KNOWN:
            raise UsageError(f"{path}: {key}: unknown key; {suggest(key, _KNOWN)}")
    values = read_table({key: table[key] for key in table if key in _PLAIN}, _PLAIN, path)
    if "status" in values:
        check_listen(values["status"], f"{path}: status")
    if "ui" in values:
        check_listen(values["ui"], f"{path}: ui", host=LOOPBACK)
    for name, structure in _SECTIONS.items():
        if name in table:
            values[name] = structure(**read_table(table[name], keys_of(structure), path, name))
    values |= {name: read(table[name], path) for name, read in _OWN_READERS.items() if name in table}
    replay = read_table(table.get("replay", {}), {**REPLAY_KEYS, **TARGET_KEYS}, path, "replay")
    switches = {field: replay.pop(field) for field, _ in REPLAY_KEYS.values() if field in replay}
    if "ports" in table:
        ports = _items(table, "ports", path)
        values["ports"] = tuple(from_toml(Port, port, where) for where, port in ports)
    sources = tuple(Named(where, _text(url, where)) for where, url in _items(table, "from", path))
    to = tuple(_target(item, where) for where, item in _items(table, "to", path))
    return FileSettings(sources, to, replay, values | switches)


def named_target(url: str, where: str) -> Named:
    """The URL of a target or a sink taken apart into its address and its options."""
    try:
        if is_sink(url):
            base, options = split_sink(url)
            return Named(where, base, read_options(options, _keys(url), where))
        target, options = split_target(url)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None
    values = read_options(options, TARGET_KEYS, where)
    return Named(where, str(_checked_tls(target, values, where)), values)


def check_listen(text: str, where: str, *, host: str = "") -> None:
    """UsageError unless it is HOST:PORT, or PORT alone where there is a `host` to take then."""
    try:
        parse_listen(text, host=host)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None


def _parse(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_bytes().decode())
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: is not TOML: {error}") from None


def _items(table: dict[str, Any], key: str, path: str) -> Iterable[tuple[str, Any]]:
    value = table.get(key, [])
    if not isinstance(value, list):
        return [(f"{path}: {key}", value)]
    return [(f"{path}: {key}[{index}]", item) for index, item in enumerate(value)]


def _target(item: object, where: str) -> Named:
    if not isinstance(item, dict):
        return named_target(_text(item, where), where)
    if "url" not in item:
        raise UsageError(f'{where}: lacks its url, such as url = "http://staging.example:8080"')
    named = named_target(_text(item["url"], f"{where}.url"), f"{where}.url")
    own = {key: value for key, value in item.items() if key != "url"}
    file, _, path = where.rpartition(": ")
    values = read_table(own, _keys(named.url), file, path)
    for field in named.options.keys() & values.keys():
        raise UsageError(f'{where}: "{field}" is given twice, in the url and as a key')
    if not is_sink(named.url):
        _checked_tls(split_target(named.url)[0], values, where)
    return Named(where, named.url, {**named.options, **values})


def _keys(url: str) -> Keys:
    return SINK_KEYS[url.partition(":")[0].lower()] if is_sink(url) else TARGET_KEYS


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise UsageError(f"{where}: expected a URL in quotes")
    return value


def _checked_tls(target: Target, values: dict[str, Any], where: str) -> Target:
    for field in ("verify", "ca_file"):
        if field in values and not target.tls:
            raise UsageError(f'{where}: "{field}" is for https:// targets only')
    return target
