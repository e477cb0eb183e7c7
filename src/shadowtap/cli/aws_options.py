"""The options of `shadowtap aws`, and the wish they add up to. The same names serve in the [aws] table of a file."""

import argparse
import tomllib
from pathlib import Path
from typing import Any

from shadowtap.aws import limits, names
from shadowtap.aws.desired import ANY, Leg
from shadowtap.aws.names import Place
from shadowtap.aws.wish import Wish
from shadowtap.cli.options import Parser
from shadowtap.errors import UsageError

DRY_RUN = "ask AWS whether each call would be allowed (DryRun), and change nothing"
LISTS = ("from", "to", "in", "port", "network", "share-with", "tag")
"""Keys that may be given several times; in a file, as an array."""
KEYS = (
    *LISTS,
    "name",
    "profile",
    "region",
    "role",
    "responses",
    "leg",
    "packet-length",
    "session-number",
    "vni",
    "compare",
    "source-mtu",
    "target-mtu",
)


def add_place(parser: Parser) -> None:
    """Which mirror, where."""
    where = parser.add_argument_group("which mirror, where")
    where.add_argument(
        "--name", metavar="NAME", help="the mirror's name, which its tags carry (default: shadowtap)"
    )
    where.add_argument("--profile", metavar="NAME", help="profile of the AWS configuration")
    where.add_argument("--region", metavar="REGION", help="AWS region")
    where.add_argument("--role", metavar="ARN", help="role to assume")
    where.add_argument(
        "--in",
        action="append",
        metavar="PLACE",
        help="another account or region: profile=P,region=R,role=ARN, any of them (several: all)",
    )
    where.add_argument("--config", metavar="FILE", help="a TOML file with these options in its [aws] table")


def add_wish(parser: Parser) -> None:
    """What is mirrored, and how."""
    what = parser.add_argument_group("what is mirrored")
    kinds = ", ".join(names.SOURCES.values())
    what.add_argument("--from", nargs="+", action="extend", metavar="SOURCE", help=f"whose traffic: {kinds}")
    what.add_argument(
        "--to",
        nargs="+",
        action="extend",
        metavar="TARGET",
        help=f"where the copies go: {', '.join(names.TARGETS.values())}",
    )
    what.add_argument(
        "--port",
        action="append",
        metavar="PORT[-PORT][,…]",
        help="TCP ports of the servers (default: what listeners and target groups say, else 80)",
    )
    what.add_argument(
        "--network",
        nargs="+",
        action="extend",
        metavar="CIDR",
        help="only connections with these networks (default: all, IPv4 and IPv6)",
    )
    what.add_argument(
        "--responses",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="mirror the answers too, for comparison (default: yes)",
    )
    what.add_argument(
        "--leg",
        choices=[str(leg) for leg in Leg],
        metavar="LEG",
        help="of a load balancer: from its clients (front), to its targets (back), both; auto takes the one that"
        " is not TLS (default: auto)",
    )
    how = parser.add_argument_group("how")
    how.add_argument("--packet-length", type=int, metavar="BYTES", help="cut each packet after so many bytes")
    how.add_argument("--session-number", type=int, metavar="N", help="1 to 32766; lower ones come first")
    how.add_argument(
        "--vni", type=int, metavar="N", help="first of the VNIs to use (default: drawn from the names)"
    )
    how.add_argument(
        "--compare", action="store_true", default=None, help="a comparison is wanted: warn if it cannot be"
    )
    how.add_argument("--source-mtu", type=int, metavar="BYTES", help="MTU of the sources (default: 9001)")
    how.add_argument("--target-mtu", type=int, metavar="BYTES", help="MTU of the collector (default: 9001)")
    how.add_argument(
        "--share-with",
        nargs="+",
        action="extend",
        metavar="ACCOUNT",
        help="share the target with these accounts through RAM",
    )
    how.add_argument(
        "--tag", action="append", metavar="KEY=VALUE", help="a tag more on everything that is made"
    )


def add_output(parser: Parser, *, price: bool = False) -> None:
    shown = parser.add_argument_group("output")
    shown.add_argument("--json", action="store_true", help="as JSON")
    if price:
        shown.add_argument(
            "--price",
            type=float,
            default=limits.SESSION_HOUR,
            metavar="USD",
            help=f"price of a session hour in your region (default: {limits.SESSION_HOUR}, US East)",
        )


def wish(args: argparse.Namespace) -> Wish:
    """What options and file add up to. The command line wins, key by key. Raises UsageError."""
    told = _told(args)
    return Wish(
        name=str(told.get("name", "shadowtap")),
        sources=tuple(dict.fromkeys(names.source(t) for t in told.get("from", ()))),
        targets=tuple(dict.fromkeys(names.target(t) for t in told.get("to", ()))),
        places=places(told),
        ports=names.ports(str(p) for p in told.get("port", ())),
        networks=names.networks(told["network"]) if told.get("network") else ANY,
        responses=bool(told.get("responses", True)),
        leg=_leg(told.get("leg", "auto")),
        packet_length=_within(told, "packet-length", 1, 9001),
        number=_within(told, "session-number", 1, 32766),
        vni=_within(told, "vni", 1, (1 << 24) - 1),
        compare=bool(told.get("compare", False)),
        source_mtu=_within(told, "source-mtu", 68, 9001) or 9001,
        target_mtu=_within(told, "target-mtu", 576, 9001) or 9001,
        share_with=tuple(str(a) for a in told.get("share-with", ())),
        tags=tuple(_tag(str(t)) for t in told.get("tag", ())),
    )


def where(args: argparse.Namespace) -> tuple[str, tuple[Place, ...]]:
    """The mirror's name and the places, for commands that need no more."""
    told = _told(args)
    return str(told.get("name", "shadowtap")), places(told)


def places(told: dict[str, Any]) -> tuple[Place, ...]:
    one = Place(told.get("profile"), told.get("region"), told.get("role"))
    more = tuple(names.place(text) for text in told.get("in", ()))
    return ((one,) if one != Place() or not more else ()) + more


def _told(args: argparse.Namespace) -> dict[str, Any]:
    given = {key: getattr(args, key.replace("-", "_"), None) for key in KEYS}
    line = {key: value for key, value in given.items() if value is not None}
    return {**(_file(args.config) if args.config else {}), **line}


def _file(path: str) -> dict[str, Any]:
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8")).get("aws")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path}: is not TOML: {error}") from None
    if not isinstance(table, dict):
        raise UsageError(f"{path}: has no [aws] table")
    for key, value in table.items():
        if key not in KEYS:
            raise UsageError(f"{path}: aws.{key}: unknown key; one of {', '.join(KEYS)}")
        if key in LISTS and not isinstance(value, list):
            table[key] = [value]
    return table


def _within(told: dict[str, Any], key: str, low: int, high: int) -> int | None:
    value = told.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or not low <= value <= high:
        raise UsageError(f"--{key} {value}: a number from {low} to {high}")
    return value


def _leg(text: Any) -> Leg:
    try:
        return Leg(str(text))
    except ValueError:
        raise UsageError(f"--leg {text}: one of {', '.join(Leg)}") from None


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals or key.startswith("aws:"):
        raise UsageError(f"--tag {text}: write KEY=VALUE; keys do not begin with aws:")
    return key, value
