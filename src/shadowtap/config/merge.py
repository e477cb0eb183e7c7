"""The command line and the configuration file become one `Settings`.

For every setting the nearer word wins: an option in the URL of a target on the command line, then the command
line, then the target's own entry in the file, then [replay] in the file, then the default. Sources, targets and
ports on the command line replace those of the file; they are never mixed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from shadowtap.capture.sources import parse_source
from shadowtap.config.file import FileSettings, Named, check_listen, named_target, read_file
from shadowtap.config.settings import Settings, TargetSettings
from shadowtap.errors import UsageError


def load(
    file: str | None = None,
    *,
    sources: Sequence[str] = (),
    targets: Sequence[str] = (),
    for_targets: Mapping[str, Any] | None = None,
    **values: Any,
) -> Settings:
    """The settings of a run, checked. `for_targets` are fields of every target, `values` fields of `Settings`,
    both from the command line and only where given. Raises UsageError."""
    told = read_file(file) if file is not None else FileSettings()
    from_line = tuple(Named(f"--from {url}", url) for url in sources)
    to_line = tuple(named_target(url, f"--to {url}") for url in targets)
    options = for_targets or {}
    if to_line:
        chosen = [_target(named, told.defaults | dict(options) | named.options) for named in to_line]
    else:
        chosen = [_target(named, told.defaults | named.options | dict(options)) for named in told.targets]
    _refuse_twins(to_line or told.targets)
    if "status" in values:
        check_listen(values["status"], "--status")
    return Settings(
        sources=tuple(_source(named) for named in from_line or told.sources),
        targets=tuple(chosen),
        **(told.values | values),
    )


def require(settings: Settings) -> Settings:
    """The settings, if they have what a run needs: a source and a target. Raises UsageError."""
    if not settings.sources:
        raise UsageError("no source: say where packets come from, such as --from vxlan://0.0.0.0:4789")
    if not settings.targets:
        raise UsageError("no target: say where requests go, such as --to http://staging.example:8080")
    return settings


def _source(named: Named) -> str:
    try:
        parse_source(named.url)
    except UsageError as error:
        # Most messages of a source quote its URL; it need not stand there twice.
        told = str(error).removeprefix(f'"{named.url}": ')
        raise UsageError(f"{named.where}: {told}") from None
    return named.url


def _target(named: Named, options: Mapping[str, Any]) -> TargetSettings:
    return TargetSettings(url=named.url, **options)


def _refuse_twins(targets: Sequence[Named]) -> None:
    seen: set[str] = set()
    for named in targets:
        if named.url in seen:
            raise UsageError(f"{named.where}: {named.url} is given twice; each request goes to a target once")
        seen.add(named.url)
