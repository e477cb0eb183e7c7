"""gor: GoReplay's request files (`.gor`), and the head lines that its middleware sees, too.

    bytes ─► `Splitter` ─► Record ─► `Joiner` ─► Request, Exchange, Ended        read: `GorFiles`
                                   ─► `Gatherer` ─► Observation
    Observation ─► `Composer` ─► Record ─► bytes                                 write: `GorSink`

A record is

    TYPE SP ID SP TIMESTAMP [SP LATENCY] LF payload LF 🐵🙈🙉 LF

with TYPE 1 for a request, 2 for production's answer and 3 for a target's; docs/formats.md tells the rest.
"""

from shadowtap.formats.gor.compose import Composer
from shadowtap.formats.gor.files import GorFiles
from shadowtap.formats.gor.gather import Gatherer
from shadowtap.formats.gor.join import Joiner
from shadowtap.formats.gor.records import Kind, Record, Splitter, encode, parse
from shadowtap.formats.gor.sink import GorSink

__all__ = [
    "Composer",
    "Gatherer",
    "GorFiles",
    "GorSink",
    "Joiner",
    "Kind",
    "Record",
    "Splitter",
    "encode",
    "parse",
]
