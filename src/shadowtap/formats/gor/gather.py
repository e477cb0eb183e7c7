"""Records joined by their ID to one `Observation` for each request: with production's answer, and those of
targets."""

from collections import Counter

from shadowtap.events import Exchange, Observation, Outcome, Request, Response
from shadowtap.formats.gor.identity import Connections, names_connection
from shadowtap.formats.gor.messages import (
    EXCESS,
    NOT_HTTP,
    answer_of,
    closes,
    excess,
    is_last,
    outcome_of,
    raw_answers,
    raw_requests,
    request_of,
)
from shadowtap.formats.gor.records import Kind, Record
from shadowtap.formats.gor.waiting import Waiting
from shadowtap.http1 import Raw

NO_REQUEST, TOO_MANY = "answers_without_request", "too_many_answers"
MAX_OUTCOMES = 16
"""Replayed answers that are kept of one request: as many targets."""


class _Open:
    """A request, and what has come for it."""

    __slots__ = ("outcomes", "request", "response")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.response: Response | None = None
        self.outcomes: list[Outcome] = []

    def lacks_response(self) -> bool:
        return self.response is None

    def lacks_outcomes(self) -> bool:
        return not self.outcomes

    def has_room(self) -> bool:
        return len(self.outcomes) < MAX_OUTCOMES

    def observation(self) -> Observation:
        fate = "replayed" if self.outcomes else ""
        if self.request.fault is not None:
            fate = f"incomplete: {self.request.fault}"
        return Observation(Exchange(self.request, self.response), fate, tuple(self.outcomes))


class Gatherer:
    """Records in, observations out, in the order of their requests. A record does not name its target, so they
    are called `target-1`, `target-2` in the order of their answers, and it does not say what became of a request
    that no target answered: its fate is empty. `lost` counts what becomes no observation, by reason."""

    def __init__(self) -> None:
        self.lost: Counter[str] = Counter()
        self._connections = Connections()
        self._open: Waiting[_Open] = Waiting()
        self._early: Waiting[Record] = Waiting()
        self._now_ns = 0

    def feed(self, record: Record) -> list[Observation]:
        """The observations to which nothing more is to come."""
        self._now_ns = max(self._now_ns, record.time_ns)
        self._connections.advance(self._now_ns)
        if record.kind is Kind.REQUEST:
            self._take_request(record)
        else:
            self._take_answer(record)
        for _ in self._early.release(self._now_ns):
            self.lost[NO_REQUEST] += 1
        return [opened.observation() for opened in self._open.release(self._now_ns)]

    def finish(self) -> list[Observation]:
        """Nothing more comes."""
        for _ in self._early.drain():
            self.lost[NO_REQUEST] += 1
        return [opened.observation() for opened in self._open.drain()]

    def _take_request(self, record: Record) -> None:
        found = raw_requests(record.payload)
        if not found:
            self.lost[NOT_HTTP] += 1
            return
        self._count_excess(record, found)
        for raw in found:
            request = request_of(raw, record, *self._connections.request(record.id, record.time_ns))
            self._open.put(record.id, _Open(request), len(raw.head) + len(raw.body), record.time_ns)
        if not names_connection(record.id) or closes(found[-1].head):
            self._connections.end(record.id)
        while (early := self._early.pop(record.id)) is not None:
            self._take_answer(early)

    def _count_excess(self, record: Record, found: list[Raw]) -> None:
        octets = excess(record.payload, found)
        if octets:
            self.lost[EXCESS] += octets

    def _take_answer(self, record: Record) -> None:
        name, octets = record.id, len(record.payload)
        if self._open.first(name) is None:
            self._early.put(name, record, octets, self._now_ns)
        elif record.kind is Kind.RESPONSE:
            self._take_response(record, self._open.join(name, octets, _Open.lacks_response))
        else:
            opened = self._open.join(name, octets, _Open.lacks_outcomes)
            self._take_replayed(record, opened or self._open.join(name, octets, _Open.has_room))

    def _take_response(self, record: Record, opened: _Open | None) -> None:
        if opened is None:
            self.lost[TOO_MANY] += 1
            return
        request = opened.request
        found = raw_answers(record.payload, request.method)
        self._count_excess(record, found)
        final = next((raw for raw in found if is_last(raw)), None)
        if final is not None:
            opened.response = answer_of(final, record, request, request.connection)
        elif not found:
            self.lost[NOT_HTTP] += 1

    def _take_replayed(self, record: Record, opened: _Open | None) -> None:
        if opened is None:
            self.lost[TOO_MANY] += 1
        else:
            target = f"target-{len(opened.outcomes) + 1}"
            opened.outcomes.append(outcome_of(record, opened.request, target))
