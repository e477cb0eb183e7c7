"""Both directions of one connection: two readers, and the pairing of answers with requests.

Pairing. Answers come in the order of the requests, so the oldest request that waits is the one that is answered,
unless packets were lost. Then the acknowledgement number of the answer's first segment tells how much of the
client's stream the server had read. An answer that acknowledges octets which have not been delivered is not read
until they have been, or were given up as lost (its framing may depend on the request's method). An answer whose
acknowledgement does not reach the oldest waiting request, behind a hole, answers a request that fell into the hole.
So one lost packet costs the exchange it hit and no other. Behind a hole among the answers the same is done the other
way round, by what each request acknowledged.

A server may answer before the request is complete (an interim 100, an early 413); such an answer waits for the
request that is being read.
"""

from collections import deque

from shadowtap.events import (
    Chunk,
    Closed,
    Connection,
    Ended,
    Exchange,
    Fault,
    Flow,
    Gap,
    How,
    Message,
    Request,
    Response,
)
from shadowtap.http1 import Limits, Raw, Reader, Role
from shadowtap.http1.reader import State
from shadowtap.ledger import MessageCounters
from shadowtap.messages.recognition import foreign, is_client, looks_like_request, looks_like_response
from shadowtap.serial import distance

_FAULTS = {
    How.FIN: None,
    How.RESET: Fault.RESET,
    How.IDLE: Fault.IDLE,
    How.EVICTED: Fault.EVICTED,
    How.REUSED: Fault.CLOSED,
    How.END: Fault.END,
}
MAX_WAITING = 256
MAX_WAITING_BYTES = 16 << 20
"""Requests of one connection that wait for an answer, and the octets of their bodies, a sixteenth of them where no
answer has been captured yet; beyond it the oldest is given up as not answered."""


_HEAD = State.HEAD


class Conversation:
    """One connection's messages. `keep_answer_bodies=False` counts the octets of answers without keeping them."""

    __slots__ = (
        "_answer_lost",
        "_answering",
        "_client_at",
        "_client_done",
        "_connection",
        "_counters",
        "_early",
        "_flow",
        "_held",
        "_hole",
        "_index",
        "_keep",
        "_limits",
        "_readers",
        "_told_end",
        "_waiting",
        "_waiting_bytes",
        "open",
    )

    def __init__(
        self, flow: Flow, *, limits: Limits, keep_answer_bodies: bool, counters: MessageCounters
    ) -> None:
        self.open = 2
        self._flow = flow
        self._limits = limits
        self._keep = keep_answer_bodies
        self._counters = counters
        self._connection: Connection | None = None
        self._readers: list[Reader | None] = [None, None]
        self._waiting: deque[tuple[Request, int, int]] = (
            deque()
        )  # a request, where it began, what it acknowledged
        self._waiting_bytes = 0
        self._held: deque[Chunk | Gap | Closed] = deque()
        self._client_done = False
        self._early: list[Response] = []
        self._client_at = -1
        self._answering = False
        self._answer_lost = False
        self._told_end = False
        self._hole = -1
        self._index = 0

    # -- events ----------------------------------------------------------------------------------------------

    def take_chunk(self, chunk: Chunk, out: list[Message]) -> None:
        """Octets of one direction. Nearly always they are one whole message, which needs no state."""
        reader = self._readers[chunk.direction]
        if reader is not None and reader.state is _HEAD and not reader.held and not self._held:
            data, ack = chunk.data, chunk.ack
            if reader.is_request:
                raw = reader.whole(data, chunk.time_ns, chunk.end - len(data), ack)
                if raw is not None:
                    self._client_at = chunk.end
                    self._on_request(raw, out)
                    return
            elif ack == self._client_at or not self._is_ahead(ack):
                raw = reader.whole(data, chunk.time_ns, chunk.end - len(data), ack)
                if raw is not None:
                    self._answering = True
                    self._on_response(raw, out)
                    return
        self._take_carefully(reader, chunk, out)

    def _take_carefully(self, reader: Reader | None, chunk: Chunk, out: list[Message]) -> None:
        if reader is None:
            reader = self._recognise(chunk)
            if reader is None:
                return
        elif not reader.seen and reader.state is State.SEEK and self._is_other_way_round(chunk):
            reader = self._turn_round(chunk.direction)
        if reader.is_request:
            self._read(reader, chunk, out)
            self._client_at = chunk.end
            if self._held:
                self._release(out)
            return
        self._answering = True
        at = self._client_at
        if self._held or (at != chunk.ack and reader.at_boundary and self._is_ahead(chunk.ack)):
            self._held.append(chunk)
            self._counters.buffered_bytes += len(chunk.data)
        else:
            self._read(reader, chunk, out)

    def take_gap(self, gap: Gap, out: list[Message]) -> None:
        """Octets of one direction that are lost."""
        reader = self._readers[gap.direction]
        if self._is_client(gap.direction):
            if reader is not None:
                self._lose(reader, gap, out)
            self._client_at = gap.end
            if reader is None or reader.state is State.SEEK:
                self._hole = gap.end
            self._release(out)
        elif self._held:
            self._held.append(gap)
        elif reader is not None:
            self._lose(reader, gap, out)

    def take_closed(self, closed: Closed, out: list[Message]) -> None:
        """The end of one direction. A client that has closed its half may still get answers."""
        self.open -= 1
        if self._held and not self._is_client(closed.direction):
            self._held.append(closed)
        else:
            self._end(closed, out)
        if self._is_client(closed.direction) or not self.open:
            self._client_at = -1
            self._client_done = True
            self._release(out)
        if self._connection is not None and (not self.open or self._is_client(closed.direction)):
            self._tell_end(self._connection.number, out)
        if not self.open:
            out.extend(self._orphan(response) for response in self._early)
            out.extend(Exchange(request, None) for request, _, _ in self._waiting)
            self._early.clear()
            self._waiting.clear()

    def _tell_end(self, number: int, out: list[Message]) -> None:
        if not self._told_end:
            self._told_end = True
            out.append(Ended(number))

    def _read(self, reader: Reader, chunk: Chunk, out: list[Message]) -> None:
        held = reader.held
        raws = reader.feed(chunk.data, chunk.time_ns, chunk.end - len(chunk.data), chunk.ack)
        if held != reader.held:
            self._counters.buffered_bytes += reader.held - held
        if raws:
            self._on_messages(reader, raws, out)

    def _lose(self, reader: Reader, gap: Gap, out: list[Message]) -> None:
        held = reader.held
        raws = reader.gap(gap.length, gap.time_ns, fault=Fault.TRUNCATED if gap.cut else Fault.GAP)
        self._counters.buffered_bytes += reader.held - held
        self._on_messages(reader, raws, out)
        if not reader.is_request and reader.state is State.SEEK:
            self._answer_lost = True

    def _end(self, closed: Closed, out: list[Message]) -> None:
        reader = self._readers[closed.direction]
        if reader is None:
            return
        self._counters.buffered_bytes -= reader.held
        raws = reader.close(_FAULTS[closed.how])
        self._counters.skipped_bytes += reader.skipped
        self._on_messages(reader, raws, out)

    def _on_messages(self, reader: Reader, raws: list[Raw], out: list[Message]) -> None:
        if reader.is_request:
            for raw in raws:
                self._on_request(raw, out)
        else:
            for raw in raws:
                self._on_response(raw, out)
            if reader.state is State.TUNNEL:
                self._switch()

    # -- answers that came before their request -----------------------------------------------------------------

    def _is_client(self, direction: int) -> bool:
        reader = self._readers[direction]
        return direction == self._flow.initiator if reader is None else reader.is_request

    def _is_ahead(self, ack: int) -> bool:
        """Whether an answer acknowledges octets of the client that have not been delivered."""
        if self._client_at >= 0:
            return ack >= 0 and distance(ack, self._client_at) > 0
        return self._flow.initiator is not None and not self._client_done

    def _release(self, out: list[Message]) -> None:
        """Read the answers that waited, as far as the client's stream has caught up with them."""
        while self._held:
            event = self._held[0]
            reader = self._readers[event.direction]
            if isinstance(event, Chunk) and reader is not None:
                if reader.at_boundary and self._is_ahead(event.ack):
                    return
                self._counters.buffered_bytes -= len(event.data)
                self._read(reader, event, out)
            elif isinstance(event, Gap) and reader is not None:
                self._lose(reader, event, out)
            elif isinstance(event, Closed):
                self._end(event, out)
            self._held.popleft()

    # -- recognition -----------------------------------------------------------------------------------------

    def _recognise(self, chunk: Chunk) -> Reader | None:
        direction = chunk.direction
        other = self._readers[1 - direction]
        protocol = foreign(chunk.data)
        if protocol is not None:
            if other is None or other.state is not State.ABSENT:
                self._counters.not_http[protocol] += 1
            self._readers[direction] = self._absent(Role.REQUEST if other is None else Role.RESPONSE)
            return None
        client = is_client(chunk.data)
        if client is None and self._flow.initiator is not None:
            client = direction == self._flow.initiator
        if client is None and other is not None:
            client = not other.is_request
        if client is None:
            return None
        self._connect(direction if client else 1 - direction)
        if other is not None and other.is_request == client:
            client = not client
        return self._reader(direction, client)

    def _is_other_way_round(self, chunk: Chunk) -> bool:
        """Whether the side that opened the connection turns out to be the server (SOCKS BIND, a reverse tunnel)."""
        if any(reader is not None and reader.seen for reader in self._readers):
            return False
        client = looks_like_request(chunk.data)
        return client is self._is_client(1 - chunk.direction) and (client or looks_like_response(chunk.data))

    def _turn_round(self, direction: int) -> Reader:
        client = not self._is_client(direction)
        self._connection = None
        self._connect(direction if client else 1 - direction)
        self._reader(1 - direction, not client)
        return self._reader(direction, client)

    def _connect(self, client: int) -> None:
        if self._connection is None:
            flow = self._flow
            ends = (flow.a, flow.b)
            self._connection = Connection(flow.number, ends[client], ends[1 - client], flow.vni)

    def _reader(self, direction: int, client: bool) -> Reader:
        seek = self._flow.initiator is None
        if client:
            reader = Reader(Role.REQUEST, limits=self._limits, seek=seek)
        else:
            reader = Reader(
                Role.RESPONSE,
                limits=self._limits,
                keep_body=self._keep,
                method_of_next=self._method_of_next,
                seek=seek,
            )
        self._readers[direction] = reader
        return reader

    def _absent(self, role: Role) -> Reader:
        reader = Reader(role, limits=self._limits)
        reader.state = State.ABSENT
        return reader

    def _switch(self) -> None:
        for reader in self._readers:
            if reader is not None and reader.state is not State.TUNNEL:
                reader.switch()

    # -- messages --------------------------------------------------------------------------------------------

    def _on_request(self, raw: Raw, out: list[Message]) -> None:
        connection = self._connection
        assert connection is not None
        method, target, version = raw.first
        request = Request(
            connection,
            self._index,
            raw.time_ns,
            raw.end_ns,
            method,
            target,
            version,
            raw.head,
            raw.body,
            raw.chunked,
            raw.flags,
            raw.fault,
        )
        self._index += 1
        self._counters.requests += 1
        out.append(request)
        self._waiting.append((request, raw.begin, raw.ack))
        self._waiting_bytes += len(raw.body)
        limit_bytes = MAX_WAITING_BYTES if self._answering else MAX_WAITING_BYTES >> 4
        while len(self._waiting) > MAX_WAITING or (
            self._waiting_bytes > limit_bytes and len(self._waiting) > 1
        ):
            out.append(Exchange(self._next_waiting(), None))
        if self._early:
            early, self._early = self._early, []
            for response in early:
                self._pair(response, -1, out)

    def _keep_waiting_few(self, out: list[Message]) -> None:
        limit_bytes = MAX_WAITING_BYTES if self._answering else MAX_WAITING_BYTES >> 4
        while len(self._waiting) > MAX_WAITING or (
            self._waiting_bytes > limit_bytes and len(self._waiting) > 1
        ):
            out.append(Exchange(self._next_waiting(), None))

    def _next_waiting(self) -> Request:
        request = self._waiting.popleft()[0]
        self._waiting_bytes -= len(request.body)
        return request

    def _on_response(self, raw: Raw, out: list[Message]) -> None:
        connection = self._connection
        assert connection is not None
        version, status, reason = raw.first
        response = Response(
            connection,
            raw.time_ns,
            raw.end_ns,
            int(status),
            reason,
            version,
            raw.head,
            raw.body,
            raw.body_bytes,
            raw.chunked,
            raw.flags,
            raw.fault,
        )
        self._counters.responses += 1
        if self._waiting and self._hole < 0 and response.status >= 200 and not self._answer_lost:
            out.append(Exchange(self._next_waiting(), response))
        elif self._answer_lost and not self._find_asker(raw.begin, out):
            out.append(self._orphan(response))
        else:
            self._pair(response, raw.ack, out)

    def _find_asker(self, begin: int, out: list[Message]) -> bool:
        """After a hole among the answers, whose number is unknown: an answer belongs to the request that was sent
        when all before the answer had been received. The requests before that one got theirs in the hole."""
        for index, (_, _, received) in enumerate(self._waiting):
            if received == begin:
                out.extend(Exchange(self._next_waiting(), None) for _ in range(index))
                self._answer_lost = False
                return True
        return False

    def _pair(self, response: Response, ack: int, out: list[Message]) -> None:
        interim = response.status < 200 and response.status != 101
        self._counters.interim += interim
        if self._waiting and (self._hole < 0 or not self._is_before_waiting(ack)):
            if self._hole >= 0 and distance(self._waiting[0][1], self._hole) >= 0:
                self._hole = -1
            out.append(Exchange(self._waiting[0][0] if interim else self._next_waiting(), response))
        elif not self._waiting and self._is_being_read():
            self._early.append(response)
        else:
            out.append(self._orphan(response))

    def _is_before_waiting(self, ack: int) -> bool:
        return ack >= 0 and distance(self._waiting[0][1], ack) >= 0

    def _is_being_read(self) -> bool:
        return any(r is not None and r.is_request and r.partial for r in self._readers)

    def _orphan(self, response: Response) -> Exchange:
        self._counters.responses_without_request += 1
        lost = self._hole >= 0 and response.status >= 200
        return Exchange(None, response, lost)

    def _method_of_next(self, answer_begin: int) -> bytes | None:
        """The method of the request that an answer beginning there is for, as far as it is sure."""
        if self._answer_lost:
            return next((r.method for r, _, received in self._waiting if received == answer_begin), None)
        if self._waiting:
            request, begin, _ = self._waiting[0]
            if self._hole < 0 or distance(begin, self._hole) < 0:
                return request.method
            return None
        for reader in self._readers:
            if reader is not None and reader.is_request:
                return reader.method
        return None
