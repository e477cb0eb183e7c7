"""The pure stages composed: frames in, messages out. This is the whole middle of shadowtap on one screen.

    Frames ─► decap ─► Segments ─► flows ─► Chunk | Gap ─► messages ─► Request | Exchange

No sockets and no clock: the caller says what time it is. For live sources `advance` is called with the wall clock,
for files with the capture time of the last frame.
"""

from shadowtap.config import FlowSettings, HttpSettings
from shadowtap.decap import Decapsulator
from shadowtap.events import Frames, Message
from shadowtap.flows import Flows
from shadowtap.http1 import Limits
from shadowtap.ledger import Ledger
from shadowtap.messages import Messages


class Pipeline:
    """Turns batches of frames into requests and exchanges, and counts in `ledger`.

    Each source has a road of its own through decapsulation; from there on all share the table of connections.
    `keep_answer_bodies` keeps the octets of production's answers, which replay alone does not need. Connections are
    numbered from `first_connection`.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        flows: FlowSettings | None = None,
        http: HttpSettings | None = None,
        keep_answer_bodies: bool = True,
        first_connection: int = 0,
    ) -> None:
        flows = flows or FlowSettings()
        http = http or HttpSettings()
        self._buffer_bytes = flows.buffer_bytes
        self._ledger = ledger
        self._flows = Flows(
            reorder_window_ns=int(flows.reorder_window_s * 1e9),
            idle_ns=int(flows.idle_s * 1e9),
            connections=flows.connections,
            buffer_bytes=flows.buffer_bytes,
            first_number=first_connection,
            counters=ledger.flows,
        )
        self._messages = Messages(
            limits=Limits(head_bytes=http.head_bytes, body_bytes=http.body_bytes),
            keep_answer_bodies=keep_answer_bodies,
            counters=ledger.messages,
        )

    def road(
        self, *, vnis: frozenset[int] = frozenset(), ports: frozenset[int] = frozenset()
    ) -> Decapsulator:
        """A way in for one source; `vnis` and `ports` limit what is read of it (see `Decapsulator`)."""
        return Decapsulator(vnis=vnis, ports=ports, counters=self._ledger.packets)

    def feed(self, frames: Frames, road: Decapsulator) -> list[Message]:
        """The messages that a batch completes. The frames are not needed afterwards."""
        messages: list[Message] = []
        for segments in road.feed(frames):
            messages += self._messages.feed(self._flows.feed(segments))
        return messages

    def advance(self, now_ns: int) -> list[Message]:
        """The messages that the passing of time completes or ends."""
        if self._ledger.messages.buffered_bytes > self._buffer_bytes:
            self._flows.evict(max(self._ledger.flows.open_now // 10, 1), now_ns)
        return self._messages.feed(self._flows.advance(now_ns))

    def finish(self, now_ns: int) -> list[Message]:
        """The capture has ended: everything that is still open ends here."""
        return self._messages.feed(self._flows.finish(now_ns))
