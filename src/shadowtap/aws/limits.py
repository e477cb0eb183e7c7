"""Quotas, lengths and prices: the numbers of the vendor's pages, and how much of them a plan uses.

Quotas: "Traffic Mirroring quotas" (sources per target by instance type as of November 2026; AWS decides in the end).
Lengths: "MTU and packet length limitations": the copy adds 54 bytes over IPv4. Prices: US East, in US dollars;
other regions differ by some cents a month and are told with --price.
"""

from collections import Counter

from msgspec import Struct

from shadowtap.aws.desired import Desired
from shadowtap.aws.plan import Plan
from shadowtap.aws.steps import (
    CreateFilter,
    CreateSession,
    CreateTarget,
    DeleteFilter,
    DeleteSession,
    DeleteTarget,
)
from shadowtap.aws.world import World, owned

PER_ACCOUNT = 10_000
SESSIONS_PER_INTERFACE = 3
RULES_PER_FILTER = 10
SOURCES_SMALL, SOURCES_LARGEST = 10, 100

OVERHEAD = 54
"""Bytes the encapsulation adds over IPv4, as AWS counts them; 74 over IPv6, which its targets do not use."""
ETHERNET = 14
NLB_LENGTH = 8500
GWLBE_MTU = 8446

HOURS = 730
"""Hours of a month as AWS bills them in its calculator."""
SESSION_HOUR = 0.015
NLB_HOUR = 0.0225

LARGEST = frozenset(
    [
        "m5.24xlarge",
        "m5d.24xlarge",
        "m5dn.24xlarge",
        "m5n.24xlarge",
        "m5zn.12xlarge",
        "m6a.48xlarge",
        "m6g.16xlarge",
        "m6gd.16xlarge",
        "m6i.32xlarge",
        "m6id.32xlarge",
        "m6idn.32xlarge",
        "m6in.32xlarge",
        "m7a.48xlarge",
        "m7i.48xlarge",
        "m8a.48xlarge",
        "m8azn.24xlarge",
        "m8g.48xlarge",
        "m8gb.24xlarge",
        "m8gb.48xlarge",
        "m8gd.48xlarge",
        "m8gn.24xlarge",
        "m8gn.48xlarge",
        "m8i.96xlarge",
        "m8id.96xlarge",
        "c5.18xlarge",
        "c5.24xlarge",
        "c5d.18xlarge",
        "c5d.24xlarge",
        "c5n.18xlarge",
        "c6a.48xlarge",
        "c6g.16xlarge",
        "c6gd.16xlarge",
        "c6gn.16xlarge",
        "c6i.32xlarge",
        "c6id.32xlarge",
        "c6in.32xlarge",
        "c7a.48xlarge",
        "c7gn.16xlarge",
        "c7i.48xlarge",
        "c8a.48xlarge",
        "c8g.48xlarge",
        "c8gb.24xlarge",
        "c8gb.48xlarge",
        "c8gd.48xlarge",
        "c8gn.24xlarge",
        "c8gn.48xlarge",
        "c8i.96xlarge",
        "c8id.96xlarge",
        "r5.24xlarge",
        "r5b.24xlarge",
        "r5d.24xlarge",
        "r5dn.24xlarge",
        "r5n.24xlarge",
        "r6a.48xlarge",
        "r6g.16xlarge",
        "r6gd.16xlarge",
        "r6i.32xlarge",
        "r6id.32xlarge",
        "r6idn.32xlarge",
        "r6in.32xlarge",
        "r7a.48xlarge",
        "r7i.48xlarge",
        "r8a.48xlarge",
        "r8g.48xlarge",
        "r8i.96xlarge",
        "i3en.24xlarge",
        "i4g.16xlarge",
        "i4i.32xlarge",
        "i7i.48xlarge",
        "i8g.48xlarge",
    ]
)
"""The types a collector may be of that take 100 sources; for any other AWS says 10."""


class Quota(Struct, frozen=True):
    """How many there will be of how many there may be."""

    what: str
    used: int
    most: int

    @property
    def share(self) -> float:
        return self.used / self.most


class Cost(Struct, frozen=True):
    """US dollars a month. `added` is what this plan adds to what is there already."""

    sessions: float
    added: float
    balancer: float

    @property
    def total(self) -> float:
        return self.sessions + self.balancer


def whole_mtu(kind: str, target_mtu: int, packet_length: int | None) -> int:
    """The largest MTU of a source of which every packet arrives whole."""
    room = {"nlb": NLB_LENGTH - ETHERNET, "gwlbe": GWLBE_MTU}.get(kind, target_mtu - OVERHEAD)
    return room if packet_length is None else min(room, packet_length - ETHERNET)


def sources_per_target(instance_type: str | None) -> int:
    return SOURCES_LARGEST if instance_type in LARGEST else SOURCES_SMALL


def sources_of_target(desired: Desired, world: World, plan: Plan) -> int:
    """Interfaces that will send to the target when the plan is done, ours and others'."""
    wish = desired.destination
    ids = {t.id for t in world.targets if wish.resource in {t.resource, t.id}}
    mine = owned(world.sessions, desired.name)
    others = {s.interface for s in world.sessions if s.target in ids and s not in mine}
    return len(others | {eni for eni, _ in plan.links})


def quotas(desired: Desired, world: World, plan: Plan) -> tuple[Quota, ...]:
    """What the account will use when the plan is done."""
    steps = Counter(type(step) for step in plan.steps)
    sessions = len(world.sessions) + steps[CreateSession] - steps[DeleteSession]
    per_interface = Counter(s.interface for s in world.sessions)
    per_interface.update(s.interface for s in plan.steps if isinstance(s, CreateSession))
    per_interface.subtract(s.interface for s in plan.steps if isinstance(s, DeleteSession))
    found = [
        Quota("sessions of the account", sessions, PER_ACCOUNT),
        Quota(
            "filters of the account",
            len(world.filters) + steps[CreateFilter] - steps[DeleteFilter],
            PER_ACCOUNT,
        ),
        Quota(
            "targets of the account",
            len(world.targets) + steps[CreateTarget] - steps[DeleteTarget],
            PER_ACCOUNT,
        ),
        Quota(
            "sessions of the busiest source",
            max((per_interface[eni] for eni, _ in plan.links), default=0),
            SESSIONS_PER_INTERFACE,
        ),
        Quota(
            "rules of the longest filter",
            max((len(f.rules) for f in plan.filters), default=0),
            RULES_PER_FILTER,
        ),
    ]
    if desired.destination.kind == "eni":
        most = sources_per_target(desired.destination.instance_type)
        found.append(Quota("sources of the target", sources_of_target(desired, world, plan), most))
    return tuple(found)


def cost(desired: Desired, plan: Plan, session_hour: float = SESSION_HOUR) -> Cost:
    """A session is billed by the hour while it exists, whether or not packets flow."""
    made = sum(isinstance(s, CreateSession) for s in plan.steps)
    gone = sum(isinstance(s, DeleteSession) for s in plan.steps)
    return Cost(
        sessions=len(plan.links) * session_hour * HOURS,
        added=(made - gone) * session_hour * HOURS,
        balancer=NLB_HOUR * HOURS if desired.destination.kind == "nlb" else 0.0,
    )
