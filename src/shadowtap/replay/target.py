"""One target: its lanes, limits, breaker, addresses and account.

Limits. `queue` requests and `queue_bytes` octets may be waiting or under way; what comes beyond is dropped and
counted as overflowed. `in_flight` lanes may have a request under way; others stand in line. `connections` sockets
may be open: beyond that the connection that has rested longest is closed. Requests of a target whose breaker is open
fail at once.

Addresses. A name may have several; the one that was good last is tried first, then the others.

Deadlines are looked at by `tick`, a few times a second, rather than by a timer each: all requests have the same
time-out, so those sent first are due first.

Speed. Nearly always a request comes for a lane that has a connection and nothing to do, and its answer finds nothing
waiting; `offer` and `answered` settle that case on the spot.
"""

import asyncio
import os
import socket
import ssl
from collections import deque
from collections.abc import Callable
from ipaddress import ip_address
from time import monotonic, time_ns
from typing import cast

from shadowtap.errors import RunError
from shadowtap.events import Endpoint, Failure, Outcome
from shadowtap.events.messages import Request
from shadowtap.http1 import Limits
from shadowtap.http1.plain import Plain
from shadowtap.ledger import RATE_LIMIT, TargetAccount
from shadowtap.replay.breaker import Breaker
from shadowtap.replay.lane import Lane
from shadowtap.replay.link import Ended, Link, Links
from shadowtap.replay.outgoing import Outgoing
from shadowtap.replay.wire import Wire

_TROUBLE = frozenset(Failure) - {Failure.BREAKER, Failure.INTERRUPTED, Failure.REFUSED}
"""Failures that speak against the target."""
TIME_WAIT_BUDGET = 8_000
"""Connections a minute that we close in the polite way. Each leaves a local port unusable for 60 s, of some 28,000;
beyond the budget connections are closed with a reset, which a target that has answered everything does not mind."""
RESOLVE_EVERY_S = 60.0
_DRAIN_S = 0.01
"""How often to look whether everything is settled, at the end."""


class Target:
    """Replays requests against one environment. All methods must be called from the event loop.

    `authority` replaces Host, None keeps it. `allows` says for a moment in nanoseconds whether one more request may
    be sent, None where their rate has no limit. `pool` is the number of shared connections, 0 for one of its own per
    production connection. `notify` gets one-line notices; `on_outcome` every outcome, with bodies if
    `keep_answer_bodies`; `on_addresses` is called when the name has been looked up again. `offer` never blocks.
    """

    def __init__(
        self,
        account: TargetAccount,
        *,
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
        authority: bytes | None = None,
        pool: int = 0,
        timeout_s: float = 30.0,
        connect_timeout_s: float = 5.0,
        in_flight: int = 10_000,
        queue: int = 20_000,
        queue_bytes: int = 128 << 20,
        connections: int = 20_000,
        limits: Limits | None = None,
        allows: Callable[[int], bool] | None = None,
        keep_answer_bodies: bool = False,
        notify: Callable[[str], None] | None = None,
        on_outcome: Callable[[Outcome], None] | None = None,
        on_addresses: "Callable[[Target], None] | None" = None,
    ) -> None:
        self.account = account
        self.addresses: list[Endpoint] = []
        self._held_bytes = 0
        self._host, self._port, self._tls = host, port, tls
        self._pool = pool
        self._timeout_s, self._connect_timeout_s = timeout_s, connect_timeout_s
        self._in_flight_limit, self._queue_limit, self._byte_limit = in_flight, queue, queue_bytes
        self._connection_limit = connections
        self._limits = limits or Limits()
        self._allows = allows
        self.full = self.limited = False
        self._keep_bodies = keep_answer_bodies
        self._notify = notify
        self._on_outcome = on_outcome
        self._on_addresses = on_addresses
        self._breaker = Breaker()
        self._lanes: dict[int, Lane] = {}
        self._busy: dict[Lane, None] = {}
        self._dialing: dict[Lane, float] = {}
        self._resting: dict[Lane, None] = {}
        self._line: deque[Lane] = deque()
        self._refused: str | None = None
        self._plain = Plain()
        self._outgoing = Outgoing(authority)
        self._links = Links(self._pass_over)
        self._soft_closes = 0
        self._soft_closes_since = 0.0
        self._why_down = ""
        self._resolved_at = 0.0
        self._resolving: asyncio.Task[None] | None = None

    # -- before the run ----------------------------------------------------------------------------------------

    async def resolve(self) -> None:
        """Look up the addresses. Raises RunError when there are none."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise RunError(
                f"target {self.account.name}: no address for {self._host}: {reason}; check the name"
            ) from None
        hosts = dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)
        addresses = [Endpoint(ip_address(host), self._port) for host in hosts]
        in_use = self.addresses[:1]
        self.addresses = sorted(addresses, key=lambda endpoint: endpoint not in in_use)
        self._resolved_at = monotonic()

    async def try_connection(self) -> None:
        """Connect once and close again. Raises RunError when none of the addresses can be reached."""
        reason = ""
        for _ in self.addresses:
            try:
                async with asyncio.timeout(self._connect_timeout_s):
                    transport = await self._dial(asyncio.Protocol())
            except OSError as error:
                reason = _reason(error)
            else:
                transport.abort()
                return
        advice = "is it running, and is the way open?"
        if reason.startswith("TLS: "):
            advice = "does it speak TLS on that port, with a certificate that can be verified?"
        raise RunError(f"target {self.account.name} cannot be reached: {reason}; {advice}")

    # -- requests ----------------------------------------------------------------------------------------------

    def offer(self, request: Request) -> bool:
        """Take a request for replay; False when it is refused or there is no room. Counts either way."""
        account = self.account
        account.offered += 1
        size = len(request.head) + len(request.body)
        held_bytes = self._held_bytes + size
        if (
            self._refused is not None
            or account.in_flight >= self._queue_limit
            or held_bytes > self._byte_limit
            or (self._allows is not None and not self._allows(time_ns()))
        ):
            return self._turn_away(held_bytes)
        account.replayed += 1
        account.in_flight += 1
        self._held_bytes = held_bytes
        if self._breaker.open and not self._breaker.allows(monotonic()):
            self._settle(request)
            self._count_failure(request, Failure.BREAKER, 0)
        else:
            self._give(request)
        return True

    def _give(self, request: Request) -> None:
        """A request that was taken goes to its lane."""
        key = request.connection.lane_number()
        if self._pool:
            key %= self._pool
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(self, key)
        if lane in self._resting and not self._line and not self._is_full():
            del self._resting[lane]
            self._busy[lane] = None
            lane.send(request)
        else:
            lane.push(request)

    def _turn_away(self, held_bytes: int) -> bool:
        """Count a request that is not taken; `full` and `limited` say why for as long as it is the last one."""
        account = self.account
        self.full = self.limited = False
        if self._refused is not None:
            account.refused[self._refused] += 1
        elif account.in_flight >= self._queue_limit or held_bytes > self._byte_limit:
            account.overflowed += 1
            self.full = True
        else:
            account.refused[RATE_LIMIT] += 1
            self.limited = True
        return False

    def has_room(self, request: Request, waiting: int) -> bool:
        """Whether it would take a request, if no more than `waiting` may wait."""
        size = self._held_bytes + len(request.head) + len(request.body)
        held = self.account.in_flight
        return not held or (held < min(waiting, self._queue_limit) and size <= self._byte_limit)

    def connection_ended(self, number: int) -> None:
        """Production's connection is closed: ours follows when all is answered."""
        if not self._pool:
            lane = self._lanes.get(number)
            if lane is not None:
                lane.end()

    def refuse(self, reason: str) -> None:
        """Send nothing more, ever; what waits or is under way fails."""
        self._refused = reason
        self.account.state = "refused"
        self._fail_everything(Failure.REFUSED, current=True)

    @property
    def refused(self) -> str | None:
        """Why this target gets nothing, or None."""
        return self._refused

    # -- time --------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Look at deadlines; `now` is `time.monotonic()`."""
        sent_before = int((now - self._timeout_s) * 1e9)
        while self._busy and (lane := next(iter(self._busy))).sent_ns <= sent_before:
            del self._busy[lane]
            lane.timed_out()
        for lane in _due(self._dialing, now):
            lane.cancel()
        if now - self._soft_closes_since > 60:
            self._soft_closes, self._soft_closes_since = 0, now
        if now - self._resolved_at > RESOLVE_EVERY_S and self._resolving is None:
            self._resolved_at = now
            self._resolving = asyncio.get_running_loop().create_task(self._resolve_again())

    async def _resolve_again(self) -> None:
        try:
            await self.resolve()
            if self._on_addresses is not None:
                self._on_addresses(self)
        except RunError:
            pass  # the addresses that were good until now stay in use
        finally:
            self._resolving = None

    async def drain(self) -> None:
        """Wait until nothing waits and nothing is under way."""
        while self.account.in_flight:
            await asyncio.sleep(_DRAIN_S)

    def stop(self) -> None:
        """Fail what is left as interrupted and close every connection."""
        self._fail_everything(Failure.INTERRUPTED, current=True)
        for lane in list(self._lanes.values()):
            lane.end()
        self._links.close()
        if self._resolving is not None:
            self._resolving.cancel()

    # -- what lanes ask and tell ---------------------------------------------------------------------------------

    def new_wire(self, lane: Lane) -> Wire:
        """A wire that is not connected yet."""
        return Wire(lane, self._plain, self._limits, keep_body=self._keep_bodies)

    def new_outgoing(self) -> Outgoing:
        """What makes the octets of one connection's requests. It begins with what the one before it has learned."""
        self._outgoing = self._outgoing.another()
        return self._outgoing

    def connect(self, wire: Wire, ended: Ended) -> Link | asyncio.Task[asyncio.Transport]:
        """Connect a wire to the target; `ended` is told how that has ended, in a later turn of the loop. What comes
        back cancels it."""
        if self._tls is None:
            return self._links.connect(wire, self.addresses.copy(), ended)
        task = asyncio.get_running_loop().create_task(self._dial(cast(asyncio.Protocol, wire)))
        task.add_done_callback(lambda task: ended(TimeoutError() if task.cancelled() else task.exception()))
        return task

    async def _dial(self, protocol: asyncio.Protocol) -> asyncio.Transport:
        """A connection to the address that was good last, or else to one of the others. Raises OSError, the last."""
        failure = OSError("it has no address")
        for endpoint in self.addresses.copy():
            try:
                transport, _ = await asyncio.get_running_loop().create_connection(
                    lambda: protocol,
                    str(endpoint.address),
                    endpoint.port,
                    ssl=self._tls,
                    server_hostname=self._host if self._tls is not None else None,
                )
            except (OSError, asyncio.CancelledError) as error:
                self._pass_over(endpoint)
                if not isinstance(error, OSError):
                    raise
                failure = error
            else:
                return transport
        raise failure

    def _pass_over(self, endpoint: Endpoint) -> None:
        """Try the other addresses first from now on."""
        if self.addresses[0] == endpoint:
            self.addresses.append(self.addresses.pop(0))

    def wants(self, lane: Lane) -> None:
        """A lane has something to send: let it go, or put it in line."""
        self._busy.pop(lane, None)
        if self._line or self._is_full() or not (lane.wire or self._has_room(lane)):
            if lane.wire is not None:
                self._resting[lane] = None
            self._line.append(lane)
            self._admit()
        else:
            self._let_go(lane)

    def _is_full(self) -> bool:
        return len(self._busy) + len(self._dialing) >= self._in_flight_limit

    def _has_room(self, lane: Lane) -> bool:
        if lane.wire or self.account.connections < self._connection_limit:
            return True
        if self._resting:
            tired = next(iter(self._resting))
            del self._resting[tired]
            tired.rest()
            return True
        return False

    def _let_go(self, lane: Lane) -> None:
        self._resting.pop(lane, None)
        if lane.wire is None:
            self.account.connections += 1
            self._dialing[lane] = monotonic() + self._connect_timeout_s
            lane.connect()
        else:
            self._busy[lane] = None
            lane.send(lane.queue.popleft())

    def _admit(self) -> None:
        while self._line and not self._is_full() and self._has_room(self._line[0]):
            lane = self._line.popleft()
            if lane.queue:
                self._let_go(lane)

    def connected(self, lane: Lane) -> None:
        """A lane has its connection, and perhaps something to send."""
        self.account.connections_opened += 1
        self._dialing.pop(lane, None)
        if lane.queue:
            self._busy[lane] = None

    def rests(self, lane: Lane) -> None:
        """A lane has nothing to do."""
        self._busy.pop(lane, None)
        if lane.wire is not None:
            self._resting[lane] = None
        if self._line:
            self._admit()

    def repeats(self, lane: Lane) -> None:
        """A lane sends a request once more, on a new connection."""
        self.account.retries += 1
        self.wants(lane)

    def finished(self, lane: Lane) -> None:
        """A lane will not be used again."""
        self._busy.pop(lane, None)
        self._dialing.pop(lane, None)
        self._resting.pop(lane, None)
        self._lanes.pop(lane.key, None)
        if self._line:
            self._admit()

    def closed(self, lane: Lane) -> None:
        """A lane's connection is gone."""
        self.account.connections -= 1
        self._dialing.pop(lane, None)
        self._resting.pop(lane, None)

    def closes_hard(self) -> bool:
        """Whether a connection is to be closed with a reset, to save local ports."""
        self._soft_closes += 1
        return self._soft_closes > TIME_WAIT_BUDGET

    # -- outcomes ----------------------------------------------------------------------------------------------

    def answered(self, lane: Lane, request: Request, status: int, head: bytes, body: bytes) -> None:
        """A request has its answer."""
        account, first_ns = self.account, lane.first_ns - lane.sent_ns
        account.in_flight -= 1
        account.answered += 1
        self._held_bytes -= len(request.head) + len(request.body)
        account.answers.record(status, first_ns)
        if self._breaker.failures and self._breaker.succeeded():
            account.state = "up"
            self._tell(f"target {account.name} answers again")
        if self._on_outcome is not None:
            elapsed_ns = lane.elapsed_ns()
            sent_ns = time_ns() - elapsed_ns
            name = account.name
            self._on_outcome(Outcome(name, request, sent_ns, first_ns, elapsed_ns, status, head, body, None))

    def failed(self, request: Request, failure: Failure, elapsed_ns: int = 0) -> None:
        """A request has no answer. `elapsed_ns` is how long ago it was sent, 0 when it was not."""
        self._settle(request)
        self._count_failure(request, failure, elapsed_ns)
        if failure in _TROUBLE and self._breaker.failed(monotonic()):
            account = self.account
            account.state = "down"
            why = self._why_down if failure in (Failure.CONNECT, Failure.TLS) else failure.value
            self._tell(f"target {account.name} is down: {why}; its requests fail until a trial is answered")
            self._fail_everything(Failure.BREAKER, current=False)

    def not_connected(self, lane: Lane, error: BaseException) -> None:
        """A lane could not connect."""
        self.closed(lane)
        self._why_down = _reason(error)

    def _count_failure(self, request: Request, failure: Failure, elapsed_ns: int) -> None:
        self.account.failed[failure] += 1
        if self._on_outcome is not None:
            name = self.account.name
            sent_ns = time_ns() - elapsed_ns if elapsed_ns else 0
            self._on_outcome(Outcome(name, request, sent_ns, 0, elapsed_ns, 0, b"", b"", failure))

    def _settle(self, request: Request) -> None:
        self.account.in_flight -= 1
        self._held_bytes -= len(request.head) + len(request.body)

    def _fail_everything(self, failure: Failure, *, current: bool) -> None:
        self._line.clear()
        for lane in list(self._lanes.values()):
            lane.fail_all(failure, current=current)

    def _tell(self, text: str) -> None:
        if self._notify is not None:
            self._notify(text)


def _due(deadlines: dict[Lane, float], now: float) -> list[Lane]:
    """The lanes whose deadline has passed; they stand in the order in which they are due."""
    due = []
    for lane, deadline in deadlines.items():
        if deadline > now:
            break
        due.append(lane)
    return due


def _reason(error: BaseException) -> str:
    """What went wrong, in a few words."""
    if isinstance(error, TimeoutError):
        return "no connection within the time-out"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {getattr(error, 'verify_message', '') or error.reason or error}"
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return str(error)
