"""What is ours and no longer wanted, and may go: only what nobody else's session uses."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b

from shadowtap.aws.desired import Desired
from shadowtap.aws.steps import Change, DeleteFilter, DeleteRule, DeleteSession, DeleteShare, DeleteTarget
from shadowtap.aws.world import KEY_TAG, Filter, Session, World, owned, owned_targets, tag


def ordered(sessions: Iterable[Session]) -> list[Session]:
    return sorted(sessions, key=lambda s: s.id)


def deletion(session: Session, why: str = "") -> DeleteSession:
    return DeleteSession(
        id=session.id, interface=session.interface, uses=(session.filter, session.target), why=why
    )


def share_key(desired: Desired) -> str:
    """A share's key, from the target and the accounts it is shared with."""
    text = " ".join([desired.destination.resource, *sorted(desired.share_with)])
    return f"share/{blake2b(text.encode(), digest_size=5).hexdigest()}"


def unused_filters(name: str, world: World, used: set[str], left: list[str]) -> Iterator[Change]:
    """Our filters but those `used`; what must stay is added to `left`."""
    for item in owned(world.filters, name):
        if item.id not in used and _free(world, name, "filter", item.id, left):
            yield from filter_removal(item)


def filter_removal(item: Filter) -> Iterator[Change]:
    for rule_id, _ in item.rules:
        yield DeleteRule(id=rule_id, filter=item.id)
    yield DeleteFilter(id=item.id)


def unused_targets(desired: Desired, world: World, target: str, left: list[str]) -> Iterator[Change]:
    """Our targets but this one, and our shares but the wanted one. A share goes after its target: while
    somebody uses the target it stays shared."""
    yield from target_removals(desired.name, world, target, left)
    wanted = share_key(desired) if desired.share_with else None
    for share in owned(world.shares, desired.name):
        if tag(share, KEY_TAG) != wanted:
            yield DeleteShare(id=share.id)


def target_removals(name: str, world: World, keep: str, left: list[str]) -> Iterator[Change]:
    for item in owned_targets(world, name):
        if item.id != keep and _free(world, name, "target", item.id, left):
            yield DeleteTarget(id=item.id)


def _free(world: World, name: str, field: str, value: str, left: list[str]) -> bool:
    mine = owned(world.sessions, name)
    users = [s.id for s in world.sessions if getattr(s, field) == value and s not in mine]
    if users:
        left.append(f"{field} {value}: {', '.join(users)} uses it and is not ours")
    return not users
