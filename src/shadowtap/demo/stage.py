"""The demo as a run: a world, the real collector in the middle, and what there was to see."""

import random
import socket
from collections.abc import Mapping

from shadowtap.config import Settings, TargetSettings
from shadowtap.demo.world import World, world
from shadowtap.ledger import Ledger
from shadowtap.report import View
from shadowtap.runner import run as replay

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
        return replay(settings, view=_Curtain(view, around))


def free_port() -> int:
    """A UDP port of loopback that nobody uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def moral(ledger: Ledger) -> str:
    """A few lines: what was seen, and what to do next."""
    before = _errors(ledger.production.statuses)
    after = sum(_errors(target.answers.statuses) for target in ledger.targets.values())
    return (
        "Each request went from production's packets, through VXLAN, to the shop's next\n"
        f"version. It fails on large orders, and that shows: it answered {after} with 5xx,\n"
        f"production {before}. The mirror loses 1 packet in 1,000 on purpose; what that cost\n"
        "is in the account.\n"
        "\n"
        "Next, with traffic of yours: what is in a capture, or what AWS mirrors to here.\n"
        "  shadowtap extract pcap:FILE\n"
        "  shadowtap run --from vxlan://0.0.0.0:4789 --to http://STAGING:8080\n"
    )


def _errors(statuses: Mapping[int, int]) -> int:
    return sum(n for status, n in statuses.items() if status >= 500)


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
