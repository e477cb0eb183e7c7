"""The account: durations in buckets, sums that are laws, and the whole of it as JSON."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shadowtap.ledger import (
    RATE_LIMIT,
    CaptureCounters,
    Latency,
    Ledger,
    ObservationCounters,
    RequestAccount,
    SessionCounters,
    SinkAccount,
    TargetAccount,
)

DURATIONS = st.lists(st.integers(0, 10**13), min_size=1, max_size=300)


def latency(durations: list[int]) -> Latency:
    """They all, recorded."""
    found = Latency()
    for ns in durations:
        found.record(ns)
    return found


@given(DURATIONS, st.floats(0, 1))
@example([0], 0.5)
@example([15, 16, 17], 1.0)
@example(list(range(10_000)), 0.99)
def test_a_quantile_is_within_4_percent(durations: list[int], share: float) -> None:
    found = latency(durations)
    ordered = sorted(max(ns, 16) for ns in durations)
    rank = share * len(ordered)
    truth = next(ns for place, ns in enumerate(ordered, 1) if place >= rank)
    told = found.quantile(share)
    assert told is not None
    assert abs(told - truth) <= 0.04 * truth + 1
    assert found.count == len(durations)
    assert found.max_ns == ordered[-1]
    assert found.sum_ns == sum(ordered)


@given(DURATIONS, DURATIONS)
def test_what_came_between_two_moments(before: list[int], after: list[int]) -> None:
    found = latency(before)
    then = found.counts.copy()
    for ns in after:
        found.record(ns)
    lately = Latency.between(then, found.counts)
    assert lately.counts == latency(after).counts
    assert lately.count == len(after)


def test_without_durations_there_is_nothing_to_tell() -> None:
    assert Latency().quantile(0.5) is None
    assert Latency().as_dict() == {
        "count": 0, "mean_ns": None, "p50_ns": None, "p90_ns": None, "p99_ns": None, "p999_ns": None, "max_ns": None
    }  # fmt: skip


def test_a_duration_below_zero_counts_as_the_shortest() -> None:
    assert latency([-5]).quantile(1) == latency([0]).quantile(1)


# -- the laws ------------------------------------------------------------------------------------------------


def balanced() -> Ledger:
    """An account with something in every bucket."""
    ledger = Ledger(1)
    ledger.packets.frames, ledger.packets.segments = 10, 7
    ledger.packets.dropped.update(not_ip=2, bad=1)
    requests = ledger.requests
    requests.seen, requests.replayed, requests.overflowed = 29, 8, 1
    requests.added, requests.recorded, requests.waiting = 1, 2, 4
    requests.sampled_out = 3
    requests.filtered.update({"path == /health": 2})
    requests.refused.update({"own_mark": 4, RATE_LIMIT: 3})
    requests.incomplete.update(lost_packets=1, closed_early=2)
    target = ledger.targets["http://a"] = TargetAccount("http://a")
    target.offered, target.replayed, target.overflowed = 12, 6, 2
    target.refused.update(production_guard=1, rate_limit=3)
    target.answered, target.in_flight = 3, 1
    target.failed.update(timeout=2)
    ledger.observations = ObservationCounters(emitted=25, open_now=5)
    sink = ledger.sinks["jsonl:-"] = SinkAccount("jsonl:-", offered=20, written=12, left_out=5)
    sink.lost.update(queue_full=3)
    return ledger


def test_every_bucket_is_in_a_law() -> None:
    assert balanced().imbalances() == []
    assert balanced().requests.offered() == 12
    assert balanced().sinks["jsonl:-"].waiting == 5


def target(ledger: Ledger) -> TargetAccount:
    """The account of the one target."""
    return ledger.targets["http://a"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda ledger: setattr(ledger.packets, "frames", 11), "frames: 11 is not 10"),
        (lambda ledger: ledger.packets.dropped.update(x=1), "frames: 10 is not 11"),
        (lambda ledger: setattr(ledger.requests, "replayed", 9), "seen: 30 is not 31"),
        (lambda ledger: setattr(ledger.requests, "overflowed", 0), "seen: 30 is not 29"),
        (lambda ledger: setattr(ledger.requests, "added", 2), "offered to http://a: 13 is not 12"),
        (lambda ledger: setattr(ledger.requests, "recorded", 3), "offered to http://a: 11 is not 12"),
        (lambda ledger: setattr(ledger.requests, "waiting", 3), "offered to http://a: 13 is not 12"),
        (lambda ledger: ledger.requests.refused.update(x=1), "offered to http://a: 11 is not 12"),
        (lambda ledger: ledger.requests.refused.update({RATE_LIMIT: 1}), "seen: 30 is not 31"),
        (lambda ledger: ledger.requests.filtered.update(x=1), "offered to http://a: 11 is not 12"),
        (lambda ledger: setattr(ledger.requests, "sampled_out", 2), "offered to http://a: 13 is not 12"),
        (lambda ledger: ledger.requests.incomplete.update(x=1), "offered to http://a: 11 is not 12"),
        (lambda ledger: setattr(target(ledger), "overflowed", 1), "offered to http://a: 12 is not 11"),
        (lambda ledger: target(ledger).refused.clear(), "offered to http://a: 12 is not 8"),
        (lambda ledger: setattr(target(ledger), "answered", 4), "replayed to http://a: 6 is not 7"),
        (lambda ledger: setattr(target(ledger), "in_flight", 0), "replayed to http://a: 6 is not 5"),
        (lambda ledger: target(ledger).failed.update(reset=1), "replayed to http://a: 6 is not 7"),
        (
            lambda ledger: setattr(target(ledger), "sessions", SessionCounters(waited=5, released=2, late=1)),
            "waited at http://a: 5 is not 3",
        ),
        (lambda ledger: setattr(ledger.observations, "open_now", 6), "observed: 30 is not 31"),
        (lambda ledger: setattr(ledger.observations, "not_joined", 1), "observed: 30 is not 31"),
        (lambda ledger: setattr(ledger.sinks["jsonl:-"], "left_out", 6), "offered to jsonl:-: 25 is not 26"),
        (lambda ledger: setattr(ledger.sinks["jsonl:-"], "written", 18), "waiting for jsonl:-: 0 is not -1"),
    ],
)
def test_a_number_that_is_wrong_is_noticed(change: Callable[[Ledger], Any], said: str) -> None:
    ledger = balanced()
    change(ledger)
    assert said in ledger.imbalances()


FATES = [name for name in RequestAccount.__struct_fields__ if name not in ("seen", "added")]


@given(st.lists(st.sampled_from(FATES), max_size=50))
def test_each_fate_is_one_more_request_seen(fates: list[str]) -> None:
    ledger = Ledger()
    for fate in fates:
        ledger.requests.seen += 1
        bucket = getattr(ledger.requests, fate)
        if isinstance(bucket, int):
            setattr(ledger.requests, fate, bucket + 1)
        else:
            bucket["reason"] += 1
    assert ledger.imbalances() == []
    held = len(fates) - sum(fate in ("replayed", "overflowed") for fate in fates)
    assert ledger.requests.offered() == len(fates) - held


# -- JSON ----------------------------------------------------------------------------------------------------


def test_the_account_as_json() -> None:
    ledger = balanced()
    ledger.capture["vxlan://a"] = CaptureCounters(frames=3)
    ledger.production.record(200, 5_000_000)
    ledger.production.record(404, None)
    target(ledger).answers.record(200, 7_000_000)
    told = msgspec.json.decode(msgspec.json.encode(ledger.as_dict(2_500_000_001)))
    assert told["balanced"] is True
    assert told["elapsed_s"] == 2.5
    assert told["requests"]["incomplete"] == {"lost_packets": 1, "closed_early": 2}
    assert told["production"]["statuses"] == {"200": 1, "404": 1}
    assert told["production"]["latency"]["count"] == 1
    assert told["targets"][0]["name"] == "http://a"
    assert told["targets"][0]["failed"] == {"timeout": 2}
    assert told["observations"]["emitted"] == 25
    assert told["sinks"][0]["waiting"] == 5
    assert told["changes"] == {}
    assert told["capture"]["vxlan://a"]["frames"] == 3
    assert list(told["packets"]) == ["frames", "segments", "dropped", "cut_segments", "reassembled"]


def test_an_account_that_does_not_add_up_says_so() -> None:
    ledger = balanced()
    ledger.requests.seen += 1
    assert ledger.as_dict(2)["balanced"] is False


def test_everything_a_target_counts_is_in_its_json() -> None:
    account = TargetAccount("http://a")
    told = account.as_dict()
    for name in TargetAccount.__slots__:
        assert name in told or name == "answers", name
