"""Every way in: VXLAN with its network number, GENEVE, a packet socket on the production host."""

import random

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
