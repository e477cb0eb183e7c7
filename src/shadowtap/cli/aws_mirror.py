"""plan, up, status, watch and down: read the options, ask `shadowtap.aws`, say what came of it."""

import random
import signal
import sys
import time
import urllib.error
import urllib.request
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from shadowtap.aws import read, show
from shadowtap.aws import status as state
from shadowtap.aws import watch as keeping
from shadowtap.aws.api import DRY_RUN_OK, Api, ApiError
from shadowtap.aws.apply import Applied, Applier, Done
from shadowtap.aws.plan import Plan, removal
from shadowtap.aws.plan import plan as planned
from shadowtap.aws.steps import describe
from shadowtap.aws.wish import Connect, Found, look
from shadowtap.cli import aws_options as options
from shadowtap.cli.options import Parser
from shadowtap.errors import RunError, ShadowtapError, UsageError

DRY_RUN = "ask AWS whether each call would be allowed (DryRun), and change nothing"


def plan_parser() -> Parser:
    parser = Parser(
        prog="shadowtap aws plan",
        usage="shadowtap aws plan --from SOURCE… --to TARGET [options]",
        description="Shows what is there, what would change, the cost, the quotas, and what would go wrong.",
    )
    options.add_wish(parser)
    options.add_place(parser)
    parser.add_argument("--dry-run", action="store_true", help=DRY_RUN)
    options.add_output(parser, price=True)
    return parser


def plan(argv: list[str], connect: Connect) -> int:
    args = plan_parser().parse(argv)
    found = look(options.wish(args), connect)
    plans = [planned(f.desired, f.world) for f in found]
    if args.json:
        _json([show.document(f.desired, f.world, p, args.price) for f, p in zip(found, plans, strict=True)])
    else:
        print("\n\n".join(show.text(f.desired, f.world, p, args.price) for f, p in zip(found, plans, strict=True)))
    if args.dry_run:
        return _rehearse(found, plans)
    return 0


def up_parser() -> Parser:
    parser = Parser(
        prog="shadowtap aws up",
        usage="shadowtap aws up --from SOURCE… --to TARGET [options]",
        description="Makes the mirror what `plan` shows. What is as it should be is left alone; when a step fails,"
        "\nwhat was made before it is taken back.",
    )
    options.add_wish(parser)
    options.add_place(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--expect", metavar="DIGEST", help="only if it is the plan that `plan` showed with this digest")
    parser.add_argument("--keep-going", action="store_true", help="a step that fails does not stop the others")
    parser.add_argument("--dry-run", action="store_true", help=DRY_RUN)
    options.add_output(parser, price=True)
    return parser


def up(argv: list[str], connect: Connect) -> int:
    args = up_parser().parse(argv)
    found = look(options.wish(args), connect)
    plans = [planned(f.desired, f.world) for f in found]
    for one, todo in zip(found, plans, strict=True):
        _say(show.text(one.desired, one.world, todo, args.price))
    if args.expect:
        _expect(args.expect, plans)
    if args.dry_run:
        return _rehearse(found, plans)
    if any(p.steps for p in plans):
        _confirm(args.yes or bool(args.expect), "up")
    results = []
    for one, todo in zip(found, plans, strict=True):
        results.append(_apply(one.api, todo, one.desired.tags, keep_going=args.keep_going))
        if not results[-1].ok:
            break
    if args.json:
        _json([_result(p, r) for p, r in zip(plans, results, strict=False)])
    if not all(r.ok for r in results):
        _failed("up", results)
    return 0


def _expect(digest: str, plans: list[Plan]) -> None:
    now = ",".join(p.digest for p in plans)
    if digest not in {now, *(p.digest for p in plans if len(plans) == 1)}:
        raise UsageError(f"--expect {digest}: the plan is {now} by now; look at it with `shadowtap aws plan`")


def _confirm(yes: bool, what: str) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"shadowtap aws {what} asks before it changes anything: say --yes where nobody can answer")
    _say("apply this? [y/N] ", end="")
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise UsageError("nothing was changed")


def _apply(
    api: Api, todo: Plan, tags: tuple[tuple[str, str], ...] = (), *, keep_going: bool = False
) -> Applied:
    applier = Applier(
        api, todo, run=uuid.uuid4().hex, tags=tags, keep_going=keep_going, tell=_tell
    )
    return applier.apply()


def _tell(done: Done) -> None:
    mark = "failed" if done.error else "done  "
    _say(f"{mark}  {describe(done.step)}" + (f" → {done.id}" if done.id else "") + (f": {done.error}" if done.error else ""))


def _tell_dry(done: Done) -> None:
    _say(f"{'refused' if done.error else 'allowed'}  {describe(done.step)}" + (f": {done.error}" if done.error else ""))


def _rehearse(found: list[Found], plans: list[Plan]) -> int:
    results = [
        Applier(one.api, todo, run=uuid.uuid4().hex, tags=one.desired.tags, tell=_tell_dry).rehearse()
        for one, todo in zip(found, plans, strict=True)
    ]
    bad = [entry for result in results for entry in result.failed]
    if bad:
        raise RunError(f"dry run: {len(bad)} steps would fail, the first: {bad[0].error}")
    _say("dry run: AWS would allow every step; nothing was changed")
    return 0


def _failed(what: str, results: list[Applied]) -> NoReturn:
    """One line that says what happened and what to do next."""
    failed = [entry for r in results for entry in r.failed]
    undone = [entry for r in results for entry in r.undone]
    left = [entry for r in results for entry in r.left]
    for entry in undone:
        _say(f"taken back  {describe(entry.step)}" + (f" → {entry.id}" if entry.id else ""))
    for entry in left:
        _say(f"left        {entry.id}  {describe(entry.step)}: {entry.error}")
    said = f"{what}: {len(failed)} steps failed, the first: {describe(failed[0].step)}: {failed[0].error}"
    if left:
        said += f"; {len(left)} made before it could not be taken back and are still there"
    elif undone:
        said += f"; the {len(undone)} made before it were taken back"
    raise RunError(said + "; `shadowtap aws plan` shows how it stands, `up` or `down` finishes")


def _result(todo: Plan, result: Applied) -> dict[str, Any]:
    return {
        "mirror": todo.name,
        "account": todo.account,
        "region": todo.region,
        "ok": result.ok,
        "done": [{"step": describe(d.step), "id": d.id} for d in result.done],
        "failed": [{"step": describe(d.step), "error": d.error} for d in result.failed],
        "undone": [{"step": describe(d.step), "id": d.id} for d in result.undone],
        "left": [{"step": describe(d.step), "id": d.id, "error": d.error} for d in result.left],
    }


def down_parser() -> Parser:
    parser = Parser(
        prog="shadowtap aws down",
        usage="shadowtap aws down [--name NAME] [options]",
        description="Removes what carries the mirror's tag: sessions, then rules and filters, then targets. Nothing\n"
        "else is touched; what must stay is said.",
    )
    options.add_place(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help=DRY_RUN)
    options.add_output(parser)
    return parser


def down(argv: list[str], connect: Connect) -> int:
    args = down_parser().parse(argv)
    name, places = options.where(args)
    apis = [connect(place) for place in places]
    plans = [removal(name, read.world(api, shares=True)) for api in apis]
    for todo in plans:
        _say(f"mirror {name} in {todo.account} {todo.region}: {len(todo.steps)} to remove")
        for step in todo.steps:
            _say(f"  {describe(step)}")
    if args.dry_run:
        for api, todo in zip(apis, plans, strict=True):
            result = Applier(api, todo, run=uuid.uuid4().hex, tell=_tell_dry).rehearse()
            if not result.ok:
                raise RunError(f"dry run: {result.failed[0].error}")
        _say("dry run: AWS would allow every step; nothing was changed")
        return 0
    if any(p.steps for p in plans):
        _confirm(args.yes, "down")
    results = [_apply(api, todo, keep_going=True) for api, todo in zip(apis, plans, strict=True)]
    for todo in plans:
        for text in todo.left:
            _say(f"left  {text}")
    if args.json:
        _json([{**_result(p, r), "stays": list(p.left)} for p, r in zip(plans, results, strict=True)])
    if not all(r.ok for r in results):
        _failed("down", results)
    return 0


def status_parser() -> Parser:
    parser = Parser(
        prog="shadowtap aws status",
        usage="shadowtap aws status [--name NAME] [options]",
        description="Shows each session, what keeps its packets from arriving, and what CloudWatch counted beside\n"
        "what the collector received. Exit code 1 when something is wrong.",
    )
    options.add_place(parser)
    parser.add_argument("--minutes", type=int, default=15, help="look at so many minutes of CloudWatch (default: 15)")
    parser.add_argument(
        "--collector", metavar="URL|FILE", help="the collector's status port, as in http://10.0.0.5:9090, or its summary file"
    )
    parser.add_argument("--dry-run", action="store_true", help=DRY_RUN)
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
        _json([{**msgspec.to_builtins(s), "healthy": s.healthy, "collector": collector} for s in found])
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
    _say("dry run: AWS would allow every call")
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
        with urllib.request.urlopen(url, timeout=5) as answer:
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
    parser.add_argument("--interval", type=float, default=60.0, metavar="SECONDS", help="between looks, ±20%% (default: 60)")
    parser.add_argument("--queue", metavar="URL", help="SQS queue with EventBridge events: look as soon as one comes")
    parser.add_argument("--rounds", type=int, metavar="N", help="stop after so many rounds")
    parser.add_argument("--dry-run", action="store_true", help=DRY_RUN)
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
        tell_step=_tell_dry if args.dry_run else _tell,
    )
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        watcher.run(args.rounds)
    except KeyboardInterrupt:
        _say("stopped; the mirror stays as it is (`shadowtap aws down` removes it)")
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _round(event: keeping.Round | ShadowtapError) -> None:
    now = datetime.now(UTC).strftime("%H:%M:%S")
    if isinstance(event, ShadowtapError):
        _say(f"{now} problem: {event}; nothing was changed, next round tries again")
        return
    todo, result = event.plan, event.applied
    _say(
        f"{now} {todo.account} {todo.region}: {len(todo.links)} sessions wanted, {len(result.done)} changes"
        + (f", {len(result.failed)} failed" if result.failed else "")
    )
    for eni, why in todo.refused:
        _say(f"         {eni} is left out: {why}")


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)


def _json(value: Any) -> None:
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
