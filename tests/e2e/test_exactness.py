"""Ordinary traffic of all sizes: everything production saw is at the target, and the ledger says so."""

import random
from collections.abc import Iterator

import pytest
from exactness import assert_exact

from lab import Lab, Setup, get, post, replicate

BOTH_FAMILIES = pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])


def noise(size: int) -> bytes:
    """Bytes that no parser should take for anything."""
    return random.Random(size).randbytes(size)


@BOTH_FAMILIES
def test_keep_alive(lab: Lab, family: int) -> None:
    with replicate(lab, Setup(family=family, outer=family)) as running:
        connections = [running.connect() for _ in range(10)]
        for n in range(50):
            for number, connection in enumerate(connections):
                assert connection.ask(get(f"/{number}/{n}?bytes=1024")).startswith(b"HTTP/1.1 200")
        for connection in connections:
            connection.close()
        result = running.finish()
    assert len(result.production) == 500
    assert_exact(result)
    assert result.ledger["production"]["statuses"] == {"200": 500}
    assert result.ledger["flows"]["opened"] == 10
    assert {r.header("host")[0] for r in result.target} == {f"{lab.v4.target}:8080"}


def test_an_ipv6_target(lab: Lab) -> None:
    setup = Setup(targets=[f"http://[{lab.v6.target}]:8080"])
    with replicate(lab, setup) as running, running.connect() as connection:
        for n in range(5):
            connection.ask(get(f"/{n}"))
        assert_exact(running.finish())


def test_one_connection_a_request(lab: Lab) -> None:
    with replicate(lab) as running:
        for n in range(300):
            with running.connect() as connection:
                connection.ask(get(f"/{n}", "Connection: close"))
        result = running.finish()
    assert_exact(result)
    assert result.ledger["flows"]["opened"] == 300


@pytest.mark.parametrize("size", [1 << 20, 5 << 20], ids=["1MB", "5MB"])
def test_large_bodies(lab: Lab, size: int) -> None:
    with replicate(lab) as running, running.connect() as connection:
        for n in range(3):
            connection.ask(post(f"/{n}", noise(size - n)))
        connection.ask(get("/after"))
        assert_exact(running.finish())


def test_large_answers_between_requests(lab: Lab) -> None:
    with replicate(lab) as running, running.connect() as connection:
        for n, shape in enumerate(("length", "chunked", "length", "chunked")):
            connection.ask(get(f"/{n}?bytes=1000000&as={shape}"))
        assert_exact(running.finish())


@BOTH_FAMILIES
def test_jumbo_frames(jumbo_lab: Lab, family: int) -> None:
    with replicate(jumbo_lab, Setup(family=family, outer=family)) as running, running.connect() as connection:
        for n in range(5):
            connection.ask(get(f"/{n}?bytes=30000"))
            connection.ask(post(f"/{n}", noise(100_000)))
        connection.ask(post("/large", noise(1 << 20)))
        result = running.finish()
    assert_exact(result)
    bytes_a_frame = [source["bytes"] / source["frames"] for source in result.ledger["capture"].values()]
    assert max(bytes_a_frame) > 1600, "the frames were not jumbo"


def test_connections_open_before_the_start(lab: Lab) -> None:
    with replicate(lab, collecting=False) as running:
        connections = [running.connect() for _ in range(5)]
        for number, connection in enumerate(connections):
            for n in range(10):
                connection.ask(get(f"/before/{number}/{n}"))
        before = len(running.production.records())
        running.start_collector()
        for n in range(10):
            for number, connection in enumerate(connections):
                connection.ask(get(f"/after/{number}/{n}"))
        result = running.finish(lambda production, _: len(production) - before)
    result.production = result.production[before:]
    assert_exact(result)
    assert result.ledger["flows"]["joined"] == 5


def test_joined_in_the_middle_of_a_request_and_of_an_answer(lab: Lab) -> None:
    upload = post("/half", noise(50_000))
    with (
        replicate(lab, collecting=False) as running,
        running.connect() as sending,
        running.connect() as receiving,
    ):
        sending.send(upload[:20_000])
        receiving.send(get("/slow?bytes=2000000"))
        receiving.receive_some()
        running.start_collector()
        sending.send(upload[20_000:])
        sending.answer()
        receiving.answer()
        for n in range(10):
            sending.ask(post(f"/sending/{n}", noise(3_000)))
            receiving.ask(get(f"/receiving/{n}"))
        result = running.finish(lambda production, _: len(production) - 2)
    result.production = [r for r in result.production if "ing/" in r.start_line]
    assert [r.start_line for r in result.target if "half" in r.start_line or "slow" in r.start_line] == []
    assert len(result.target) == len(result.production) == 20
    assert {r.same() for r in result.target} == {r.same() for r in result.production}
    assert result.ledger["balanced"] is True


def _many_sizes() -> Iterator[bytes]:
    draw = random.Random(7)
    for n in range(150):
        size = draw.choice([0, 1, 100, 1447, 1448, 1449, 5_000, 40_000])
        yield post(f"/{n}", draw.randbytes(size), f"X-Filler: {'x' * draw.randrange(2000)}")


def test_super_frames(super_lab: Lab) -> None:
    with replicate(super_lab) as running, running.connect() as connection:
        for request in _many_sizes():
            connection.ask(request)
        connection.ask(post("/large", noise(1 << 20)))
        assert_exact(running.finish())


def test_one_direction_missing(lab: Lab) -> None:
    with replicate(lab, Setup(directions=["ingress"])) as running, running.connect() as connection:
        for request in _many_sizes():
            connection.ask(request)
        result = running.finish()
    assert_exact(result)
    assert result.ledger["messages"]["responses"] == 0
