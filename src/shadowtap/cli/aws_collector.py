"""emit, policy and doctor: what the collector's side needs."""

import sys
from collections.abc import Mapping

import msgspec

from shadowtap.aws import diagnose, find, read
from shadowtap.aws import doctor as ears
from shadowtap.aws import policy as permissions
from shadowtap.aws.emit import cloudformation, terraform
from shadowtap.aws.emit.stack import Shape, Stack
from shadowtap.aws.names import SOURCES, TARGETS, Selector
from shadowtap.aws.plan import plan as planned
from shadowtap.aws.warn import warnings
from shadowtap.aws.wish import Connect, look
from shadowtap.aws.world import World, shown
from shadowtap.cli import aws_options as options
from shadowtap.cli.options import Parser
from shadowtap.errors import UsageError

WRITERS = {"cloudformation": cloudformation.template, "terraform": terraform.configuration}


def emit_parser() -> Parser:
    parser = Parser(
        prog="shadowtap aws emit",
        usage="shadowtap aws emit --format cloudformation|terraform --from SOURCE… [options]",
        description="Writes the plan as code, with a collector: instances behind a load balancer, or one instance.\n"
        "Without --from, the collector and its mirror target only, for `up --to tmt:…`.",
        epilog="What the code makes belongs to the code: `up` and `down` leave it alone, `status` shows it.",
    )
    parser.add_argument(
        "--format",
        choices=sorted(WRITERS),
        required=True,
        metavar="LANGUAGE",
        help="cloudformation or terraform",
    )
    stack = parser.add_argument_group("the collector")
    stack.add_argument(
        "--collector",
        choices=[str(s) for s in Shape],
        metavar="SHAPE",
        help="none (then --to says where the copies go), one instance, or an auto scaling group behind an internal"
        " Network Load Balancer (default: asg, or none with --to)",
    )
    stack.add_argument(
        "--instance-type", metavar="TYPE", default="c7i.large", help="its type (default: c7i.large)"
    )
    stack.add_argument(
        "--package", metavar="SPEC", default="shadowtap", help="what pip installs on it (default: shadowtap)"
    )
    stack.add_argument(
        "--run-options", metavar="OPTIONS", default="", help="more options for `shadowtap run` on it"
    )
    options.add_wish(parser)
    options.add_place(parser)
    return parser


def emit(argv: list[str], connect: Connect) -> int:
    args = emit_parser().parse(argv)
    wish = options.wish(args)
    shape = Shape(args.collector or ("none" if wish.targets else "asg"))
    if shape is not Shape.NONE and wish.targets:
        raise UsageError("--collector makes a target of its own: leave out --to, or say --collector none")
    if any(c in args.run_options for c in "\n\r$`'\"\\"):
        raise UsageError("--run-options: no quotes, dollar signs, backslashes or new lines")
    stack = Stack(
        shape=shape, instance_type=args.instance_type, package=args.package, run_options=args.run_options
    )
    if shape is not Shape.NONE:
        wish = msgspec.structs.replace(wish, targets=(Selector("stack", stack.target_kind),))
    found = look(wish, connect)
    if len(found) > 1:
        raise UsageError("emit writes one account and region at a time: give one --profile, --region or --in")
    one = found[0]
    todo = planned(msgspec.structs.replace(one.desired, name=wish.name), _fresh(one.world, wish.name))
    for warning in warnings(one.desired, one.world, todo) if wish.sources else ():
        print(f"warning: {warning}", file=sys.stderr)
    wanted = one.desired.destination
    print(WRITERS[args.format](todo, wanted.kind, wanted.resource, stack), end="")
    return 0


def _fresh(world: World, name: str) -> World:
    """The world without what code made for this mirror before, so that the code says the same again."""
    mine = {s.id for s in shown(world.sessions, name)}
    return msgspec.structs.replace(world, sessions=tuple(s for s in world.sessions if s.id not in mine))


def policy_parser() -> Parser:
    parser = Parser(
        prog="shadowtap aws policy",
        usage="shadowtap aws policy COMMAND [options]",
        description="Prints the least IAM policy that a command needs, as JSON.",
    )
    parser.add_argument(
        "command", choices=permissions.COMMANDS, metavar="COMMAND", help=", ".join(permissions.COMMANDS)
    )
    parser.add_argument(
        "--from",
        nargs="+",
        action="extend",
        metavar="KIND",
        help=f"only these kinds of source: {', '.join(SOURCES)}",
    )
    parser.add_argument(
        "--to",
        nargs="+",
        action="extend",
        metavar="KIND",
        help=f"only these kinds of target: {', '.join(TARGETS)}",
    )
    parser.add_argument(
        "--name", metavar="NAME", default="*", help="only the mirror of this name (default: any)"
    )
    parser.add_argument("--queue", action="store_true", help="with the events of an SQS queue")
    parser.add_argument("--share", action="store_true", help="with sharing through RAM")
    parser.add_argument(
        "--partition",
        default="aws",
        choices=["aws", "aws-cn", "aws-us-gov"],
        metavar="PARTITION",
        help="default: aws",
    )
    return parser


def policy(argv: list[str], connect: Connect) -> int:
    args = policy_parser().parse(argv)
    document = permissions.policy(
        args.command,
        sources=_kinds(getattr(args, "from"), SOURCES),
        targets=_kinds(args.to, TARGETS),
        name=args.name,
        queue=args.queue,
        share=args.share,
        partition=args.partition,
    )
    print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    return 0


def _kinds(given: list[str] | None, known: Mapping[str, str]) -> list[str] | None:
    if given is None:
        return None
    kinds = [text.partition(":")[0] for text in given]
    for kind in kinds:
        if kind not in known:
            raise UsageError(f"{kind}: one of {', '.join(known)}")
    return kinds


def doctor_parser() -> Parser:
    parser = Parser(
        prog="shadowtap aws doctor",
        usage="shadowtap aws doctor [options]",
        description="Run on the collector: listens for copies and says what is right, what is not, and what to do.\n"
        "A collector that runs keeps its packets; listening beside it needs root. Exit code 1 on a problem.",
    )
    parser.add_argument(
        "--seconds", type=float, metavar="SECONDS", default=10.0, help="how long to listen (default: 10)"
    )
    parser.add_argument("--listen", default="0.0.0.0", metavar="ADDRESS", help="where (default: 0.0.0.0)")
    parser.add_argument(
        "--port",
        type=int,
        metavar="PORT",
        default=ears.VXLAN_PORT,
        help="4789, or 6081 behind a Gateway Load Balancer",
    )
    parser.add_argument("--pcap", metavar="FILE", help="read a capture file instead (tcpdump -w)")
    parser.add_argument(
        "--lookup", action="store_true", help="ask AWS which interfaces the senders and VNIs are"
    )
    options.add_place(parser)
    options.add_output(parser)
    return parser


def doctor(argv: list[str], connect: Connect) -> int:
    args = doctor_parser().parse(argv)
    if not 0 < args.seconds <= 3600:
        raise UsageError(f"--seconds {args.seconds:g}: more than 0, at most 3600")
    sessions = _sessions(args, connect) if args.lookup else None
    if args.pcap:
        seen, machine = diagnose.all_of(ears.from_pcap(args.pcap, args.port)), diagnose.Machine()
    else:
        ear = ears.Ear(args.listen, args.port)
        print(f"listening on UDP {args.port} for {args.seconds:g} s", file=sys.stderr)
        seen = diagnose.all_of(ear.listen(args.seconds))
        machine = ear.machine(args.seconds)
    found = diagnose.findings(seen, machine, sessions)
    if args.json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        print("\n".join(str(finding) for finding in found))
    return 1 if any(f.level is diagnose.Level.PROBLEM for f in found) else 0


def _sessions(args: object, connect: Connect) -> dict[tuple[str, int], str]:
    """The interfaces of the mirror's sessions, by what their copies carry."""
    name, places = options.where(args)  # type: ignore[arg-type]
    known: dict[tuple[str, int], str] = {}
    for place in places:
        api = connect(place)
        mine = shown(read.world(api).sessions, name)
        interfaces = find.interfaces(api, "network-interface-id", (s.interface for s in mine))
        addresses = {i.id: i.addresses[0] for i in interfaces if i.addresses}
        known |= {
            (addresses[s.interface], s.vni): s.interface
            for s in mine
            if s.vni is not None and s.interface in addresses
        }
    return known
