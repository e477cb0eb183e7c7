"""The demo as a run: a world, the real collector in the middle, and what there was to see."""

import random
import socket

from shadowtap import runner
from shadowtap.config import Settings, TargetSettings
from shadowtap.demo.world import World, world
from shadowtap.ledger import Ledger
from shadowtap.report import View

MORE_S = 1.0
"""How long the collector goes on after the visitors have stopped."""


def play(view: View, *, seconds: float, rate: float, seed: int | None = None) -> Ledger:
    """Play the demo for that long, at about `rate` requests a second. Raises RunError."""
    port = free_port()
    dice = random.getrandbits(32) if seed is None else seed
    with world(port, rate, seconds, dice) as around:
        settings = Settings(
            sources=(f"vxlan://127.0.0.1:{port}",),
            targets=(TargetSettings(url=f"http://127.0.0.1:{around.target_port}"),),
            duration_s=seconds + MORE_S,
        )
        return runner.run(settings, view=_Curtain(view, around))


def free_port() -> int:
    """A UDP port of loopback that nobody uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def moral(ledger: Ledger) -> str:
    """Two lines: what was seen, and what to do next."""
    production, errors = ledger.production.statuses, 0
    for target in ledger.targets.values():
        errors += sum(n for status, n in target.answers.statuses.items() if status >= 500)
    before = sum(n for status, n in production.items() if status >= 500)
    return (
        f"Real packets of a sample shop went through VXLAN, and each request was replayed to the shop's next version:"
        f" it failed on {errors} where production failed on {before} (large orders), and its search is slower.\n"
        "Next: shadowtap extract pcap:FILE on a capture of yours, or shadowtap run --from vxlan://0.0.0.0:4789"
        " --to http://YOUR-STAGING:8080 where AWS mirrors to.\n"
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
