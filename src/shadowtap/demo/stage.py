"""The demo as a run: a world, the real collector in the middle, and what there was to see."""

import random
import socket
import time
from collections.abc import Sequence
from typing import NamedTuple

from shadowtap.compare import Comparison, Condition, Judgement, Result
from shadowtap.config import CompareSettings, Settings, TargetSettings
from shadowtap.demo.regressions import ALL, FOUND, SLOWER, Regression
from shadowtap.demo.world import World, world
from shadowtap.ledger import Ledger
from shadowtap.report import View
from shadowtap.report.page import page
from shadowtap.runner import Reporter
from shadowtap.runner import run as replay

MORE_S = 1.5
"""How long the collector goes on after the visitors have stopped."""
CONDITION = "mismatch > 1% or errors > 0.1%"
"""What a pipeline might ask for."""


class Played(NamedTuple):
    """What came of it: the account, what was compared, and the page that shows both."""

    ledger: Ledger
    comparison: Comparison
    page: str


def play(
    view: View,
    *,
    seconds: float,
    rate: float,
    seed: int | None = None,
    regressions: frozenset[Regression] = ALL,
) -> Played:
    """Play the demo for that long, at about `rate` requests a second. Raises RunError."""
    port = free_port()
    dice = random.getrandbits(32) if seed is None else seed
    with world(port, rate, seconds, dice, regressions) as around:
        settings = Settings(
            sources=(f"vxlan://127.0.0.1:{port}",),
            targets=(TargetSettings(url=f"http://127.0.0.1:{around.target_port}"),),
            compare=CompareSettings(enabled=True, sampling=False, fail_on=(CONDITION,)),
            duration_s=seconds + MORE_S,
        )
        comparison = Comparison(targets=[str(target.address) for target in settings.targets])
        reporter = Reporter(settings, comparison, title="The demo's shop: its next version beside production")
        ledger = replay(settings, view=_Curtain(view, around), comparison=comparison, reporter=reporter)
    return Played(ledger, comparison, page(reporter.report(ledger, time.time_ns(), ledger.ended)))


def free_port() -> int:
    """A UDP port of loopback that nobody uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def verdicts(comparison: Comparison) -> list[Judgement]:
    """What a pipeline would have been told."""
    return comparison.judge(Condition(CONDITION))


def found(results: Sequence[Result]) -> dict[Regression, bool]:
    """Of each planted regression whether it was found."""
    places = {row.group.place for result in results for row in result.summary.rows if not row.rule}
    slower = {name for result in results for name in result.figures.slower}
    return {
        planted: FOUND[planted] in places if planted in FOUND else SLOWER in slower for planted in Regression
    }


def moral(results: Sequence[Result], report: str) -> str:
    """A few lines: what was planted and found, where `report` shows it, and what to do next."""
    planted = found(results)
    lines = [f"  {'found' if seen else 'not yet':8} {regression}" for regression, seen in planted.items()]
    return (
        "Each request went from production's packets, through VXLAN, to the shop's next\n"
        "version, in the session that this version itself had begun. Planted in it, among\n"
        "times, tokens, advertisements and lists that change with every answer:\n\n"
        + "\n".join(lines)
        + f"\n\nAll of it on one page, to open in a browser:\n  {report}\n\n"
        "Next, with traffic of yours: what is in a capture, or what AWS mirrors to here.\n"
        "  shadowtap extract pcap:FILE\n"
        "  shadowtap run --from vxlan://0.0.0.0:4789 --to http://STAGING:8080 --compare\n"
    )


class _Curtain:
    """Passes everything on to a view, and lets the visitors come when the collector is there."""

    def __init__(self, view: View, around: World) -> None:
        self._view = view
        self._around = around
        self.tick, self.event, self.stop = view.tick, view.event, view.stop

    def start(self, ledger: Ledger, describe: list[str]) -> None:
        """The curtain rises."""
        self._view.start(ledger, describe)
        self._around.begin()
