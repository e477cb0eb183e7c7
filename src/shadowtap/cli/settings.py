"""The options that `run` and `check` share: everything that becomes a `Settings`."""

import argparse
from typing import Any

from shadowtap.cli.comparing import add_comparing, compare_table
from shadowtap.cli.options import Parser, add_ports, reader
from shadowtap.cli.output import check_writable, refuse_overwriting
from shadowtap.cli.sessions import add_sessions, sessions_table
from shadowtap.cli.shaping import add_shaping, add_shaping_values, tables_of
from shadowtap.cli.unused import refuse_unused
from shadowtap.config import Settings
from shadowtap.config.kinds import Seconds, Text, Wait, Whole
from shadowtap.config.merge import load

_FOR_TARGETS = ("keep_host", "pool", "timeout_s", "verify", "ca_file")
_VALUES = (
    "status",
    "summary",
    "report",
    "ui",
    "grace_s",
    "duration_s",
    "recording_key",
    "replay_ambiguous",
    "allow_production_target",
)


def add_settings(parser: Parser, *, sources: bool = True) -> None:
    """Declare the options, `--from` only if `sources`. What is not given is left out of the result, so that the file
    may say it."""
    where = parser.add_argument_group("from where to where")
    if sources:
        where.add_argument(
            "--from",
            dest="sources",
            nargs="+",
            action="extend",
            default=[],
            metavar="SOURCE",
            help="where packets come from: vxlan://0.0.0.0:4789, geneve://0.0.0.0:6081, iface://eth0?port=80,"
            " pcap:FILE, pcap:-; or what was kept: recording:DIR, gor:FILE (several: everything is read)",
        )
    where.add_argument(
        "--to",
        dest="targets",
        nargs="+",
        action="extend",
        default=[],
        metavar="TARGET",
        help="where requests go: http://HOST:PORT or https://HOST:PORT, with options as ?timeout=5s&rate=500/s;"
        " where exchanges are kept: recording:DIR, gor:FILE, jsonl:FILE (several: each gets all)",
    )
    where.add_argument(
        "--config", metavar="FILE", help="a TOML file with the same settings; the command line wins"
    )
    add_ports(where)
    where.add_argument(
        "--recording-key",
        type=reader(Text, "--recording-key"),
        default=argparse.SUPPRESS,
        metavar="FILE",
        help="the key of encrypted recordings: of those that are read, and of those that are written",
    )
    add_shaping(parser)
    _add_replay(parser.add_argument_group("replay"))
    add_sessions(parser)
    add_comparing(parser)
    _add_run(parser.add_argument_group("the run"))


def settings_of(args: argparse.Namespace, file: str | None, **more: Any) -> Settings:
    """The settings that options and file add up to; `more` are fields of `Settings`. Raises UsageError."""
    given = vars(args)
    values: dict[str, Any] = more | {name: given[name] for name in _VALUES if name in given}
    if args.port:
        values["ports"] = tuple(args.port)
    for_targets = {name: given[name] for name in _FOR_TARGETS if name in given}
    add_shaping_values(args, values)
    settings = load(
        file,
        sources=args.sources,
        targets=args.targets,
        for_targets=for_targets,
        for_tables=tables_of(args) | {"compare": compare_table(args), "sessions": sessions_table(args)},
        **values,
    )
    _check_files(settings)
    refuse_unused(args, settings)
    return settings


def _check_files(settings: Settings) -> None:
    """What is written at the end can be, and is not what is read."""
    compare = settings.compare
    for path, what in (
        (settings.summary, "summary"),
        (settings.report, "report"),
        (compare.json, "compare-json"),
        (compare.junit, "compare-junit"),
        (compare.save_noise, "save-noise"),
    ):
        check_writable(path, what)
        refuse_overwriting(path, settings.sources, what)


def _add_replay(group: argparse._ArgumentGroup) -> None:
    absent = argparse.SUPPRESS
    group.add_argument(
        "--keep-host",
        action="store_true",
        default=absent,
        help="leave the Host header as production had it (default: the target's)",
    )
    group.add_argument(
        "--pool",
        type=reader(Whole, "--pool"),
        default=absent,
        metavar="N",
        help="share N connections a target (default: one for every production connection)",
    )
    group.add_argument(
        "--timeout",
        dest="timeout_s",
        type=reader(Seconds, "--timeout"),
        default=absent,
        metavar="TIME",
        help="how long a target may take to answer (default: 30s)",
    )
    group.add_argument(
        "--insecure",
        dest="verify",
        action="store_false",
        default=absent,
        help="do not verify the certificates of https targets",
    )
    group.add_argument(
        "--ca-file",
        type=reader(Text, "--ca-file"),
        default=absent,
        metavar="FILE",
        help="certificates (PEM) that https targets are verified against (default: the system's)",
    )
    group.add_argument(
        "--replay-ambiguous",
        action="store_true",
        default=absent,
        help="also replay requests whose body length can be read in two ways (request smuggling)",
    )
    group.add_argument(
        "--allow-production-target",
        action="store_true",
        default=absent,
        help="replay even to a target that is seen as a server in the mirrored traffic",
    )


def _add_run(group: argparse._ArgumentGroup) -> None:
    absent = argparse.SUPPRESS
    group.add_argument(
        "--status", default=absent, metavar="HOST:PORT", help="serve /metrics and /healthz there"
    )
    group.add_argument(
        "--summary",
        default=absent,
        metavar="FILE",
        help="write the account as JSON at the end (-: to stdout)",
    )
    group.add_argument(
        "--report",
        type=reader(Text, "--report"),
        default=absent,
        metavar="FILE",
        help="write an HTML page of the run at the end (docs/report.md)",
    )
    group.add_argument(
        "--ui",
        default=absent,
        metavar="HOST:PORT",
        help="show that page while the run goes on; with PORT alone to this machine only",
    )
    group.add_argument(
        "--grace",
        dest="grace_s",
        type=reader(Wait, "--grace"),
        default=absent,
        metavar="TIME",
        help="how long replays in flight may take at the end (default: 5s)",
    )
    group.add_argument(
        "--duration",
        "--for",
        dest="duration_s",
        type=reader(Seconds, "--duration"),
        default=absent,
        metavar="TIME",
        help="stop after this long (default: when interrupted, or when the sources end)",
    )
