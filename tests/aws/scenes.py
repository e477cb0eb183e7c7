"""Small networks that several tests begin with."""

from aws.vpc import Vpc
from shadowtap.aws import names
from shadowtap.aws.plan import Plan, plan
from shadowtap.aws.warn import Warning, warnings
from shadowtap.aws.wish import Found, Wish, look

VXLAN_OPEN = {
    "IpProtocol": "udp",
    "FromPort": 4789,
    "ToPort": 4789,
    "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
}


def collector(vpc: Vpc, **more: object) -> str:
    """An instance that lets copies in; its interface."""
    return vpc.add_instance("collector", groups=(vpc.add_group(VXLAN_OPEN),), **more)[1]


def servers(vpc: Vpc, count: int = 2, group: str = "web") -> list[tuple[str, str]]:
    found = [vpc.add_instance(f"{group}-{n}") for n in range(count)]
    vpc.asgs[group] = [instance for instance, _ in found]
    return found


def alb(vpc: Vpc, *listeners: tuple[int, str], targets: int = 2) -> tuple[str, list[tuple[str, str]]]:
    """An Application Load Balancer called web, whose targets listen on 8080."""
    arn = vpc.add_balancer("web", "application")
    group = vpc.add_target_group("web", arn)
    behind = [vpc.add_instance(f"behind-{n}") for n in range(targets)]
    for instance, _ in behind:
        vpc.register(group, instance, 8080)
    for port, protocol in listeners:
        vpc.listen(arn, port, protocol, group)
    return arn, behind


def nlb(
    vpc: Vpc, *, check: str = "9090", protocol: str = "TCP", listener: bool = True, healthy: str = "healthy"
) -> str:
    """A load balancer of collectors as it should be, or nearly."""
    arn = vpc.add_balancer("collectors", "network")
    group = vpc.add_target_group(
        "collectors", arn, port=4789, HealthCheckPort=check, HealthCheckProtocol=protocol
    )
    instance, _ = vpc.add_instance("collector", groups=(vpc.add_group(VXLAN_OPEN),))
    vpc.register(group, instance, 4789, healthy)
    if listener:
        vpc.listen(arn, 4789, "UDP", group)
    return arn


def wish(sources: list[str], to: str, **more: object) -> Wish:
    return Wish(sources=tuple(names.source(s) for s in sources), targets=(names.target(to),), **more)


def found(vpc: Vpc, sources: list[str], to: str, **more: object) -> Found:
    return look(wish(sources, to, **more), lambda place: vpc.api())[0]


def planned(vpc: Vpc, sources: list[str], to: str, **more: object) -> Plan:
    one = found(vpc, sources, to, **more)
    return plan(one.desired, one.world)


def warned(vpc: Vpc, sources: list[str], to: str, **more: object) -> list[Warning]:
    one = found(vpc, sources, to, **more)
    return list(warnings(one.desired, one.world, plan(one.desired, one.world)))


def kinds(said: list[Warning]) -> set[str]:
    return {str(w.kind) for w in said}
