"""Several targets, good and bad, and the promises that nothing harms production."""

import signal

import pytest
from exactness import assert_answered, assert_replayed

from lab import Lab, Recorder, Setup, get, post, replicate


def test_a_good_target_beside_bad_ones(lab: Lab) -> None:
    at = f"http://{lab.v4.target}"
    setup = Setup(
        targets=[*(f"{at}:{port}" for port in (8080, 8081, 8082, 8083)), f"http://{lab.v4.vanishing}:8080"],
        options=["--grace", "1"],
    )
    with (
        Recorder(lab.target, 8081, hang=True),
        Recorder(lab.target, 8082, delay_ms=200) as slow,
        Recorder(lab.target, 8083) as dying,
        replicate(lab, setup, collecting=False) as running,
    ):
        with lab.vanishing_target():
            running.start_collector()
        dying.stop()
        for number in range(5):
            with running.connect() as connection:
                for n in range(40):
                    connection.ask(get(f"/{number}/{n}"))
        result = running.finish()
        slow_records = slow.records()
    assert_replayed(result, result.production)
    assert_answered(result.ledger, 200)
    good, hanging, slowed, dead, unreachable = result.ledger["targets"]
    for target in (good, hanging, slowed, dead, unreachable):
        assert target["offered"] == 200
        settled = target["answered"] + sum(target["failed"].values()) + target["overflowed"]
        assert settled == 200, target
    assert hanging["answered"] == dead["answered"] == unreachable["answered"] == 0
    assert 0 < slowed["answered"] <= len(slow_records) < 200
    assert set(dead["failed"]) <= {"connect", "breaker_open", "interrupted"}
    assert result.requests["replayed"] == 200


def test_a_slow_target_gets_everything(lab: Lab) -> None:
    with replicate(lab, Setup(target_delay_ms=20)) as running:
        connections = [running.connect() for _ in range(20)]
        for n in range(10):
            for number, connection in enumerate(connections):
                connection.ask(post(f"/{number}/{n}", b"s" * 5000))
        result = running.finish()
    assert_replayed(result, result.production)


def test_production_is_never_a_target(lab: Lab) -> None:
    with replicate(lab, Setup(targets=[f"http://{lab.v4.production}:8080"])) as running:
        with running.connect() as connection:
            for n in range(20):
                connection.ask(get(f"/{n}"))
        collector = running.collector
        assert collector is not None
        assert collector.wait() == 3, "with nothing left to replay to, the run ends by itself"
        ledger = collector.ledger()
        assert len(running.production.records()) == 20, "requests were sent to production"
    assert "--allow-production-target" in collector.stderr()
    assert ledger["requests"]["replayed"] == 0
    assert ledger["balanced"] is True


def test_production_among_the_targets(lab: Lab) -> None:
    at = [f"http://{lab.v4.target}:8080", f"http://{lab.v4.production}:8080"]
    with replicate(lab, Setup(targets=at)) as running:
        with running.connect() as connection:
            for n in range(20):
                connection.ask(get(f"/{n}"))
        result = running.finish()
        assert len(running.production.records()) == 20, "requests were sent to production"
    assert_replayed(result, result.production)
    assert_answered(result.ledger, 20)
    assert sum(result.ledger["targets"][1]["refused"].values()) == 20


def test_a_request_with_our_mark_is_not_replayed(lab: Lab) -> None:
    with replicate(lab) as running, running.connect() as connection:
        connection.ask(get("/fresh"))
        (replayed,) = running.target.wait_for_records(1)
        mark = next(line for line in replayed.head.split("\r\n") if line.lower().startswith("x-shadowtap"))
        connection.ask(get("/looped", mark))
        connection.ask(get("/after"))
        result = running.finish(lambda production, losses: len(production) - 1)
    assert [r.start_line.split()[1] for r in result.target] == ["/fresh", "/after"]
    assert sum(result.requests["refused"].values()) == 1
    assert result.ledger["balanced"] is True


def test_a_target_that_comes_back(lab: Lab) -> None:
    with replicate(lab) as running, running.connect() as connection:
        connection.ask(get("/before"))
        running.target.wait_for_records(1)
        running.target.stop()
        connection.ask(get("/while-down"))
        with Recorder(lab.target, 8080) as again:
            sent = 0

            def replayed() -> bool:
                nonlocal sent
                connection.ask(get(f"/later/{sent}"))
                sent += 1
                return bool(again.records())

            again.wait_for(replayed, "a request at the target that came back")
            running.target = again
            result = running.finish(lambda production, losses: 1)
    account = result.ledger["targets"][0]
    assert account["answered"] == 1 + len(result.target)
    assert sum(account["failed"].values()) + account["answered"] == len(result.production)
    assert result.ledger["balanced"] is True


@pytest.mark.parametrize("interrupt", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_in_the_middle(lab: Lab, interrupt: signal.Signals) -> None:
    with replicate(lab, Setup(target_delay_ms=5)) as running, running.connect() as connection:
        connection.send(b"".join(get(f"/{n}") for n in range(100)))
        running.target.wait_for_records(3)
        assert running.collector is not None
        assert running.collector.stop(interrupt) == 0
        ledger = running.collector.finish()
        target = running.target.records()
    assert all(record.whole for record in target)
    assert ledger["balanced"] is True
    assert ledger["targets"][0]["in_flight"] == 0
    assert ledger["targets"][0]["answered"] <= len(target)
