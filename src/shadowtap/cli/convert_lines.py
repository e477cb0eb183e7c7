"""Observations as the lines of `extract`: a request, and its answer where there is one. What is to be masked is
masked by then."""

from collections import Counter

from shadowtap.events import Exchange, Observation
from shadowtap.report.jsonlines import JsonLines


class LinesWriter:
    """Makes the lines: `begin`, `entry` for each observation, `end`."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        self.entries = 0
        self._lines = JsonLines(keep_secrets=True)

    def begin(self) -> bytes:
        """Nothing: lines have no head."""
        return b""

    def entry(self, observation: Observation) -> bytes:
        """The lines of both messages."""
        exchange = observation.exchange
        self.entries += 1
        asked = b"" if exchange.request is None else self._lines.line(exchange.request)
        return asked + self._lines.line(Exchange(exchange.request, exchange.response))

    def end(self) -> bytes:
        """Nothing."""
        return b""
