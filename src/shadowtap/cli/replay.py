"""shadowtap replay: send again what was kept, with production's timing."""

from shadowtap.cli.options import Parser, reader
from shadowtap.cli.run import add_shown, carry_out
from shadowtap.cli.settings import add_settings, settings_of
from shadowtap.config.kinds import Whole
from shadowtap.config.merge import require
from shadowtap.config.schedule import Moment, ScheduleSettings, parse_moment, parse_speed
from shadowtap.config.sources import can_be_read_again, parse
from shadowtap.errors import UsageError


def parser() -> Parser:
    """The options of `replay`."""
    options = Parser(
        prog="shadowtap replay",
        usage="shadowtap replay SOURCE… --to TARGET… [options]",
        description="Sends the requests of a recording, a capture or files of GoReplay again, each at the moment\n"
        "that production's timing says, whatever the targets do: what is sent late is measured and told.",
        epilog="Requests of one connection keep their order, so one may wait for the answer to the one before it;\n"
        "latency is therefore told twice, from the sending and from the intended moment.",
    )
    options.add_argument(
        "sources", metavar="SOURCE", nargs="+", help="recording:DIR, gor:FILE, pcap:FILE (several: together)"
    )
    when = options.add_argument_group("when")
    when.add_argument(
        "--speed",
        metavar="FACTOR",
        default="1x",
        help="2x: twice as fast; max: as fast as the targets take it (default: 1x)",
    )
    when.add_argument(
        "--loop",
        type=reader(Whole, "--loop"),
        default=1,
        metavar="N",
        help="send everything N times, 0: until interrupted (default: 1)",
    )
    for name, text in (
        ("--since", "leave out what began before"),
        ("--until", "leave out what began then or later"),
    ):
        when.add_argument(
            name,
            metavar="TIME",
            help=f"{text}: 2026-11-23T14:05:00Z (UTC without zone), or 10m from the start",
        )
    add_settings(options, sources=False)
    add_shown(options)
    return options


def execute(argv: list[str]) -> int:
    """Carry it out."""
    args = parser().parse(argv)
    schedule = ScheduleSettings(
        speed=parse_speed(args.speed),
        laps=args.loop,
        since=_moment(args.since, "--since"),
        until=_moment(args.until, "--until"),
    )
    _check_window(schedule, args.since, args.until)
    for url in args.sources:
        _check(url, schedule)
    settings = require(settings_of(args, args.config, schedule=schedule))
    return carry_out(settings, live=not args.no_live, quiet=args.quiet)


def _moment(text: str | None, option: str) -> Moment | None:
    return None if text is None else parse_moment(text, option)


def _check_window(schedule: ScheduleSettings, since: str | None, until: str | None) -> None:
    """UsageError where it is plain that nothing lies in it."""
    low, high = schedule.since, schedule.until
    if low is not None and high is not None and low.from_start == high.from_start and low.ns >= high.ns:
        raise UsageError(f"--until {until} is not behind --since {since}: nothing lies between the two")


def _check(url: str, schedule: ScheduleSettings) -> None:
    """UsageError unless it is something that was kept, and can be read as often as it shall be."""
    spec = parse(url)
    if not can_be_read_again(spec) and getattr(spec, "path", None) != "-":
        raise UsageError(
            f'"{url}" is live; shadowtap run --from {url} replays it, and can record it for later'
        )
    if schedule.laps != 1 and not can_be_read_again(spec):
        raise UsageError(f'"{url}" is a pipe and can be read once; leave out --loop')
