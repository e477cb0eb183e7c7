"""Which session gets a packet: whether filter rules of somebody else take packets that ours want.

Each packet of an interface goes to the first session, by number, whose filter accepts it. Whether two filters meet
is decided by rule: an accept rule of theirs meets one of ours when direction, protocol, ports and networks overlap
and no earlier reject rule of theirs covers what ours wants. A reject that covers it only in part is not counted, so
this may warn once too often and never once too little.
"""

from collections.abc import Iterable
from ipaddress import ip_network

from shadowtap.aws.world import PortRange, Rule


def takes(theirs: Iterable[Rule], ours: Iterable[Rule]) -> bool:
    """Whether a filter with the rules `theirs` accepts some packet that `ours` accepts."""
    ordered = sorted(theirs, key=lambda r: r.number)
    return any(_meets(ordered, wanted) for wanted in ours if wanted.action == "accept")


def _meets(theirs: list[Rule], wanted: Rule) -> bool:
    for rule in theirs:
        if rule.direction != wanted.direction:
            continue
        if rule.action == "reject" and _covers(rule, wanted):
            return False
        if rule.action == "accept" and _overlaps(rule, wanted):
            return True
    return False


def _overlaps(a: Rule, b: Rule) -> bool:
    return (
        (a.protocol is None or b.protocol is None or a.protocol == b.protocol)
        and _networks_overlap(a.source, b.source)
        and _networks_overlap(a.destination, b.destination)
        and _ports_overlap(a.source_ports, b.source_ports)
        and _ports_overlap(a.destination_ports, b.destination_ports)
    )


def _covers(a: Rule, b: Rule) -> bool:
    return (
        (a.protocol is None or a.protocol == b.protocol)
        and _inside(b.source, a.source)
        and _inside(b.destination, a.destination)
        and _within(b.source_ports, a.source_ports)
        and _within(b.destination_ports, a.destination_ports)
    )


def _networks_overlap(a: str, b: str) -> bool:
    one, other = ip_network(a, strict=False), ip_network(b, strict=False)
    return one.version == other.version and one.overlaps(other)


def _inside(inner: str, outer: str) -> bool:
    one, other = ip_network(inner, strict=False), ip_network(outer, strict=False)
    return one.version == other.version and one.subnet_of(other)  # type: ignore[arg-type]


def _ports_overlap(a: PortRange | None, b: PortRange | None) -> bool:
    return a is None or b is None or (a[0] <= b[1] and b[0] <= a[1])


def _within(inner: PortRange | None, outer: PortRange | None) -> bool:
    if outer is None or outer == (0, 65535):
        return True
    return inner is not None and outer[0] <= inner[0] and inner[1] <= outer[1]
