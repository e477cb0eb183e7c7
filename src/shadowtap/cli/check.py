"""shadowtap check: would it run?"""

from shadowtap.cli.comparing import comparison_of
from shadowtap.cli.options import Parser
from shadowtap.cli.preflight import Grade, preflight
from shadowtap.cli.settings import add_settings, settings_of
from shadowtap.config import Settings
from shadowtap.config.merge import require
from shadowtap.config.sources import parse
from shadowtap.errors import RunError, UsageError
from shadowtap.ledger import Ledger
from shadowtap.runner.shaping import Stages


def parser() -> Parser:
    """The options of `check`."""
    options = Parser(
        prog="shadowtap check",
        usage="shadowtap check [FILE] [options of run]",
        description="Validates a configuration, then tests what can be tested without sending a request:\n"
        "sources can be opened, targets accept a connection, sinks can be written, the status port is free.",
        epilog="Exit code 0: it would run. 2: the configuration is wrong. 3: something would prevent the run.",
    )
    options.add_argument("file", nargs="?", metavar="FILE", help="the same as --config FILE")
    add_settings(options)
    return options


def _make(settings: Settings) -> None:
    """Make what the run makes of rules, hooks and keys. Raises UsageError where one is of no use."""
    Stages(settings, [parse(url) for url in settings.sources], Ledger(0))
    comparison_of(settings)


def execute(argv: list[str]) -> int:
    """Carry it out."""
    args = parser().parse(argv)
    if args.file and args.config:
        raise UsageError("FILE and --config both name a configuration; leave one out")
    settings = require(settings_of(args, args.file or args.config))
    _make(settings)
    if args.file or args.config:
        print(f"ok       {args.file or args.config}: valid")
    problems = 0
    for grade, what, text in preflight(settings):
        problems += grade is Grade.PROBLEM
        print(f"{grade:8} {what}: {text}", flush=True)
    return RunError.exit_code if problems else 0
