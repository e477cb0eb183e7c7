"""The requests of one production connection (or of one share of a pool), in order, one at a time.

A request is sent when the one before it has been answered or has failed; a connection is opened when there is
something to send. A kept-alive connection that the target closes just as the next request is sent is nobody's fault:
such a request, if its method is idempotent (RFC 9110, section 9.2.2), is sent once more on a new connection.
"""

import asyncio
import ssl
from collections import deque
from functools import partial
from time import perf_counter_ns
from typing import TYPE_CHECKING

from shadowtap.events import Failure
from shadowtap.events.messages import Request
from shadowtap.http1 import Raw
from shadowtap.replay.link import Link
from shadowtap.replay.outgoing import Outgoing
from shadowtap.replay.wire import Wire, keeps_alive

if TYPE_CHECKING:
    from shadowtap.replay.target import Target

_IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))


class Lane:
    """A queue of requests and at most one connection. `ended` means that no more requests will come."""

    __slots__ = (
        "_connecting",
        "_outgoing",
        "_target",
        "current",
        "ended",
        "first_ns",
        "key",
        "queue",
        "sent_ns",
        "wire",
    )

    def __init__(self, target: "Target", key: int) -> None:
        self.key = key
        self.current: Request | None = None
        self.queue: deque[Request] = deque()
        self.ended = False
        self._target = target
        self._outgoing: Outgoing | None = None
        self.wire: Wire | None = None
        self._connecting: Link | asyncio.Task[asyncio.Transport] | None = None
        self.sent_ns = 0
        self.first_ns = 0

    @property
    def idle(self) -> bool:
        """Whether nothing is under way and nothing waits."""
        return self.current is None and not self.queue and self._connecting is None

    # -- sending ---------------------------------------------------------------------------------------------

    def push(self, request: Request) -> None:
        """Send a request when its turn comes."""
        idle = self.idle
        self.queue.append(request)
        if idle:
            self._target.wants(self)

    def send(self, request: Request) -> None:
        """Send a request now; the target calls this when the lane may."""
        wire, account = self.wire, self._target.account
        assert wire is not None
        self.current = request
        if self._outgoing is None:
            self._outgoing = self._target.new_outgoing()
        octets = self._outgoing.octets(request)
        self.sent_ns = perf_counter_ns()
        account.bytes_sent += len(octets)
        wire.heard = False
        wire.write(octets)

    def connect(self) -> None:
        """Open a connection, for the request that waits; the target calls this when the lane may."""
        wire = self._target.new_wire(self)
        self._connecting = self._target.connect(wire, partial(self._connected, wire))

    def _connected(self, wire: Wire, error: BaseException | None) -> None:
        """The attempt to connect has come to its end, good or bad."""
        self._connecting = None
        if error is not None:
            wire.drop(reset=True)
            self._target.not_connected(self, error)
            self._fail_next(Failure.TLS if isinstance(error, ssl.SSLError) else Failure.CONNECT)
            if not isinstance(error, OSError):
                raise error
            return
        self.wire = wire
        self._target.connected(self)
        if wire.broken is not None:
            self._drop(reset=True)
            self._fail_next(wire.broken)
        elif self.queue:
            self.send(self.queue.popleft())
        else:
            self._next()

    def _fail_next(self, failure: Failure) -> None:
        if self.queue:
            self._target.failed(self.queue.popleft(), failure)
        self._next()

    def cancel(self) -> None:
        """Give up a connection attempt that takes too long."""
        if self._connecting is not None:
            self._connecting.cancel()

    # -- what comes back -------------------------------------------------------------------------------------

    def elapsed_ns(self) -> int:
        """How long ago the last request was sent."""
        return perf_counter_ns() - self.sent_ns

    def answered(self, status: int, head: bytes, body: bytes, keep: bool) -> None:
        """The whole answer is there; the connection can carry another request only if `keep`."""
        request, self.current = self.current, None
        if request is None:
            return
        if not keep or not keeps_alive(head) or (request.body and self._is_sending()):
            self._drop()
        self._target.answered(self, request, status, head, body)
        if self.queue or self.ended or self.wire is None:
            self._next()
        else:
            self._target.rests(self)

    def _is_sending(self) -> bool:
        """Whether the target has answered before it read the request; who knows whether it will read the rest."""
        return self.wire is not None and self.wire.sending

    def garbage(self) -> None:
        """The target sent what is no answer; nothing on this connection can be trusted any more."""
        self._drop(reset=True)
        self._fail_current(Failure.GARBAGE)

    def unasked(self, wire: Wire) -> None:
        """The target sent something while no request was under way: the same, but it is no request's fault."""
        if wire is self.wire:
            self._drop(reset=True)

    def timed_out(self) -> None:
        """The answer did not come in time."""
        self._drop(reset=True)
        self._fail_current(Failure.TIMEOUT)

    def lost(self, wire: Wire, answer: Raw | None) -> None:
        """The connection is gone; `answer` is the one that its end completed."""
        if wire is not self.wire:
            return
        self.wire = None
        self._target.closed(self)
        if self.current is None:
            return
        if answer is not None:
            self.answered(int(answer.first[1]), answer.head, answer.body, keep=False)
        elif wire.used and not wire.heard and self.current.method in _IDEMPOTENT:
            self.queue.appendleft(self.current)
            self.current = None
            self._target.repeats(self)
        else:
            self._fail_current(wire.broken or Failure.CLOSED)

    # -- ends ------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """Production's connection is closed: close ours as soon as everything is answered."""
        self.ended = True
        if self.idle:
            self._drop()
            self._target.finished(self)

    def fail_all(self, failure: Failure, *, current: bool) -> None:
        """Fail everything that waits, and the request under way if `current`."""
        waiting, self.queue = self.queue, deque()
        for request in waiting:
            self._target.failed(request, failure)
        if current:
            self.cancel()
            self._drop(reset=True)
            sent, self.current = self.current, None
            if sent is not None:
                self._target.failed(sent, failure, self.elapsed_ns())
        if self.idle:
            self._next()

    def rest(self) -> None:
        """Close an idle connection, to make room for another; the next request opens a new one."""
        self._drop()

    def _drop(self, *, reset: bool = False) -> None:
        wire, self.wire = self.wire, None
        if wire is not None:
            wire.drop(reset=reset or self._target.closes_hard())
            self._target.closed(self)

    def _fail_current(self, failure: Failure) -> None:
        request, self.current = self.current, None
        if request is not None:
            self._target.failed(request, failure, self.elapsed_ns())
        self._next()

    def _next(self) -> None:
        """What comes after a request."""
        if self.queue:
            self._target.wants(self)
        elif self.ended:
            self._drop()
            self._target.finished(self)
        else:
            self._target.rests(self)
