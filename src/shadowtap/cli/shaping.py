"""Options that say which requests are replayed, and as what: rules, a sample, rewriting, masks, hooks."""

import argparse
from typing import Any

from shadowtap.cli.options import Parser, reader
from shadowtap.config import RewriteSettings
from shadowtap.config.hooks import OnError
from shadowtap.config.kinds import Seconds, Share, Text
from shadowtap.config.rewrite import OPTIONS
from shadowtap.config.settings import Leg
from shadowtap.config.transform import check_keys, check_rule

_TRANSFORM = ("only", "skip", "allow", "sample", "sample_by", "safe_methods_only", "idempotency_key")
_MASK = {"mask_live": "live", "mask_key": "key_file"}
_HOOKS = {
    "hooks": "file",
    "hooks_on_error": "on_error",
    "middleware": "middleware",
    "middleware_timeout": "timeout_s",
}
_RULES = ("only", "skip", "allow")


def add_shaping(parser: Parser) -> None:
    """Declare the options. What is not given is left out of the result, so that the file may say it."""
    _add_rules(parser.add_argument_group("which requests (docs/expressions.md)"))
    _add_rewriting(parser.add_argument_group("as what (docs/rewriting.md; rules may be given several times)"))
    _add_code(parser.add_argument_group("masks and code of your own (docs/masking.md, docs/hooks.md)"))


def tables_of(args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """The fields of [transform], [mask] and [hooks] that options gave. Raises UsageError."""
    given = vars(args)
    transform = {name: given[name] for name in _TRANSFORM if name in given}
    for name in _RULES:
        if name in transform:
            transform[name] = tuple(transform[name])
            for text in transform[name]:
                check_rule(name, text, f"--{name}")
    if "sample_by" in transform:
        check_keys(transform["sample_by"], "--sample-by")
    return {
        "transform": transform,
        "mask": {field: given[name] for name, field in _MASK.items() if name in given},
        "hooks": {field: given[name] for name, field in _HOOKS.items() if name in given},
    }


def rewrite_of(args: argparse.Namespace) -> tuple[RewriteSettings, ...]:
    """The table of rules that options make, if there are any."""
    given = vars(args)
    rules: dict[str, Any] = {f: tuple(given[_dest(f)]) for f in OPTIONS if _dest(f) in given}
    return (RewriteSettings(**rules),) if rules else ()


def add_shaping_values(args: argparse.Namespace, values: dict[str, Any]) -> None:
    """Put what is no table into the values of `Settings`."""
    for name in ("legs", "dry_run", "keep_secrets"):
        if name in vars(args):
            values[name] = getattr(args, name)
    rules = rewrite_of(args)
    if rules:
        values["rewrite"] = rules


def _dest(field: str) -> str:
    return f"rewrite_{field}"


def _add_rules(group: argparse._ArgumentGroup) -> None:
    absent = argparse.SUPPRESS
    for name, metavar, text in (
        ("only", "RULE", "replay only requests for which a rule holds (several: one is enough)"),
        ("skip", "RULE", "do not replay requests for which a rule holds"),
    ):
        group.add_argument(f"--{name}", action="append", default=absent, metavar=metavar, help=text)
    group.add_argument(
        "--sample",
        type=reader(Share, "--sample"),
        default=absent,
        metavar="SHARE",
        help="replay a share of the users, such as 10%%",
    )
    group.add_argument(
        "--sample-by",
        default=absent,
        metavar="KEYS",
        help="what tells users apart: cookie:NAME, header:NAME, query:NAME, client, connection (default: client)",
    )
    group.add_argument(
        "--safe-methods-only",
        action="store_true",
        default=absent,
        help="replay GET, HEAD, OPTIONS and TRACE only",
    )
    group.add_argument(
        "--allow",
        action="append",
        default=absent,
        metavar="ROUTE",
        help='replay these writes, and no others: "POST /search", or an expression',
    )
    group.add_argument(
        "--legs",
        type=reader(Leg, "--legs"),
        default=absent,
        metavar="LEG",
        help="where both sides of a load balancer are mirrored, replay only the front or the back",
    )
    group.add_argument(
        "--dry-run",
        action="store_true",
        default=absent,
        help="write what would be sent to stdout, as JSON Lines, and send nothing",
    )


def _add_rewriting(group: argparse._ArgumentGroup) -> None:
    absent = argparse.SUPPRESS
    for field, option in OPTIONS.items():
        group.add_argument(
            option.flag,
            dest=_dest(field),
            action="append",
            default=absent,
            metavar=option.metavar,
            help=option.help,
        )
    group.add_argument(
        "--idempotency-key",
        action="store_true",
        default=absent,
        help="give each write that lacks one an Idempotency-Key",
    )


def _add_code(group: argparse._ArgumentGroup) -> None:
    absent = argparse.SUPPRESS
    group.add_argument(
        "--mask",
        dest="mask_live",
        action="store_true",
        default=absent,
        help="mask secrets and personal data in what is replayed, too",
    )
    group.add_argument(
        "--mask-key",
        type=reader(Text, "--mask-key"),
        default=absent,
        metavar="FILE",
        help="the key of stand-ins, so that they are the same in every run (default: one for each run)",
    )
    group.add_argument(
        "--keep-secrets", action="store_true", default=absent, help="do not mask what --dry-run shows"
    )
    group.add_argument(
        "--hooks",
        type=reader(Text, "--hooks"),
        default=absent,
        metavar="FILE",
        help="a Python file with request(request) and answers(request, production, outcomes)",
    )
    group.add_argument(
        "--hooks-on-error",
        type=reader(OnError, "--hooks-on-error"),
        default=absent,
        metavar="WHAT",
        help="what becomes of a request whose hook fails: pass or drop (default: pass)",
    )
    group.add_argument(
        "--middleware",
        type=reader(Text, "--middleware"),
        default=absent,
        metavar="COMMAND",
        help="a program that speaks GoReplay's middleware protocol",
    )
    group.add_argument(
        "--middleware-timeout",
        type=reader(Seconds, "--middleware-timeout"),
        default=absent,
        metavar="TIME",
        help="how long it may keep a request (default: 2s)",
    )
