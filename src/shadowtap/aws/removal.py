"""Everything of a mirror away, as a plan: sessions, then rules and filters, then targets, then shares."""

from shadowtap.aws.plan import Plan
from shadowtap.aws.steps import Change, DeleteShare
from shadowtap.aws.unused import deletion, ordered, target_removals, unused_filters
from shadowtap.aws.world import World, owned


def removal(name: str, world: World) -> Plan:
    """The steps, and what is ours but must stay, because somebody else's session uses it."""
    left: list[str] = []
    steps: list[Change] = [deletion(s) for s in ordered(owned(world.sessions, name))]
    steps += unused_filters(name, world, set(), left)
    steps += target_removals(name, world, "", left)
    if not left:
        steps += [DeleteShare(id=s.id) for s in owned(world.shares, name)]
    return Plan(name=name, account=world.account, region=world.region, steps=tuple(steps), left=tuple(left))
