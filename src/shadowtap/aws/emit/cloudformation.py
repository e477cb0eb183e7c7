"""A plan as a CloudFormation template, in JSON. Resource types: the AWS CloudFormation Template Reference."""

import json
from typing import Any

from shadowtap.aws.emit import cloudformation_collector as collector
from shadowtap.aws.emit.cloudformation_collector import Node, ref
from shadowtap.aws.emit.stack import Shape, Stack, tags
from shadowtap.aws.plan import Plan, Wanted
from shadowtap.aws.steps import Link
from shadowtap.aws.world import Rule

LINT_IPV6: Node = {"Metadata": {"cfn-lint": {"config": {"ignore_checks": ["E3002"]}}}}
"""cfn-lint takes every CIDR block of a filter rule for IPv4. The API and its documents take IPv6 as well ("Traffic
mirror filter concepts" has ::/0 in its example), so these rules, and only these, say that they know better."""


def template(plan: Plan, kind: str, resource: str, stack: Stack) -> str:
    """The template's text. `kind` and `resource` say the mirror target; a collector's own one replaces it."""
    resources: Node = {}
    if stack.shape is not Shape.NONE:
        resources |= collector.resources(plan, stack)
    target, made = _target(plan, kind, resource, stack)
    resources |= made
    for wanted in plan.filters:
        resources |= _filter(plan, wanted)
    for interface, link in plan.links:
        resources |= _session(plan, interface, link, target)
    document: Node = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"shadowtap: traffic mirror {plan.name}"
        + ("" if stack.shape is Shape.NONE else " and its collector"),
    }
    if stack.shape is not Shape.NONE:
        document["Parameters"] = collector.parameters(stack)
    document["Resources"] = resources
    document["Outputs"] = {
        "MirrorTarget": {"Description": "Where the copies go", "Value": target},
        **({"LogGroupName": {"Value": ref("LogGroup")}} if "LogGroup" in resources else {}),
        **({"LoadBalancerArn": {"Value": ref("LoadBalancer")}} if "LoadBalancer" in resources else {}),
    }
    return json.dumps(document, indent=2) + "\n"


def _named(values: dict[str, str]) -> list[Node]:
    return [{"Key": k, "Value": v} for k, v in sorted(values.items())]


def _word(text: str) -> str:
    """A logical id: letters and digits only."""
    return "".join(part.capitalize() for part in "".join(c if c.isalnum() else " " for c in text).split())


def _target(plan: Plan, kind: str, resource: str, stack: Stack) -> tuple[Any, Node]:
    if kind == "tmt":
        return resource, {}
    properties: Node
    depends: Node = {}
    if stack.shape is Shape.GROUP:
        properties, depends = {"NetworkLoadBalancerArn": ref("LoadBalancer")}, {"DependsOn": "Listener"}
    elif stack.shape is Shape.INSTANCE:
        properties, depends = {"NetworkInterfaceId": ref("CollectorInterface")}, {"DependsOn": "Collector"}
    else:
        field = {
            "eni": "NetworkInterfaceId",
            "nlb": "NetworkLoadBalancerArn",
            "gwlbe": "GatewayLoadBalancerEndpointId",
        }[kind]
        properties = {field: resource}
    properties |= {
        "Description": f"shadowtap {plan.name}",
        "Tags": _named(tags(plan, f"target/{resource}")),
    }
    entry = {"Type": "AWS::EC2::TrafficMirrorTarget", **depends, "Properties": properties}
    return ref("MirrorTarget"), {"MirrorTarget": entry}


def _filter(plan: Plan, wanted: Wanted) -> Node:
    name = _word(wanted.key)
    found: Node = {
        name: {
            "Type": "AWS::EC2::TrafficMirrorFilter",
            "Properties": {
                "Description": f"shadowtap {plan.name}",
                "Tags": _named(tags(plan, wanted.key)),
            },
        }
    }
    for rule in wanted.rules:
        found[f"{name}{rule.direction.capitalize()}{rule.number}"] = {
            "Type": "AWS::EC2::TrafficMirrorFilterRule",
            **(LINT_IPV6 if ":" in rule.source else {}),
            "Properties": {"TrafficMirrorFilterId": ref(name), **_rule(rule)},
        }
    return found


def _rule(rule: Rule) -> Node:
    properties: Node = {
        "TrafficDirection": rule.direction,
        "RuleNumber": rule.number,
        "RuleAction": rule.action,
        "SourceCidrBlock": rule.source,
        "DestinationCidrBlock": rule.destination,
    }
    if rule.protocol is not None:
        properties["Protocol"] = rule.protocol
    for field, ports in (
        ("SourcePortRange", rule.source_ports),
        ("DestinationPortRange", rule.destination_ports),
    ):
        if ports is not None:
            properties[field] = {"FromPort": ports[0], "ToPort": ports[1]}
    return properties


def _session(plan: Plan, interface: str, link: Link, target: Any) -> Node:
    key = {s.interface.id: k for s, k in plan.sources}[interface]
    properties: Node = {
        "NetworkInterfaceId": interface,
        "TrafficMirrorTargetId": target,
        "TrafficMirrorFilterId": ref(_word(key)),
        "SessionNumber": link.number,
        "Description": f"shadowtap {plan.name}",
        "Tags": _named(tags(plan, f"session/{interface}")),
    }
    if link.vni is not None:
        properties["VirtualNetworkId"] = link.vni
    if link.packet_length is not None:
        properties["PacketLength"] = link.packet_length
    return {
        "Session" + _word(interface): {
            "Type": "AWS::EC2::TrafficMirrorSession",
            "Properties": properties,
        }
    }
