"""The demo's shop in two versions, fed to a comparison without any packet: thousands of requests a second.

Visitors only know production. What they ask goes to the target too, with a lag, in the order of each visit, several
visits at once; production's answers become known before or after the target's. Time is a number that goes on.
"""

from collections import deque
from random import Random

from compare.answers import CLIENT, NOW, SECOND, SERVER, TARGET
from shadowtap.compare import Comparison
from shadowtap.compare.sessions import Rebinder, Rebound, Wait
from shadowtap.demo import wire
from shadowtap.demo.production import thinking_s
from shadowtap.demo.regressions import Regression
from shadowtap.demo.shop import Ask, Reply, Shop
from shadowtap.demo.visitors import visit
from shadowtap.events import Connection, Endpoint, Exchange, Outcome, Request, Response, replace

AT_ONCE = 20
"""Visits under way."""
LAG = 60
"""Requests that production has had and the target has not."""


class Feed:
    """Feeds. `rebinder` is None to go without."""

    def __init__(
        self,
        seed: int,
        regressions: frozenset[Regression] = frozenset(),
        *,
        rebinder: Rebinder | None = None,
        comparison: Comparison | None = None,
    ) -> None:
        self.comparison = comparison or Comparison()
        self.rebinder = rebinder
        self.statuses: list[tuple[bytes, bytes, int, int]] = []
        self._dice = Random(seed)
        self._production = Shop(Random(seed + 1))
        self._target = Shop(Random(seed + 2), regressions)
        self._slow = Regression.SLOW_SEARCH in regressions
        self._now = NOW
        self._visits: list[Visit] = []
        self._count = 0
        self._unheard: deque[Exchange] = deque()
        self._half: dict[tuple[int, int], Outcome] = {}

    def run(self, requests: int) -> "Feed":
        """So many requests, and everything that comes of them."""
        for _ in range(requests):
            self._now += self._dice.randrange(1, 20) * SECOND // 1000
            self._ask()
            while sum(len(v.queue) for v in self._visits) > LAG or self._dice.random() < 0.5:
                self._replay_one()
        while any(v.queue for v in self._visits):
            self._replay_one()
        while self._unheard:
            self._hear(self._unheard[0])
        return self

    def _ask(self) -> None:
        asking = [v for v in self._visits if v.next is not None]
        if len(asking) < AT_ONCE:
            self._count += 1
            asking.append(Visit(self._count, self._dice))
            self._visits = [v for v in self._visits if v.next is not None or v.queue] + asking[-1:]
        visitor = self._dice.choice(asking)
        self._now = max(self._now, visitor.ready_ns)
        request = visitor.request(self._now)
        reply = self._production.answer(visitor.asked(), self._now / SECOND)
        took = self._took(request, 1.0)
        exchange = Exchange(request, _response(request, reply, took))
        visitor.take(reply, self._now + took + 1)
        if self.rebinder is not None:
            self.rebinder.expect(request)
        visitor.queue.append(exchange)
        self._unheard.append(exchange)

    def _took(self, request: Request, slowness: float) -> int:
        asked = Ask(request.method.decode(), request.target.decode())
        return int(thinking_s(asked) * slowness * self._dice.lognormvariate(0, 0.3) * SECOND)

    def _hear(self, exchange: Exchange) -> None:
        """One of production's answers becomes known."""
        self._unheard.remove(exchange)
        if self.rebinder is not None:
            self.rebinder.produced(exchange)
        self.comparison.production(exchange)
        outcome = self._half.pop(_key(exchange), None)
        if outcome is not None:
            self._judge(exchange, outcome)

    def _replay_one(self) -> None:
        """The next request of a visit goes to the target, unless it has to wait."""
        waiting = [v for v in self._visits if v.queue]
        if not waiting:
            return
        queue = self._dice.choice(waiting).queue
        exchange = queue[0]
        for known in [e for e in self._unheard if e.response.end_ns < exchange.request.time_ns]:
            self._hear(known)  # its client may know of these answers, so the mirror has shown them
        if self._unheard and self._dice.random() < 0.5:
            self._hear(self._unheard[0])
        sent = self._rebound(exchange.request)
        if sent is None:
            if self._unheard:
                self._hear(self._unheard[0])
            return
        queue.popleft()
        outcome = self._answered(sent)
        if self.rebinder is not None:
            self.rebinder.answered(exchange.request, outcome)
        if exchange in self._unheard:
            self._half[_key(exchange)] = outcome
        else:
            self._judge(exchange, outcome)

    def _rebound(self, request: Request) -> Request | None:
        if self.rebinder is None:
            return request
        rebound = self.rebinder.before(request)
        assert isinstance(rebound, Rebound | Wait)
        return rebound.request if isinstance(rebound, Rebound) else None

    def _answered(self, sent: Request) -> Outcome:
        self._now += SECOND // 1000
        reply = self._target.answer(_asked(sent), self._now / SECOND)
        slow = 2.5 if self._slow and sent.target.startswith(b"/search") else 0.9
        took = self._took(sent, slow)
        response = _response(sent, reply, took)
        at = self._now - took
        return Outcome(TARGET, sent, at, took, took, reply.status, response.head, response.body, None)

    def _judge(self, exchange: Exchange, outcome: Outcome) -> None:
        request, response = exchange.request, exchange.response
        self.statuses.append((request.method, request.target, response.status, outcome.status))
        issued = self.rebinder.bindings if self.rebinder is not None else frozenset()
        self.comparison.answered(exchange, outcome, issued=issued, now_ns=self._now)


class Visit:
    """One visitor, and what the target has still to be asked of it."""

    def __init__(self, number: int, dice: Random) -> None:
        address = CLIENT.address + number % 250
        self._connection = Connection(number, Endpoint(address, 20_000 + number % 40_000), SERVER, None)
        self._steps = visit(dice, number, member=dice.random() < 0.6)
        self._index = 0
        self.next: Ask | None = next(self._steps)
        self.ready_ns = 0
        self.queue: deque[Exchange] = deque()

    def asked(self) -> Ask:
        """What is asked now."""
        assert self.next is not None
        return self.next

    def request(self, at: int) -> Request:
        """The same as it is on the wire."""
        ask = self.asked()
        whole = wire.request(ask)
        head = whole[: len(whole) - len(ask.body)]
        method, target = ask.method.encode(), ask.target.encode()
        self._index += 1
        return Request(
            self._connection, self._index, at, at, method, target, b"1.1", head, ask.body, False, (), None
        )

    def take(self, reply: Reply, ready_ns: int) -> None:
        """Production's reply."""
        self.ready_ns = ready_ns
        try:
            self.next = self._steps.send(reply)
        except StopIteration:
            self.next = None


def _key(exchange: Exchange) -> tuple[int, int]:
    return exchange.request.connection.number, exchange.request.index


def _asked(sent: Request) -> Ask:
    lines = sent.head.decode("latin-1").split("\r\n")[1:-2]
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Ask(sent.method.decode(), sent.target.decode(), headers, sent.body)


def _response(request: Request, reply: Reply, took: int) -> Response:
    whole = wire.response(reply)
    head, _, body = whole.partition(b"\r\n\r\n")
    at = request.end_ns + took
    return replace(
        Response(
            request.connection, at, at, reply.status, b"", b"1.1", head + b"\r\n\r\n", body, len(body), False, (), None
        ),
        chunked=reply.chunked,
    )  # fmt: skip
