"""What becomes of a request on its way through the chain, besides going on."""

from collections.abc import Callable
from enum import Enum, StrEnum

import msgspec

from shadowtap.events import Request


class Bucket(StrEnum):
    """Where a request ends that is not sent: the ledger's buckets that belong to transforms."""

    REFUSED = "refused"
    FILTERED = "filtered"
    SAMPLED_OUT = "sampled_out"


class Dropped(msgspec.Struct, frozen=True, gc=False):
    """A request that is not sent, and why: an expression that holds for it, or a short name; none of SAMPLED_OUT."""

    request: Request
    bucket: Bucket
    reason: str = ""

    @property
    def fate(self) -> str:
        """As in `events.Observation`."""
        return f"{self.bucket}: {self.reason}" if self.reason else str(self.bucket)


class Later(Enum):
    """The fate of a request is not known yet."""

    HELD = "held"


HELD = Later.HELD

Step = Callable[[Request], Request | Dropped]
"""A transform: the same request, another in its place, or none and why."""
