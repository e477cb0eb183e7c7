"""shadowtap run: replay live, then say what happened."""

from shadowtap.cli.comparing import comparison_of
from shadowtap.cli.comparing import tell as tell_comparison
from shadowtap.cli.options import Parser
from shadowtap.cli.output import PRIVATE, write_whole
from shadowtap.cli.settings import add_settings, settings_of
from shadowtap.cli.views import ending, view_for
from shadowtap.config import Settings
from shadowtap.config.merge import require
from shadowtap.ledger import Ledger
from shadowtap.report.page import page
from shadowtap.report.summary import as_json
from shadowtap.runner import Reporter
from shadowtap.runner import run as replay


def parser() -> Parser:
    """The options of `run`."""
    options = Parser(
        prog="shadowtap run",
        usage="shadowtap run --from SOURCE… --to TARGET… [options]\n       shadowtap run --config FILE [options]",
        description="Replays every HTTP request in mirrored traffic, live, against one or more targets.",
        epilog="Ends when interrupted (Ctrl-C, SIGTERM), when the sources end, or after --duration; a second\n"
        "interrupt does not wait for replays in flight. docs/configuration.md describes all settings.",
    )
    add_settings(options)
    add_shown(options)
    return options


def add_shown(options: Parser) -> None:
    """Declare what is shown."""
    shown = options.add_argument_group("what is shown (on stderr)")
    shown.add_argument("--no-live", action="store_true", help="plain lines, also on a terminal")
    shown.add_argument("--quiet", action="store_true", help="nothing but errors")


def execute(argv: list[str]) -> int:
    """Carry it out."""
    args = parser().parse(argv)
    settings = require(settings_of(args, args.config))
    return carry_out(settings, live=not args.no_live, quiet=args.quiet)


def carry_out(settings: Settings, *, live: bool, quiet: bool) -> int:
    """Run, and tell what happened; the exit code."""
    comparison = comparison_of(settings)
    wanted = settings.report is not None or settings.ui is not None
    reporter = Reporter(settings, comparison) if wanted else None
    with ending(view_for(live=live, quiet=quiet), quiet=quiet) as witness:

        def tell(ledger: Ledger, now_ns: int, ended: str) -> None:
            if settings.summary is not None:
                write_summary(settings.summary, as_json(ledger, now_ns, ended, settings.sources))
            if settings.report is not None and reporter is not None:
                html = page(reporter.report(ledger, now_ns, ended))
                write_whole(settings.report, html.encode(), "the report", mode=PRIVATE)

        witness.at_end = tell
        replay(settings, view=witness, comparison=comparison, reporter=reporter)
    return 0 if comparison is None else tell_comparison(comparison, settings, quiet=quiet)


def write_summary(path: str, text: bytes) -> None:
    """Write it whole or not at all: a reader never finds half a summary. Raises RunError."""
    write_whole(path, text, "the summary")
