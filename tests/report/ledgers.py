"""Ledgers that balance, for tests of what shows them."""

from shadowtap.ledger import CaptureCounters, Ledger, TargetAccount

START_NS = 1_795_608_000_000_000_000
STAGING = "http://staging:8080"
SECOND_NS = 1_000_000_000


def count(ledger, n, *, latency_ns=2_000_000, status=200, failed=0):
    """`n` more requests: production answers each with 200 after 0.98 ms, the target as told."""
    sources = ledger.capture.setdefault("vxlan://0.0.0.0:4789", CaptureCounters())
    sources.frames += 4 * n
    sources.bytes += 4000 * n
    ledger.packets.frames += 4 * n
    ledger.packets.segments += 4 * n
    ledger.flows.payload_bytes += 2000 * n
    ledger.requests.seen += n
    ledger.requests.replayed += n
    target = ledger.targets.setdefault(STAGING, TargetAccount(STAGING))
    target.offered += n
    target.replayed += n
    target.answered += n - failed
    if failed:
        target.failed["timeout"] += failed
    for _ in range(n):
        ledger.production.record(200, 980_000)
    for _ in range(n - failed):
        target.answers.record(status, latency_ns)
    return ledger


def quiet_run(n=1000):
    return count(Ledger(START_NS), n)


def lossy_run(n=1000):
    """A run in which everything went wrong once."""
    ledger = count(Ledger(START_NS), n, failed=7)
    source = ledger.capture["vxlan://0.0.0.0:4789"]
    source.kernel_drops = 17
    source.refused["sender_not_allowed"] = 5
    ledger.packets.frames += 30
    ledger.packets.dropped.update(not_tcp=25, arp=5)
    ledger.packets.cut_segments = 2
    ledger.flows.gaps = 4
    ledger.flows.gap_bytes = 5840
    ledger.messages.responses_incomplete["lost_packets"] = 3
    ledger.messages.not_http["tls"] = 6
    ledger.requests.seen += 10
    ledger.requests.incomplete["lost_packets"] = 3
    ledger.requests.refused["ambiguous_framing"] = 2
    ledger.requests.overflowed = 5
    target = ledger.targets[STAGING]
    target.offered += 5
    target.overflowed = 5
    target.replayed += 2
    target.in_flight = 2
    target.offered += 2
    target.state = "down"
    ledger.requests.replayed += 2
    ledger.requests.seen += 2
    assert not ledger.imbalances()
    return ledger
