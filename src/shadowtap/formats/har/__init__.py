"""har: HTTP Archive 1.2, which browsers, proxies and test tools read.

    Observation ─► `HarWriter` ─► bytes, entry by entry
    bytes ─► `HarReader` ─► Observation, entry by entry

HAR says what a message means, not which octets it had: bodies are unpacked, framing is gone. So a message that is
read back says the same in other octets. What HAR has no place for stands in `_shadowtap` of each entry (names
that begin with an underscore are the writer's own), and is read back: times to the nanosecond, addresses, fate
and outcomes.
"""

from shadowtap.formats.har.file import HarFile
from shadowtap.formats.har.reader import HarReader
from shadowtap.formats.har.writer import HarWriter

__all__ = ["HarFile", "HarReader", "HarWriter"]
