"""From the command line to `Desired`, in every account and region the user named.

A selector need only name something in one of the places; where it names nothing in any, the user sees the
candidates of all of them. Each place sends to the `--to` that exists there.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from shadowtap.aws import discover, find, names, read
from shadowtap.aws.api import Api
from shadowtap.aws.desired import ANY, Desired, Destination, Leg
from shadowtap.aws.destination import destination
from shadowtap.aws.names import Place, Ports, Selector
from shadowtap.aws.world import World
from shadowtap.errors import UsageError

Connect = Callable[[Place], Api]


class Wish(Struct, frozen=True, kw_only=True):
    """Everything `plan`, `up`, `watch` and `emit` can be told."""

    name: str = "shadowtap"
    sources: tuple[Selector, ...] = ()
    targets: tuple[Selector, ...] = ()
    places: tuple[Place, ...] = (Place(),)
    ports: Ports = ()
    networks: tuple[str, ...] = ANY
    responses: bool = True
    leg: Leg = Leg.AUTO
    packet_length: int | None = None
    number: int | None = None
    vni: int | None = None
    compare: bool = False
    source_mtu: int = 9001
    target_mtu: int = 9001
    share_with: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


class Found(Struct, frozen=True):
    """One place: how to reach it, what is wanted there, what is there."""

    api: Any
    place: Place
    desired: Desired
    world: World


def look(wish: Wish, connect: Connect) -> list[Found]:
    """Looks at every place. Raises UsageError with candidates for what names nothing anywhere."""
    _check(wish)
    found: list[Found] = []
    unknown: dict[Selector, list[find.UnknownError]] = {s: [] for s in wish.sources}
    for place in wish.places:
        api = connect(place)
        notes: list[str] = []
        missing: list[str] = []
        there = _destination(api, wish, missing)
        sources, rejected, missed = discover.sources(
            api,
            wish.sources,
            discover.Wish(ports=wish.ports, networks=wish.networks, responses=wish.responses, leg=wish.leg),
            notes,
            missing,
        )
        for error in missed:
            unknown[error.selector].append(error)
        desired = Desired(
            name=wish.name,
            destination=there,
            sources=tuple(sources),
            rejected=tuple(rejected),
            notes=tuple(dict.fromkeys(notes)),
            unchecked=tuple(dict.fromkeys(missing)),
            packet_length=wish.packet_length,
            number=wish.number,
            vni=wish.vni,
            compare=wish.compare,
            source_mtu=wish.source_mtu,
            target_mtu=wish.target_mtu,
            share_with=wish.share_with,
            tags=wish.tags,
        )
        found.append(Found(api, place, desired, read.world(api, shares=True)))
    for errors in unknown.values():
        if errors and len(errors) == len(wish.places):
            raise _joined(errors)
    return found


def _check(wish: Wish) -> None:
    collector_only = bool(wish.share_with) or any(t.kind == "stack" for t in wish.targets)
    if not wish.sources and not collector_only:
        raise UsageError(f"say what to mirror: --from {' | '.join(names.SOURCES.values())}")
    if not wish.targets:
        raise UsageError(f"say where the copies go: --to {' | '.join(names.TARGETS.values())}")
    if not 1 <= len(wish.name) <= 100 or not wish.name.replace("-", "").replace("_", "").isalnum():
        raise UsageError(f"--name {wish.name}: letters, digits, - and _, at most 100")


def _destination(api: Api, wish: Wish, missing: list[str]) -> Destination:
    """The first `--to` that exists in this place."""
    here: list[find.UnknownError] = []
    for target in wish.targets:
        if target.kind == "stack":
            return Destination(kind=target.name, resource="(the stack's collector)", region=api.region)
        try:
            return destination(api, target, missing)
        except find.UnknownError as error:
            here.append(error)
    raise _joined(here)


def _joined(errors: list[find.UnknownError]) -> find.UnknownError:
    candidates = [c for error in errors for c in error.candidates]
    return find.UnknownError(errors[0].selector, errors[0].why, candidates)
