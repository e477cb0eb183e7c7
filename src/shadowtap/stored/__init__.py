"""stored: messages that were kept before, as batches.

Comes in: a recording, files of GoReplay, a capture file. Goes out: what the pipeline gives: requests, exchanges, and
the ends of connections, in order of time; read here (sources), or by a process of its own where reading must not
hold up anything (apart). It refuses to know what becomes of them.
"""

from shadowtap.stored.apart import Apart
from shadowtap.stored.renumbered import Numbers, Renumbered
from shadowtap.stored.sources import BATCH, CaptureSource, Stored, is_masked, open_stored

__all__ = ["BATCH", "Apart", "CaptureSource", "Numbers", "Renumbered", "Stored", "is_masked", "open_stored"]
