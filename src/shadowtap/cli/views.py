"""Which view suits the terminal, and the account at the end, however a run ends."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shadowtap.cli.interrupts import INTERRUPTS
from shadowtap.errors import ShadowtapError
from shadowtap.ledger import Ledger
from shadowtap.report import View
from shadowtap.report.plain import PlainView, QuietView
from shadowtap.report.summary import summary


def view_for(*, live: bool, quiet: bool) -> View:
    """A live view on a terminal that can move its cursor, plain lines elsewhere."""
    if quiet:
        return QuietView()
    if not (live and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"):
        return PlainView(sys.stderr)
    from rich.console import Console  # noqa: PLC0415  slow to import, and not always needed

    from shadowtap.report.live import LiveView  # noqa: PLC0415

    return LiveView(Console(stderr=True, highlight=False))


class Witness:
    """Passes everything on to a view, and keeps the ledger for the end."""

    def __init__(self, view: View) -> None:
        self.ledger: Ledger | None = None
        self.at_end: Callable[[Ledger, int, str], None] = lambda ledger, now_ns, ended: None
        self._view = view
        self._open = False
        self.tick, self.event = view.tick, view.event

    def start(self, ledger: Ledger, describe: list[str]) -> None:
        """Keep the ledger and pass on."""
        self.ledger = ledger
        self._open = True
        self._view.start(ledger, describe)

    def stop(self, ledger: Ledger, now_ns: int) -> None:
        """Pass on, once; nothing is left to interrupt."""
        INTERRUPTS.end()
        if self._open:
            self._open = False
            self._view.stop(ledger, now_ns)


@contextmanager
def ending(view: View, *, quiet: bool) -> Iterator[Witness]:
    """Around a run: prints the summary when it ends, also when it breaks off, and then does `at_end`."""
    witness = Witness(view)
    ended = "done"
    try:
        yield witness
        ended = (witness.ledger and witness.ledger.ended) or ended
    except ShadowtapError as error:
        ended = f"it could not go on: {error}"
        raise
    except KeyboardInterrupt:
        ended = (witness.ledger and witness.ledger.ended) or "interrupted"
        raise
    except BaseException:
        ended = "it broke off"
        raise
    finally:
        if witness.ledger is not None:
            _tell_end(witness, witness.ledger, ended, quiet=quiet)


def _tell_end(witness: Witness, ledger: Ledger, ended: str, *, quiet: bool) -> None:
    now_ns = time.time_ns()
    witness.stop(ledger, now_ns)
    if not quiet:
        print(summary(ledger, now_ns, ended), end="", file=sys.stderr, flush=True)
    witness.at_end(ledger, now_ns, ended)
