"""The account at the end, as people and as machines read it."""

import json
from collections import Counter

import pytest

from report.ledgers import SECOND_NS, STAGING, START_NS, lossy_run, quiet_run
from shadowtap import __version__
from shadowtap.ledger import Ledger, SessionCounters
from shadowtap.report.summary import as_json, summary

LATER = START_NS + 83 * SECOND_NS


def test_a_run_without_losses_is_short():
    assert (
        summary(quiet_run(), LATER, "done")
        == """\
shadowtap ran 1 min 23 s; done.

Requests             1,000  seen
            =        1,000  replayed

http://staging:8080
                     1,000  replayed
            =        1,000  answered

Answers                           count      p50      p90      p99      max
  production                      1,000   967 µs   967 µs   967 µs   980 µs
    200: 1,000
  http://staging:8080             1,000     2 ms     2 ms     2 ms     2 ms
    200: 1,000

Every request is accounted for.
"""
    )


def test_what_was_put_into_requests_stands_with_its_target():
    ledger = quiet_run()
    ledger.targets[STAGING].sessions = SessionCounters(
        requests=72, substituted=Counter(cookie=132, body=12), waited=4, released=3, late=1
    )
    assert """\
            =        1,000  answered
                        72  re-bound      with its values: cookie 132, body 12
                         4  waited        for an answer: released 3, too long 1
""" in summary(ledger, LATER, "done")


def test_a_run_with_losses_names_each():
    assert (
        summary(lossy_run(), LATER, "interrupted")
        == """\
shadowtap ran 1 min 23 s; interrupted.

Requests             1,012  seen
            =        1,002  replayed
            +            2  refused       ambiguous_framing 2
            +            3  incomplete    lost_packets 3
            +            5  overflowed    the queue of every target was full

http://staging:8080  (down)
                     1,002  replayed
            =          993  answered
            +            7  failed        timeout 7
            +            2  in flight     not answered yet
not taken                5  overflowed    its queue was full

Answers                           count      p50      p90      p99      max
  production                      1,000   967 µs   967 µs   967 µs   980 µs
    200: 1,000
  http://staging:8080               993     2 ms     2 ms     2 ms     2 ms
    200: 993

Lost before HTTP
  kernel drops            17  packets, 0.42 %: they came too fast
  cut segments             2  the mirror shortened the packets
  gaps                     4  5.7 KiB, 0.29 % of the payload never came
  answers incomplete       3  lost_packets 3

Not for us
  refused packets          5  sender_not_allowed 5
  packets not used        30  not_tcp 25, arp 5
  streams not HTTP         6  tls 6

Every request is accounted for.
"""
    )


def test_the_sums_are_visible():
    """What stands behind = and + adds up to what stands above."""
    for part in summary(lossy_run(), LATER, "done").split("\n\n")[1:3]:
        rows = [row.split() for row in part.splitlines() if "not taken" not in row]
        whole = next(int(word.replace(",", "")) for row in rows for word in row if word[0].isdigit())
        parts = [int(row[1].replace(",", "")) for row in rows if row[0] in "=+"]
        assert whole == sum(parts)


def test_an_account_that_does_not_add_up_says_so_first_and_last():
    ledger = quiet_run()
    ledger.requests.seen += 1
    told = summary(ledger, LATER, "done").splitlines()
    assert told[2:4] == [
        "THE ACCOUNT DOES NOT ADD UP. This is a bug in shadowtap; please report these lines:",
        "seen: 1001 is not 1000",
    ]
    assert told[-1] == "offered to http://staging:8080: 1001 is not 1000"
    assert "Every request is accounted for." not in told


def test_nothing_seen_says_what_to_look_at():
    assert "and no packet either: is the mirror sending here?" in summary(Ledger(START_NS), LATER, "done")


def test_json():
    told = json.loads(as_json(lossy_run(), LATER, "interrupted", ["vxlan://0.0.0.0:4789"]))
    assert told["version"] == __version__
    assert told["started"] == "2026-11-25T12:00:00.000Z"
    assert told["exit_reason"] == "interrupted"
    assert told["sources"] == ["vxlan://0.0.0.0:4789"]
    assert told["balanced"] is True
    assert told["imbalances"] == []
    assert told["elapsed_s"] == pytest.approx(83)
    assert told["requests"]["incomplete"] == {"lost_packets": 3}
    assert told["targets"][0]["name"] == "http://staging:8080"
