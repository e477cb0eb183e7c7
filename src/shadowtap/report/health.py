"""Is the collector keeping up? Red on sustained loss, green again when it ends.

Time is cut into windows. A window is bad when more than a share of what came in it was lost at one of three places
that are the collector's own business: packets that the kernel dropped because the process was too slow, payload
that never came (holes in streams), and requests for which no target had room. One bad window is a hiccup; red takes
several in a row, and the first good one ends it.

A target that is down, refuses or answers slowly is shown, and does not turn the collector red: it is no reason for
a load balancer to send the packets elsewhere, where they would meet the same target.
"""

from typing import Any, NamedTuple

from shadowtap.ledger import Ledger
from shadowtap.report import words

_ENOUGH = {"kernel drops": 100, "lost payload": 100_000, "overflowed requests": 20}
"""Below this much of it in a window, a share says nothing: packets, bytes, requests."""


class Loss(NamedTuple):
    """How much was lost at one place, and of how much."""

    what: str
    lost: int
    whole: int


class Health:
    """Decides from snapshots of the ledger; `observe` it about once a second."""

    def __init__(self, window_s: float = 10.0, windows: int = 3, loss: float = 0.01) -> None:
        self.limit = loss
        self.windows = windows
        self.bad: list[list[str]] = []
        """Why each window was bad, of the bad ones in a row up to now."""
        self._window_ns = int(window_s * 1e9)
        self._since_ns: int | None = None
        self._before: list[Loss] = []

    @property
    def healthy(self) -> bool:
        """Whether fewer than `windows` windows in a row were bad."""
        return len(self.bad) < self.windows

    @property
    def reasons(self) -> list[str]:
        """What was lost in the last window; nothing if it was good."""
        return self.bad[-1] if self.bad else []

    def observe(self, ledger: Ledger, now_ns: int) -> None:
        """Take the counters as they are now, and judge the window if it is over."""
        if self._since_ns is None:
            self._since_ns, self._before = now_ns, totals(ledger)
        if now_ns - self._since_ns < self._window_ns:
            return
        after = totals(ledger)
        grown = [
            Loss(new.what, new.lost - old.lost, new.whole - old.whole)
            for new, old in zip(after, self._before, strict=True)
        ]
        why = [_sentence(loss) for loss in grown if self._too_much(loss)]
        self.bad = [*self.bad[-self.windows :], why] if why else []
        self._since_ns, self._before = now_ns, after

    def as_dict(self, ledger: Ledger) -> dict[str, Any]:
        """What /healthz says."""
        return {
            "status": "ok" if self.healthy else "losing",
            "reasons": self.reasons,
            "bad_windows": min(len(self.bad), self.windows),
            "targets": {name: target.state for name, target in ledger.targets.items()},
        }

    def _too_much(self, loss: Loss) -> bool:
        return loss.whole >= _ENOUGH[loss.what] and loss.lost > self.limit * loss.whole


def totals(ledger: Ledger) -> list[Loss]:
    """The three losses since the start."""
    sources = ledger.capture.values()
    drops = sum(source.kernel_drops for source in sources)
    flows, requests = ledger.flows, ledger.requests
    return [
        Loss("kernel drops", drops, drops + sum(source.frames for source in sources)),
        Loss("lost payload", flows.gap_bytes, flows.gap_bytes + flows.payload_bytes),
        Loss("overflowed requests", requests.overflowed, requests.offered()),
    ]


def _sentence(loss: Loss) -> str:
    return f"{loss.what}: {words.share(loss.lost, loss.whole)}"
