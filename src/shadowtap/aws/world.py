"""A snapshot of what exists in one account and region: values only, from the describe calls of the EC2 API.

The shapes follow API_TrafficMirrorTarget, -Filter, -FilterRule, -Session and API_NetworkInterface of the Amazon EC2
API reference, reduced to what a plan looks at.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from msgspec import Struct

OWNER_TAG = "shadowtap:mirror"
"""Its value is the name of the mirror; whatever carries it is ours, and nothing else is."""
CODE_TAG = "shadowtap:code"
"""The same for what `emit` wrote: it belongs to CloudFormation or Terraform, not to us."""
KEY_TAG = "shadowtap:key"
"""Says which part of the mirror this is, so that a second run finds it again."""

Tags = tuple[tuple[str, str], ...]
PortRange = tuple[int, int]


class Interface(Struct, frozen=True, kw_only=True):
    """An elastic network interface. `kind` is the API's InterfaceType."""

    id: str
    kind: str = "interface"
    description: str = ""
    vpc: str = ""
    subnet: str = ""
    zone: str = ""
    addresses: tuple[str, ...] = ()
    """Primary first; IPv4."""
    ipv6: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    instance: str | None = None
    device: int | None = None
    status: str = "in-use"
    owner: str = ""


class Target(Struct, frozen=True, kw_only=True):
    """A mirror target; `kind` is eni, nlb or gwlbe and `resource` the id or ARN behind it."""

    id: str
    kind: str
    resource: str
    owner: str = ""
    tags: Tags = ()


class Rule(Struct, frozen=True, kw_only=True):
    """What a filter rule says. Port ranges are None where every port matches."""

    direction: str
    number: int
    action: str
    source: str
    destination: str
    protocol: int | None = 6
    source_ports: PortRange | None = None
    destination_ports: PortRange | None = None


class Filter(Struct, frozen=True, kw_only=True):
    """A mirror filter with its rules, each with its id."""

    id: str
    rules: tuple[tuple[str, Rule], ...] = ()
    services: tuple[str, ...] = ()
    tags: Tags = ()


class Session(Struct, frozen=True, kw_only=True):
    """A mirror session. `packet_length` is None where the whole packet is mirrored."""

    id: str
    interface: str
    target: str
    filter: str
    number: int
    vni: int | None = None
    packet_length: int | None = None
    owner: str = ""
    tags: Tags = ()


class Share(Struct, frozen=True, kw_only=True):
    """A RAM resource share of a mirror target with other accounts."""

    id: str
    tags: Tags = ()


class World(Struct, frozen=True, kw_only=True):
    """Everything of one account and region that a plan looks at."""

    account: str
    region: str
    targets: tuple[Target, ...] = ()
    filters: tuple[Filter, ...] = ()
    sessions: tuple[Session, ...] = ()
    shares: tuple[Share, ...] = ()


Owned = Target | Filter | Session | Share
Item = TypeVar("Item", Target, Filter, Session, Share)


def tag(item: Owned, key: str) -> str | None:
    return next((value for name, value in item.tags if name == key), None)


def owned(items: Iterable[Item], name: str) -> tuple[Item, ...]:
    """Those that carry the owner tag of the mirror called `name`."""
    return tuple(item for item in items if tag(item, OWNER_TAG) == name)


def owned_targets(world: World, name: str) -> tuple[Target, ...]:
    """The same for targets, of which other accounts' shared ones are seen too, whatever tags they carry."""
    return tuple(t for t in owned(world.targets, name) if t.owner in {"", world.account})


def shown(items: Iterable[Item], name: str) -> tuple[Item, ...]:
    """Those of the mirror called `name`, ours or made by emitted code."""
    return tuple(i for i in items if name in {tag(i, OWNER_TAG), tag(i, CODE_TAG)})


def tags_of(answer: Mapping[str, Any], field: str = "Tags") -> Tags:
    return tuple(sorted((t["Key"], t.get("Value", "")) for t in answer.get(field) or ()))


TARGET_FIELDS = {
    "eni": "NetworkInterfaceId",
    "nlb": "NetworkLoadBalancerArn",
    "gwlbe": "GatewayLoadBalancerEndpointId",
}
"""Which field of a mirror target says what is behind it, by kind."""


def target_of(answer: Mapping[str, Any]) -> Target:
    kind = next((k for k, field in TARGET_FIELDS.items() if answer.get(field)), "")
    return Target(
        id=answer["TrafficMirrorTargetId"],
        kind=kind,
        resource=answer.get(TARGET_FIELDS.get(kind, ""), ""),
        owner=answer.get("OwnerId", ""),
        tags=tags_of(answer),
    )


def rule_of(answer: Mapping[str, Any]) -> tuple[str, Rule]:
    def ports(field: str) -> PortRange | None:
        found = answer.get(field)
        return (found["FromPort"], found["ToPort"]) if found else None

    return answer["TrafficMirrorFilterRuleId"], Rule(
        direction=answer["TrafficDirection"],
        number=answer["RuleNumber"],
        action=answer["RuleAction"],
        protocol=answer.get("Protocol"),
        source=answer.get("SourceCidrBlock", ""),
        destination=answer.get("DestinationCidrBlock", ""),
        source_ports=ports("SourcePortRange"),
        destination_ports=ports("DestinationPortRange"),
    )


def filter_of(answer: Mapping[str, Any]) -> Filter:
    rules = [*(answer.get("IngressFilterRules") or ()), *(answer.get("EgressFilterRules") or ())]
    return Filter(
        id=answer["TrafficMirrorFilterId"],
        rules=tuple(rule_of(rule) for rule in rules),
        services=tuple(answer.get("NetworkServices") or ()),
        tags=tags_of(answer),
    )


def session_of(answer: Mapping[str, Any]) -> Session:
    return Session(
        id=answer["TrafficMirrorSessionId"],
        interface=answer["NetworkInterfaceId"],
        target=answer["TrafficMirrorTargetId"],
        filter=answer["TrafficMirrorFilterId"],
        number=answer["SessionNumber"],
        vni=answer.get("VirtualNetworkId"),
        packet_length=answer.get("PacketLength"),
        owner=answer.get("OwnerId", ""),
        tags=tags_of(answer),
    )


def interface_of(answer: Mapping[str, Any]) -> Interface:
    attachment = answer.get("Attachment") or {}
    primary = answer.get("PrivateIpAddress")
    others = [a["PrivateIpAddress"] for a in answer.get("PrivateIpAddresses") or ()]
    prefixes = [p["Ipv4Prefix"] for p in answer.get("Ipv4Prefixes") or ()]
    prefixes += [p["Ipv6Prefix"] for p in answer.get("Ipv6Prefixes") or ()]
    return Interface(
        id=answer["NetworkInterfaceId"],
        kind=answer.get("InterfaceType") or "interface",
        description=answer.get("Description") or "",
        vpc=answer.get("VpcId") or "",
        subnet=answer.get("SubnetId") or "",
        zone=answer.get("AvailabilityZone") or "",
        addresses=tuple(dict.fromkeys([primary, *others] if primary else others)),
        ipv6=tuple(a["Ipv6Address"] for a in answer.get("Ipv6Addresses") or ()),
        prefixes=tuple(prefixes),
        groups=tuple(g["GroupId"] for g in answer.get("Groups") or ()),
        instance=attachment.get("InstanceId"),
        device=attachment.get("DeviceIndex"),
        status=answer.get("Status") or "",
        owner=answer.get("OwnerId") or "",
    )
