"""What is wanted against what is there: ordered steps. Pure, and the same answer for the same question.

The order, so that nothing is ever without something it needs and a failure can be taken back:

    1. target, share, filters and their rules     what sessions need
    2. sessions no longer wanted                   make room in the quotas
    3. sessions that change, sessions that are new
    4. filters and targets no longer wanted        nothing uses them any more

Whatever is ours is found again by its tags, so a run that was cut short is simply continued by the next one.
"""

from collections.abc import Iterable, Iterator
from hashlib import blake2b

import msgspec
from msgspec import Struct

from shadowtap.aws import numbers, rules
from shadowtap.aws.desired import Desired, Source, Traffic
from shadowtap.aws.steps import (
    NEW,
    Change,
    CreateFilter,
    CreateRule,
    CreateSession,
    CreateShare,
    CreateTarget,
    DeleteRule,
    DeleteSession,
    Link,
    ModifyRule,
    ModifySession,
    RemoveServices,
)
from shadowtap.aws.unused import deletion, ordered, share_key, unused_filters, unused_targets
from shadowtap.aws.world import KEY_TAG, Filter, Rule, Session, World, owned, owned_targets, tag

WHOLE_PACKET = 9001
"""A session whose packet length is at least this mirrors every packet whole, as one without a length does."""
NLB_LENGTH = 8500
"""Default and maximum of PacketLength towards a Network Load Balancer (API_CreateTrafficMirrorSession)."""
PER_INTERFACE = 3


class Wanted(Struct, frozen=True, kw_only=True):
    """A filter that is wanted: its key, its rules, and the traffic they say."""

    key: str
    rules: tuple[Rule, ...]
    traffic: Traffic


class Plan(Struct, frozen=True, kw_only=True):
    """Steps, and what they were made from, for the eyes and for `emit`.

    `kept` is what is there and stays as it is; `left` is what is ours and must stay, with the reason.
    `sources` are those that get a session, each with its filter's key; `refused` those that cannot, and why.
    """

    name: str
    account: str
    region: str
    steps: tuple[Change, ...]
    kept: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    sources: tuple[tuple[Source, str], ...] = ()
    filters: tuple[Wanted, ...] = ()
    links: tuple[tuple[str, Link], ...] = ()
    """Interface and what its session looks like when the plan is done."""
    refused: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Ten letters that change when the steps do."""
        return blake2b(msgspec.json.encode(self.steps), digest_size=5).hexdigest()


def plan(desired: Desired, world: World) -> Plan:
    """The steps from `world` to `desired`. Raises UsageError where no filter can say what is wanted."""
    mine = owned(world.sessions, desired.name)
    sources, refused = _eligible(desired, world)
    filters, by_traffic, remarks = _filters(desired, sources)
    target, target_steps = _target(desired, world)
    found, filter_steps = _matched(filters, owned(world.filters, desired.name))
    links = dict(_links(desired, world, sources, by_traffic, found, target))
    gone, changed, made = _sessions(mine, links)
    used_filters = {link.filter for link in links.values()}
    left: list[str] = []
    removals = [
        *unused_filters(desired.name, world, used_filters, left),
        *unused_targets(desired, world, target, left),
    ]
    steps = [*target_steps, *filter_steps, *gone, *changed, *made, *removals]
    touched = {*(s.id for s in gone), *(s.id for s in changed)}
    kept = [f"session {s.id} of {s.interface}" for s in mine if s.id not in touched]
    kept += [f"filter {i}" for i in sorted(found.values()) if not i.startswith(NEW)]
    kept += [] if target.startswith(NEW) else [f"target {target}"]
    return Plan(
        name=desired.name,
        account=world.account,
        region=world.region,
        steps=tuple(steps),
        kept=tuple(kept),
        left=tuple(left),
        sources=tuple((s, by_traffic[s.traffic]) for s in sources),
        filters=filters,
        links=tuple(sorted(links.items())),
        refused=tuple(refused),
        remarks=tuple(remarks),
    )


def _eligible(desired: Desired, world: World) -> tuple[list[Source], list[tuple[str, str]]]:
    """Sources that can have a session, and those that cannot, with the reason."""
    destinations = {t.resource for t in world.targets if t.kind == "eni"}
    good: list[Source] = []
    refused: list[tuple[str, str]] = []
    for source in desired.sources:
        eni = source.interface.id
        others = [s for s in world.sessions if s.interface == eni and s not in _mine(desired, world)]
        if eni in desired.destination.interfaces:
            refused.append((eni, "the copies end there: mirroring it would mirror the mirror"))
        elif eni in destinations:
            refused.append((eni, "it is a mirror target, and cannot be a source as well"))
        elif len(others) >= PER_INTERFACE:
            ids = ", ".join(s.id for s in others)
            refused.append(
                (eni, f"it has {PER_INTERFACE} mirror sessions already, the most there can be: {ids}")
            )
        elif desired.number is not None and desired.number in {s.number for s in others}:
            refused.append(
                (eni, f"session number {desired.number} is taken on it: give another --session-number")
            )
        else:
            good.append(source)
    return good, refused


def _mine(desired: Desired, world: World) -> tuple[Session, ...]:
    return owned(world.sessions, desired.name)


def _filters(
    desired: Desired, sources: Iterable[Source]
) -> tuple[tuple[Wanted, ...], dict[Traffic, str], list[str]]:
    """One filter for each kind of traffic that is wanted. The key changes with the rules, so sessions move from
    one filter to the next in one step and no packet falls between two rule sets."""
    families: dict[Traffic, set[int]] = {}
    for source in sources:
        used = families.setdefault(source.traffic, set())
        used |= {4} if source.interface.addresses else set()
        used |= {6} if source.interface.ipv6 else set()
    filters: dict[str, Wanted] = {}
    keys: dict[Traffic, str] = {}
    remarks: list[str] = []
    for traffic, used in families.items():
        made, remark = rules.fitting(traffic, frozenset(used))
        key = keys[traffic] = filter_key(made)
        filters[key] = Wanted(key=key, rules=made, traffic=traffic)
        if remark and remark not in remarks:
            remarks.append(remark)
    return tuple(filters[k] for k in sorted(filters)), keys, remarks


def filter_key(made: Iterable[Rule]) -> str:
    """A filter's key, from its rules alone: whether a filter is as it was made can be told from its tag."""
    ordered = sorted(made, key=lambda r: (r.direction, r.number))
    return f"filter/{blake2b(msgspec.json.encode(ordered), digest_size=5).hexdigest()}"


def _target(desired: Desired, world: World) -> tuple[str, list[Change]]:
    """The id of the target, or its key when it is to be made. Somebody else's target for the same destination is
    used as it is; it stays theirs."""
    wish = desired.destination
    if wish.kind == "tmt":
        return wish.resource, []
    same = [t for t in world.targets if t.resource == wish.resource]
    same.sort(key=lambda t: (t not in owned_targets(world, desired.name), t.id))
    key = f"target/{wish.resource}"
    steps: list[Change] = []
    if not same:
        steps.append(CreateTarget(key=key, kind=wish.kind, resource=wish.resource))
    target = same[0].id if same else NEW + key
    if desired.share_with:
        share = share_key(desired)
        if not any(tag(s, KEY_TAG) == share for s in owned(world.shares, desired.name)):
            steps.append(CreateShare(key=share, target=target, principals=desired.share_with))
    return target, steps


def _matched(wanted: Iterable[Wanted], mine: tuple[Filter, ...]) -> tuple[dict[str, str], list[Change]]:
    """Each wanted filter's id, or key when it is to be made, and the steps to make or repair it."""
    ids: dict[str, str] = {}
    steps: list[Change] = []
    for wish in wanted:
        same = sorted((f for f in mine if tag(f, KEY_TAG) == wish.key), key=lambda f: f.id)
        if same:
            ids[wish.key] = same[0].id
            steps += _repair(wish, same[0])
        else:
            ids[wish.key] = NEW + wish.key
            steps.append(CreateFilter(key=wish.key))
            steps += [CreateRule(filter=NEW + wish.key, rule=rule) for rule in wish.rules]
    return ids, steps


def _repair(wish: Wanted, there: Filter) -> Iterator[Change]:
    """Rules are matched by direction and number. Surplus ones go first, so the limit of 10 is never passed."""
    why = "the filter is not as it was made"
    want = {(r.direction, r.number): r for r in wish.rules}
    have = {(r.direction, r.number): (i, r) for i, r in there.rules}
    for place in sorted(have.keys() - want.keys()):
        yield DeleteRule(id=have[place][0], filter=there.id, why=why)
    for place in sorted(have.keys() & want.keys()):
        rule_id, rule = have[place]
        if rule != want[place]:
            yield ModifyRule(id=rule_id, before=rule, after=want[place], why=why)
    for place in sorted(want.keys() - have.keys()):
        yield CreateRule(filter=there.id, rule=want[place], why=why)
    if there.services:
        yield RemoveServices(filter=there.id, services=there.services, why=why)


def _links(
    desired: Desired,
    world: World,
    sources: Iterable[Source],
    by_traffic: dict[Traffic, str],
    filters: dict[str, str],
    target: str,
) -> Iterator[tuple[str, Link]]:
    """What each source's session is to be. One that exists keeps its number and VNI unless others are asked for."""
    mine = {s.interface: s for s in reversed(ordered(_mine(desired, world)))}
    taken = {s.vni for s in world.sessions if s.vni is not None}
    length = _packet_length(desired, world)
    for source in sources:
        eni = source.interface.id
        has = mine.get(eni)
        others = {s.number for s in world.sessions if s.interface == eni and s != has}
        number = has.number if has else None
        if number is None or desired.number is not None:
            number = numbers.session_number(others, desired.number)
        vni = has.vni if has and has.vni is not None else None
        if vni is None:
            vni = numbers.vni(desired.name, eni, taken, desired.vni)
            taken.add(vni)
        if number is not None:
            link = Link(
                target=target,
                filter=filters[by_traffic[source.traffic]],
                number=number,
                vni=vni,
                packet_length=length,
            )
            yield eni, link


def _packet_length(desired: Desired, world: World) -> int | None:
    kind = desired.destination.kind
    if kind == "tmt":
        kind = next((t.kind for t in world.targets if t.id == desired.destination.resource), kind)
    if kind == "nlb":
        return min(desired.packet_length or NLB_LENGTH, NLB_LENGTH)
    return desired.packet_length


def _sessions(
    mine: tuple[Session, ...], links: dict[str, Link]
) -> tuple[list[DeleteSession], list[ModifySession], list[CreateSession]]:
    gone: list[DeleteSession] = []
    changed: list[ModifySession] = []
    seen: set[str] = set()
    for session in ordered(mine):
        wish = links.get(session.interface)
        if wish is None or session.interface in seen:
            why = "no longer wanted" if wish is None else "there twice"
            gone.append(deletion(session, why))
            continue
        seen.add(session.interface)
        now = Link(
            target=session.target,
            filter=session.filter,
            number=session.number,
            vni=session.vni,
            packet_length=_whole(session.packet_length, wish.packet_length),
        )
        if now != wish:
            changed.append(ModifySession(id=session.id, interface=session.interface, before=now, after=wish))
    made = [
        CreateSession(key=f"session/{eni}", interface=eni, link=link)
        for eni, link in sorted(links.items())
        if eni not in seen
    ]
    return gone, changed, made


def _whole(has: int | None, wanted: int | None) -> int | None:
    return None if wanted is None and has is not None and has >= WHOLE_PACKET else has
