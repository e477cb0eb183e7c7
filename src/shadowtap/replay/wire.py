"""One connection to a target: octets out, answers in.

A wire belongs to a lane until it is dropped; what the network says of a dropped wire concerns nobody. The network
may speak before the lane has the wire in its hands (a server that greets, or closes at once): `broken` then tells the
lane that it is of no use.

Nearly every answer is plain, and like the one before it, whatever the connection: what reads those belongs to the
target, and a wire has a reader of its own as soon as an answer comes that needs one.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from time import perf_counter_ns
from typing import TYPE_CHECKING, cast

from shadowtap.events import Failure, Fault
from shadowtap.http1 import Limits, Role, field
from shadowtap.http1.plain import NO_BODY_METHODS, Plain
from shadowtap.http1.reader import Raw, Reader, State

if TYPE_CHECKING:
    from shadowtap.replay.lane import Lane

_HEAD = State.HEAD
_NO_LINGER = struct.pack("ii", 1, 0)


class Wire:
    """The transport and the answer reader of one connection."""

    __slots__ = (
        "_keep_body",
        "_lane",
        "_limits",
        "_plain",
        "_plain_bytes",
        "_reader",
        "_transport",
        "broken",
        "heard",
        "used",
        "write",
    )
    write: Callable[[bytes], None]
    """Sends octets; there as soon as the wire is connected."""

    def __init__(self, lane: "Lane", plain: Plain, limits: Limits, *, keep_body: bool) -> None:
        self._lane: Lane | None = lane
        self._transport: asyncio.Transport | None = None
        self._plain = plain
        self._limits = limits
        self._plain_bytes = min(limits.head_bytes, limits.body_bytes)
        self._keep_body = keep_body
        self._reader: Reader | None = None
        self.broken: Failure | None = None
        self.used = False
        self.heard = False

    @property
    def sending(self) -> bool:
        """Whether octets of the last request have not left this process."""
        return self._transport is not None and self._transport.get_write_buffer_size() > 0

    def _method_of_next(self, *_: int) -> bytes | None:
        lane = self._lane
        return lane.current.method if lane is not None and lane.current is not None else None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The network says: connected."""
        self._transport = cast(asyncio.Transport, transport)
        self.write = self._transport.write
        if self._lane is None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """The network says: octets of an answer, or of what is none."""
        lane = self._lane
        if lane is None:
            return
        request = lane.current
        if request is None:
            self.broken = Failure.GARBAGE
            lane.unasked(self)
            return
        if not self.heard:
            self.heard = True
            lane.first_ns = perf_counter_ns()
        reader = self._reader
        if reader is None or (reader.state is _HEAD and not reader.held):
            plain = self._plain.answer(data)
            if plain is not None and len(data) <= self._plain_bytes and request.method not in NO_BODY_METHODS:
                _, status, head, length = plain
                self.used = True
                body = data[-length:] if self._keep_body and length else b""
                lane.answered(status, head, body, keep=True)
                return
        elif reader.more(data) >= 0:
            return
        self._take(lane, data)

    def _take(self, lane: "Lane", data: bytes) -> None:
        """What is not exactly one answer: a part of one, interim ones, more than one, garbage."""
        reader = self._reader
        if reader is None:
            reader = self._reader = Reader(
                Role.RESPONSE,
                limits=self._limits,
                keep_body=self._keep_body,
                method_of_next=self._method_of_next,
            )
        raws = reader.feed(data)
        lost = reader.state in (State.SEEK, State.ABSENT)
        answer = next((raw for raw in raws if _is_final(raw)), None)
        if answer is None:
            if lost:
                lane.garbage()
        elif answer.fault is None or (answer.fault is Fault.TOO_LARGE and not lost):
            self.used = True
            more = raws[-1] is not answer or reader.held
            keep = not more and reader.state is _HEAD
            lane.answered(int(answer.first[1]), answer.head, answer.body, keep=keep)
        else:
            lane.garbage()

    def eof_received(self) -> None:
        """The network says: the target sends nothing more. Nothing must be sent on this connection from now on."""
        self.connection_lost(None)
        if self._transport is not None and self.sending:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The network says: the connection is gone."""
        lane, self._lane = self._lane, None
        if lane is None:
            return
        self.broken = Failure.CLOSED if exc is None else Failure.RESET
        lane.lost(self, self._last_answer() if exc is None else None)

    def _last_answer(self) -> Raw | None:
        """The answer whose body ends with the connection."""
        raws = self._reader.close(None) if self._reader is not None else []
        return raws[0] if raws and raws[0].fault is None else None

    def drop(self, *, reset: bool) -> None:
        """Let go of the connection. `reset` closes it without a TIME_WAIT state on our side; so does what is unsent,
        since nobody waits for its answer."""
        self._lane = None
        transport = self._transport
        if transport is None:
            return
        if reset or self.sending:
            sock: socket.socket | None = transport.get_extra_info("socket")
            if sock is not None and sock.fileno() >= 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            transport.abort()
        else:
            transport.close()


def _is_final(raw: Raw) -> bool:
    status = int(raw.first[1])
    return status >= 200 or status == 101


_REMEMBERED, _SHORT = 1_000, 1_024
"""Heads whose `keeps_alive` is remembered, and octets of one; within a second, a server's answers often have the very
same head."""
_keeping: dict[bytes, bool] = {}


def keeps_alive(head: bytes) -> bool:
    """Whether the connection can carry another request after this answer (RFC 9112, section 9.3)."""
    known = _keeping.get(head)
    if known is None:
        known = _keeps_alive(head)
        if len(_keeping) >= _REMEMBERED:
            _keeping.clear()
        if len(head) <= _SHORT:
            _keeping[head] = known
    return known


def _keeps_alive(head: bytes) -> bool:
    value = (field(head, b"connection") or b"").lower()
    if head.startswith(b"HTTP/1.1"):
        return b"close" not in value and head[9:12] != b"101"
    return head.startswith(b"HTTP/1.0") and b"keep-alive" in value
