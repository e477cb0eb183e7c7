"""Which request an answer belongs to.

Answers come in the order of the requests: as long as nothing is missing, the oldest request that waits is answered.
Once octets of either direction are lost the order alone misleads, and one wrong guess would shift every later pair;
no pair is better than a wrong one. Then the acknowledgements tell (RFC 9293, section 3.4): a request says how much of
the server's stream its client had read when it sent it, an answer how much of the client's its server had.

A client sends requests one at a time or in bursts, and waits for all answers before it goes on. Nothing is under way
when it sends the first of a burst, a request that *leads*. Therefore:

1. The answer that begins where the client had read to when it sent a leading request is that request's.
2. The answer that ends there, behind which there was nothing, is that of the request directly before it.
3. From such a pair on the order holds again, up to the next loss.

A request leads when no other waits; when more had been read than at the one directly before it; and, behind a hole,
when a packet of what had been read acknowledges everything before it. An answer for which rule 1 finds nothing waits
for rule 2: until the client speaks again, or the server ends its stream in order. Of a connection joined mid-stream
the first request is taken to lead in the end, where nothing that was captured says otherwise.

A client that goes on while answers are under way (a sliding window) gives itself away while nothing is lost. No rule
holds for it, and after a loss it gets no more pairs.
"""

from collections import deque
from typing import NamedTuple

from shadowtap.events import Flag, Message
from shadowtap.events.messages import Exchange, Request, Response, whole_exchange
from shadowtap.http1 import Reader
from shadowtap.ledger import MessageCounters
from shadowtap.messages.acknowledged import FOLLOWS, LEADS, TORN, Sent, may_answer, shows_lead
from shadowtap.serial import distance

MAX_WAITING = 256
MAX_WAITING_BYTES = 16 << 20
"""Requests of one connection that wait for an answer, and the octets of their bodies, a sixteenth of them where no
answer has been captured yet; beyond it the oldest is given up as not answered."""
MAX_EARLY = 16
"""Answers that wait for the request that is being read, or for the client to speak again; a real server sends an
interim one and a final one."""
SHORTEST = 16
"""Octets of a request line with its end; an answer that acknowledges less of a hole does not tell of a request."""

NONE, READING = -1, -2
"""No request that can be named; the one that is being read."""


class _Late(NamedTuple):
    """The last answer, with the interim ones before it, that waits for rule 2; where they begin and end."""

    responses: tuple[Response, ...]
    begin: int
    end: int

    @property
    def final(self) -> Response | None:
        return self.responses[-1] if is_final(self.responses[-1]) else None


class Pairing:
    """The requests of one connection that wait, and the answers to them.

    While `careful` is False the order decides, and `asked` and `answered` do next to nothing. `reader` is the one
    that reads the requests, for answers that come before their request is complete. `joined`: the first octets of
    the connection are not known.
    """

    __slots__ = (
        "_answering",
        "_counters",
        "_early",
        "_first",
        "_fresh",
        "_heard",
        "_hole",
        "_joined",
        "_late",
        "_sliding",
        "_sure",
        "_torn",
        "_waiting_bytes",
        "careful",
        "reader",
        "waiting",
    )

    def __init__(self, counters: MessageCounters, *, joined: bool) -> None:
        self.careful = True
        self.reader: Reader | None = None
        self.waiting: deque[Sent] = deque()
        self._waiting_bytes = 0
        self._counters = counters
        self._answering = False
        self._first = (
            True  # the next answer is the first, and tells whether the server's first octets are known
        )
        self._fresh = not joined  # nothing has happened yet, or one request
        self._sure = not joined  # the next answer is that of the request that has waited longest
        self._torn = joined  # the next request does not follow directly on the one before it
        self._joined = joined  # and nothing has been lost since
        self._hole = -1  # where the first hole begins that may have held requests
        self._heard = (-1, -1)  # where the server's last packet began, and what it acknowledged
        self._early: list[Response] = []
        self._late: _Late | None = None
        self._sliding = False

    # -- what happens ------------------------------------------------------------------------------------------

    def asked(self, request: Request, begin: int, ack: int, out: list[Message]) -> None:
        """The client sent a request, from stream position `begin` on, when it had read up to `ack`."""
        waiting = self.waiting
        if request.body:
            self._waiting_bytes += len(request.body)
        if waiting or (self.careful and not self._fresh):
            self._fresh = False
            self._ask_carefully(request, begin, ack, out)
        else:
            waiting.append((request, begin, ack, LEADS))

    def begins(self, begin: int) -> bool:
        """Whether an answer that begins there is the first of all, to the first request of all, and nothing before
        either of them can have been lost: from here on the order decides."""
        if self._fresh and len(self.waiting) == 1 and self.waiting[0][2] == begin:
            self._fresh = self._first = self.careful = False
            self._answering = True
            return True
        return False

    def answered(self, response: Response, begin: int, end: int, ack: int, out: list[Message]) -> None:
        """The server sent an answer, from `begin` to `end`, when it had read up to `ack`."""
        if self.careful or not self.waiting or response.status < 200:
            self._answer_carefully(response, begin, end, ack, out)
            return
        request = self.waiting.popleft()[0]
        if request.body:
            self._waiting_bytes -= len(request.body)
        out.append(whole_exchange(request, response))
        if self.waiting:
            self._notice_sliding(end)

    def method(self, begin: int, ack: int) -> bytes:
        """The method of the request to which the answer belongs that begins there; empty where that is not known."""
        if self.waiting and not self.careful:
            return self.waiting[0][0].method
        found = self._find(begin, ack)
        if found >= 0:
            return self.waiting[found][0].method
        reading = self.reader.method if self.reader is not None else None
        if found == READING:
            return reading or b""
        possible = {sent[0].method for sent in self.waiting if not sent[3] & LEADS}
        if reading:
            possible.add(reading)
        return b"HEAD" if possible == {b"HEAD"} and not self._torn else b""

    def heard(self, begin: int, ack: int) -> None:
        """The server sent a packet, whatever was in it."""
        self._fresh = False
        if not self.careful:
            return
        for place, (request, at, seen, how) in enumerate(self.waiting):
            if how == TORN and not self._sliding and shows_lead(begin, ack, at, seen):
                self.waiting[place] = (request, at, seen, TORN | LEADS)
        if self._reading() is None:
            self._heard = (begin, ack)

    def lose_requests(self, out: list[Message], hole: int = -1) -> None:
        """What the client sent next is not known: octets are lost from `hole` on, or could not be read (-1)."""
        self._fresh = False
        self.careful = self._torn = True
        self._joined &= hole < 0
        if self._hole < 0:
            self._hole = hole
        if not self.waiting:
            self._sure = False
        self._let_go(out)

    def lose_answers(self, out: list[Message]) -> None:
        """What the server sent next is not known."""
        self._fresh = False
        self.careful, self._sure = True, False
        self._joined &= self._first
        self._let_go(out)

    def end_answers(self, out: list[Message]) -> None:
        """The server will send nothing more, and nothing of what it sent last is lost."""
        late = self._late
        if late is not None and self._reading() is None and Flag.UNTIL_CLOSE not in late.responses[-1].flags:
            self._settle_late(late.end, out)

    def close(self, out: list[Message]) -> None:
        """Nothing more will come."""
        late, waiting = self._late, self.waiting
        if late is not None and self._joined and len(waiting) == 1:
            self._settle_late(late.end if late.begin == waiting[0][2] else -1, out)
        self._let_go(out)
        for response in self._early:
            self._orphan(response, out)
        self._give_up(len(self.waiting), out)
        self._early = []

    # -- requests ----------------------------------------------------------------------------------------------

    def _ask_carefully(self, request: Request, begin: int, ack: int, out: list[Message]) -> None:
        waiting = self.waiting
        self._settle_late(ack, out)
        waiting.append((request, begin, ack, self._how(begin, ack)))
        self._torn = False
        if self._early:
            early, self._early = self._early, []
            for response in early:
                if waiting:
                    self._pair(len(waiting) - 1, response, -1, out)
                else:
                    self._orphan(response, out)
            self._relax()
        if len(waiting) > 1 and (len(waiting) > MAX_WAITING or self._waiting_bytes > MAX_WAITING_BYTES >> 4):
            self._keep_few(out)

    def _how(self, begin: int, ack: int) -> int:
        """How a request was sent that is behind all that wait."""
        if self._torn:
            leads = not self._sliding and shows_lead(*self._heard, begin, ack)
            return TORN | LEADS if leads else TORN
        if not self.waiting:
            return LEADS
        before = self.waiting[-1][2]
        more = ack >= 0 and before >= 0 and distance(ack, before) > 0
        return LEADS if more and not self._sliding else FOLLOWS

    def _keep_few(self, out: list[Message]) -> None:
        limit_bytes = MAX_WAITING_BYTES if self._answering else MAX_WAITING_BYTES >> 4
        while len(self.waiting) > MAX_WAITING or (
            self._waiting_bytes > limit_bytes and len(self.waiting) > 1
        ):
            self._give_up(1, out)
            self.lose_answers(out)

    def _give_up(self, count: int, out: list[Message]) -> None:
        """The first of those that wait have no answer to come."""
        out.extend(Exchange(self._next(), None) for _ in range(count))

    def _next(self) -> Request:
        request = self.waiting.popleft()[0]
        self._waiting_bytes -= len(request.body)
        return request

    def _reading(self) -> tuple[int, int] | None:
        return self.reader.under_way if self.reader is not None else None

    # -- answers -----------------------------------------------------------------------------------------------

    def _answer_carefully(
        self, response: Response, begin: int, end: int, ack: int, out: list[Message]
    ) -> None:
        found = self._find(begin, ack)
        if found == NONE and not self._sure and is_final(response) and response.fault is None:
            found = self._directly_before(end, begin, ack)
        if found == READING and len(self._early) < MAX_EARLY:
            self.careful = True
            self._early.append(response)
        elif found >= 0:
            self._let_go(out)
            self._pair(found, response, end, out)
        else:
            self.careful, self._sure = True, False
            self._wait_or_go(response, begin, end, ack, out)
        self._first, self._answering = False, True
        self._relax()

    def _find(self, begin: int, ack: int) -> int:
        """Which of those that wait is answered by what begins there: by the order, or by rule 1."""
        waiting, reading = self.waiting, self._reading()
        if self._sure:
            awaited = waiting[0][1:3] if waiting else reading
            if awaited is not None and may_answer(*awaited, begin, ack, first=self._first):
                return 0 if waiting else READING
        for place, sent in enumerate(waiting):
            if sent[3] & LEADS and sent[2] == begin:
                return place
        if reading is not None and reading[1] == begin and self._how(*reading) & LEADS:
            return READING
        return NONE

    def _directly_before(self, end: int, begin: int, ack: int) -> int:
        """Rule 2, for a client that has gone on already."""
        reading = self._reading()
        numbers = [sent[1:] for sent in self.waiting] + ([(*reading, self._how(*reading))] if reading else [])
        for place in range(1, len(numbers)):
            at, seen, _ = numbers[place - 1]
            if numbers[place][1:] == (end, LEADS) and may_answer(at, seen, begin, ack):
                return place - 1
        return NONE

    def _pair(self, place: int, response: Response, end: int, out: list[Message]) -> None:
        """What answers one of those that wait leaves those before it without answer."""
        self._give_up(place, out)
        self._sure = True
        if not is_final(response):
            self._counters.interim += 1
            out.append(Exchange(self.waiting[0][0], response))
            return
        out.append(Exchange(self._next(), response))
        if self._torn if not self.waiting else self.waiting[0][3] & TORN:
            self._sure = False
        elif self.waiting and end >= 0:
            self._notice_sliding(end)

    def _notice_sliding(self, end: int) -> None:
        """A client that had read something more, but not all of the answer before, does not wait."""
        _, _, seen, how = self.waiting[0]
        if how == LEADS and distance(end, seen) > 0:
            self._sliding = True
            self.waiting = deque((*sent[:3], sent[3] & ~LEADS) for sent in self.waiting)

    def _relax(self) -> None:
        """Nothing is left in doubt."""
        if self._sure and not (self.waiting or self._torn or self._early or self._late):
            self.careful, self._hole = False, -1

    # -- answers without a request -----------------------------------------------------------------------------

    def _wait_or_go(self, response: Response, begin: int, end: int, ack: int, out: list[Message]) -> None:
        waiting, reading, late = self.waiting, self._reading(), self._late
        sent = [(at, seen) for _, at, seen, _ in waiting] + ([reading] if reading is not None else [])
        may_be = [may_answer(at, seen, begin, ack) for at, seen in sent]
        if late is not None and late.final is not None:
            self._let_go(out, lost=self._hole >= 0 and len(sent) == 1 and not self._torn)
            late = None
        before, first = ((), begin) if late is None else (late.responses, late.begin)
        fits = bool(may_be) and may_be[-1] and reading is None and not self._torn and response.fault is None
        if fits and len(before) < MAX_EARLY:
            self._late = _Late((*before, response), first, end)
            self._counters.buffered_bytes += len(response.body)
        else:
            beyond = self._hole >= 0 and ack >= 0 and distance(ack, self._hole) >= SHORTEST
            self._let_go(out)
            self._orphan(response, out, lost=beyond and is_final(response) and not any(may_be))

    def _settle_late(self, seen: int, out: list[Message]) -> None:
        """Rule 2: the client speaks again, and has read up to `seen`."""
        late = self._late
        if late is None or self._sliding or seen != late.end or not (self.waiting and late.final):
            self._let_go(out)
            return
        self._late = None
        for response in late.responses:
            self._counters.buffered_bytes -= len(response.body)
            self._pair(len(self.waiting) - 1, response, late.end, out)

    def _let_go(self, out: list[Message], *, lost: bool = False) -> None:
        if self._late is not None:
            late, self._late = self._late, None
            for response in late.responses:
                self._counters.buffered_bytes -= len(response.body)
                self._orphan(response, out, lost=lost and response is late.final)

    def _orphan(self, response: Response, out: list[Message], *, lost: bool = False) -> None:
        self._counters.interim += not is_final(response)
        self._counters.responses_without_request += 1
        out.append(Exchange(None, response, lost))


def is_final(response: Response) -> bool:
    """Whether it is the last answer to its request."""
    return response.status >= 200 or response.status == 101
