"""Every way in: VXLAN with its network number, GENEVE, a packet socket on the production host."""

import contextlib
import random
from collections.abc import Iterator

from exactness import assert_exact

from lab import Lab, Replication, Setup, get, post, replicate


def talk(running: Replication) -> None:
    """A conversation with small and large requests."""
    with running.connect() as connection:
        for n in range(20):
            connection.ask(get(f"/{n}?bytes=20000"))
            connection.ask(post(f"/{n}", random.Random(n).randbytes(n * 3000)))


def test_geneve_from_a_gateway_load_balancer(lab: Lab) -> None:
    with replicate(lab, Setup(relay={"geneve": True})) as running:
        talk(running)
        assert_exact(running.finish())


def test_the_wanted_network_number(lab: Lab) -> None:
    with replicate(lab, Setup(source="vxlan://0.0.0.0:4789?vni=7")) as running:
        talk(running)
        assert_exact(running.finish())


def test_another_network_number_is_left_alone(lab: Lab) -> None:
    with replicate(lab, Setup(source="vxlan://0.0.0.0:4789?vni=8")) as running:
        talk(running)
        result = running.finish(lambda production, losses: 0)
    assert (result.requests["seen"], result.target) == (0, [])
    assert result.ledger["balanced"] is True


def test_an_interface_of_the_production_host(lab: Lab) -> None:
    with replicate(lab, Setup(source="iface://edge?port=8080", on_production=True)) as running:
        talk(running)
        assert_exact(running.finish())


def test_super_frames_on_the_production_host(super_lab: Lab) -> None:
    with replicate(super_lab, Setup(source="iface://edge?port=8080", on_production=True)) as running:
        talk(running)
        assert_exact(running.finish())


def test_jumbo_frames_on_the_production_host(jumbo_lab: Lab) -> None:
    setup = Setup(family=6, source="iface://edge?port=8080", on_production=True)
    with replicate(jumbo_lab, setup) as running:
        talk(running)
        assert_exact(running.finish())


@contextlib.contextmanager
def narrow_wire(lab: Lab, mtu: int) -> Iterator[None]:
    """The mirror's copies travel on a wire that is too narrow for them, so the kernel sends them in IP fragments."""
    before = fragments(lab)
    lab.production.ip(f"link set wire mtu {mtu}")
    try:
        yield
    finally:
        lab.production.ip(f"link set wire mtu {lab.mtu + 100}")
    assert fragments(lab) > before + 100


def fragments(lab: Lab) -> int:
    """How many IPv4 fragments production's kernel has made."""
    names, values = (line.split() for line in lab.production.run("cat", "/proc/net/snmp").splitlines()[:2])
    return int(dict(zip(names, values, strict=True))["FragCreates"])


def test_outer_fragments(lab: Lab) -> None:
    """Over IPv4: what does not fit in IPv6, Linux drops instead."""
    with replicate(lab) as running:
        with narrow_wire(lab, 1300):  # below 1,280 an interface loses its IPv6 addresses
            talk(running)
            running.target.wait_for_records(40)
        assert_exact(running.finish())
