"""The ledger as Prometheus reads it: everything is there, and the sums are the ledger's."""

from collections import Counter, defaultdict
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from report.ledgers import STAGING, START_NS, lossy_run, quiet_run
from shadowtap.ledger import (
    CaptureCounters,
    FlowCounters,
    Latency,
    Ledger,
    MessageCounters,
    PacketCounters,
    SessionCounters,
)
from shadowtap.report.health import Health
from shadowtap.report.metrics import BOUNDS_S, _upper_s, metrics


def samples(ledger, health=None):
    """Name -> {labels: value}, as Prometheus would store them."""
    found = defaultdict(dict)
    for family in text_string_to_metric_families(metrics(ledger, health).decode()):
        for sample in family.samples:
            found[sample.name][tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_fates_add_up():
    ledger = lossy_run()
    found = samples(ledger)
    fates = found["shadowtap_requests_total"]
    assert sum(fates.values()) == ledger.requests.seen
    assert fates[("fate", "incomplete"), ("reason", "lost_packets")] == 3
    assert fates[("fate", "replayed"), ("reason", "")] == 1002
    at_target = found["shadowtap_target_requests_total"]
    in_flight = found["shadowtap_target_in_flight_requests"]
    target = ledger.targets[STAGING]
    assert sum(at_target.values()) + sum(in_flight.values()) == target.offered
    assert at_target[("fate", "failed"), ("reason", "timeout"), ("target", STAGING)] == 7
    assert found["shadowtap_target_up"] == {(("target", STAGING),): 0}
    assert found["shadowtap_ledger_imbalances"] == {(): 0}


def test_losses_and_health():
    found = samples(lossy_run(), Health())
    source = (("source", "vxlan://0.0.0.0:4789"),)
    assert found["shadowtap_capture_kernel_drops_total"] == {source: 17}
    assert found["shadowtap_capture_refused_packets_total"] == {
        (("reason", "sender_not_allowed"), *source): 5
    }
    assert found["shadowtap_packets_dropped_total"] == {(("reason", "arp"),): 5, (("reason", "not_tcp"),): 25}
    assert found["shadowtap_gap_bytes_total"] == {(): 5840}
    assert found["shadowtap_healthy"] == {(): 1}
    assert found["shadowtap_start_time_seconds"] == {(): START_NS / 1e9}


def test_histograms():
    found = samples(quiet_run(1000))
    buckets = found["shadowtap_target_latency_seconds_bucket"]
    cumulative = [buckets[("le", str(bound)), ("target", STAGING)] for bound in (*BOUNDS_S, "+Inf")]
    assert cumulative == [0, 0, *[1000] * 14]
    assert found["shadowtap_target_latency_seconds_count"] == {(("target", STAGING),): 1000}
    assert found["shadowtap_target_latency_seconds_sum"] == {(("target", STAGING),): pytest.approx(2.0)}
    assert found["shadowtap_production_latency_seconds_count"] == {(): 1000}


@given(st.integers(16, 10**11))
def test_the_upper_edge_of_a_bucket(ns):
    latency = Latency()
    latency.record(ns)
    upper_ns = _upper_s(latency.counts.index(1)) * 1e9
    assert ns < upper_ns * (1 + 1e-12)
    assert upper_ns <= ns * 1.0625 + 1


def test_sessions_that_are_rebound():
    """Each counter is a metric; where sessions are not re-bound there is none of them."""
    ledger = quiet_run()
    assert not [name for name in samples(ledger) if "session" in name]
    of = SessionCounters(
        **{f.name: 1000 + n for n, f in enumerate(msgspec.structs.fields(SessionCounters)) if f.type is int}
    )
    of.waited = of.released + of.late + of.dropped + of.waiting
    of.substituted = Counter({"cookie": 3000, "body": 3001})
    ledger.targets[STAGING].sessions = of
    found = {name: values for name, values in samples(ledger).items() if "session" in name}
    shown = {value for values in found.values() for value in values.values()}
    told = msgspec.to_builtins(of)
    assert shown >= {*told.pop("substituted").values(), *(n for name, n in told.items() if name != "waited")}
    assert sum(found["shadowtap_session_waits_total"].values()) + of.waiting == of.waited
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    assert not [name for name in found if f"`{name}`" not in page]


def test_names_follow_the_conventions():
    families = list(text_string_to_metric_families(metrics(lossy_run(), Health()).decode()))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    for family in families:
        assert family.name.startswith("shadowtap")
        assert family.documentation
        assert family.type in ("counter", "gauge", "histogram")
        for sample in family.samples:
            assert (family.type == "counter") == sample.name.endswith("_total")


@pytest.mark.parametrize("counters", [CaptureCounters, PacketCounters, FlowCounters, MessageCounters])
def test_every_counter_of_the_ledger_is_a_metric(counters):
    """Each field is raised alone, and something in the output changes."""
    before = metrics(Ledger(START_NS)) if counters is not CaptureCounters else metrics(with_source())
    for field in msgspec.structs.fields(counters):
        ledger = with_source() if counters is CaptureCounters else Ledger(START_NS)
        places = {
            CaptureCounters: ledger.capture.get("x"),
            PacketCounters: ledger.packets,
            FlowCounters: ledger.flows,
            MessageCounters: ledger.messages,
        }
        place = places[counters]
        if isinstance(getattr(place, field.name), int):
            setattr(place, field.name, 77)
        else:
            getattr(place, field.name)["why"] = 77
        after = metrics(ledger)
        assert b" 77.0\n" in after, f"{counters.__name__}.{field.name} is not shown"
        assert after != before


def with_source():
    ledger = Ledger(START_NS)
    ledger.capture["x"] = CaptureCounters()
    return ledger
