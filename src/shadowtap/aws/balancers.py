"""Load balancers: their interfaces, their two legs, and what is behind them.

An Application or Classic Load Balancer's interface carries every request twice: from the client (usually TLS) and
to a target (usually plain HTTP). One leg is enough, and the plain one is the one that can be read. Unless told,
the leg is chosen from the listeners: to the targets when any listener that forwards speaks TLS, else from the
clients. Sources: elbv2 DescribeLoadBalancers, DescribeListeners, DescribeTargetGroups, DescribeTargetHealth.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from shadowtap.aws import find
from shadowtap.aws.api import Api, optional, pages
from shadowtap.aws.desired import ANY, Leg
from shadowtap.aws.names import Ports, Selector, merge, ports_text
from shadowtap.aws.world import Interface

KIND = {"application": "alb", "network": "nlb", "gateway": "gwlb"}


class Found(NamedTuple):
    """An interface and the TCP ports wanted of it."""

    interface: Interface
    serves: Ports
    calls: Ports
    local: tuple[str, ...] = ANY
    balancer: str | None = None
    targets: tuple[str, ...] = ()


class Sides(NamedTuple):
    """The ports of a load balancer: where it listens in the clear, where with TLS, where it sends."""

    plain: Ports
    tls: Ports
    targets: Ports


def _ports(values: Iterable[int]) -> Ports:
    return merge((value, value) for value in values)


def application(
    api: Api, s: Selector, ports: Ports, leg: Leg, notes: list[str], missing: list[str]
) -> list[Found]:
    arn = load_balancer(api, s, "application")["LoadBalancerArn"]
    found = find.interfaces(api, "description", ["ELB " + arn.partition(":loadbalancer/")[2]])
    groups = list(pages(api, "elbv2", "DescribeTargetGroups", "TargetGroups", LoadBalancerArn=arn))
    health = [h for g in groups for h in _health(api, g, missing)]
    sides = Sides(*_listening(api, arn, missing), _ports(_sent_to(groups, health)))
    serves, calls = legs(s, sides, ports, leg, notes)
    targets = tuple(dict.fromkeys(h["Target"]["Id"] for h in health))
    return [Found(i, serves, calls, balancer=str(s), targets=targets) for i in found]


def _listening(api: Api, arn: str, missing: list[str]) -> tuple[Ports, Ports]:
    """Ports that forward, without and with TLS. A listener that only redirects carries nothing to replay."""
    listeners = optional(
        lambda: list(pages(api, "elbv2", "DescribeListeners", "Listeners", LoadBalancerArn=arn)), missing
    )
    useful = [
        entry
        for entry in listeners or ()
        if any(a.get("Type") not in {"redirect"} for a in entry.get("DefaultActions") or [{}])
    ]
    tls = {entry["Port"] for entry in useful if entry.get("Protocol") in {"HTTPS", "TLS"}}
    return _ports({entry["Port"] for entry in useful} - tls), _ports(tls)


def _sent_to(groups: list[Any], health: list[Any]) -> set[int]:
    registered = {h["Target"]["Port"] for h in health if h["Target"].get("Port")}
    return registered or {g["Port"] for g in groups if g.get("Port")}


def classic(api: Api, s: Selector, ports: Ports, leg: Leg, notes: list[str]) -> list[Found]:
    every = list(pages(api, "elb", "DescribeLoadBalancers", "LoadBalancerDescriptions"))
    one = next((b for b in every if b["LoadBalancerName"] == s.name), None)
    if one is None:
        names = (f"clb:{b['LoadBalancerName']}" for b in every)
        raise find.UnknownError(s, "no such Classic Load Balancer", names)
    listeners = [entry["Listener"] for entry in one.get("ListenerDescriptions") or ()]
    tls = {e["LoadBalancerPort"] for e in listeners if e["Protocol"].upper() in {"HTTPS", "SSL"}}
    sides = Sides(
        _ports({e["LoadBalancerPort"] for e in listeners} - tls),
        _ports(tls),
        _ports(e["InstancePort"] for e in listeners),
    )
    serves, calls = legs(s, sides, ports, leg, notes)
    targets = tuple(i["InstanceId"] for i in one.get("Instances") or ())
    found = find.interfaces(api, "description", [f"ELB {s.name}"])
    return [Found(i, serves, calls, balancer=str(s), targets=targets) for i in found]


def legs(s: Selector, sides: Sides, ports: Ports, leg: Leg, notes: list[str]) -> tuple[Ports, Ports]:
    """Ports on the clients' leg and on the targets' leg."""
    if leg is Leg.FRONT:
        return ports or merge([*sides.plain, *sides.tls]) or ((80, 80),), ()
    if leg is Leg.BACK:
        return (), ports or sides.targets or ((80, 80),)
    if leg is Leg.BOTH:
        return ports or merge([*sides.plain, *sides.tls]), ports or sides.targets
    if not ports:
        if sides.tls and sides.targets:
            notes.append(
                f"{s}: clients speak TLS on port {ports_text(sides.tls)}, so its leg to the targets is mirrored"
                f" (port {ports_text(sides.targets)}); --leg front for the other"
            )
            return (), sides.targets
        return sides.plain or sides.tls or ((80, 80),), ()
    front = merge(p for p in ports if not _within(p, sides.targets) or _within(p, sides.plain))
    back = merge(p for p in ports if p not in front and _within(p, sides.targets))
    encrypted = merge(p for p in front if _within(p, sides.tls))
    if encrypted:
        notes.append(
            f"{s}: port {ports_text(encrypted)} is TLS, and what is mirrored there cannot be read;"
            f" its targets are on port {ports_text(sides.targets) or '?'}: name that instead"
        )
    return front, back


def _within(port: tuple[int, int], ports: Ports) -> bool:
    return any(a <= port[0] and port[1] <= b for a, b in ports)


def behind(api: Api, s: Selector, notes: list[str]) -> tuple[list[Interface], Ports]:
    """The interfaces of the targets of a Network Load Balancer or a target group, and the targets' ports."""
    if s.kind == "nlb":
        arn = load_balancer(api, s, "network")["LoadBalancerArn"]
        groups = list(pages(api, "elbv2", "DescribeTargetGroups", "TargetGroups", LoadBalancerArn=arn))
    else:
        groups = [_group(api, s)]
    found: dict[str, Interface] = {}
    health = [(g, h) for g in groups for h in _health(api, g, None)]
    for group in groups:
        ids = [h["Target"]["Id"] for g, h in health if g is group]
        kind = group.get("TargetType", "instance")
        if kind == "instance":
            hits = find.by_instance(api, ids, primary=True)
        elif kind == "ip":
            hits = find.by_address(api, ids, vpc_id=group["VpcId"]) if ids else []
        elif kind == "alb":
            hits = find.interfaces(
                api, "description", ["ELB " + i.partition(":loadbalancer/")[2] for i in ids]
            )
        else:
            hits = []
            notes.append(f"{s}: its targets of type {kind} have no interface that can be mirrored")
        found |= {i.id: i for i in hits}
    return sorted(found.values(), key=lambda i: i.id), _ports(_sent_to(groups, [h for _, h in health]))


def _health(api: Api, group: Any, missing: list[str] | None) -> list[Any]:
    def read() -> list[Any]:
        answer = api.call("elbv2", "DescribeTargetHealth", TargetGroupArn=group["TargetGroupArn"])
        return list(answer.get("TargetHealthDescriptions") or ())

    return read() if missing is None else optional(read, missing) or []


def _group(api: Api, s: Selector) -> Any:
    every = list(pages(api, "elbv2", "DescribeTargetGroups", "TargetGroups"))
    one = next((g for g in every if s.name in {g["TargetGroupArn"], g["TargetGroupName"]}), None)
    if one is None:
        names = (f"target-group:{g['TargetGroupName']}" for g in every)
        raise find.UnknownError(s, "no such target group", names)
    return one


def load_balancer(api: Api, s: Selector, kind: str) -> Any:
    """The load balancer of that name or ARN, of type `application` or `network`."""
    every = list(pages(api, "elbv2", "DescribeLoadBalancers", "LoadBalancers"))
    named = [b for b in every if s.name in {b["LoadBalancerName"], b["LoadBalancerArn"]}]
    one = next((b for b in named if b["Type"] == kind), None)
    if one is not None:
        return one
    why = f"that is of type {named[0]['Type']}" if named else f"no such {kind} load balancer"
    fitting = named or [b for b in every if b["Type"] == kind]
    raise find.UnknownError(
        s, why, (f"{KIND.get(b['Type'], b['Type'])}:{b['LoadBalancerName']}" for b in fitting)
    )
