"""Watches the events of `Flows` and insists on their grammar.

Of every flow: one `Opened`; then, in each direction, chunks and gaps without overlap or jump in stream position; then
exactly one `Closed` in each direction, and nothing behind it.
"""

from collections.abc import Iterable

from shadowtap.events import Chunk, Closed, FlowEvent, Gap, How, Opened
from shadowtap.flows import Flows
from transcript import MASK, Segment, columns


class Side:
    """One direction of a flow, as far as events tell it. `pieces` are octets, or the length of a gap."""

    def __init__(self) -> None:
        self.position: int | None = None
        self.pieces: list[bytes | int] = []
        self.closed: How | None = None

    @property
    def octets(self) -> bytes:
        """What was delivered, gaps left out."""
        return b"".join(piece for piece in self.pieces if isinstance(piece, bytes))

    @property
    def gap_bytes(self) -> int:
        """What was given up."""
        return sum(piece for piece in self.pieces if isinstance(piece, int))

    @property
    def text(self) -> str:
        """The direction as a line: octets as they are, gaps as [length], the end as its name."""
        parts = [
            piece.decode("latin-1") if isinstance(piece, bytes) else f"[{piece}]" for piece in self.pieces
        ]
        return "".join(parts) + (f"|{self.closed}" if self.closed else "")


class Witness:
    """A `Flows` under observation."""

    def __init__(self, flows: Flows | None = None) -> None:
        self.flows = flows if flows is not None else Flows()
        self.sides: dict[int, tuple[Side, Side]] = {}
        self.events: list[FlowEvent] = []

    def feed(self, *segments: Segment) -> "Witness":
        """One batch, and the time of its last segment."""
        if segments:
            self.see(self.flows.feed(columns(segments)))
            self.advance(max(segment.time_ns for segment in segments))
        return self

    def advance(self, now_ns: int) -> "Witness":
        """The time is now `now_ns`."""
        self.see(self.flows.advance(now_ns))
        return self

    def finish(self, now_ns: int = 0) -> "Witness":
        """The end; all must be told and nothing kept."""
        self.see(self.flows.finish(now_ns))
        counters = self.flows.counters
        assert all(side.closed for sides in self.sides.values() for side in sides)
        assert counters.open_now == 0
        assert counters.buffered_bytes == 0
        assert counters.opened == len(self.sides) == counters.closed.total()
        assert counters.gap_bytes == sum(side.gap_bytes for sides in self.sides.values() for side in sides)
        return self

    def see(self, events: Iterable[FlowEvent]) -> None:
        """Check the events that came."""
        for event in events:
            self.events.append(event)
            if isinstance(event, Opened):
                assert event.flow.number not in self.sides
                self.sides[event.flow.number] = (Side(), Side())
                continue
            side = self.sides[event.flow][event.direction]
            assert side.closed is None, "an event behind Closed"
            if isinstance(event, Closed):
                side.closed = event.how
            else:
                self._see_octets(side, event)

    def _see_octets(self, side: Side, event: Chunk | Gap) -> None:
        length = len(event.data) if isinstance(event, Chunk) else event.length
        assert length > 0
        assert side.position is None or side.position == (event.end - length) & MASK, "a jump"
        side.position = event.end
        side.pieces.append(event.data if isinstance(event, Chunk) else event.length)

    def text(self, flow: int = 0) -> tuple[str, str]:
        """Both directions of a flow as lines."""
        first, second = self.sides[flow]
        return first.text, second.text
