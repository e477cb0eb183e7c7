"""plan, up and down: read the options, ask `shadowtap.aws`, say what came of it."""

import uuid
from typing import Any, NoReturn

from shadowtap.aws import read, show
from shadowtap.aws.api import Api
from shadowtap.aws.apply import Applied, Applier
from shadowtap.aws.plan import Plan
from shadowtap.aws.plan import plan as planned
from shadowtap.aws.removal import removal
from shadowtap.aws.steps import describe
from shadowtap.aws.wish import Connect, Found, look
from shadowtap.cli import aws_options as options
from shadowtap.cli.aws_output import as_json, confirm, say, tell, tell_dry
from shadowtap.cli.options import Parser
from shadowtap.errors import RunError, UsageError


def plan_parser() -> Parser:
    parser = Parser(
        prog="shadowtap aws plan",
        usage="shadowtap aws plan --from SOURCE… --to TARGET [options]",
        description="Shows what is there, what would change, the cost, the quotas, and what would go wrong.",
    )
    options.add_wish(parser)
    options.add_place(parser)
    parser.add_argument("--dry-run", action="store_true", help=options.DRY_RUN)
    options.add_output(parser, price=True)
    return parser


def plan(argv: list[str], connect: Connect) -> int:
    args = plan_parser().parse(argv)
    found = look(options.wish(args), connect)
    plans = [planned(f.desired, f.world) for f in found]
    if args.json:
        as_json([show.document(f.desired, f.world, p, args.price) for f, p in zip(found, plans, strict=True)])
    else:
        print(
            "\n\n".join(
                show.text(f.desired, f.world, p, args.price) for f, p in zip(found, plans, strict=True)
            )
        )
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
    parser.add_argument(
        "--expect", metavar="DIGEST", help="only if it is the plan that `plan` showed with this digest"
    )
    parser.add_argument(
        "--keep-going", action="store_true", help="a step that fails does not stop the others"
    )
    parser.add_argument("--dry-run", action="store_true", help=options.DRY_RUN)
    options.add_output(parser, price=True)
    return parser


def up(argv: list[str], connect: Connect) -> int:
    args = up_parser().parse(argv)
    found = look(options.wish(args), connect)
    plans = [planned(f.desired, f.world) for f in found]
    for one, todo in zip(found, plans, strict=True):
        say(show.text(one.desired, one.world, todo, args.price))
    if args.expect:
        _expect(args.expect, plans)
    if args.dry_run:
        return _rehearse(found, plans)
    if any(p.steps for p in plans):
        confirm(args.yes or bool(args.expect), "up")
    results = _apply_all(found, plans, keep_going=args.keep_going)
    if args.json:
        as_json([_result(p, r) for p, r in zip(plans, results, strict=False)])
    if not all(r.ok for r in results):
        _failed("up", results)
    return 0


def _expect(digest: str, plans: list[Plan]) -> None:
    now = ",".join(p.digest for p in plans)
    if digest not in {now, *(p.digest for p in plans if len(plans) == 1)}:
        raise UsageError(f"--expect {digest}: the plan is {now} by now; look at it with `shadowtap aws plan`")


def _apply_all(found: list[Found], plans: list[Plan], *, keep_going: bool) -> list[Applied]:
    """One account and region after the other; a failure takes back those before it as well."""
    appliers: list[Applier] = []
    results: list[Applied] = []
    for one, todo in zip(found, plans, strict=True):
        appliers.append(_applier(one.api, todo, one.desired.tags, keep_going=keep_going))
        results.append(_run(appliers[-1]))
        if not results[-1].ok and not keep_going:
            before = zip(appliers[:-1], results[:-1], strict=True)
            return [*(applier.take_back(result) for applier, result in before), results[-1]]
    return results


def _applier(
    api: Api, todo: Plan, tags: tuple[tuple[str, str], ...] = (), *, keep_going: bool = False
) -> Applier:
    return Applier(api, todo, run=uuid.uuid4().hex, tags=tags, keep_going=keep_going, tell=tell)


def _run(applier: Applier) -> Applied:
    try:
        return applier.apply()
    except KeyboardInterrupt:
        say("interrupted: `shadowtap aws plan` shows how it stands, `up` or `down` finishes")
        raise


def _rehearse(found: list[Found], plans: list[Plan]) -> int:
    results = [
        Applier(one.api, todo, run=uuid.uuid4().hex, tags=one.desired.tags, tell=tell_dry).rehearse()
        for one, todo in zip(found, plans, strict=True)
    ]
    bad = [entry for result in results for entry in result.failed]
    if bad:
        raise RunError(f"dry run: {len(bad)} steps would fail, the first: {bad[0].error}")
    say("dry run: AWS would allow every step; nothing was changed")
    return 0


def _failed(what: str, results: list[Applied]) -> NoReturn:
    """One line that says what happened and what to do next."""
    failed = [entry for r in results for entry in r.failed]
    undone = [entry for r in results for entry in r.undone]
    left = [entry for r in results for entry in r.left]
    for entry in undone:
        say(f"taken back  {describe(entry.step)}" + (f" → {entry.id}" if entry.id else ""))
    for entry in left:
        say(f"left        {entry.id}  {describe(entry.step)}: {entry.error}")
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
    parser.add_argument("--dry-run", action="store_true", help=options.DRY_RUN)
    options.add_output(parser)
    return parser


def down(argv: list[str], connect: Connect) -> int:
    args = down_parser().parse(argv)
    name, places = options.where(args)
    apis = [connect(place) for place in places]
    plans = [removal(name, read.world(api, shares=True)) for api in apis]
    for todo in plans:
        say(f"mirror {name} in {todo.account} {todo.region}: {len(todo.steps)} to remove")
        for step in todo.steps:
            say(f"  {describe(step)}")
    if args.dry_run:
        for api, todo in zip(apis, plans, strict=True):
            result = Applier(api, todo, run=uuid.uuid4().hex, tell=tell_dry).rehearse()
            if not result.ok:
                raise RunError(f"dry run: {result.failed[0].error}")
        say("dry run: AWS would allow every step; nothing was changed")
        return 0
    if any(p.steps for p in plans):
        confirm(args.yes, "down")
    results = [_run(_applier(api, todo, keep_going=True)) for api, todo in zip(apis, plans, strict=True)]
    for todo in plans:
        for text in todo.left:
            say(f"left  {text}")
    if args.json:
        as_json([{**_result(p, r), "stays": list(p.left)} for p, r in zip(plans, results, strict=True)])
    if not all(r.ok for r in results):
        _failed("down", results)
    return 0
