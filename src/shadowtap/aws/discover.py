"""From a selector to interfaces: which network interfaces the thing the user named has right now.

Vendor rules this follows: an Application Load Balancer's interfaces carry the description `ELB app/NAME/ID` (the
end of its ARN), a Classic one's `ELB NAME`; a Network Load Balancer's own interfaces cannot be mirrored, so its
targets are; tasks of ECS in network mode awsvpc have an interface of their own; a pod of EKS has an address of
its node's interface.
"""

from collections.abc import Callable
from ipaddress import ip_address

from msgspec import Struct

from shadowtap.aws import balancers, find
from shadowtap.aws.api import Api, pages
from shadowtap.aws.balancers import Found
from shadowtap.aws.desired import ANY, Leg, Rejected, Source, Traffic
from shadowtap.aws.names import Ports, Selector, merge
from shadowtap.aws.world import Interface

SOURCE_KINDS = frozenset({"interface", "load_balancer"})
"""InterfaceTypes that can be a source: EC2, RDS and the interfaces of Application and Classic Load Balancers."""
DEFAULT_PORT: Ports = ((80, 80),)


class Wish(Struct, frozen=True, kw_only=True):
    """Which packets, as the command line says it."""

    ports: Ports = ()
    networks: tuple[str, ...] = ANY
    responses: bool = True
    leg: Leg = Leg.AUTO


def sources(
    api: Api, selectors: tuple[Selector, ...], wish: Wish, notes: list[str], missing: list[str]
) -> tuple[list[Source], list[Rejected], list[find.UnknownError]]:
    """Sources, interfaces that cannot be one, and selectors that name nothing here.

    Remarks for the user go to `notes`, permissions that were missing for a nicety to `missing`.
    """
    found: dict[str, Source] = {}
    rejected: dict[str, Rejected] = {}
    unknown: list[find.UnknownError] = []
    for selector in selectors:
        try:
            hits = KINDS[selector.kind](api, selector, wish, notes, missing)
        except find.UnknownError as error:
            unknown.append(error)
            continue
        for hit in hits:
            if why := _refusal(hit.interface):
                rejected[hit.interface.id] = Rejected(hit.interface, str(selector), why)
            else:
                source = _source(hit, selector, wish)
                known = found.get(hit.interface.id)
                found[hit.interface.id] = _joined(known, source) if known else source
    return sorted(found.values(), key=lambda s: s.interface.id), list(rejected.values()), unknown


def _refusal(interface: Interface) -> str | None:
    if interface.kind not in SOURCE_KINDS:
        return f"an interface of type {interface.kind} cannot be mirrored"
    if interface.ipv6 and not interface.addresses:
        return "it is in a subnet with IPv6 only, which Traffic Mirroring does not support"
    return None


def _source(hit: Found, selector: Selector, wish: Wish) -> Source:
    traffic = Traffic(
        serves=hit.serves,
        calls=hit.calls,
        peers=wish.networks,
        local=hit.local,
        responses=wish.responses,
    )
    return Source(
        interface=hit.interface,
        traffic=traffic,
        named=(str(selector),),
        balancer=hit.balancer,
        targets=hit.targets,
    )


def _joined(a: Source, b: Source) -> Source:
    """One interface named twice: the traffic of both."""
    local = ANY if ANY in (a.traffic.local, b.traffic.local) else (*a.traffic.local, *b.traffic.local)
    traffic = Traffic(
        serves=merge([*a.traffic.serves, *b.traffic.serves]),
        calls=merge([*a.traffic.calls, *b.traffic.calls]),
        peers=a.traffic.peers,
        local=tuple(dict.fromkeys(local)),
        responses=a.traffic.responses,
    )
    return Source(
        interface=a.interface,
        traffic=traffic,
        named=tuple(dict.fromkeys([*a.named, *b.named])),
        balancer=a.balancer or b.balancer,
        targets=tuple(dict.fromkeys([*a.targets, *b.targets])),
    )


def plain(interfaces: list[Interface], wish: Wish, known: Ports = ()) -> list[Found]:
    """Interfaces of servers: the ports asked for, else the ones known, else 80."""
    ports = wish.ports or known or DEFAULT_PORT
    return [
        Found(
            interface=interface,
            serves=() if wish.leg is Leg.BACK else ports,
            calls=ports if wish.leg in {Leg.BACK, Leg.BOTH} else (),
        )
        for interface in interfaces
    ]


def _asg(api: Api, s: Selector, wish: Wish, notes: list[str], missing: list[str]) -> list[Found]:
    groups = list(pages(api, "autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups"))
    group = next((g for g in groups if g["AutoScalingGroupName"] == s.name), None)
    if group is None:
        raise find.UnknownError(
            s, "no such auto scaling group", (f"asg:{g['AutoScalingGroupName']}" for g in groups)
        )
    members = [i["InstanceId"] for i in group.get("Instances") or ()]
    return plain(find.by_instance(api, members), wish)


def _ecs(api: Api, s: Selector, wish: Wish, notes: list[str], missing: list[str]) -> list[Found]:
    cluster, _, name = s.name.rpartition("/")
    clusters = [a.rpartition("/")[2] for a in pages(api, "ecs", "ListClusters", "clusterArns")]
    if not cluster or cluster not in clusters:
        candidates = [f"ecs:{c}/{n}" for c in clusters for n in _services(api, c)]
        hits = [c for c in candidates if c.endswith(f"/{name}")] or candidates
        raise find.UnknownError(s, "no such cluster; a service is named as ecs:CLUSTER/SERVICE", hits)
    answer = api.call("ecs", "DescribeServices", cluster=cluster, services=[name])
    alive = [x for x in answer.get("services") or () if x.get("status") != "INACTIVE"]
    if not alive:
        raise find.UnknownError(
            s,
            f"no such service in cluster {cluster}",
            (f"ecs:{cluster}/{n}" for n in _services(api, cluster)),
        )
    ports = merge(
        (b["containerPort"],) * 2 for b in alive[0].get("loadBalancers") or () if "containerPort" in b
    )
    return plain(_tasks(api, cluster, name), wish, ports)


def _services(api: Api, cluster: str) -> list[str]:
    return [a.rpartition("/")[2] for a in pages(api, "ecs", "ListServices", "serviceArns", cluster=cluster)]


def _tasks(api: Api, cluster: str, service: str) -> list[Interface]:
    """A task's own interface (awsvpc), or those of the instance it runs on. DescribeTasks takes 100 at once."""
    arns = list(pages(api, "ecs", "ListTasks", "taskArns", cluster=cluster, serviceName=service))
    own: list[str] = []
    hosts: list[str] = []
    for start in range(0, len(arns), 100):
        answer = api.call("ecs", "DescribeTasks", cluster=cluster, tasks=arns[start : start + 100])
        for task in answer.get("tasks") or ():
            ids = [
                detail["value"]
                for attachment in task.get("attachments") or ()
                for detail in attachment.get("details") or ()
                if detail["name"] == "networkInterfaceId"
            ]
            own += ids
            if not ids and task.get("containerInstanceArn"):
                hosts.append(task["containerInstanceArn"])
    found = find.interfaces(api, "network-interface-id", own)
    for start in range(0, len(hosts), 100):
        answer = api.call(
            "ecs",
            "DescribeContainerInstances",
            cluster=cluster,
            containerInstances=list(dict.fromkeys(hosts[start : start + 100])),
        )
        machines = [c["ec2InstanceId"] for c in answer.get("containerInstances") or ()]
        found += find.by_instance(api, machines, primary=True)
    return found


def _eks(api: Api, s: Selector, wish: Wish, notes: list[str], missing: list[str]) -> list[Found]:
    text, _, vpc = s.name.partition("@")
    found = find.by_address(api, [text], **({"vpc_id": vpc} if vpc else {}))
    if not found:
        every = [a for i in find.every_interface(api) for a in i.addresses]
        raise find.UnknownError(s, "no interface holds that address", (f"eks:{a}" for a in every))
    if len({i.vpc for i in found}) > 1:
        raise find.UnknownError(
            s, "that address exists in several VPCs", (f"eks:{text}@{i.vpc}" for i in found)
        )
    width = ip_address(text).max_prefixlen
    return [
        Found(h.interface, h.serves, h.calls, local=(f"{ip_address(text)}/{width}",))
        for h in plain(found, wish)
    ]


def _instance(api: Api, s: Selector, wish: Wish, notes: list[str], missing: list[str]) -> list[Found]:
    found = find.by_instance(api, [s.name])
    if found:
        return plain(found, wish)
    everything = find.instances(api)
    named = [i["InstanceId"] for i in everything if find.name_of(i) == s.name]
    if len(named) == 1:
        return plain(find.by_instance(api, named), wish)
    if named:
        raise find.UnknownError(s, "several instances have that name", (f"instance:{i}" for i in named))
    raise find.UnknownError(
        s,
        "no such instance, by id or by Name tag",
        (c for i in everything for c in (f"instance:{find.name_of(i) or i['InstanceId']}",)),
    )


def _eni(api: Api, s: Selector, wish: Wish, notes: list[str], missing: list[str]) -> list[Found]:
    found = find.interfaces(api, "network-interface-id", [s.name])
    if not found:
        raise find.UnknownError(
            s, "no such network interface", (f"eni:{i.id}" for i in find.every_interface(api))
        )
    return plain(found, wish)


def _tag(api: Api, s: Selector, wish: Wish, notes: list[str], missing: list[str]) -> list[Found]:
    key, _, value = s.name.partition("=")
    found = {i.id: i for i in find.interfaces(api, f"tag:{key}", [value])}
    tagged = find.instances(api, Filters=[{"Name": f"tag:{key}", "Values": [value]}])
    machines = [i["InstanceId"] for i in tagged]
    found |= {i.id: i for i in find.by_instance(api, machines)}
    if not found:
        every = find.instances(api)
        pairs = (f"tag:{t['Key']}={t.get('Value', '')}" for i in every for t in i.get("Tags") or ())
        raise find.UnknownError(s, "no interface and no instance has that tag", pairs)
    return plain(sorted(found.values(), key=lambda i: i.id), wish)


def _balanced(api: Api, s: Selector, wish: Wish, notes: list[str], missing: list[str]) -> list[Found]:
    if s.kind == "alb":
        return balancers.application(api, s, wish.ports, wish.leg, notes, missing)
    if s.kind == "clb":
        return balancers.classic(api, s, wish.ports, wish.leg, notes)
    found, ports = balancers.behind(api, s, notes)
    return plain(found, wish, ports)


Finder = Callable[[Api, Selector, Wish, list[str], list[str]], list[Found]]
KINDS: dict[str, Finder] = {
    "alb": _balanced,
    "clb": _balanced,
    "nlb": _balanced,
    "target-group": _balanced,
    "asg": _asg,
    "ecs": _ecs,
    "eks": _eks,
    "instance": _instance,
    "eni": _eni,
    "tag": _tag,
}
