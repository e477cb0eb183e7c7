"""status and watch: how the mirror is, and keeping it so."""

import random
import signal
import time
import urllib.error
import urllib.request
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from shadowtap.aws import read
from shadowtap.aws import status as state
from shadowtap.aws import watch as keeping
from shadowtap.aws.api import DRY_RUN_OK, Api, ApiError
from shadowtap.aws.wish import Connect, look
from shadowtap.cli import aws_options as options
from shadowtap.cli.aws_output import as_json, say, tell, tell_dry
from shadowtap.cli.options import Parser
from shadowtap.errors import RunError, ShadowtapError, UsageError


def status_parser() -> Parser:
    parser = Parser(
        prog="shadowtap aws status",
        usage="shadowtap aws status [--name NAME] [options]",
        description="Shows each session, what keeps its packets from arriving, and what CloudWatch counted beside\n"
        "what the collector received. Exit code 1 when something is wrong.",
    )
    options.add_place(parser)
    parser.add_argument(
        "--minutes",
        type=int,
        metavar="N",
        default=15,
        help="look at so many minutes of CloudWatch (default: 15)",
    )
    parser.add_argument(
        "--collector",
        metavar="URL|FILE",
        help="the collector's status port, as in http://10.0.0.5:9090, or its summary file",
    )
    parser.add_argument("--dry-run", action="store_true", help=options.DRY_RUN)
    options.add_output(parser)
    return parser


def status(argv: list[str], connect: Connect) -> int:
    args = status_parser().parse(argv)
    name, places = options.where(args)
    if args.dry_run:
        return _reads_allowed([connect(place) for place in places])
    collector = state.received(_collector(args.collector)) if args.collector else None
    found = [state.status(connect(place), name, datetime.now(UTC), args.minutes) for place in places]
    if args.json:
        as_json([{**msgspec.to_builtins(s), "healthy": s.healthy, "collector": collector} for s in found])
    else:
        print("\n\n".join(state.text(s, collector) for s in found))
    return 0 if all(s.healthy for s in found) else 1


def _reads_allowed(apis: list[Api]) -> int:
    missing = []
    for api in apis:
        for operation in (*read.EC2_READS, "DescribeNetworkInterfaces"):
            try:
                api.call("ec2", operation, DryRun=True)
            except ApiError as error:
                if error.code != DRY_RUN_OK:
                    missing.append(str(error))
    if missing:
        raise RunError(f"dry run: {'; '.join(missing)}")
    say("dry run: AWS would allow every call")
    return 0


def _collector(where: str) -> str:
    """Its /metrics page, or its summary file."""
    if not where.startswith(("http://", "https://")):
        try:
            return Path(where).read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"--collector {where}: {error.strerror}") from None
    url = where.rstrip("/")
    url += "" if url.endswith("/metrics") else "/metrics"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            return str(answer.read().decode("utf-8", "replace"))
    except (OSError, urllib.error.URLError) as error:
        raise RunError(f"--collector {where}: no answer ({error}); is `shadowtap run --status` on?") from None


def watch_parser() -> Parser:
    parser = Parser(
        prog="shadowtap aws watch",
        usage="shadowtap aws watch --from SOURCE… --to TARGET [options]",
        description="Keeps the mirror right: looks, sets right, waits, again. What fails is told and tried again in\n"
        "the next round. Ends when interrupted; the mirror stays (`down` removes it).",
    )
    options.add_wish(parser)
    options.add_place(parser)
    parser.add_argument(
        "--interval", type=float, default=60.0, metavar="SECONDS", help="between looks, ±20%% (default: 60)"
    )
    parser.add_argument(
        "--queue", metavar="URL", help="SQS queue with EventBridge events: look as soon as one comes"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="stop after so many rounds")
    parser.add_argument("--dry-run", action="store_true", help=options.DRY_RUN)
    return parser


def watch(argv: list[str], connect: Connect) -> int:
    args = watch_parser().parse(argv)
    wish = options.wish(args)
    if args.interval < 5:
        raise UsageError(f"--interval {args.interval:g}: at least 5 seconds; the API is throttled")
    apis: dict[Any, Api] = {}

    def once(place: Any) -> Api:
        """One Api for each place, kept from round to round."""
        if place not in apis:
            apis[place] = connect(place)
        return apis[place]

    events = keeping.Events(once(wish.places[0]), args.queue, time.monotonic) if args.queue else None
    watcher = keeping.Watcher(
        lambda: look(wish, once),
        interval_s=args.interval,
        sleep=time.sleep,
        random=random.random,
        token=lambda: uuid.uuid4().hex,
        tell=_round,
        events=events,
        dry_run=args.dry_run,
        tell_step=tell_dry if args.dry_run else tell,
    )
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        watcher.run(args.rounds)
    except KeyboardInterrupt:
        say("stopped; the mirror stays as it is (`shadowtap aws down` removes it)")
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _round(event: keeping.Round | ShadowtapError) -> None:
    now = datetime.now(UTC).strftime("%H:%M:%S")
    if isinstance(event, ShadowtapError):
        say(f"{now} problem: {event}; nothing was changed, next round tries again")
        return
    todo, result = event.plan, event.applied
    say(
        f"{now} {todo.account} {todo.region}: {len(todo.links)} sessions wanted, {len(result.done)} changes"
        + (f", {len(result.failed)} failed" if result.failed else "")
    )
    for eni, why in todo.refused:
        say(f"         {eni} is left out: {why}")
