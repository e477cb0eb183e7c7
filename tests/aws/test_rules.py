"""Filter rules say exactly what is wanted, in as few as possible."""

from functools import cache
from ipaddress import ip_address, ip_network
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowtap.aws import names
from shadowtap.aws.desired import Traffic
from shadowtap.aws.rules import LIMIT, fitting, rules
from shadowtap.errors import UsageError

PORTS = (1, 2, 3, 4, 5, 6, 7, 8, 40000)
HERE, PEERS = (
    ("172.16.0.1", "172.16.0.9", "fd99::1"),
    ("10.0.0.1", "10.0.1.1", "10.0.2.1", "10.9.0.1", "fd00::1"),
)


ip_address, ip_network = cache(ip_address), cache(ip_network)


@cache
def inside(address, network):
    one, block = ip_address(address), ip_network(network)
    return one in block


def mirrored(made, direction, source, sport, destination, dport):
    """What AWS does with a packet: the first rule that matches decides."""
    for rule in sorted((r for r in made if r.direction == direction), key=lambda r: r.number):
        if not inside(source, rule.source):
            continue
        if not inside(destination, rule.destination):
            continue
        if rule.source_ports and not rule.source_ports[0] <= sport <= rule.source_ports[1]:
            continue
        if rule.destination_ports and not rule.destination_ports[0] <= dport <= rule.destination_ports[1]:
            continue
        return rule.action == "accept"
    return False


def wanted(traffic, direction, here, hport, peer, pport):
    def among(port, ports):
        return any(a <= port <= b for a, b in ports)

    if not any(inside(peer, n) for n in traffic.peers):
        return False
    if not any(inside(here, n) for n in traffic.local):
        return False
    serves = among(hport, traffic.serves) and (direction == "ingress" or traffic.responses)
    calls = among(pport, traffic.calls) and (direction == "egress" or traffic.responses)
    return serves or calls


some_ports = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 2)), max_size=4).map(
    lambda pairs: names.merge((a, a + b) for a, b in pairs)
)
traffics = st.builds(
    Traffic,
    serves=some_ports,
    calls=some_ports,
    peers=st.lists(
        st.sampled_from(
            ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.9.0.0/16", "fd00::/64", "0.0.0.0/0"]
        ),
        min_size=1,
        max_size=4,
        unique=True,
    ).map(names.networks),
    local=st.sampled_from([("0.0.0.0/0", "::/0"), ("172.16.0.1/32",), ("172.16.0.1/32", "172.16.0.9/32")]),
    responses=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(traffics)
def test_exactly_the_wanted_packets_are_mirrored(traffic):
    made = rules(traffic)
    for direction, here, hport, peer, pport in product(("ingress", "egress"), HERE, PORTS, PEERS, PORTS):
        if ip_address(here).version != ip_address(peer).version:
            continue
        source, destination = (
            ((peer, pport), (here, hport)) if direction == "ingress" else ((here, hport), (peer, pport))
        )
        assert mirrored(made, direction, *source, *destination) == wanted(
            traffic, direction, here, hport, peer, pport
        )


@given(traffics)
def test_the_numbers_are_unique_and_the_families_do_not_mix(traffic):
    made = rules(traffic)
    assert len({(r.direction, r.number) for r in made}) == len(made)
    assert all(ip_network(r.source).version == ip_network(r.destination).version for r in made)


def test_one_port_takes_four_rules_for_both_directions_and_families():
    assert len(rules(Traffic(serves=((80, 80),)))) == 4
    assert len(rules(Traffic(serves=((80, 80),), responses=False))) == 2


def test_adjacent_ports_are_one_rule():
    assert len(rules(Traffic(serves=names.ports(["80,81,82"]), peers=("0.0.0.0/0",)))) == 2


def test_rejecting_the_holes_is_cheaper_between_several_networks():
    traffic = Traffic(serves=names.ports(["80,443,8080"]), peers=("10.0.0.0/16", "192.168.0.0/16"))
    assert len(rules(traffic)) == 8, "2 holes + 2 networks in each direction, not 3 x 2"


def test_rejecting_the_networks_between_is_cheaper_for_several_ports():
    near = tuple(f"10.{n}.0.0/16" for n in (0, 2, 3))
    traffic = Traffic(serves=names.ports(["80,443,8080,9000"]), peers=near, responses=False)
    assert len(rules(traffic)) == 5, "one network rejected, four ports accepted, not 4 x 3"


def test_ipv6_is_left_out_only_when_it_must_and_may():
    traffic = Traffic(serves=names.ports(["80,443,8080"]))
    made, remark = fitting(traffic, frozenset({4}))
    assert len(made) == 6
    assert remark
    assert "IPv6 is left out" in remark
    with pytest.raises(UsageError, match=r"need 12 filter rules, and a filter holds 10"):
        fitting(traffic, frozenset({4, 6}))


def test_what_fits_covers_both_families():
    made, remark = fitting(Traffic(serves=names.ports(["80,443"])), frozenset({4}))
    assert len(made) == 8 <= LIMIT
    assert remark is None


def test_a_load_balancers_back_leg_is_what_it_sends_to():
    ingress, egress = rules(Traffic(calls=((8080, 8080),), peers=("0.0.0.0/0",)))
    assert (ingress.source_ports, ingress.destination_ports) == ((8080, 8080), None)
    assert (egress.source_ports, egress.destination_ports) == (None, (8080, 8080))


def test_no_shorter_list_of_rules_says_the_same():
    """Every list of up to three rules, tried: four ports, four neighbouring networks and the rest of the world."""
    ports, networks = (1, 2, 3, 4), ("10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24", "else")
    bit = {point: 1 << n for n, point in enumerate(product(ports, networks))}
    blocks = [networks[n : n + 1] for n in range(4)] + [networks[:2], networks[2:4], networks[:4], networks]
    ranges = [range(a, b + 1) for a in ports for b in ports if a <= b]
    masks = {sum(bit[point] for point in product(ports_, nets)) for ports_ in ranges for nets in blocks}
    shortest, states = {0: 0}, {(0, 0)}
    reached = set(states)
    for length in (1, 2, 3):
        states = {
            state
            for decided, accepted in states
            for mask in masks
            for state in (
                (decided | mask, accepted | mask & ~decided),
                (decided | mask, accepted),
            )
        } - reached
        reached |= states
        for _, accepted in states:
            shortest.setdefault(accepted, length)
    for count, wide in product(range(1, 4), range(1, 5)):
        for chosen, nets in product(combinations((1, 2, 3), count), combinations(networks[:4], wide)):
            made = rules(
                Traffic(
                    serves=names.merge((p, p) for p in chosen), peers=names.networks(nets), responses=False
                )
            )
            wanted_points = sum(bit[point] for point in product(chosen, nets))
            assert len(made) == shortest.get(wanted_points, len(made))
            assert len(made) > 3 or wanted_points in shortest
