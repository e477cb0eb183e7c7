"""The loads of the speed table, and what shadowtap promises for some of them."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How the generator makes its requests."""

    KEEP_ALIVE = "keep-alive"
    ONE_EACH = "one-each"
    UPLOADS = "uploads"


@dataclass(frozen=True, slots=True)
class Load:
    """One row of the table. `cpu_limit` is in seconds per 1,000 requests, `rss_limit` in MiB, `p50_limit` in ms."""

    kind: Kind
    rate: int
    connections: int = 50
    latency: bool = False
    cpu_limit: float | None = None
    rss_limit: float | None = None
    p50_limit: float | None = None
    complete: bool = True

    @property
    def name(self) -> str:
        """For the table."""
        if self.kind is Kind.UPLOADS:
            return f"{self.rate:,}/s uploads of 1 MB"
        how = "keep-alive" if self.kind is Kind.KEEP_ALIVE else "one connection each"
        return f"{self.rate:,}/s {how}" + (", latency" if self.latency else "")


LOADS = (
    Load(Kind.KEEP_ALIVE, 1_000),
    Load(Kind.KEEP_ALIVE, 2_000, cpu_limit=0.10),
    Load(Kind.KEEP_ALIVE, 5_000),
    Load(Kind.KEEP_ALIVE, 10_000, cpu_limit=0.045, rss_limit=120),
    Load(Kind.KEEP_ALIVE, 20_000),
    Load(Kind.KEEP_ALIVE, 30_000, complete=False),
    Load(Kind.ONE_EACH, 2_000, cpu_limit=0.25),
    Load(Kind.UPLOADS, 20, connections=10),
    Load(Kind.KEEP_ALIVE, 2_000, latency=True, p50_limit=1.5),
)
QUICK = tuple(load for load in LOADS if load.rate in (20, 2_000, 10_000))
