"""shadowtap demo: the whole thing on one machine."""

import os
import sys
import tempfile
import webbrowser
from pathlib import Path

from shadowtap.cli.findings import findings, judged
from shadowtap.cli.options import Parser, reader
from shadowtap.cli.output import PRIVATE, check_writable, write_whole
from shadowtap.cli.views import ending, view_for
from shadowtap.config.kinds import Count, Seconds, Text
from shadowtap.demo.stage import moral, play, verdicts
from shadowtap.masking import KEY_BYTES, Masker


def parser() -> Parser:
    """The options of `demo`."""
    options = Parser(
        prog="shadowtap demo",
        usage="shadowtap demo [options]",
        description="Plays a small shop with visitors, mirrors its packets through VXLAN on loopback,\n"
        "replays each request to the shop's next version, and says where that answers otherwise.\n"
        "Needs no root and no AWS.",
        epilog="Ends by itself, or when interrupted (Ctrl-C).",
    )
    options.add_argument(
        "--seconds",
        type=reader(Seconds, "--seconds"),
        default=20.0,
        metavar="TIME",
        help="how long (default: 20)",
    )
    options.add_argument(
        "--rate",
        type=reader(Count, "--rate"),
        default=150,
        metavar="N",
        help="requests a second, about (default: 150)",
    )
    options.add_argument("--no-live", action="store_true", help="plain lines, also on a terminal")
    options.add_argument(
        "--report",
        type=reader(Text, "--report"),
        metavar="FILE",
        help="where the report page goes (default: a new folder for temporary files)",
    )
    options.add_argument("--open", action="store_true", help="show the page in a browser")
    return options


def execute(argv: list[str]) -> int:
    """Carry it out."""
    args = parser().parse(argv)
    check_writable(args.report, "report")
    with ending(view_for(live=not args.no_live, quiet=False), quiet=False) as witness:
        played = play(witness, seconds=args.seconds, rate=args.rate)
    path = args.report or f"{tempfile.mkdtemp(prefix='shadowtap-demo-')}/report.html"
    write_whole(path, played.page.encode(), "the report", mode=PRIVATE)
    results, masker = played.comparison.result(), Masker(os.urandom(KEY_BYTES))
    told = [*findings(results, masker), *judged(verdicts(played.comparison)), "", moral(results, path)]
    print("\n".join(told), end="", file=sys.stderr)
    if args.open:
        webbrowser.open(Path(path).absolute().as_uri())
    return 0
