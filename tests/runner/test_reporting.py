"""Reports of a run: masked whatever they show, and the same while it goes on as at its end."""

import asyncio

import pytest

from compare.answers import NOW, SECOND, TARGET, Answer, exchange, outcome, request
from shadowtap.compare import Comparison
from shadowtap.config import Settings, TargetSettings
from shadowtap.config.compare import CompareSettings
from shadowtap.config.mask import MaskSettings
from shadowtap.errors import UsageError
from shadowtap.events import Observation
from shadowtap.ledger import Ledger
from shadowtap.report.page import page, parts
from shadowtap.runner import Reporter

CARD, TOKEN, MAIL = (
    "4111 1111 1111 1111",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.dozjgNryP4J3jVmNHl0w5N",
    "jane.doe@shop.example",
)


def reporter(count=60, **compare):
    """A reporter that was given requests full of secrets, of which every third answer differs."""
    settings = Settings(
        sources=("pcap:x",),
        targets=(TargetSettings(url=TARGET),),
        compare=CompareSettings(enabled=True, **compare),
    )
    comparison = Comparison()
    made = Reporter(settings, comparison)
    for n in range(count):
        asked = request(
            "POST",
            f"/reset/{MAIL}",
            f"Authorization: Bearer {TOKEN}",
            "Cookie: sid=s3cr3tc00kie",
            body=b"password=hunter2",
            at=NOW + n * SECOND,
        )
        body = {"card": CARD, "n": n}
        both = exchange(asked, Answer(body))
        out = outcome(asked, Answer({**body, "n": str(n), "mail": MAIL} if n % 3 == 0 else body))
        verdict = comparison.answered(both, out, now_ns=out.sent_ns)
        made.add(Observation(both, "replayed", (out,), (verdict,)))
    return made


def test_secrets_are_nowhere_on_the_page():
    html = page(reporter().report(Ledger(NOW), NOW, "done"))
    for secret in (CARD, TOKEN, MAIL, "s3cr3tc00kie", "hunter2"):
        assert secret not in html
    assert "json type" in html
    assert "20 of 60 answers compared" in html


def test_live_it_is_the_same():
    made = reporter(fail_on=("mismatch > 1%",))
    live = asyncio.run(made.live_parts(Ledger(NOW)))
    whole = parts(made.report(Ledger(NOW), NOW, "done"))
    for name in ("traffic", "latency"):
        assert live[name] == whole[name]
    assert "20 of 60 answers compared" in live["top"]
    assert "live" in live["top"]
    assert "POST /reset/" in live["differences"]
    assert MAIL not in "".join(live.values())
    assert asyncio.run(made.live_parts(Ledger(NOW)))["differences"] == live["differences"], "stand-ins stay"


def test_others_have_their_turn_while_it_is_made():
    made, turns = reporter(), []

    async def main():
        async def count():
            while True:
                turns.append(1)
                await asyncio.sleep(0)

        other = asyncio.create_task(count())
        await made.live_parts(Ledger(NOW))
        other.cancel()

    asyncio.run(main())
    assert turns


def test_without_comparison():
    made = Reporter(Settings(sources=("pcap:x",)))
    made.add(Observation(exchange(request(), Answer(b"ok")), "recorded", ()))
    html = page(made.report(Ledger(NOW), NOW, "done"))
    assert "pcap:x" in html
    assert "Differences" not in html


def test_a_key_that_cannot_be_read():
    with pytest.raises(UsageError, match="key_file"):
        Reporter(Settings(mask=MaskSettings(key_file="/nowhere/key")))
