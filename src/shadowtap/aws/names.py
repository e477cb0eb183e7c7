"""What the user names: `--from`, `--to`, `--in`, `--port` and `--network`, as values.

A selector says what to look for, not yet what was found: `KIND:NAME`. Names that AWS accepts may hold colons (an
ARN does), so only the first colon separates.
"""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network

from msgspec import Struct

from shadowtap.errors import UsageError

Network = IPv4Network | IPv6Network
Ports = tuple[tuple[int, int], ...]
"""Inclusive ranges, ascending, neither overlapping nor adjacent."""

SOURCES = {
    "alb": "alb:NAME",
    "clb": "clb:NAME",
    "nlb": "nlb:NAME (through its targets)",
    "asg": "asg:NAME",
    "ecs": "ecs:CLUSTER/SERVICE",
    "eks": "eks:POD-ADDRESS[@VPC]",
    "instance": "instance:ID or its Name tag",
    "eni": "eni:ID",
    "tag": "tag:KEY=VALUE",
    "target-group": "target-group:ARN or name",
}
TARGETS = {
    "eni": "eni:ID",
    "nlb": "nlb:ARN or name",
    "gwlbe": "gwlbe:ID",
    "tmt": "tmt:ID (a mirror target that exists, for example one shared by another account)",
}


class Selector(Struct, frozen=True):
    """One thing the user named, by kind."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


class Place(Struct, frozen=True):
    """Where to look: a profile of the AWS configuration, a region, a role to assume; None: as configured."""

    profile: str | None = None
    region: str | None = None
    role: str | None = None

    def __str__(self) -> str:
        return ",".join(part for part in (self.profile, self.region, self.role) if part) or "default"


def source(text: str) -> Selector:
    """A `--from`. Raises UsageError that lists the kinds there are."""
    selector = _selector(text, SOURCES, "--from")
    if selector.kind == "tag" and not _pair(selector.name):
        raise UsageError(f"--from {text}: a tag is named as tag:KEY=VALUE")
    if selector.kind == "eks":
        try:
            ip_address(selector.name.partition("@")[0])
        except ValueError:
            raise UsageError(
                f"--from {text}: a pod is named by its address, as in eks:10.0.3.17"
                " (kubectl get pods -o wide shows it)"
            ) from None
    return selector


def target(text: str) -> Selector:
    """A `--to`."""
    return _selector(text, TARGETS, "--to")


def _pair(text: str) -> bool:
    key, equals, _ = text.partition("=")
    return bool(key and equals)


def _selector(text: str, kinds: dict[str, str], option: str) -> Selector:
    kind, colon, name = text.partition(":")
    if not colon or kind not in kinds or not name:
        raise UsageError(f"{option} {text}: not understood; one of: {', '.join(kinds.values())}")
    return Selector(kind, name)


def place(text: str) -> Place:
    """An `--in`: `profile=P,region=R,role=ARN`, any of them."""
    fields: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if key not in {"profile", "region", "role"} or not equals or not value or key in fields:
            raise UsageError(f"--in {text}: write profile=NAME,region=REGION,role=ARN, or some of them")
        fields[key] = value
    return Place(**fields)


def ports(texts: Iterable[str]) -> Ports:
    """`80`, `8080-8090`, or several with commas; merged where that is exact."""
    ranges = []
    for text in texts:
        for part in text.split(","):
            low, dash, high = part.strip().partition("-")
            try:
                first, last = int(low), int(high if dash else low)
            except ValueError:
                raise UsageError(f"--port {text}: a port is a number, or a range as in 8080-8090") from None
            if not 0 <= first <= last <= 65535:
                raise UsageError(f"--port {text}: ports go from 0 to 65535, the lower one first")
            ranges.append((first, last))
    return merge(ranges)


def merge(ranges: Iterable[tuple[int, int]]) -> Ports:
    """The same ports in the fewest ranges."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def ports_text(values: Ports) -> str:
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in values)


def networks(texts: Iterable[str]) -> tuple[str, ...]:
    """CIDR blocks of both families, merged where that is exact, IPv4 first."""
    v4: list[IPv4Network] = []
    v6: list[IPv6Network] = []
    for text in texts:
        try:
            network = ip_network(text.strip())
        except ValueError as error:
            raise UsageError(f"--network {text}: {error}; write it as in 10.0.0.0/16") from None
        if isinstance(network, IPv4Network):
            v4.append(network)
        else:
            v6.append(network)
    return (
        *(str(n) for n in sorted(collapse_addresses(v4))),
        *(str(n) for n in sorted(collapse_addresses(v6))),
    )
