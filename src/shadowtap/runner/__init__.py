"""runner: the run, the only event loop, joining capture, pipeline and replay.

Batches. The first packet after a silence is handled at once. While packets keep coming, the runner waits a little
between batches, and longer the more there are, since a batch costs a fixed number of array operations whatever its
size (`pace`). Capture never waits for a target: what a target cannot take is dropped there and counted.

Files are different: their packets wait. They are read in a thread, together, in the order of their packets' times,
as fast as the slowest target takes the requests, so that none loses any. Their clock is that of their
packets, so they have a pipeline of their own.

The end. SIGINT, SIGTERM, the end of all sources or of the given duration stop the capture; streams still open are
ended, replays under way get a grace period (none limit when the sources ended by themselves, since every request
ends by its own time-out), and what is left is counted as interrupted. A second signal does not wait.

Bugs. An exception that nobody caught ends the run, with a traceback and the account so far: a replay that silently
stopped counting, or capturing, would be worse.
"""

import uvloop

from shadowtap.compare import Comparison
from shadowtap.config import Settings
from shadowtap.ledger import Ledger
from shadowtap.report import View
from shadowtap.runner.fates import AMBIGUOUS, OWN_MARK, PRODUCTION_GUARD, TUNNEL
from shadowtap.runner.reporting import Reporter
from shadowtap.runner.runner import Runner
from shadowtap.runner.surroundings import signals

__all__ = ["AMBIGUOUS", "OWN_MARK", "PRODUCTION_GUARD", "TUNNEL", "Reporter", "Runner", "run"]


def run(
    settings: Settings,
    *,
    view: View | None = None,
    comparison: Comparison | None = None,
    reporter: Reporter | None = None,
) -> Ledger:
    """Run until the end, and give the account. `comparison` is shown every answer; `reporter` everything, and what it
    makes is served where the settings say. Raises UsageError before anything is started, RunError when the run cannot
    start or go on; the ledger that `view` was started with is complete then, too. SIGINT and SIGTERM end the run from
    here on, until it is over and the loop is closed."""
    runner = Runner(settings, view, comparison, reporter)
    with signals(runner.interrupt):
        return uvloop.run(runner.run())
