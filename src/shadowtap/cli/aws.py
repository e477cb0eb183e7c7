"""shadowtap aws: mirror sessions that set themselves up, and stay right."""

import sys
from collections.abc import Callable

from shadowtap.aws import boto
from shadowtap.aws.wish import Connect
from shadowtap.cli import aws_collector, aws_keep, aws_mirror
from shadowtap.cli.options import Parser
from shadowtap.errors import UsageError

Execute = Callable[[list[str], Connect], int]
COMMANDS: dict[str, tuple[str, Callable[[], Parser], Execute]] = {
    "plan": (
        "show what is there, what would change, what it costs and what would go wrong",
        aws_mirror.plan_parser,
        aws_mirror.plan,
    ),
    "up": ("do it", aws_mirror.up_parser, aws_mirror.up),
    "status": (
        "show each session, its problems, and what AWS and the collector counted",
        aws_keep.status_parser,
        aws_keep.status,
    ),
    "watch": (
        "keep it right while interfaces come and go",
        aws_keep.watch_parser,
        aws_keep.watch,
    ),
    "down": ("remove what is ours, and say what is left", aws_mirror.down_parser, aws_mirror.down),
    "emit": (
        "write the plan, and a collector, as CloudFormation or Terraform",
        aws_collector.emit_parser,
        aws_collector.emit,
    ),
    "policy": (
        "print the least IAM policy a command needs",
        aws_collector.policy_parser,
        aws_collector.policy,
    ),
    "doctor": (
        "on the collector: find out what arrives, and what to do if it does not",
        aws_collector.doctor_parser,
        aws_collector.doctor,
    ),
}


def parser() -> Parser:
    """The options before a command of `aws`."""
    wide = max(map(len, COMMANDS)) + 2
    listed = "\n".join(f"  {name:{wide}}{about}" for name, (about, _, _) in COMMANDS.items())
    return Parser(
        prog="shadowtap aws",
        usage="shadowtap aws COMMAND [options]",
        description="Sets up VPC Traffic Mirroring towards a collector, and keeps it right.",
        epilog=f"commands:\n{listed}\n\n'shadowtap aws COMMAND --help' tells more; docs/aws.md is the how-to.",
    )


def parsers() -> dict[str, Parser]:
    """The options of each command, for the reference."""
    return {name: make() for name, (_, make, _) in COMMANDS.items()}


def execute(argv: list[str], connect: Connect = boto.connect) -> int:
    """Carry it out. `connect` opens an account; the tests have their own."""
    if not argv:
        parser().print_help(sys.stderr)
        return UsageError.exit_code
    if argv[0].startswith("-"):
        parser().parse(argv)
        return 0
    if argv[0] not in COMMANDS:
        raise UsageError(f'unknown command "aws {argv[0]}"; one of {", ".join(COMMANDS)}')
    return COMMANDS[argv[0]][2](argv[1:], connect)
