"""Where the copies go, with everything that decides whether they arrive.

What is only nice to know (security groups, listeners, health) is read where the permission for it is there; what
could not be read is None and its missing permission is remembered.
"""

from typing import Any

from shadowtap.aws import find
from shadowtap.aws.api import Api, optional, pages
from shadowtap.aws.balancers import load_balancer
from shadowtap.aws.desired import Check, Destination, Permission
from shadowtap.aws.names import Selector
from shadowtap.aws.world import Interface

VXLAN_PORT = 4789
CROSS_ZONE = "load_balancing.cross_zone.enabled"


def destination(api: Api, selector: Selector, missing: list[str]) -> Destination:
    """Raises find.UnknownError, with candidates, when there is no such thing here."""
    if selector.kind == "eni":
        return _interface(api, selector, missing)
    if selector.kind == "nlb":
        return _balancer(api, selector, missing)
    if selector.kind == "gwlbe":
        return _endpoint(api, selector, missing)
    return _existing(api, selector)


def _interface(api: Api, s: Selector, missing: list[str]) -> Destination:
    found = find.interfaces(api, "network-interface-id", [s.name])
    if not found:
        every = (f"eni:{i.id}" for i in find.every_interface(api))
        raise find.UnknownError(s, "no such network interface", every)
    one = found[0]
    problem = None
    if one.kind != "interface":
        problem = f"it is of type {one.kind}, and a mirror target must be of type interface"
    return Destination(
        kind="eni",
        resource=one.id,
        vpc=one.vpc,
        region=api.region,
        interfaces=(one.id,),
        instance_type=_instance_type(api, one, missing),
        permissions=permissions(api, one.groups, missing),
        problem=problem,
    )


def _instance_type(api: Api, one: Interface, missing: list[str]) -> str | None:
    if one.instance is None:
        return None
    found = optional(lambda: find.instances(api, InstanceIds=[one.instance]), missing)
    return str(found[0].get("InstanceType", "")) or None if found else None


def permissions(api: Api, groups: tuple[str, ...], missing: list[str]) -> tuple[Permission, ...] | None:
    """Inbound rules of the security groups (DescribeSecurityGroups, IpPermissions)."""
    if not groups:
        return ()
    found = optional(
        lambda: list(pages(api, "ec2", "DescribeSecurityGroups", "SecurityGroups", GroupIds=list(groups))),
        missing,
    )
    if found is None:
        return None
    return tuple(_permission(p) for g in found for p in g.get("IpPermissions") or ())


def _permission(answer: Any) -> Permission:
    networks = [r["CidrIp"] for r in answer.get("IpRanges") or ()]
    networks += [r["CidrIpv6"] for r in answer.get("Ipv6Ranges") or ()]
    return Permission(
        protocol=str(answer.get("IpProtocol")),
        first=answer.get("FromPort", 0),
        last=answer.get("ToPort", 65535),
        networks=tuple(networks),
        groups=tuple(g["GroupId"] for g in answer.get("UserIdGroupPairs") or ()),
        lists=tuple(p["PrefixListId"] for p in answer.get("PrefixListIds") or ()),
    )


def _balancer(api: Api, s: Selector, missing: list[str]) -> Destination:
    one = load_balancer(api, s, "network")
    arn = one["LoadBalancerArn"]
    listeners = optional(
        lambda: list(pages(api, "elbv2", "DescribeListeners", "Listeners", LoadBalancerArn=arn)),
        missing,
    )
    vxlan = None
    if listeners is not None:
        vxlan = [
            entry
            for entry in listeners
            if entry.get("Port") == VXLAN_PORT and entry.get("Protocol") in {"UDP", "TCP_UDP"}
        ]
    checks, members = _checks(api, vxlan or [], missing) if vxlan is not None else (None, [])
    return Destination(
        kind="nlb",
        resource=arn,
        vpc=one.get("VpcId", ""),
        region=api.region,
        interfaces=tuple(i.id for i in members),
        permissions=permissions(api, tuple(one.get("SecurityGroups") or ()), missing),
        groups=tuple(one.get("SecurityGroups") or ()),
        behind=tuple((i.id, permissions(api, i.groups, missing)) for i in members),
        listener=None if vxlan is None else bool(vxlan),
        cross_zone=_cross_zone(api, arn, missing),
        zones=len(one.get("AvailabilityZones") or ()),
        checks=checks,
    )


def _cross_zone(api: Api, arn: str, missing: list[str]) -> bool | None:
    found = optional(
        lambda: api.call("elbv2", "DescribeLoadBalancerAttributes", LoadBalancerArn=arn), missing
    )
    if found is None:
        return None
    values = {a["Key"]: a["Value"] for a in found.get("Attributes") or ()}
    return str(values.get(CROSS_ZONE, "false")).lower() == "true"


def _checks(
    api: Api, listeners: list[Any], missing: list[str]
) -> tuple[tuple[Check, ...] | None, list[Interface]]:
    """What the target groups of the listeners check, and the interfaces they send to: the collectors."""
    arns = [a["TargetGroupArn"] for e in listeners for a in e["DefaultActions"] if "TargetGroupArn" in a]
    if not arns:
        return (), []
    groups = optional(
        lambda: list(pages(api, "elbv2", "DescribeTargetGroups", "TargetGroups", TargetGroupArns=arns)),
        missing,
    )
    if groups is None:
        return None, []
    checks: list[Check] = []
    instances: list[str] = []
    addresses: list[str] = []
    for group in groups:
        health = optional(
            lambda arn=group["TargetGroupArn"]: api.call(  # type: ignore[misc]
                "elbv2", "DescribeTargetHealth", TargetGroupArn=arn
            ),
            missing,
        )
        found = list((health or {}).get("TargetHealthDescriptions") or ())
        ids = [h["Target"]["Id"] for h in found]
        (instances if group.get("TargetType", "instance") == "instance" else addresses).extend(ids)
        checks.append(
            Check(
                group=group["TargetGroupName"],
                protocol=group.get("HealthCheckProtocol", ""),
                port=str(group.get("HealthCheckPort", "")),
                enabled=group.get("HealthCheckEnabled", True),
                healthy=sum(h["TargetHealth"]["State"] == "healthy" for h in found),
                registered=len(found) if health is not None else -1,
            )
        )
    members = [
        *find.by_instance(api, instances, primary=True),
        *(find.by_address(api, addresses) if addresses else ()),
    ]
    return tuple(checks), members


def _endpoint(api: Api, s: Selector, missing: list[str]) -> Destination:
    found = list(pages(api, "ec2", "DescribeVpcEndpoints", "VpcEndpoints"))
    gateways = [e for e in found if e.get("VpcEndpointType") == "GatewayLoadBalancer"]
    one = next((e for e in found if e["VpcEndpointId"] == s.name), None)
    if one is None or one not in gateways:
        kind = one.get("VpcEndpointType") if one else None
        why = f"that is an endpoint of type {kind}" if one else "no such endpoint"
        raise find.UnknownError(s, why, (f"gwlbe:{e['VpcEndpointId']}" for e in gateways))
    state = str(one.get("State", "")).lower()
    return Destination(
        kind="gwlbe",
        resource=s.name,
        vpc=one.get("VpcId", ""),
        region=api.region,
        problem=None if state in {"available", ""} else f"the endpoint is {state}, not available",
    )


def _existing(api: Api, s: Selector) -> Destination:
    found = list(pages(api, "ec2", "DescribeTrafficMirrorTargets", "TrafficMirrorTargets"))
    if s.name not in {t["TrafficMirrorTargetId"] for t in found}:
        raise find.UnknownError(
            s,
            "no such mirror target here; one of another account must be shared with this one through RAM,"
            " and the share accepted (`shadowtap aws up --share-with ACCOUNT` in its own account)",
            (f"tmt:{t['TrafficMirrorTargetId']}" for t in found),
        )
    return Destination(kind="tmt", resource=s.name, region=api.region)
