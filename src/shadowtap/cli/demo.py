"""shadowtap demo: the whole thing on one machine."""

import sys

from shadowtap.cli.findings import findings, judged
from shadowtap.cli.options import Parser, reader
from shadowtap.cli.views import ending, view_for
from shadowtap.compare import NoMask
from shadowtap.config.kinds import Count, Seconds
from shadowtap.demo.stage import moral, play, verdicts


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
    return options


def execute(argv: list[str]) -> int:
    """Carry it out."""
    args = parser().parse(argv)
    with ending(view_for(live=not args.no_live, quiet=False), quiet=False) as witness:
        played = play(witness, seconds=args.seconds, rate=args.rate)
    results, nobody = played.comparison.result(), NoMask()
    told = [*findings(results, nobody), *judged(verdicts(played.comparison)), "", moral(results)]
    print("\n".join(told), end="", file=sys.stderr)
    return 0
