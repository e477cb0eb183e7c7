"""Records joined by their ID to what the pipeline gives: a `Request` at once, an `Exchange` when its answer
comes.

GoReplay writes each message when it is complete, so an answer may stand in front of its request: such an answer
is kept for a while. Most files hold no answers at all; then each request makes an exchange without one when it
has waited long enough (`waiting`).

Several requests with the same ID (files made by hand) are answered in their order.
"""

from collections import Counter

from shadowtap.events import Connection, Exchange, Message, Request
from shadowtap.formats.gor.identity import Connections, names_connection
from shadowtap.formats.gor.messages import (
    EXCESS,
    NOT_HTTP,
    answer_of,
    closes,
    excess,
    is_last,
    raw_answers,
    raw_requests,
    request_of,
)
from shadowtap.formats.gor.records import Kind, Record
from shadowtap.formats.gor.waiting import Waiting
from shadowtap.http1 import Raw

REPLAYED = "replayed_answers"


class Joiner:
    """Records in, messages out. `lost` counts what does not become a message, by reason; connections are numbered
    from `first_connection` on."""

    def __init__(self, *, first_connection: int = 0) -> None:
        self.lost: Counter[str] = Counter()
        self._connections = Connections(first_number=first_connection)
        self._requests: Waiting[Request] = Waiting()
        self._answers: Waiting[Record] = Waiting()
        self._now_ns = 0

    def feed(self, record: Record) -> list[Message]:
        """The messages that a record completes."""
        out: list[Message] = []
        self._now_ns = max(self._now_ns, record.time_ns)
        self._release(out)
        if record.kind is Kind.REQUEST:
            self._take_request(record, out)
        elif record.kind is Kind.RESPONSE:
            self._take_answer(record, out)
        else:
            self.lost[REPLAYED] += 1
        return out

    def finish(self) -> list[Message]:
        """Nothing more comes."""
        out: list[Message] = [Exchange(request, None) for request in self._requests.drain()]
        for record in self._answers.drain():
            self._pair(record, None, out)
        out += self._connections.finish()
        return out

    def _take_request(self, record: Record, out: list[Message]) -> None:
        found = raw_requests(record.payload)
        if not found:
            self.lost[NOT_HTTP] += 1
            return
        self._count_excess(record, found)
        for raw in found:
            request = request_of(raw, record, *self._connections.request(record.id, record.time_ns))
            out.append(request)
            self._requests.put(record.id, request, len(raw.head) + len(raw.body), record.time_ns)
            early = self._answers.pop(record.id)
            if early is not None:
                self._pair(early, self._requests.first(record.id), out)
        if not names_connection(record.id) or closes(found[-1].head):
            out += self._connections.end(record.id)

    def _count_excess(self, record: Record, found: list[Raw]) -> None:
        octets = excess(record.payload, found)
        if octets:
            self.lost[EXCESS] += octets

    def _take_answer(self, record: Record, out: list[Message]) -> None:
        request = self._requests.first(record.id)
        if request is None:
            self._answers.put(record.id, record, len(record.payload), self._now_ns)
        else:
            self._pair(record, request, out)

    def _pair(self, record: Record, request: Request | None, out: list[Message]) -> None:
        found = raw_answers(record.payload, None if request is None else request.method)
        if not found:
            self.lost[NOT_HTTP] += 1
            return
        self._count_excess(record, found)
        for raw in found:
            connection = self._connection(record, request)
            out.append(Exchange(request, answer_of(raw, record, request, connection)))
            if is_last(raw):
                self._requests.pop(record.id)
                request = self._requests.first(record.id)

    def _connection(self, record: Record, request: Request | None) -> Connection:
        if request is not None:
            return request.connection
        return self._connections.answer(record.id, record.time_ns)

    def _release(self, out: list[Message]) -> None:
        out += [Exchange(request, None) for request in self._requests.release(self._now_ns)]
        for record in self._answers.release(self._now_ns):
            self._pair(record, None, out)
        out += self._connections.advance(self._now_ns)
