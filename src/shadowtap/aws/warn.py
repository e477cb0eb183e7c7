"""What will go wrong silently, said before it does. Pure: a plan and the world in, warnings out.

Every warning names its cause, what it means and what to do. The silent failures are those of the vendor's pages
"Traffic Mirroring quotas", "limitations", "Understand traffic mirror target concepts" and "session concepts".
"""

from collections.abc import Iterator
from enum import StrEnum
from ipaddress import ip_address, ip_network

from msgspec import Struct

from shadowtap.aws import limits
from shadowtap.aws.desired import Check, Desired, Destination, Permission, Source
from shadowtap.aws.overlap import takes
from shadowtap.aws.plan import Plan
from shadowtap.aws.steps import Link
from shadowtap.aws.world import Interface, Session, Target, World, owned

VXLAN_PORT = 4789


class Kind(StrEnum):
    """What a warning is about."""

    PREEMPTED = "taken-before"
    PREEMPTS = "takes-from-others"
    CUT = "cut"
    SECURITY_GROUP = "security-group"
    LISTENER = "no-listener"
    CROSS_ZONE = "cross-zone"
    HEALTH = "health-check"
    NO_RESPONSES = "no-responses"
    BOTH_LEGS = "both-legs"
    NOT_A_SOURCE = "not-a-source"
    TOO_MANY = "too-many-sources"
    REFUSED = "refused"
    TARGET = "target"
    ROUTE = "route"
    NOTHING = "nothing"
    FAMILY = "family"
    UNCHECKED = "unchecked"
    LEFT = "left"
    QUOTA = "quota"


class Warning(Struct, frozen=True):
    """One thing to know before `up`."""

    kind: Kind
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


def warnings(desired: Desired, world: World, plan: Plan) -> tuple[Warning, ...]:
    """Everything worth a warning, the gravest first within each topic."""
    target = _existing(desired, world)
    return (
        *_sources(desired, plan),
        *_sessions(desired, world, plan),
        *_destination(desired, plan, target),
        *_lengths(desired, plan, target),
        *_answers(desired, plan),
        *_legs(plan),
        *_counts(desired, world, plan, target),
        *(Warning(Kind.FAMILY, remark) for remark in plan.remarks),
        *(Warning(Kind.LEFT, f"stays: {text}") for text in plan.left),
        *_unchecked(desired),
    )


def _existing(desired: Desired, world: World) -> Target | None:
    wish = desired.destination
    return next((t for t in world.targets if t.id == wish.resource), None) if wish.kind == "tmt" else None


def _kind(desired: Desired, target: Target | None) -> str:
    return target.kind if target else desired.destination.kind


def _sources(desired: Desired, plan: Plan) -> Iterator[Warning]:
    for one in desired.rejected:
        about = f" ({one.interface.description})" if one.interface.description else ""
        yield Warning(
            Kind.NOT_A_SOURCE,
            f"{one.interface.id}{about} of {one.named} is left out: {one.why}; name what is behind it",
        )
    for eni, why in plan.refused:
        yield Warning(Kind.REFUSED, f"{eni} is left out: {why}")
    if not plan.sources:
        yield Warning(
            Kind.NOTHING,
            "nothing can be mirrored right now: what was named has no interface that can be a source;"
            " `watch` adds interfaces as they come",
        )


def _sessions(desired: Desired, world: World, plan: Plan) -> Iterator[Warning]:
    """Who else mirrors these interfaces, and who comes first."""
    mine = owned(world.sessions, desired.name)
    theirs = {f.id: f for f in world.filters}
    ours = {f.key: f.rules for f in plan.filters}
    links = dict(plan.links)
    for source, key in plan.sources:
        link = links[source.interface.id]
        for session in world.sessions:
            if session.interface != source.interface.id or session in mine:
                continue
            known = theirs.get(session.filter)
            if known is None or takes([r for _, r in known.rules], ours[key]):
                yield _meeting(source, session, link, known is None)


def _meeting(source: Source, other: Session, link: Link, blind: bool) -> Warning:
    eni = source.interface.id
    maybe = "may take" if blind else "takes"
    if other.number < link.number:
        return Warning(
            Kind.PREEMPTED,
            f"{eni}: session {other.id} (number {other.number}, not ours) {maybe} the packets first, and each"
            f" packet goes to one session only: those will not arrive. Ask its owner to give it a number above"
            f" {link.number} or to narrow its filter, or use --session-number {max(1, other.number - 1)},"
            " which takes them away from it",
        )
    return Warning(
        Kind.PREEMPTS,
        f"{eni}: our session (number {link.number}) comes before session {other.id} (number {other.number}, not"
        " ours), which will not see these packets any more",
    )


def _destination(desired: Desired, plan: Plan, target: Target | None) -> Iterator[Warning]:
    wish = desired.destination
    if wish.problem:
        yield Warning(Kind.TARGET, f"{wish.kind}:{wish.resource}: {wish.problem}")
    if wish.permissions is not None and (wish.kind == "eni" or wish.permissions):
        yield from _closed(wish, [s.interface for s, _ in plan.sources])
    if wish.kind == "nlb":
        yield from _balancer(wish)
        yield from _members(wish, [s.interface for s, _ in plan.sources])
    apart = sorted({s.interface.vpc for s, _ in plan.sources} - {wish.vpc, ""}) if wish.vpc else []
    if apart:
        yield Warning(
            Kind.ROUTE,
            f"sources are in {', '.join(apart)} and the target is in {wish.vpc}: copies arrive only with a peering"
            " connection or a transit gateway between them, and routes",
        )


def _closed(wish: Destination, interfaces: list[Interface]) -> Iterator[Warning]:
    shut = [i for i in interfaces if not any(_lets_in(p, i) for p in wish.permissions or ())]
    if shut or (not interfaces and not any(_about_vxlan(p) for p in wish.permissions or ())):
        whom = ", ".join(sorted({i.addresses[0] if i.addresses else i.id for i in shut})[:5])
        yield Warning(
            Kind.SECURITY_GROUP,
            f"no security group of {wish.kind}:{wish.resource} lets in UDP {VXLAN_PORT}"
            + (f" from {whom}" if whom else "")
            + ": copies are dropped silently. Allow UDP 4789 from the networks of the sources",
        )


def _members(wish: Destination, interfaces: list[Interface]) -> Iterator[Warning]:
    """A load balancer keeps the sender's address for UDP; a collector may also allow the balancer's own group."""
    for eni, rules in wish.behind:
        if rules is None or any(set(p.groups) & set(wish.groups) for p in rules if _about_vxlan(p)):
            continue
        if not all(any(_lets_in(p, i) for p in rules) for i in interfaces):
            yield Warning(
                Kind.SECURITY_GROUP,
                f"no security group of {eni}, behind the load balancer, lets in UDP {VXLAN_PORT} from all sources:"
                " copies are dropped silently. Allow UDP 4789 from their networks",
            )


def _about_vxlan(permission: Permission) -> bool:
    return permission.protocol in {"-1", "all"} or (
        permission.protocol in {"udp", "17"} and permission.first <= VXLAN_PORT <= permission.last
    )


def _lets_in(permission: Permission, interface: Interface) -> bool:
    """The outer source of a copy is the primary address of its interface. A prefix list is taken to fit."""
    if not _about_vxlan(permission):
        return False
    if permission.lists or set(permission.groups) & set(interface.groups):
        return True
    sender = ip_address((interface.addresses or interface.ipv6 or ("0.0.0.0",))[0])
    return any(sender in ip_network(n, strict=False) for n in permission.networks)


def _balancer(wish: Destination) -> Iterator[Warning]:
    if wish.listener is False:
        yield Warning(
            Kind.LISTENER,
            f"{wish.resource} has no listener for UDP {VXLAN_PORT}: mirroring to it fails silently. Add one,"
            " with a target group of protocol UDP",
        )
    if wish.cross_zone is False:
        yield Warning(
            Kind.CROSS_ZONE,
            "cross-zone load balancing is off: copies from a zone without a collector are lost. Turn on"
            " load_balancing.cross_zone.enabled",
        )
    for check in wish.checks or ():
        yield from _check(check)


def _check(check: Check) -> Iterator[Warning]:
    """UDP itself has no health check; the collector answers on its --status port."""
    name = f"target group {check.group}"
    if not check.enabled or check.protocol not in {"TCP", "HTTP", "HTTPS"}:
        yield Warning(Kind.HEALTH, f"{name} has no health check that says whether a collector lives")
    elif check.port in {"traffic-port", str(VXLAN_PORT)}:
        yield Warning(
            Kind.HEALTH,
            f"{name} checks {check.protocol} on port {VXLAN_PORT}, where nothing answers: the collector listens"
            " there for UDP only. Check the port of `shadowtap run --status`, for example TCP 9090",
        )
    if check.registered == 0:
        yield Warning(Kind.HEALTH, f"{name} has no targets: nobody receives the copies")
    elif check.registered > 0 and not check.healthy:
        yield Warning(
            Kind.HEALTH,
            f"{name}: none of {check.registered} targets is healthy; the load balancer then sends to all of them",
        )


def _lengths(desired: Desired, plan: Plan, target: Target | None) -> Iterator[Warning]:
    """Copies are cut to the room there is, never split."""
    if not plan.sources:
        return
    length = next((link.packet_length for _, link in plan.links), None)
    most = limits.whole_mtu(_kind(desired, target), desired.target_mtu, length)
    if desired.source_mtu > most:
        yield Warning(
            Kind.CUT,
            f"the sources' MTU is {desired.source_mtu} (the default in a VPC is 9001) and copies of packets above"
            f" {most} bytes are cut: requests in them are counted as incomplete. Set the sources' MTU to {most}"
            " or less, or say --source-mtu 1500 where only internet clients connect",
        )


def _answers(desired: Desired, plan: Plan) -> Iterator[Warning]:
    silent = [s.interface.id for s, _ in plan.sources if not s.traffic.responses]
    if silent and desired.compare:
        yield Warning(
            Kind.NO_RESPONSES,
            "a comparison is wanted, but no rule mirrors the answers (--no-responses): there is nothing to compare"
            " with. Leave out --no-responses",
        )
    elif silent:
        yield Warning(
            Kind.NO_RESPONSES,
            "the answers are not mirrored (--no-responses): requests are replayed, but not compared",
        )


def _legs(plan: Plan) -> Iterator[Warning]:
    for source, _ in plan.sources:
        if source.balancer and source.traffic.serves and source.traffic.calls:
            yield Warning(
                Kind.BOTH_LEGS,
                f"{source.interface.id} of {source.balancer}: both legs are mirrored, so each request is seen and"
                " replayed twice. Use --leg front or --leg back",
            )
    balanced = {(s.balancer, s.targets) for s, _ in plan.sources if s.balancer}
    for balancer, targets in sorted(balanced, key=str):
        both = [
            s.interface.id
            for s, _ in plan.sources
            if s.balancer != balancer
            and (s.interface.instance in targets or set(s.interface.addresses) & set(targets))
        ]
        if both:
            yield Warning(
                Kind.BOTH_LEGS,
                f"{balancer} is mirrored and so are its targets ({', '.join(both[:5])}): each request is seen and"
                " replayed twice. Name one of them only",
            )


def _counts(desired: Desired, world: World, plan: Plan, target: Target | None) -> Iterator[Warning]:
    if _kind(desired, target) == "eni":
        after = limits.sources_of_target(desired, world, plan)
        most = limits.sources_per_target(desired.destination.instance_type)
        if after > most:
            yield Warning(
                Kind.TOO_MANY,
                f"{after} sources would send to one interface, and it takes {most}"
                f" ({limits.SOURCES_LARGEST} on the largest instance sizes): use a Network Load Balancer as"
                " the target, which has no such limit",
            )
    for quota in limits.quotas(desired, world, plan):
        if quota.used > quota.most and quota.what != "sources of the target":
            yield Warning(Kind.QUOTA, f"{quota.what}: {quota.used} of {quota.most}")


def _unchecked(desired: Desired) -> Iterator[Warning]:
    if desired.unchecked:
        actions = ", ".join(sorted(set(desired.unchecked)))
        yield Warning(Kind.UNCHECKED, f"not everything could be checked; missing permissions: {actions}")
