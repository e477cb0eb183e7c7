"""The command line and the configuration file become one `Settings`.

For every setting the nearer word wins: an option in the URL of a target on the command line, then the command
line, then the target's own entry in the file, then [replay] in the file, then the default. Sources, targets with
sinks, and ports on the command line replace those of the file; they are never mixed. Rules for rewriting add up,
those of the command line last.
"""

import os
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from typing import Any

from shadowtap.config.addresses import LOOPBACK
from shadowtap.config.compare import CompareSettings
from shadowtap.config.file import FileSettings, Named, check_listen, named_target, read_file
from shadowtap.config.hooks import HookSettings
from shadowtap.config.mask import MaskSettings
from shadowtap.config.sessions import SessionSettings
from shadowtap.config.settings import Settings, TargetSettings
from shadowtap.config.sinks import SinkSettings, is_sink
from shadowtap.config.sources import StoredSpec, parse
from shadowtap.config.transform import TransformSettings, merged
from shadowtap.errors import UsageError
from shadowtap.events import replace


def load(
    file: str | None = None,
    *,
    sources: Sequence[str] = (),
    targets: Sequence[str] = (),
    for_targets: Mapping[str, Any] | None = None,
    for_tables: Mapping[str, Mapping[str, Any]] | None = None,
    **values: Any,
) -> Settings:
    """The settings of a run, checked. `targets` are URLs of targets and sinks. `for_targets` are fields of every
    target, `for_tables` those of the tables of the file, `values` fields of `Settings`, all from
    the command line and only where given. Raises UsageError."""
    told = read_file(file) if file is not None else FileSettings()
    from_line = tuple(Named(f"--from {url}", url) for url in sources)
    to_line = tuple(named_target(url, f"--to {url}") for url in targets)
    options = for_targets or {}
    to = to_line or told.to
    if to_line:
        chosen = [_target(n, told.defaults | dict(options) | n.options) for n in _targets(to)]
    else:
        chosen = [_target(n, told.defaults | n.options | dict(options)) for n in _targets(to)]
    _refuse_twins(to)
    if "status" in values:
        check_listen(values["status"], "--status")
    if "ui" in values:
        check_listen(values["ui"], "--ui", host=LOOPBACK)
    tables = _tables(told.values, for_tables or {}, values)
    reference = _reference(tables["compare"])
    if reference is not None:
        tables["compare"] = replace(tables["compare"], reference=reference.url)
        if chosen and reference.url not in [target.url for target in chosen]:
            chosen.append(_target(reference, told.defaults | dict(options) | reference.options))
    read = tuple(_source(named) for named in from_line or told.sources)
    sinks = _sinks(to, values.get("recording_key", told.values.get("recording_key")))
    _refuse_echoes(read, sinks)
    return Settings(
        sources=read,
        targets=tuple(chosen),
        sinks=sinks,
        **(told.values | values | tables),
    )


def require(settings: Settings) -> Settings:
    """The settings, if they have what a run needs: a source, and a target or a sink unless it is a dry run. Raises
    UsageError."""
    if not settings.sources:
        raise UsageError("no source: say where packets come from, such as --from vxlan://0.0.0.0:4789")
    if not settings.targets and not settings.sinks and not settings.dry_run:
        raise UsageError("no target: say where requests go, such as --to http://staging.example:8080")
    return settings


def _targets(to: Sequence[Named]) -> list[Named]:
    return [named for named in to if not is_sink(named.url)]


def _tables(
    told: Mapping[str, Any], given: Mapping[str, Mapping[str, Any]], values: Mapping[str, Any]
) -> dict[str, Any]:
    """The tables of which the command line says something, on top of what the file says."""
    mask, hooks = told.get("mask", MaskSettings()), told.get("hooks", HookSettings())
    compare = told.get("compare", CompareSettings())
    sessions = told.get("sessions", SessionSettings())
    return {
        "transform": merged(told.get("transform", TransformSettings()), given.get("transform", {})),
        "mask": replace(mask, **given.get("mask", {})),
        "hooks": replace(hooks, **given.get("hooks", {})),
        "compare": replace(compare, **given.get("compare", {})),
        "sessions": replace(sessions, **given.get("sessions", {})),
        "rewrite": (*told.get("rewrite", ()), *values.get("rewrite", ())),
    }


def _reference(compare: CompareSettings) -> Named | None:
    """The target that runs production's version; it gets every request too, whether --to names it or not."""
    if compare.reference is None:
        return None
    if is_sink(compare.reference):
        raise UsageError(f"--reference {compare.reference}: is a sink; name a target that answers")
    return named_target(compare.reference, f"--reference {compare.reference}")


def _source(named: Named) -> str:
    try:
        parse(named.url)
    except UsageError as error:
        # Most messages of a source quote its URL; it need not stand there twice.
        told = str(error).removeprefix(f'"{named.url}": ')
        raise UsageError(f"{named.where}: {told}") from None
    return named.url


def _target(named: Named, options: Mapping[str, Any]) -> TargetSettings:
    return TargetSettings(url=named.url, **options)


def _sinks(to: Sequence[Named], key: str | None) -> tuple[SinkSettings, ...]:
    """The sinks; a recording without a key of its own is encrypted with `key`, if there is one."""
    sinks = [SinkSettings(url=named.url, **named.options) for named in to if is_sink(named.url)]
    return tuple(
        replace(sink, key=key) if sink.kind == "recording" and sink.key is None else sink for sink in sinks
    )


def _refuse_echoes(sources: Sequence[str], sinks: Sequence[SinkSettings]) -> None:
    """What is read cannot be written to meanwhile: it would grow by what it holds, without end in a loop."""
    for spec in map(parse, sources):
        for sink in sinks:
            if not isinstance(spec, StoredSpec) or sink.kind != spec.kind or spec.path == "-":
                continue
            there = os.path.realpath(sink.path)
            if there == os.path.realpath(spec.path) or fnmatch(there, os.path.realpath(spec.path)):
                raise UsageError(f"--to {sink.url}: is what is read, too; name another for what is written")


def _refuse_twins(targets: Sequence[Named]) -> None:
    seen: set[str] = set()
    for named in targets:
        if named.url in seen:
            raise UsageError(f"{named.where}: {named.url} is given twice; each request goes to a target once")
        seen.add(named.url)
