"""Both directions of one connection: chunks in, messages out.

An answer that acknowledges octets of the client which have not been delivered is not read until they have been, or
were given up as lost, since its framing may depend on the request's method. Such octets are held up to a limit.

A chunk is nearly always one whole message or part of a long body, and each of these has a short way of its own.
"""

from collections import deque

from shadowtap.events import Closed, Ended, Fault, Flow, Gap, How, Message, replace
from shadowtap.events.flows import Chunk
from shadowtap.events.messages import whole_request, whole_response
from shadowtap.http1 import Limits
from shadowtap.http1.plain import NO_BODY_METHODS, Plain
from shadowtap.http1.reader import Raw, Reader, State
from shadowtap.ledger import MessageCounters
from shadowtap.messages.framed import request_of, response_of
from shadowtap.messages.pairing import Pairing
from shadowtap.messages.sides import Sides
from shadowtap.serial import MASK, distance

_FAULTS = {
    How.FIN: None,
    How.RESET: Fault.RESET,
    How.IDLE: Fault.IDLE,
    How.EVICTED: Fault.EVICTED,
    How.REUSED: Fault.CLOSED,
    How.END: Fault.END,
}
MAX_HELD_BYTES = 4 << 20
"""Octets of answers that wait for the client's stream to catch up: what a server sends in the reorder window."""

_HEAD, _SEEK = State.HEAD, State.SEEK


class Conversation:
    """One connection's messages. `open` counts the directions that have not ended. `keep_answer_bodies=False` counts
    the octets of answers without keeping them."""

    __slots__ = (
        "_client_at",
        "_client_done",
        "_connection",
        "_counters",
        "_held",
        "_held_bytes",
        "_index",
        "_initiated",
        "_keep",
        "_pairing",
        "_plain_bytes",
        "_readers",
        "_sides",
        "_told_end",
        "open",
    )

    def __init__(
        self,
        flow: Flow,
        *,
        limits: Limits,
        keep_answer_bodies: bool,
        counters: MessageCounters,
        plains: list[Plain],
    ) -> None:
        self.open = 2
        self._initiated = flow.initiator is not None
        self._pairing = Pairing(counters, joined=not self._initiated)
        self._sides = Sides(
            flow,
            self._pairing,
            limits=limits,
            keep_answer_bodies=keep_answer_bodies,
            counters=counters,
            plains=plains,
        )
        self._readers = self._sides.readers
        self._keep = keep_answer_bodies
        self._plain_bytes = min(limits.head_bytes, limits.body_bytes)
        self._counters = counters
        self._connection = self._sides.connection
        self._index = 0
        self._client_at = -1  # how far the client's stream was delivered or given up; -1: not known
        self._client_done = False
        self._held: deque[Chunk | Gap | Closed] = deque()
        self._held_bytes = 0
        self._told_end = False

    # -- events ----------------------------------------------------------------------------------------------

    def take_chunk(self, chunk: Chunk, out: list[Message]) -> None:
        """Octets of one direction."""
        reader = self._readers[chunk.direction]
        if reader is None or self._held:
            taken = False
        elif reader.state is not _HEAD or reader.held:
            taken = self._take_more(reader, chunk)
        elif reader.is_request:
            taken = self._take_request(reader, chunk, out)
        else:
            taken = self._take_answer(reader, chunk, out)
        if not taken:
            self._take_carefully(reader, chunk, out)

    def _take_request(self, reader: Reader, chunk: Chunk, out: list[Message]) -> bool:
        """A request that is exactly one chunk; False where it is not."""
        data = chunk.data
        if len(data) > self._plain_bytes or (plain := reader.plain.request(data)) is None:
            return False
        method, target, version, head, body = plain
        now, end, index, whom = chunk.time_ns, chunk.end, self._index, self._connection
        begin = (end - len(data)) & MASK
        request = whole_request(whom, index, now, method, target, version, head, body, begin)
        reader.seen = True
        self._client_at = end
        self._index = index + 1
        self._counters.requests += 1
        out.append(request)
        self._pairing.asked(request, begin, chunk.ack, out)
        return True

    def _take_answer(self, reader: Reader, chunk: Chunk, out: list[Message]) -> bool:
        """An answer that is exactly one chunk, to the request that has waited longest; False where it is not."""
        data, ack, pairing = chunk.data, chunk.ack, self._pairing
        if not pairing.waiting or (ack != self._client_at and self._is_ahead(ack)):
            return False
        if len(data) > self._plain_bytes or (plain := reader.plain.answer(data)) is None:
            return False
        if pairing.waiting[0][0].method in NO_BODY_METHODS:
            return False
        if pairing.careful and not pairing.begins((chunk.end - len(data)) & MASK):
            return False
        (version, _, reason), status, head, size = plain
        now, end, whom = chunk.time_ns, chunk.end, self._connection
        body = data[-size:] if size and self._keep else b""
        response = whole_response(whom, now, status, reason, version, head, body, size)
        reader.seen = True
        self._counters.responses += 1
        pairing.answered(response, (end - len(data)) & MASK, end, ack, out)
        return True

    def _take_more(self, reader: Reader, chunk: Chunk) -> bool:
        """Octets from the middle of a body; False where they are something else."""
        kept = reader.more(chunk.data)
        if kept < 0:
            return False
        self._counters.buffered_bytes += kept
        if reader.is_request:
            self._client_at = chunk.end
        return True

    def _take_carefully(self, reader: Reader | None, chunk: Chunk, out: list[Message]) -> None:
        if reader is None:
            reader = self._recognise(chunk)
            if reader is None:
                return
            if reader.state is _HEAD and not self._held:
                self.take_chunk(chunk, out)
                return
        elif not reader.seen and reader.state is _SEEK and self._sides.is_other_way_round(chunk):
            reader = self._sides.turn_round(chunk.direction)
            self._connection = self._sides.connection
        if reader.is_request:
            self._read(reader, chunk, out)
            self._client_at = chunk.end
            if self._held:
                self._release(out)
            return
        if self._held or (reader.at_boundary and self._is_ahead(chunk.ack)):
            self._hold(chunk, out)
        elif left := self._read(reader, chunk, out):
            self._hold_rest(chunk, left)

    def _recognise(self, chunk: Chunk) -> Reader | None:
        sides, direction = self._sides, chunk.direction
        reader = sides.recognise(chunk)
        self._connection = sides.connection
        client = direction if reader is None or reader.is_request else 1 - direction
        if reader is None and sides.is_client(direction):
            self._client_at = chunk.end
        elif reader is not None and self._client_at < 0:
            self._client_at = sides.unread_end(client)
        return reader

    def take_gap(self, gap: Gap, out: list[Message]) -> None:
        """Octets of one direction that are lost."""
        reader = self._readers[gap.direction]
        if self._sides.is_client(gap.direction):
            self._lose(reader, gap, out)
            self._client_at = gap.end
            self._release(out)
        elif self._held:
            self._held.append(gap)
        else:
            self._lose(reader, gap, out)

    def take_closed(self, closed: Closed, out: list[Message]) -> None:
        """The end of one direction. A client that has closed its half may still get answers."""
        self.open -= 1
        client = self._sides.is_client(closed.direction)
        if self._held and not client:
            self._held.append(closed)
        else:
            self._end(closed, out)
        if client or not self.open:
            self._client_at = -1
            self._client_done = True
            self._release(out)
            self._tell_end(out)
        if not self.open:
            self._pairing.close(out)
            self._sides.let_go()

    def _tell_end(self, out: list[Message]) -> None:
        if self._sides.connected and not self._told_end:
            self._told_end = True
            out.append(Ended(self._connection.number))

    # -- reading ---------------------------------------------------------------------------------------------

    def _read(self, reader: Reader, chunk: Chunk, out: list[Message]) -> int:
        """Message by message, since what an answer means may depend on the one before it. How many octets are left:
        those of further answers that acknowledge more of the client than has been delivered."""
        left = len(chunk.data)
        if not reader.is_request:
            self._pairing.heard((chunk.end - left) & MASK, chunk.ack)
        while left:
            raws: list[Raw] = []
            held, skipped = reader.held, reader.skipped
            before, left = left, reader.read(chunk.data, left, chunk.time_ns, chunk.end, chunk.ack, raws)
            self._counters.buffered_bytes += reader.held - held
            if reader.skipped != skipped:
                self._lose_way(reader, out)
            self._on_messages(reader, raws, out)
            if reader.state is _SEEK or left == before:  # or an answer turned out to have no body
                self._lose_way(reader, out)
            if left and not reader.is_request and reader.at_boundary and self._is_ahead(chunk.ack):
                return left
        return 0

    def _lose(self, reader: Reader | None, gap: Gap, out: list[Message]) -> None:
        self._sides.lost = True
        between = reader is None or reader.at_boundary
        if reader is not None:
            held = reader.held
            raws = reader.gap(gap.length, gap.time_ns, fault=Fault.TRUNCATED if gap.cut else Fault.GAP)
            self._counters.buffered_bytes += reader.held - held
            self._on_messages(reader, raws, out)
            between |= reader.state is _SEEK
        if between and self._sides.is_client(gap.direction):
            self._pairing.lose_requests(out, (gap.end - gap.length) & MASK)
        elif between:
            self._pairing.lose_answers(out)

    def _lose_way(self, reader: Reader, out: list[Message]) -> None:
        if reader.is_request:
            self._pairing.lose_requests(out)
        else:
            self._pairing.lose_answers(out)

    def _end(self, closed: Closed, out: list[Message]) -> None:
        reader = self._readers[closed.direction]
        if reader is None:
            return
        self._counters.buffered_bytes -= reader.held
        in_order = reader.state is not _SEEK and closed.how is How.FIN
        raws = reader.close(_FAULTS[closed.how])
        self._counters.skipped_bytes += reader.skipped
        self._on_messages(reader, raws, out)
        if in_order and not reader.is_request:
            self._pairing.end_answers(out)

    # -- answers that came before their request -----------------------------------------------------------------

    def _is_ahead(self, ack: int) -> bool:
        """Whether an answer acknowledges octets of the client that have not been delivered."""
        if self._client_at >= 0:
            return ack >= 0 and distance(ack, self._client_at) > 0
        return self._initiated and not self._client_done

    def _hold(self, chunk: Chunk, out: list[Message]) -> None:
        self._held.append(chunk)
        self._held_bytes += len(chunk.data)
        self._counters.buffered_bytes += len(chunk.data)
        if self._held_bytes > MAX_HELD_BYTES:
            self._client_at = chunk.ack
            self._release(out)

    def _hold_rest(self, chunk: Chunk, left: int) -> None:
        self._held.appendleft(replace(chunk, data=chunk.data[-left:]))
        self._held_bytes += left
        self._counters.buffered_bytes += left

    def _release(self, out: list[Message]) -> None:
        """Read the answers that waited, as far as the client's stream has caught up with them."""
        while self._held:
            event = self._held[0]
            reader = self._readers[event.direction]
            if isinstance(event, Chunk):
                if reader is not None and reader.at_boundary and self._is_ahead(event.ack):
                    return
                self._held_bytes -= len(event.data)
                self._counters.buffered_bytes -= len(event.data)
                if reader is not None and (left := self._read(reader, event, out)):
                    self._held.popleft()
                    self._hold_rest(event, left)
                    return
            elif isinstance(event, Gap):
                self._lose(reader, event, out)
            else:
                self._end(event, out)
            self._held.popleft()

    # -- messages --------------------------------------------------------------------------------------------

    def _on_messages(self, reader: Reader, raws: list[Raw], out: list[Message]) -> None:
        for raw in raws:
            if reader.is_request:
                self._on_request(raw, out)
            else:
                self._on_response(raw, out)
        if reader.state is State.TUNNEL and not reader.is_request:
            self._sides.switch()

    def _on_request(self, raw: Raw, out: list[Message]) -> None:
        request = request_of(self._connection, self._index, raw)
        self._index += 1
        self._counters.requests += 1
        out.append(request)
        self._pairing.asked(request, raw.begin, raw.ack, out)

    def _on_response(self, raw: Raw, out: list[Message]) -> None:
        response = response_of(self._connection, raw)
        self._counters.responses += 1
        end = (raw.begin + len(raw.head) + raw.body_bytes) & MASK
        self._pairing.answered(response, raw.begin, end, raw.ack, out)
