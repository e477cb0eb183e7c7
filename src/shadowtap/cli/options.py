"""argparse with our manners: one line on an error instead of the whole usage, and help that reads the same on
every version of Python (it is also the reference in docs/cli.md)."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from shadowtap.config.kinds import Port, from_text
from shadowtap.config.suggest import suggest
from shadowtap.errors import UsageError


class _Help(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=96)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        several = "…" if action.nargs == "+" else ""
        return f"{', '.join(action.option_strings)} {action.metavar}{several}"


class Parser(argparse.ArgumentParser):
    """Raises UsageError instead of leaving the process."""

    def __init__(self, prog: str, usage: str, description: str, epilog: str | None = None) -> None:
        super().__init__(
            prog=prog,
            usage=usage,
            description=description,
            epilog=epilog,
            formatter_class=_Help,
            allow_abbrev=False,
            add_help=False,
        )
        self.add_argument("-h", "--help", action="help", help="show this and stop")

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """Parse all of it; UsageError names the first thing that is not understood."""
        known, rest = self.parse_known_intermixed_args(argv)
        for word in rest:
            if word.startswith("-") and word != "-":
                self._unknown(word.partition("=")[0])
        if rest:
            raise UsageError(f'unexpected "{rest[0]}"; see {self.prog} --help')
        return known

    def error(self, message: str) -> NoReturn:
        """What argparse calls when it cannot go on."""
        message = message.removeprefix("argument ").replace(
            "the following arguments are required:", "missing:"
        )
        raise UsageError(f"{message}; see {self.prog} --help")

    def _unknown(self, option: str) -> NoReturn:
        options = [name[2:] for action in self._actions for name in action.option_strings if name[:2] == "--"]
        near = suggest(option.lstrip("-"), options)
        found = near.startswith("did")
        advice = near.replace('"', "--", 1).replace('"', "") if found else f"see {self.prog} --help"
        raise UsageError(f"unknown option {option}; {advice}")


def reader(kind: Any, option: str) -> Callable[[str], Any]:
    """What argparse calls to read an option of this kind; its UsageError names the option."""
    return lambda text: from_text(kind, text, option)


def ports(text: str) -> list[int]:
    """`80,8080`."""
    return [from_text(Port, part.strip(), "--port") for part in text.split(",")]


def add_ports(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """The option that limits what is read to some servers' ports."""
    parser.add_argument(
        "--port",
        type=ports,
        action="extend",
        default=[],
        metavar="PORT[,PORT…]",
        help="ports that servers listen on (default: HTTP is recognised by content on any port)",
    )
