"""What is wanted of an interface, as the fewest mirror filter rules that say exactly that.

The rules of the API (API_CreateTrafficMirrorFilterRule, "Traffic mirror filter concepts"): rules have a direction
as the interface sees it, are looked through by ascending number, and the first that matches decides; without a
match nothing is mirrored. One rule holds one port range and one network for each end, both of one address family,
and a filter holds at most 10 rules.

Wanted in one direction are up to two blocks (a server's and a client's side), each a product of port ranges, peer
networks and local networks. A block costs the product of their counts when only accept rules say it. Three port
ranges between two networks cost 6; but "reject the two holes between the ranges, accept the hull" costs 2 + 2. A
reject rule would also hit the other block, so only the last block of a direction may be said that way; both orders
and the same trick with networks are tried, and the cheapest wins.
"""

from collections.abc import Iterable, Iterator
from ipaddress import ip_network, summarize_address_range
from itertools import permutations, product
from typing import NamedTuple

from shadowtap.aws.desired import ANY, Traffic
from shadowtap.aws.names import Network, Ports, ports_text
from shadowtap.aws.world import PortRange, Rule
from shadowtap.errors import UsageError

LIMIT = 10
"""Rules in a filter, both directions together (Traffic Mirroring quotas); AWS does not raise it."""
TCP = 6
STEP = 10
"""Distance of rule numbers: room for a rule of somebody's own between ours."""
EVERY_PORT: Ports = ((0, 65535),)


class _Block(NamedTuple):
    """Packets of one direction and family: ports on one side, networks on both."""

    direction: str
    remote_ports: Ports | None
    local_ports: Ports | None
    peers: tuple[str, ...]
    local: tuple[str, ...]

    @property
    def ports(self) -> Ports:
        return self.remote_ports or self.local_ports or EVERY_PORT


def rules(traffic: Traffic, families: frozenset[int] = frozenset({4, 6})) -> tuple[Rule, ...]:
    """Rules with numbers for the traffic, of the address families in use. May be more than LIMIT."""
    found: list[Rule] = []
    for direction in ("ingress", "egress"):
        number = 0
        for family in sorted(families):
            for rule in _fewest(tuple(_blocks(traffic, direction, family)), family):
                number += STEP
                found.append(_numbered(rule, number))
    return tuple(found)


def fitting(traffic: Traffic, used: frozenset[int]) -> tuple[tuple[Rule, ...], str | None]:
    """Rules within the limit, and what had to be left out to fit. `used`: address families the interfaces have.

    Both families are covered when they fit, so that an address added later is mirrored; otherwise only those
    in use. Raises UsageError when even that is too much.
    """
    both = rules(traffic)
    if len(both) <= LIMIT:
        return both, None
    needed = rules(traffic, used) if used else both
    if len(needed) <= LIMIT:
        left = "IPv6" if used == {4} else "IPv4"
        return needed, (
            f"{len(both)} filter rules would be needed for both address families and a filter holds {LIMIT};"
            f" {left} is left out, because no source interface has such an address"
        )
    raise UsageError(
        f"ports {ports_text(merge_texts(traffic))} and networks {', '.join(traffic.peers)} need"
        f" {len(needed)} filter rules, and a filter holds {LIMIT}: name fewer ports (a range is one rule),"
        " fewer or wider networks, or leave the answers out with --no-responses (half the rules)"
    )


def merge_texts(traffic: Traffic) -> Ports:
    return tuple(sorted({*traffic.serves, *traffic.calls}))


def _blocks(traffic: Traffic, direction: str, family: int) -> Iterator[_Block]:
    peers = tuple(n for n in traffic.peers if ip_network(n).version == family)
    local = tuple(n for n in traffic.local if ip_network(n).version == family)
    if not peers or not local:
        return
    inward = direction == "ingress"
    if traffic.serves and (inward or traffic.responses):
        yield _Block(direction, None, traffic.serves, peers, local)
    if traffic.calls and (not inward or traffic.responses):
        yield _Block(direction, traffic.calls, None, peers, local)


def _fewest(blocks: tuple[_Block, ...], family: int) -> list[Rule]:
    candidates: list[list[Rule]] = []
    for order in permutations(blocks):
        first = [rule for block in order[:-1] for rule in _accepts(block)]
        candidates += [first + last for last in (_ways(order[-1], family) if order else [[]])]
    return min(candidates, key=len, default=[])


def _ways(block: _Block, family: int) -> list[list[Rule]]:
    """All ways to say the last block of a direction."""
    everywhere = ANY[0] if family == 4 else ANY[1]
    ways = [_accepts(block)]
    holes = tuple((a[1] + 1, b[0] - 1) for a, b in zip(block.ports, block.ports[1:], strict=False))
    if holes:
        hull = ((block.ports[0][0], block.ports[-1][1]),)
        ways.append(
            [
                *_accepts(
                    _with_ports(block, holes)._replace(peers=(everywhere,), local=(everywhere,)), "reject"
                ),
                *_accepts(_with_ports(block, hull)),
            ]
        )
    for field, networks in (("peers", block.peers), ("local", block.local)):
        whole, others = _hull(networks)
        if others:
            bare = block._replace(
                remote_ports=None, local_ports=None, peers=(everywhere,), local=(everywhere,)
            )
            rejects = _with_networks(bare, field, others)
            accepts = _with_networks(block, field, (whole,))
            ways.append([*_accepts(rejects, "reject"), *_accepts(accepts)])
    return ways


def _with_ports(block: _Block, ports: Ports) -> _Block:
    if block.remote_ports:
        return block._replace(remote_ports=ports)
    return block._replace(local_ports=ports)


def _with_networks(block: _Block, field: str, networks: tuple[str, ...]) -> _Block:
    return block._replace(peers=networks) if field == "peers" else block._replace(local=networks)


def _accepts(block: _Block, action: str = "accept") -> list[Rule]:
    inward = block.direction == "ingress"
    remote = _ranges(block.remote_ports)
    local = _ranges(block.local_ports)
    return [
        Rule(
            direction=block.direction,
            number=0,
            action=action,
            source=peer if inward else here,
            destination=here if inward else peer,
            source_ports=theirs if inward else ours,
            destination_ports=ours if inward else theirs,
        )
        for peer, here, theirs, ours in product(block.peers, block.local, remote, local)
    ]


def _ranges(ports: Ports | None) -> Iterable[PortRange | None]:
    return [None] if ports is None or ports == EVERY_PORT else ports


def _hull(networks: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The smallest network around all of them, and what it holds besides; nothing besides for a single one."""
    parsed = sorted((ip_network(n) for n in networks), key=lambda n: int(n.network_address))
    if len(parsed) < 2:
        return networks[0], ()
    whole: Network = parsed[0]
    while int(parsed[-1].broadcast_address) > int(whole.broadcast_address):
        whole = whole.supernet()
    others: list[str] = []
    position = int(whole.network_address)
    address = type(whole.network_address)
    for network in [*parsed, None]:
        end = int(network.network_address) if network else int(whole.broadcast_address) + 1
        if position < end:
            others += [str(n) for n in summarize_address_range(address(position), address(end - 1))]
        if len(others) > LIMIT:
            return networks[0], ()
        position = int(network.broadcast_address) + 1 if network else end
    return str(whole), tuple(others)


def _numbered(rule: Rule, number: int) -> Rule:
    return Rule(
        direction=rule.direction,
        number=number,
        action=rule.action,
        source=rule.source,
        destination=rule.destination,
        protocol=TCP,
        source_ports=rule.source_ports,
        destination_ports=rule.destination_ports,
    )
