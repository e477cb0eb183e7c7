"""The front door: which command it is, and what an error looks like."""

import os
import sys
from importlib import import_module
from typing import Protocol, cast

from shadowtap import __version__, serial
from shadowtap.cli.interrupts import INTERRUPTS, Interrupts
from shadowtap.cli.options import Parser
from shadowtap.config.suggest import suggest
from shadowtap.errors import ShadowtapError, UsageError

COMMANDS = {
    "run": "replay mirrored traffic live, until interrupted or the source ends",
    "replay": "send again what was kept, with production's timing or faster",
    "extract": "write requests and responses as JSON Lines",
    "convert": "write what was seen in another format: GoReplay, HAR, k6, curl, a recording",
    "report": "make one HTML page of a recording, or of the files of a run",
    "query": "ask a recording in SQL",
    "check": "validate a configuration, and test what can be tested without sending requests",
    "aws": "set up VPC Traffic Mirroring, and keep it right",
    "demo": "see the whole thing on one machine: no root, no AWS",
}


os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # no command multiplies matrices, and idle threads cost time


class Command(Protocol):
    """What the module of a command has."""

    def parser(self) -> Parser: ...
    def execute(self, argv: list[str]) -> int: ...


def main(argv: list[str] | None = None) -> int:
    """Carry out a command line; returns the exit code. Without `argv` it is the process's own, and so are signals."""
    interrupts = Interrupts()
    if argv is None:
        interrupts = INTERRUPTS
        interrupts.install()
    try:
        code = _outcome(sys.argv[1:] if argv is None else argv, interrupts)
        interrupts.end()
    except KeyboardInterrupt:  # one more, while another was dealt with
        interrupts.end()
        code = interrupts.exit_code
    return code


def _outcome(argv: list[str], interrupts: Interrupts) -> int:
    try:
        return _dispatch(argv, interrupts)
    except ShadowtapError as error:
        print(f"shadowtap: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return interrupts.exit_code
    except BrokenPipeError:
        # Whoever reads has had enough, as `head` does. Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit as done:
        return int(done.code or 0)


def command(name: str) -> Command:
    """The module of a command."""
    return cast(Command, import_module(f"shadowtap.cli.{name}"))


def parser() -> Parser:
    """The options before a command."""
    wide = max(map(len, COMMANDS)) + 2
    listed = "\n".join(f"  {name:{wide}}{text}" for name, text in COMMANDS.items())
    top = Parser(
        prog="shadowtap",
        usage="shadowtap COMMAND [options]",
        description="Replays mirrored production traffic live against another environment,\n"
        "and accounts for every request.",
        epilog=f"commands:\n{listed}\n\n'shadowtap COMMAND --help' tells more. Start with 'shadowtap demo'.",
    )
    top.add_argument("--version", action="version", version=_version())
    return top


def _version() -> str:
    compiled = not (serial.__file__ or "").endswith(".py")
    return f"shadowtap {__version__}" + ("" if compiled else " (not compiled: 1.4 to 2 times the CPU)")


def _dispatch(argv: list[str], interrupts: Interrupts) -> int:
    if not argv:
        parser().print_help(sys.stderr)
        return UsageError.exit_code
    if argv[0].startswith("-"):
        parser().parse(argv)
        return 0
    if argv[0] not in COMMANDS:
        raise UsageError(f'unknown command "{argv[0]}"; {suggest(argv[0], COMMANDS)}')
    chosen = command(argv[0])
    interrupts.work()
    return chosen.execute(argv[1:])
