"""A report with everything on it: the small world of the comparison's tests, with planted regressions."""

from functools import cache

import msgspec

from compare.answers import NOW, SECOND, TARGET
from compare.world import REGRESSIONS, World
from report.ledgers import lossy_run
from shadowtap.compare import Comparison, Condition, NoMask, as_dict
from shadowtap.compare.sessions import Rebinder
from shadowtap.events import Failure, Observation, Outcome, replace
from shadowtap.report.page import Report, Traffic
from shadowtap.report.summary import as_json

CONDITION = "mismatch > 0.1% or p99 > 1.5x"


class Told(World):
    """A world that is observed."""

    def __init__(self, *args, **named):
        super().__init__(*args, **named)
        self.traffic = Traffic(self.comparison.endpoints)

    def judge(self, exchange, outcome):
        """As in the world; now and then the target gives no answer."""
        if self.draw.random() < 0.002:
            outcome = replace(outcome, failure=Failure.TIMEOUT, status=0, head=b"", body=b"")
        issued = self.rebinder.bindings if self.rebinder is not None else frozenset()
        verdict = self.comparison.answered(exchange, outcome, issued=issued, now_ns=self.now)
        self.traffic.add(Observation(exchange, "replayed", (outcome,), (verdict,)))


@cache
def world(requests=1200):
    """It has been run."""
    comparison = Comparison()
    made = Told(7, broken=REGRESSIONS, rebinder=Rebinder(), comparison=comparison)
    made.run(requests)
    return made


@cache
def report(requests=1200, **more):
    """The report of it."""
    made = world(requests)
    comparison = made.comparison
    results = comparison.result()
    findings = as_dict(results, comparison.judge(Condition(CONDITION)), comparison.learned.rules(), NoMask())
    account = msgspec.json.decode(
        as_json(lossy_run(requests), NOW + 60 * SECOND, "the sources have ended", ["pcap:shop.pcap"])
    )
    return Report(
        origin="pcap:shop.pcap → http://next.example:8080",
        made_ns=NOW,
        account=account,
        findings=findings,
        traffic=made.traffic.seen(),
        **more,
    )


__all__ = ["TARGET", "Outcome", "report", "world"]
