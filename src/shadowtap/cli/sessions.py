"""Options about sessions that are re-bound at the targets."""

import argparse
from typing import Any

from shadowtap.cli.options import Parser, reader
from shadowtap.config.kinds import Seconds
from shadowtap.config.sessions import check_places

_FIELDS = {"rebind": "rebind", "rebind_wait": "wait_s", "rebind_always": "always", "rebind_never": "never"}


def add_sessions(parser: Parser) -> None:
    """Declare the options. What is not given is left out of the result, so that the file may say it."""
    absent = argparse.SUPPRESS
    group = parser.add_argument_group("sessions of users (docs/sessions.md)")
    group.add_argument(
        "--rebind",
        action="store_true",
        default=absent,
        help="put the cookies, tokens and ids that a target issued in place of production's, so that sessions"
        " work there (default: with --compare)",
    )
    group.add_argument(
        "--no-rebind", dest="rebind", action="store_false", default=absent, help="send them as they are"
    )
    group.add_argument(
        "--rebind-wait",
        type=reader(Seconds, "--rebind-wait"),
        default=absent,
        metavar="TIME",
        help="how long a request waits for the answer it depends on (default: 10s)",
    )
    for name, text in (
        ("always", "replace what is issued there, whatever it looks like: 'body.ticket'"),
        ("never", "leave what is issued there as production's: 'cookie lang', 'header x-build'"),
    ):
        group.add_argument(
            f"--rebind-{name}", action="append", default=absent, metavar="PLACE", help=f"{text} (several)"
        )


def sessions_table(args: argparse.Namespace) -> dict[str, Any]:
    """The fields of [sessions] that options gave. Raises UsageError."""
    given = vars(args)
    table = {field: given[name] for name, field in _FIELDS.items() if name in given}
    for field in ("always", "never"):
        if field in table:
            table[field] = check_places(table[field], f"--rebind-{field}")
    return table
