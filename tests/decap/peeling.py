"""What the decap tests share: frames in, plain segments and counters out, with the law of conservation checked."""

from typing import NamedTuple

from packets import Seen, frames, seen
from shadowtap.decap import Decapsulator
from shadowtap.events import Link
from shadowtap.ledger import PacketCounters


class Peeled(NamedTuple):
    """The segments that came out, and what was counted."""

    segments: list[Seen]
    counters: PacketCounters

    @property
    def dropped(self) -> dict[str, int]:
        """Drops by reason, without those that were taken back."""
        return {str(reason): count for reason, count in self.counters.dropped.items() if count}


def peel(
    *octets: bytes,
    link: int = Link.ETHERNET,
    vnis: frozenset[int] = frozenset(),
    ports: frozenset[int] = frozenset(),
    snaplen: int = 1 << 20,
    gap: int = 0,
    times: list[int] | None = None,
    road: Decapsulator | None = None,
) -> Peeled:
    """One batch of frames through a decapsulator, a new one unless `road` is given."""
    road = road if road is not None else Decapsulator(vnis=vnis, ports=ports)
    batches = road.feed(frames(octets, link, snaplen=snaplen, gap=gap, times=times))
    counters = road.counters
    assert counters.frames == counters.segments + counters.dropped.total()
    assert min(counters.dropped.values(), default=0) >= 0
    return Peeled([row for batch in batches for row in seen(batch)], counters)
