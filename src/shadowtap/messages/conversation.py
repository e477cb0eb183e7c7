"""Both directions of one connection: two readers, and the pairing of answers with requests.

Pairing. Answers come in the order of the requests, so the oldest request that waits is the one that is answered,
unless packets were lost: see `pairing`. So one lost packet costs the exchange it hit and no other.

An answer that acknowledges octets of the client which have not been delivered is not read until they have been, or
were given up as lost, since its framing may depend on the request's method. Such octets are held up to a limit.

A server may answer before the request is complete (an interim 100, an early 413); such an answer waits for the
request that is being read.
"""

from collections import deque

import msgspec

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
from shadowtap.messages.pairing import LOST, NONE, READING, Losses, Numbers, Sent
from shadowtap.messages.recognition import foreign, is_client, looks_like_request, looks_like_response
from shadowtap.serial import MASK, distance

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
MAX_HELD_BYTES = 4 << 20
"""Octets of answers that wait for the client's stream to catch up: what a server sends in the reorder window."""
MAX_EARLY = 16
"""Answers that wait for the request that is being read; a real server sends an interim one and a final one."""

_HEAD = State.HEAD


class Conversation:
    """One connection's messages. `keep_answer_bodies=False` counts the octets of answers without keeping them."""

    __slots__ = (
        "_answering",
        "_client_at",
        "_client_done",
        "_connection",
        "_counters",
        "_early",
        "_flow",
        "_held",
        "_held_bytes",
        "_index",
        "_keep",
        "_limits",
        "_losses",
        "_pipelined",
        "_readers",
        "_seek",
        "_told_end",
        "_unread",
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
        self._unread = [-1, -1]  # where each direction stood when what it says was not known yet
        self._waiting: deque[Sent] = deque()
        self._waiting_bytes = 0
        self._held: deque[Chunk | Gap | Closed] = deque()
        self._held_bytes = 0
        self._client_done = False
        self._early: list[Response] = []
        self._client_at = -1
        self._answering = False
        self._told_end = False
        self._seek = flow.initiator is None
        self._pipelined = False
        self._losses = Losses(pipelined=False) if self._seek else None
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
        elif reader is not None and not self._held and (kept := reader.more(chunk.data)) >= 0:
            self._counters.buffered_bytes += kept
            if reader.is_request:
                self._client_at = chunk.end
            else:
                self._answering = True
            return
        self._take_carefully(reader, chunk, out)

    def _take_carefully(self, reader: Reader | None, chunk: Chunk, out: list[Message]) -> None:
        if reader is None:
            reader = self._recognise(chunk)
            if reader is None:
                self._counters.skipped_bytes += len(chunk.data)
                self._unread[chunk.direction] = chunk.end
                if self._is_client(chunk.direction):
                    self._client_at = chunk.end
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
            self._hold(chunk, out)
        elif left := self._read(reader, chunk, out):
            self._hold_rest(chunk, left)

    def take_gap(self, gap: Gap, out: list[Message]) -> None:
        """Octets of one direction that are lost."""
        reader = self._readers[gap.direction]
        if self._is_client(gap.direction):
            self._lose_requests(reader, gap, out)
            self._client_at = gap.end
            self._release(out)
        elif self._held:
            self._held.append(gap)
        else:
            self._lose_answers(reader, gap, out)

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
            out.extend(self._orphan(response, NONE) for response in self._early)
            out.extend(Exchange(request, None) for request, _, _ in self._waiting)
            self._early.clear()
            self._waiting.clear()

    def _tell_end(self, number: int, out: list[Message]) -> None:
        if not self._told_end:
            self._told_end = True
            out.append(Ended(number))

    def _read(self, reader: Reader, chunk: Chunk, out: list[Message]) -> int:
        """Message by message, since what an answer means may depend on the one before it. How many octets are left:
        those of further answers that acknowledge more of the client than has been delivered."""
        data = chunk.data
        left = len(data)
        while left:
            raws: list[Raw] = []
            held = reader.held
            left = reader.read(data, left, chunk.time_ns, chunk.end, chunk.ack, raws)
            if held != reader.held:
                self._counters.buffered_bytes += reader.held - held
            if raws:
                self._on_messages(reader, raws, out)
            if left and not reader.is_request and reader.at_boundary and self._is_ahead(chunk.ack):
                return left
        return 0

    def _lose(self, reader: Reader, gap: Gap, out: list[Message]) -> None:
        held = reader.held
        raws = reader.gap(gap.length, gap.time_ns, fault=Fault.TRUNCATED if gap.cut else Fault.GAP)
        self._counters.buffered_bytes += reader.held - held
        self._on_messages(reader, raws, out)

    def _lose_requests(self, reader: Reader | None, gap: Gap, out: list[Message]) -> None:
        before, index, after = State.SEEK if self._seek else _HEAD, self._index, State.SEEK
        if reader is not None:
            before, reading = reader.state, reader.under_way
            if reading is not None and self._waiting:
                self._note_order(self._waiting[-1][2], reading[1])
            self._lose(reader, gap, out)
            after = reader.state
        if after is State.SEEK:
            surely = before is State.LENGTH or (before is _HEAD and self._index == index)
            self._lost().lose_requests((gap.end - gap.length) & MASK, gap.end, surely=surely)
        self._seek = True

    def _lose_answers(self, reader: Reader | None, gap: Gap, out: list[Message]) -> None:
        if reader is not None:
            self._lose(reader, gap, out)
        if reader is None or reader.state is State.SEEK:
            self._lost().lose_answers()
        self._seek = True

    def _lost(self) -> Losses:
        if self._losses is None:
            self._losses = Losses(pipelined=self._pipelined)
        return self._losses

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
        reader, other = self._readers[direction], self._readers[1 - direction]
        if reader is not None:
            return reader.is_request
        return direction == self._flow.initiator if other is None else not other.is_request

    def _is_ahead(self, ack: int) -> bool:
        """Whether an answer acknowledges octets of the client that have not been delivered."""
        if self._client_at >= 0:
            return ack >= 0 and distance(ack, self._client_at) > 0
        return self._flow.initiator is not None and not self._client_done

    def _hold(self, chunk: Chunk, out: list[Message]) -> None:
        self._held.append(chunk)
        self._held_bytes += len(chunk.data)
        self._counters.buffered_bytes += len(chunk.data)
        if self._held_bytes > MAX_HELD_BYTES:
            self._client_at = chunk.ack
            self._release(out)

    def _hold_rest(self, chunk: Chunk, left: int) -> None:
        self._held.appendleft(msgspec.structs.replace(chunk, data=chunk.data[-left:]))
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
                self._lose_answers(reader, event, out)
            else:
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
        self._forget_readers()
        self._connection = None
        self._connect(direction if client else 1 - direction)
        self._reader(1 - direction, not client)
        return self._reader(direction, client)

    def _connect(self, client: int) -> None:
        if self._connection is None:
            flow = self._flow
            ends = (flow.a, flow.b)
            if self._client_at < 0:
                self._client_at = self._unread[client]
            self._connection = Connection(flow.number, ends[client], ends[1 - client], flow.vni)

    def _reader(self, direction: int, client: bool) -> Reader:
        if client:
            reader = Reader(Role.REQUEST, limits=self._limits, seek=self._seek)
        else:
            reader = Reader(
                Role.RESPONSE,
                limits=self._limits,
                keep_body=self._keep,
                method_of_next=self._method_of_next,
                seek=self._seek,
            )
        self._readers[direction] = reader
        return reader

    def _absent(self, role: Role) -> Reader:
        reader = Reader(role, limits=self._limits)
        reader.state = State.ABSENT
        return reader

    def _forget_readers(self) -> None:
        self._counters.buffered_bytes -= sum(reader.held for reader in self._readers if reader is not None)

    def _switch(self) -> None:
        self._forget_readers()
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
        waiting = self._waiting
        if waiting:
            self._note_order(waiting[-1][2], raw.ack)
        waiting.append((request, raw.begin, raw.ack))
        self._waiting_bytes += len(raw.body)
        if len(waiting) > 1 and (len(waiting) > MAX_WAITING or self._waiting_bytes > MAX_WAITING_BYTES >> 4):
            self._keep_waiting_few(out)
        if self._early:
            early, self._early = self._early, []
            for response in early:
                self._answer(len(waiting) - 1, response, out)

    def _note_order(self, seen_before: int, seen: int) -> None:
        """A client that has read no more of the answers when it sends another request does not wait for them."""
        if not self._pipelined and seen >= 0 and distance(seen, seen_before) <= 0:
            self._pipelined = True
            if self._losses is not None:
                self._losses.pipelined = True

    def _keep_waiting_few(self, out: list[Message]) -> None:
        limit_bytes = MAX_WAITING_BYTES if self._answering else MAX_WAITING_BYTES >> 4
        while len(self._waiting) > MAX_WAITING or (
            self._waiting_bytes > limit_bytes and len(self._waiting) > 1
        ):
            out.append(Exchange(self._next_waiting(), None))
            self._lost().lose_answers()

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
        if self._waiting and self._losses is None and response.status >= 200:
            out.append(Exchange(self._next_waiting(), response))
            if self._waiting:
                self._note_order(raw.begin, self._waiting[0][2])
        else:
            self._pair(response, raw, out)

    def _pair(self, response: Response, raw: Raw, out: list[Message]) -> None:
        losses, reading = self._losses, self._reading()
        if losses is None:
            found = 0 if self._waiting else NONE if reading is None else READING
        elif _is_final(response):
            found = losses.answered(self._waiting, reading, raw.begin, raw.ack)
        else:
            found = losses.find(self._waiting, reading, raw.begin, raw.ack)
        if found == READING and len(self._early) < MAX_EARLY:
            self._early.append(response)
        else:
            self._answer(found, response, out)

    def _answer(self, index: int, response: Response, out: list[Message]) -> None:
        """Pair an answer with the request at `index` of those that wait; those before it have none to come."""
        if index < 0:
            out.append(self._orphan(response, index))
        elif not _is_final(response):
            self._counters.interim += 1
            out.append(Exchange(self._waiting[index][0], response))
        else:
            out.extend(Exchange(self._next_waiting(), None) for _ in range(index))
            begin = self._waiting[0][1]
            out.append(Exchange(self._next_waiting(), response))
            if self._losses is not None and not self._waiting and self._losses.are_over(begin):
                self._losses = None

    def _orphan(self, response: Response, why: int) -> Exchange:
        final = _is_final(response)
        self._counters.interim += not final
        self._counters.responses_without_request += 1
        return Exchange(None, response, final and why == LOST)

    def _reading(self) -> Numbers | None:
        """The numbers of the request that is being read."""
        for reader in self._readers:
            if reader is not None and reader.is_request:
                return reader.under_way
        return None

    def _method_of_next(self, begin: int, ack: int) -> bytes | None:
        """The method of the request that the answer with these numbers is for; see `Reader`."""
        waiting = self._waiting
        found = 0 if waiting else READING
        if self._losses is not None:
            found = self._losses.find(waiting, self._reading(), begin, ack)
        if found >= 0:
            return waiting[found][0].method
        for reader in self._readers:
            if reader is not None and reader.is_request and found == READING:
                return reader.method
        return b"" if self._index or self._flow.initiator is not None else None


def _is_final(response: Response) -> bool:
    return response.status >= 200 or response.status == 101
