"""Entries written one after the other, so that a log of any length needs the memory of one entry."""

from collections import Counter

import msgspec

from shadowtap import __version__
from shadowtap.events import Observation
from shadowtap.formats.har.entry import entry_of

NO_REQUEST = "no_request"
_HEAD = {"version": "1.2", "creator": {"name": "shadowtap", "version": __version__}, "pages": []}


class HarWriter:
    """Makes the octets of a log: `begin`, `entry` for each observation, `end`. `left_out` counts observations
    that make no entry, by reason."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        self.entries = 0

    def begin(self) -> bytes:
        """What comes first."""
        head = msgspec.json.encode(_HEAD)
        return b'{"log":' + head[:-1] + b',"entries":['

    def entry(self, observation: Observation) -> bytes:
        """An entry on a line of its own; empty for an observation of which the request is not known."""
        request = observation.exchange.request
        if request is None:
            self.left_out[NO_REQUEST] += 1
            return b""
        comma = b",\n" if self.entries else b"\n"
        self.entries += 1
        return comma + msgspec.json.encode(entry_of(observation, request))

    def end(self) -> bytes:
        """What comes last."""
        return b"\n]}}\n"
