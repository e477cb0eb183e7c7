"""shadowtap check: would it run?"""

from shadowtap.cli.options import Parser
from shadowtap.cli.preflight import Grade, preflight
from shadowtap.cli.settings import add_settings, settings_of
from shadowtap.config.merge import require
from shadowtap.errors import RunError, UsageError


def parser() -> Parser:
    """The options of `check`."""
    options = Parser(
        prog="shadowtap check",
        usage="shadowtap check [FILE] [options of run]",
        description="Validates a configuration, then tests what can be tested without sending a request:\n"
        "sources can be opened, targets accept a connection, the status port is free.",
        epilog="Exit code 0: it would run. 2: the configuration is wrong. 3: something would prevent the run.",
    )
    options.add_argument("file", nargs="?", metavar="FILE", help="the same as --config FILE")
    add_settings(options)
    return options


def execute(argv: list[str]) -> int:
    """Carry it out."""
    args = parser().parse(argv)
    if args.file and args.config:
        raise UsageError("FILE and --config both name a configuration; leave one out")
    settings = require(settings_of(args, args.file or args.config))
    if args.file or args.config:
        print(f"ok       {args.file or args.config}: valid")
    problems = 0
    for grade, what, text in preflight(settings):
        problems += grade is Grade.PROBLEM
        print(f"{grade:8} {what}: {text}", flush=True)
    return RunError.exit_code if problems else 0
