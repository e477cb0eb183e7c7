"""716 captures that others made, with the messages that are in them. Skipped where the corpus is not at hand."""

import pytest

from corpus.reading import Verdict, corpus, verdicts

pytestmark = pytest.mark.corpus

EXPLAINED = {
    "pcap/tcpdump__arcnet-rfc1201-arp-icmp-http.pcap": "ARCNET frames: a link layer that is not read",
    "pcap/suricata-verify__http-evader__http-evader-259__input.pcap": (
        "'Content-length: ,68': the reference reads until close, as for no length at all; "
        "an empty list element is passed over here"
    ),
}
"""Every capture whose messages are not found exactly, and why."""


@pytest.fixture(scope="module")
def judged() -> list[Verdict]:
    """All captures, read once."""
    folder = corpus()
    if folder is None:
        pytest.skip("the capture corpus is not beside the checkout; name it with SHADOWTAP_CORPUS")
    return verdicts(folder)


def share(judged: list[Verdict], found: str, whole: str) -> float:
    """How much of what is expected was found."""
    return sum(v.counts[found] for v in judged) / sum(v.counts[whole] for v in judged)


def test_valid_traffic(judged: list[Verdict]) -> None:
    valid = [verdict for verdict in judged if "malformed" not in verdict.kinds]
    assert share(valid, "core_ok", "core") >= 0.999
    assert sum(verdict.counts["extra"] for verdict in valid) == 0


def test_messages_behind_a_hole(judged: list[Verdict]) -> None:
    assert share(judged, "recovery_ok", "recovery") >= 0.95


def test_malformed_traffic_too(judged: list[Verdict]) -> None:
    assert share(judged, "core_ok", "core") >= 0.98


def test_every_difference_is_explained(judged: list[Verdict]) -> None:
    assert {verdict.file for verdict in judged if not verdict.is_exact} == set(EXPLAINED)


def test_the_ledgers_balance(judged: list[Verdict]) -> None:
    assert [verdict.file for verdict in judged if verdict.imbalances] == []
