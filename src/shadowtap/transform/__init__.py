"""transform: which requests are replayed, and as what.

Comes in: a `Request` of production, and its `Exchange` where a rule asks for the answer. Goes out: the same request,
a new one, or none with a reason. `chain` is the table of contents; every rule is counted under its own name.
Refuses to know: sockets, clocks, and where requests go.
"""

from shadowtap.transform.chain import Chain
from shadowtap.transform.compose import compose
from shadowtap.transform.fate import HELD, Bucket, Dropped, Later, Step
from shadowtap.transform.filter import Filter
from shadowtap.transform.rate import Rate
from shadowtap.transform.safety import Safety
from shadowtap.transform.sample import Sample
from shadowtap.transform.waiting import Waiting

__all__ = [
    "HELD",
    "Bucket",
    "Chain",
    "Dropped",
    "Filter",
    "Later",
    "Rate",
    "Safety",
    "Sample",
    "Step",
    "Waiting",
    "compose",
]
