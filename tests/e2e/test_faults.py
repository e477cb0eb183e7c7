"""A mirror that reorders, repeats, loses and cuts: what can be known is known, what is lost is counted."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from exactness import assert_exact, assert_loss_accounted, whole

from lab import Lab, Replication, Setup, get, post, replicate

CONNECTIONS = 8


def talk(running: Replication, requests: int, *, sizes: tuple[int, ...]) -> int:
    """Several clients at once, each asking in turn; returns the length of an answer, the same for all."""

    def one(number: int) -> int:
        draw = random.Random(number)
        with running.connect() as connection:
            for n in range(requests):
                size = draw.choice(sizes)
                path = f"/{number}/{n}?bytes=64"
                answer = connection.ask(post(path, draw.randbytes(size)) if size else get(path))
        return len(answer)

    with ThreadPoolExecutor(CONNECTIONS) as clients:
        return max(clients.map(one, range(CONNECTIONS)))


@pytest.mark.parametrize(
    "relay",
    [
        pytest.param({"reorder": 0.3}, id="reordered"),
        pytest.param({"duplicate": 0.3}, id="duplicated"),
        pytest.param({"reorder": 0.2, "duplicate": 0.2, "seed": 2}, id="both"),
    ],
)
def test_reordered_and_duplicated(lab: Lab, relay: dict[str, float | bool]) -> None:
    with replicate(lab, Setup(relay=relay)) as running:
        talk(running, 60, sizes=(0, 0, 500, 20_000))
        result = running.finish()
    assert_exact(result)
    assert result.losses is not None
    counted = result.losses.delayed + result.losses.duplicated
    assert counted > 500
    flows = result.ledger["flows"]
    assert flows["reordered"] + flows["retransmitted"] > 0
    assert flows["gaps"] == 0


@pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])
def test_one_percent_lost(lab: Lab, family: int) -> None:
    with replicate(lab, Setup(family=family, outer=family, relay={"drop": 0.01, "seed": family})) as running:
        answer_bytes = talk(running, 120, sizes=(0, 0, 0, 500, 20_000))
        result = running.finish(lambda production, losses: len(whole(production, losses)))
    assert_loss_accounted(result, answer_bytes)


def test_lost_reordered_and_duplicated_at_once(lab: Lab) -> None:
    relay: dict[str, float | bool] = {"drop": 0.01, "reorder": 0.1, "duplicate": 0.1, "seed": 5}
    with replicate(lab, Setup(relay=relay)) as running:
        answer_bytes = talk(running, 80, sizes=(0, 0, 500, 20_000))
        result = running.finish(lambda production, losses: len(whole(production, losses)))
    assert_loss_accounted(result, answer_bytes)


def test_cut_by_the_mirror(lab: Lab) -> None:
    """Packets longer than the mirror carries arrive without their end, as AWS cuts them."""
    with replicate(lab, Setup(relay={"cut": 1000})) as running:
        answer_bytes = talk(running, 30, sizes=(0, 0, 500, 5_000))
        result = running.finish(lambda production, losses: len(whole(production, losses)))
    assert_loss_accounted(result, answer_bytes)
    assert set(result.requests["incomplete"]) == {"truncated_packets"}
    assert result.ledger["packets"]["cut_segments"] > 0
