"""A step as the parameters of its call: field names of the EC2 API, tags, tokens.

A creation carries its tags in the same call, so nothing of ours ever exists without them, and a ClientToken made
of the run's own secret and the step's key, so that trying again after a lost answer makes nothing twice. A token
is never used again by another run: AWS remembers it for longer than the thing it made may live.
"""

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any

from shadowtap.aws.plan import Plan
from shadowtap.aws.steps import (
    NEW,
    Change,
    CreateFilter,
    CreateRule,
    CreateSession,
    CreateShare,
    CreateTarget,
    DeleteFilter,
    DeleteRule,
    DeleteSession,
    DeleteShare,
    DeleteTarget,
    Link,
    ModifyRule,
    ModifySession,
    RemoveServices,
)
from shadowtap.aws.world import KEY_TAG, OWNER_TAG, TARGET_FIELDS, Rule

TAG_TYPE = {
    CreateTarget: "traffic-mirror-target",
    CreateFilter: "traffic-mirror-filter",
    CreateRule: "traffic-mirror-filter-rule",
    CreateSession: "traffic-mirror-session",
}


class Calls:
    """Parameters for the steps of one plan. `resolve` turns a reference to something new into its id."""

    def __init__(
        self, plan: Plan, run: str, tags: Iterable[tuple[str, str]], resolve: Callable[[str], str]
    ) -> None:
        self._name, self._region, self._account = plan.name, plan.region, plan.account
        self._run, self._tags, self._resolve = run, tuple(tags), resolve

    def parameters(self, step: Change) -> dict[str, Any]:
        match step:
            case CreateTarget():
                return {TARGET_FIELDS[step.kind]: step.resource, **self._created(step, step.key)}
            case CreateFilter():
                return self._created(step, step.key)
            case CreateRule(rule=rule):
                key = f"{step.filter}/{rule.direction}/{rule.number}"
                return {
                    "TrafficMirrorFilterId": self._resolve(step.filter),
                    **rule_parameters(rule),
                    **self._created(step, key.removeprefix(NEW)),
                }
            case ModifyRule():
                return {"TrafficMirrorFilterRuleId": step.id, **rule_change(step.before, step.after)}
            case DeleteRule():
                return {"TrafficMirrorFilterRuleId": step.id}
            case RemoveServices():
                return {
                    "TrafficMirrorFilterId": step.filter,
                    "RemoveNetworkServices": list(step.services),
                }
            case CreateSession():
                return {
                    "NetworkInterfaceId": step.interface,
                    **self._link(step.link),
                    **self._created(step, step.key),
                }
            case ModifySession():
                return {
                    "TrafficMirrorSessionId": step.id,
                    **self.link_change(step.before, step.after),
                }
            case DeleteSession():
                return {"TrafficMirrorSessionId": step.id}
            case DeleteFilter():
                return {"TrafficMirrorFilterId": step.id}
            case DeleteTarget():
                return {"TrafficMirrorTargetId": step.id}
            case CreateShare():
                return self._share(step)
            case DeleteShare():
                return {"resourceShareArn": step.id}

    def _created(self, step: Change, key: str) -> dict[str, Any]:
        tags = [{"Key": k, "Value": v} for k, v in self._all_tags(key)]
        made = {
            "TagSpecifications": [{"ResourceType": TAG_TYPE[type(step)], "Tags": tags}],
            "ClientToken": self.token(key),
        }
        if not isinstance(step, CreateRule):
            made["Description"] = f"shadowtap {self._name}"
        return made

    def _all_tags(self, key: str) -> list[tuple[str, str]]:
        own = {OWNER_TAG: self._name, KEY_TAG: key, "Name": f"shadowtap-{self._name}"}
        return sorted({**dict(self._tags), **own}.items())

    def token(self, key: str) -> str:
        """At most 64 ASCII characters, as EC2 asks."""
        return blake2b(f"{self._run}/{key}".encode(), digest_size=24).hexdigest()

    def _link(self, link: Link) -> dict[str, Any]:
        parameters: dict[str, Any] = {
            "TrafficMirrorTargetId": self._resolve(link.target),
            "TrafficMirrorFilterId": self._resolve(link.filter),
            "SessionNumber": link.number,
        }
        if link.vni is not None:
            parameters["VirtualNetworkId"] = link.vni
        if link.packet_length is not None:
            parameters["PacketLength"] = link.packet_length
        return parameters

    def link_change(self, before: Link, after: Link) -> dict[str, Any]:
        now, then = self._link(before), self._link(after)
        changes = {k: v for k, v in then.items() if now.get(k) != v}
        gone = {"PacketLength": "packet-length", "VirtualNetworkId": "virtual-network-id"}
        removed = [field for name, field in gone.items() if name in now and name not in then]
        return {**changes, **({"RemoveFields": removed} if removed else {})}

    def _share(self, step: CreateShare) -> dict[str, Any]:
        return {
            "name": f"shadowtap-{self._name}",
            "resourceArns": [
                f"arn:{partition(self._region)}:ec2:{self._region}:{self._account}:"
                f"traffic-mirror-target/{self._resolve(step.target)}"
            ],
            "principals": list(step.principals),
            "allowExternalPrincipals": True,
            "tags": [{"key": k, "value": v} for k, v in self._all_tags(step.key)],
            "clientToken": self.token(step.key),
        }


def rule_parameters(rule: Rule) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "TrafficDirection": rule.direction,
        "RuleNumber": rule.number,
        "RuleAction": rule.action,
        "SourceCidrBlock": rule.source,
        "DestinationCidrBlock": rule.destination,
    }
    if rule.protocol is not None:
        parameters["Protocol"] = rule.protocol
    for field, ports in (
        ("SourcePortRange", rule.source_ports),
        ("DestinationPortRange", rule.destination_ports),
    ):
        if ports is not None:
            parameters[field] = {"FromPort": ports[0], "ToPort": ports[1]}
    return parameters


REMOVABLE = {
    "SourcePortRange": "source-port-range",
    "DestinationPortRange": "destination-port-range",
    "Protocol": "protocol",
}


def rule_change(before: Rule, after: Rule) -> dict[str, Any]:
    """The fields that differ, and the names of those to remove (ModifyTrafficMirrorFilterRule)."""
    now, then = rule_parameters(before), rule_parameters(after)
    changes = {k: v for k, v in then.items() if now.get(k) != v}
    removed = [field for name, field in REMOVABLE.items() if name in now and name not in then]
    return {**changes, **({"RemoveFields": removed} if removed else {})}


def partition(region: str) -> str:
    """The first part of an ARN after `arn:`; a region's name tells it."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
