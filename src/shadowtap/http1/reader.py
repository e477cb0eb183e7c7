"""One direction's message reader: bytes in, whole messages out.

States. HEAD: at a message boundary or inside a head. LENGTH, CHUNKED, UNTIL_CLOSE: inside a body. SEEK: somewhere
unknown (joined mid-stream, or behind a hole), looking for the next start line. TUNNEL: the connection was switched
to another protocol. ABSENT: this was never HTTP/1.

Loss. A hole inside a body whose length is known damages that message only: the octets are counted and reading goes
on behind them. Any other hole ends the message it hit, as incomplete, and the reader seeks.

Limits. A head longer than `Limits.head_bytes` makes its message incomplete, and the reader seeks. A body longer than
`Limits.body_bytes` is framed to its end but not kept, and its message is incomplete for that reason.

Work. Octets are looked at once, however small the pieces: a head under way grows in place, and is searched only where
it grew. Patterns never step back.

The common message, a head and perhaps a body within one segment, is cut out at once; only others are buffered.
"""

from collections.abc import Callable
from enum import Enum, IntEnum

import msgspec

from shadowtap.events import Fault, Flag
from shadowtap.http1.chunked import BROKEN, DONE, ChunkScanner
from shadowtap.http1.head import (
    EMPTY_LINES,
    LOOSE_REQUEST_LINE,
    REQUEST_LINE,
    REQUEST_PREFIX,
    STATUS_LINE,
    framing,
    is_folded,
    proxy_end,
)
from shadowtap.http1.plain import NO_BODY_METHODS, Plain
from shadowtap.http1.seeking import next_request, next_response

_PATIENCE = 64 << 10
"""Octets of a stream, known from its start, that may pass before the first message: enough for a SOCKS handshake
or a PROXY protocol header; what goes on longer is no HTTP."""
_SEEK_TAIL = 8192
"""Octets kept while seeking, so that a start line split over segments is found."""


class Role(Enum):
    """Which messages a stream carries."""

    REQUEST = "request"
    RESPONSE = "response"


class Limits(msgspec.Struct, frozen=True):
    """Octets a head may have, and a body that is kept."""

    head_bytes: int = 256 << 10
    body_bytes: int = 64 << 20


class State(IntEnum):
    """Where in the grammar a reader is."""

    HEAD = 0
    LENGTH = 1
    CHUNKED = 2
    UNTIL_CLOSE = 3
    SEEK = 4
    TUNNEL = 5
    ABSENT = 6


class Raw(msgspec.Struct, frozen=True, gc=False):
    """A message as it was framed.

    `first` is (method, target, version) of a request, (version, status, reason) of a response. `begin` is the
    stream position of the first octet, `ack` is that of the chunk that held it, as given to `feed`.
    """

    first: tuple[bytes, bytes, bytes]
    head: bytes
    body: bytes
    body_bytes: int
    chunked: bool
    flags: tuple[Flag, ...]
    fault: Fault | None
    time_ns: int
    end_ns: int
    begin: int
    ack: int


_HEAD, _LENGTH, _CHUNKED = State.HEAD, State.LENGTH, State.CHUNKED
_UNTIL_CLOSE, _SEEK, _TUNNEL, _ABSENT = State.UNTIL_CLOSE, State.SEEK, State.TUNNEL, State.ABSENT
_POSITIONS = 0xFFFFFFFF
"""Stream positions are TCP sequence numbers: 32 bits."""
_SMALL = 512
"""Octets of a body part below which parts are kept together, not one by one."""


class Reader:
    """Reads the messages of one direction.

    `method_of_next` tells a response reader which request method the response with these `begin` and `ack` answers:
    empty where that is not known, None where no requests are seen; without it HEAD and CONNECT cannot be told. It is
    asked at the end of a head, when all messages before have been handed out, if they are taken with `read`.
    `keep_body=False` counts body octets and does not keep them.
    `plain` cuts out the common messages, for callers in a hurry: at a boundary only, and they say so in `seen`. It
    may be one that knows other connections.
    `seen` tells whether there was a message; `skipped` counts octets that belong to none, `held` octets kept for a
    message under way.
    """

    __slots__ = (
        "_ack",
        "_begin",
        "_body_bytes",
        "_buffer",
        "_checked",
        "_doubtful",
        "_end_ns",
        "_fault",
        "_first",
        "_flags",
        "_head",
        "_joined",
        "_keep",
        "_left",
        "_limits",
        "_match",
        "_method_of_next",
        "_parts",
        "_plain_bytes",
        "_scanner",
        "_start_line",
        "_time_ns",
        "held",
        "is_request",
        "plain",
        "role",
        "seen",
        "skipped",
        "state",
    )

    def __init__(
        self,
        role: Role,
        *,
        limits: Limits,
        keep_body: bool = True,
        method_of_next: Callable[[int, int], bytes | None] | None = None,
        seek: bool = False,
        plain: Plain | None = None,
    ) -> None:
        self.role = role
        self.is_request = role is Role.REQUEST
        self._match = REQUEST_LINE.match if self.is_request else STATUS_LINE.match
        self.state = _SEEK if seek else _HEAD
        self.plain = Plain() if plain is None else plain
        self.seen = False
        self.skipped = 0
        self.held = 0
        self._joined = seek
        self._limits = limits
        self._keep = keep_body
        self._method_of_next = method_of_next
        self._plain_bytes = min(limits.head_bytes, limits.body_bytes)
        self._buffer = bytearray()
        self._checked = 0
        self._start_line: tuple[bytes, bytes, bytes] | None = None
        self._doubtful = False
        self._parts: list[bytes | bytearray] = []
        self._scanner: ChunkScanner | None = None
        self._first = (b"", b"", b"")
        self._head = b""
        self._flags: tuple[Flag, ...] = ()
        self._fault: Fault | None = None
        self._left = 0
        self._body_bytes = 0
        self._time_ns = self._end_ns = 0
        self._begin = self._ack = -1

    @property
    def method(self) -> bytes | None:
        """The method of the request that is being read, None between messages."""
        return self._first[0] if self.state in (_LENGTH, _CHUNKED) else None

    @property
    def at_boundary(self) -> bool:
        """Whether the next octets may begin a message."""
        if self._doubtful:
            return True
        return self.state is _SEEK or (self.state is _HEAD and not self._buffer)

    @property
    def under_way(self) -> tuple[int, int] | None:
        """`begin` and `ack` of the message that has begun and not ended, None between messages."""
        begun = self._buffer if self.state is _HEAD else _HEAD < self.state < _SEEK
        return (self._begin, self._ack) if begun else None

    # -- what comes in ---------------------------------------------------------------------------------------

    def feed(self, data: bytes, time_ns: int = 0, begin: int = -1, ack: int = -1) -> list[Raw]:
        """The messages that these octets complete. `begin` is the stream position of the first of them; `ack` is
        handed on in `Raw`."""
        if data and self.state is _HEAD and not self._buffer:
            raw = self._whole(data, time_ns, begin, ack)
            if raw is not None:
                return [raw]
        found: list[Raw] = []
        left = len(data)
        while left:
            left = self.read(data, left, time_ns, begin + len(data), ack, found)
        return found

    def read(self, data: bytes, left: int, time_ns: int, end: int, ack: int, found: list[Raw]) -> int:
        """Read on in the last `left` octets of `data` until a message is complete, which goes to `found`, or none are
        left; how many are left then. `end` is the stream position behind them."""
        size, before = len(data), len(found)
        pos = size - left
        sought = None  # when and with which ack the packet before came, in which a start line may have begun
        self._end_ns = time_ns
        if not pos:
            if self._doubtful and self._settle_doubt(data, end - size, ack, found):
                return left
            if self.state >= _SEEK:
                sought, self._time_ns, self._ack = (self._time_ns, self._ack), time_ns, ack
                data = self._seek(data, packet=True)
                size = len(data)
        while pos < size and not (len(found) > before and size - pos <= left):
            state = self.state
            if state is _HEAD:
                if not self._buffer:
                    self._time_ns, self._begin, self._ack = time_ns, (end - size + pos) & _POSITIONS, ack
                    if sought is not None and size - pos > left:
                        self._time_ns, self._ack = sought
                pos = self._take_head(data, pos, found)
            elif state is _LENGTH:
                step = min(self._left, size - pos)
                self._keep_body_part(data if step == size else data[pos : pos + step])
                pos += step
                self._left -= step
                if not self._left:
                    self._finish(found)
            elif state is _CHUNKED:
                pos = self._take_chunked(data, pos, found)
            elif state is _UNTIL_CLOSE:
                self._keep_body_part(data[pos:])
                pos = size
            else:
                data = self._seek(data[pos:], packet=not pos)
                pos, size = 0, len(data)
        return size - pos

    def _whole(self, data: bytes, time_ns: int, begin: int, ack: int) -> Raw | None:
        """The common case, for a reader in state HEAD that holds nothing: the octets are exactly one plain message.
        Any other is None, leaves no trace, and is for `read`."""
        if len(data) > self._plain_bytes:
            return None
        if self.is_request:
            request = self.plain.request(data)
            if request is None:
                return None
            first, head, body = request[:3], request[3], request[4]
            length = len(body)
        else:
            answer = self.plain.answer(data)
            asked = self._method_of_next(begin, ack) if answer is not None and self._method_of_next else b""
            if answer is None or not asked or asked in NO_BODY_METHODS:
                return None
            first, _, head, length = answer
            body = data[-length:] if length and self._keep else b""
        self.seen = True
        return Raw(first, head, body, length, False, (), None, time_ns, time_ns, begin, ack)

    def more(self, data: bytes) -> int:
        """The other common case: octets from the middle of a body of known length. How many of them are held, or -1
        where it is something else, which is for `feed`."""
        size = len(data)
        if self.state is not _LENGTH or size >= self._left or self._doubtful:
            return -1
        self._left -= size
        self._body_bytes += size
        if not self._keep:
            return 0
        if self._body_bytes > self._limits.body_bytes:
            self._left += size
            self._body_bytes -= size
            return -1
        self._parts.append(data)
        self.held += size
        return size

    def gap(self, length: int, time_ns: int, *, fault: Fault = Fault.GAP) -> list[Raw]:
        """`length` octets are lost here; the messages that this ends, as incomplete."""
        found: list[Raw] = []
        if self.state is _HEAD:
            if self._buffer:
                self._abandon_head(found, fault)
            self._lose_way()
        elif self.state is _LENGTH:
            self._fault, self._end_ns = fault, time_ns
            within = min(length, self._left)
            self._body_bytes += within
            self._left -= within
            if not self._left:
                self._finish(found)
            if within < length:
                self._lose_way()
        elif self.state is _CHUNKED:
            self._fault = fault
            if self._scanner is None or not self._scanner.skip(length):
                self._finish(found)
                self._lose_way()
        elif self.state is _UNTIL_CLOSE:
            self._fault = fault
        elif self.state is _SEEK:
            self._forget()
        return found

    def close(self, fault: Fault | None) -> list[Raw]:
        """The stream has ended: `fault` is None for an orderly end (FIN), which completes a body read until
        close; any other message under way becomes incomplete."""
        found: list[Raw] = []
        if self.state is _HEAD and self._buffer:
            self._abandon_head(found, fault or Fault.CLOSED)
        elif self.state is _UNTIL_CLOSE:
            self._fault = self._fault or fault
            self._finish(found)
        elif self.state in (_LENGTH, _CHUNKED):
            self._fault = self._fault or fault or Fault.CLOSED
            self._finish(found)
        self._forget()
        self.state = _ABSENT
        return found

    def switch(self) -> None:
        """The connection speaks another protocol from here on."""
        self._forget()
        self.state = _TUNNEL

    # -- heads -----------------------------------------------------------------------------------------------

    def _take_head(self, data: bytes, pos: int, found: list[Raw]) -> int:
        """Take a head from `pos`, or as much of it as there is; the position behind it."""
        text, start, held = self._buffer, 0, len(self._buffer)
        if held:
            text += data[pos:]
        elif data[pos] in b"\r\n":
            return EMPTY_LINES.match(data, pos).end()  # type: ignore[union-attr]
        else:
            text, start = data, pos  # type: ignore[assignment]
        fresh = start + held
        line = self._start_line
        if line is None and (text.find(b"\n", fresh) >= 0 or len(text) - start >= 2 * self._checked):
            line = self._start_line = self._match_start(text, start)
            self._checked = len(text) - start
            if line is None and not self._may_become_head(text, start):
                return self._give_up_head(data, pos, held)
        limit = self._limits.head_bytes
        search = max(fresh - 3, start)
        end = text.find(b"\n\r\n", search)
        bare = text.find(b"\n\n", search, end + 1 if end >= 0 else len(text))
        if bare >= 0:
            end = bare + 2
        elif end >= 0:
            end += 3
        if (len(text) if end < 0 else end) - start > limit:
            self._buffer = bytearray(text[start : start + limit])
            self._abandon_head(found, Fault.TOO_LARGE)
            self._lose_way()
            return pos + limit - held
        if end < 0:
            if not held:
                self._buffer = bytearray(data[pos:])
            self.held = len(self._buffer)
            return len(data)
        assert line is not None
        head = data if text is data and not start and end == len(data) else bytes(text[start:end])
        self._forget()
        if bare >= 0:
            self._flags += (Flag.BARE_LF,)
        if is_folded(head):
            self._flags += (Flag.FOLDED,)
        self._begin_body(line, head, found)
        return pos + end - fresh

    def _match_start(self, text: bytes | bytearray, start: int) -> tuple[bytes, bytes, bytes] | None:
        line = self._match(text, start)
        if line is None and self.is_request:
            line = LOOSE_REQUEST_LINE.match(text, start)
            if line is not None:
                self._flags = (Flag.MALFORMED_START,)
        return None if line is None else line.groups(b"")  # type: ignore[return-value]

    def _may_become_head(self, text: bytes | bytearray, start: int) -> bool:
        if text.find(b"\n", start) >= 0:
            return False
        if not self.is_request:
            return text.startswith(b"HTTP/", start) or b"HTTP/".startswith(text[start : start + 5])
        return REQUEST_PREFIX.match(text, start) is not None

    def _give_up_head(self, data: bytes, pos: int, held: int) -> int:
        """This was no head: pass over a PROXY header, or seek from the first octet of it on."""
        if not held and not self.seen and self.is_request:
            behind = proxy_end(data, pos)
            if behind > pos:
                self._checked = 0
                return behind
        kept = self._buffer[:held]
        self._lose_way()
        self._buffer, self.held = kept, held
        return pos

    def _begin_body(self, first: tuple[bytes, ...], head: bytes, found: list[Raw]) -> None:
        self._first = (first[0], first[1], first[2])
        self._head = head
        self.seen = True
        what = framing(head)
        if what.flags:
            self._flags += what.flags
        if not self.is_request:
            self.state = self._response_body(int(first[1]), what.chunked, what.length, what.other_coding)
        elif what.chunked:
            self.state = _CHUNKED
        elif what.length:
            self._left = what.length
            self.state = _LENGTH
        else:
            self._emit(found, b"", False)
            return
        if self.state is _CHUNKED:
            self._scanner = ChunkScanner()
        elif self.state in (_HEAD, _TUNNEL):
            self._emit(found, b"", False)

    def _response_body(self, status: int, chunked: bool, length: int | None, other: bool) -> State:
        """RFC 9112, section 6.3. HEAD as the state means that there is no body."""
        if status < 200 or status in (204, 304):
            return _TUNNEL if status == 101 else _HEAD
        ask = self._method_of_next
        method = ask(self._begin, self._ack) if ask is not None else None
        self._doubtful = not method and ask is not None
        if method == b"HEAD":
            return _HEAD
        if method == b"CONNECT" and status < 300:
            return _TUNNEL
        if chunked:
            return _CHUNKED
        if length is not None and not other:
            self._left = length
            return _LENGTH if length else _HEAD
        return _UNTIL_CLOSE

    def _abandon_head(self, found: list[Raw], fault: Fault) -> None:
        """A head that will not be complete: worth a message only where its start line is there."""
        head, line = bytes(self._buffer), self._start_line
        if line is None:
            self.skipped += len(head)
            return
        self._first, self._head, self._fault = line, head, fault
        self.seen = True
        self._emit(found, b"", False)

    # -- bodies ----------------------------------------------------------------------------------------------

    def _keep_body_part(self, part: bytes) -> None:
        self._doubtful = False
        self._body_bytes += len(part)
        if not self._keep:
            return
        if self._body_bytes > self._limits.body_bytes:
            self._fault = self._fault or Fault.TOO_LARGE
            self._parts.clear()
            self.held = 0
            return
        parts = self._parts
        self.held += len(part)
        if len(part) >= _SMALL:
            parts.append(part)
        elif parts and isinstance(parts[-1], bytearray):
            parts[-1] += part
        else:
            parts.append(bytearray(part) if parts else part)

    def _take_chunked(self, data: bytes, pos: int, found: list[Raw]) -> int:
        scanner = self._scanner
        assert scanner is not None
        end = scanner.feed(data, pos)
        self._keep_body_part(data[pos:end])
        if scanner.state == DONE:
            if scanner.trailers:
                self._flags += (Flag.TRAILERS,)
            self._finish(found)
        elif scanner.state == BROKEN:
            self._fault = self._fault or Fault.MALFORMED
            self._finish(found)
            self.state = _SEEK
        return end

    def _finish(self, found: list[Raw]) -> None:
        parts = self._parts
        body = bytes(parts[0]) if len(parts) == 1 else b"".join(parts)
        if self.state is _UNTIL_CLOSE:
            self._flags += (Flag.UNTIL_CLOSE,)
        self._emit(found, body, self.state is _CHUNKED)

    def _emit(self, found: list[Raw], body: bytes, chunked: bool) -> None:
        found.append(
            Raw(
                self._first,
                self._head,
                body,
                self._body_bytes,
                chunked,
                self._flags,
                self._fault,
                self._time_ns,
                self._end_ns,
                self._begin,
                self._ack,
            )
        )
        if self.state is not _TUNNEL:
            self.state = _HEAD
        self._head = b""
        self._scanner = None
        self._fault = None
        self._flags = ()
        self._body_bytes = 0
        self._doubtful = False
        self._forget()

    def _forget(self) -> None:
        """Let go of what is kept of a head or a body."""
        self._buffer, self._parts, self.held = bytearray(), [], 0
        self._start_line, self._checked = None, 0

    def _settle_doubt(self, data: bytes, begin: int, ack: int, found: list[Raw]) -> bool:
        """A head promised a body, but whether the request was a HEAD is not known: where the next packet that comes
        begins with another answer, and requests are seen, it was, and what was lost in between is not its body."""
        self._doubtful = False
        ask = self._method_of_next
        was_head = STATUS_LINE.match(data) is not None and ask is not None and ask(begin, ack) is not None
        if was_head:
            self._body_bytes, self._fault = 0, None
            self._emit(found, b"", False)
        return was_head

    # -- finding the way again -------------------------------------------------------------------------------

    def _lose_way(self) -> None:
        self.state = _SEEK
        self._flags = ()
        self._forget()

    def _seek(self, data: bytes, *, packet: bool) -> bytes:
        """The octets from the next start line on, or nothing. Of a stream known from its start, an answer is sought
        within packets only when there was one before."""
        if self.state is not _SEEK:
            self.skipped += len(data)
            return b""
        held = len(self._buffer)
        if held:
            data = bytes(self._buffer) + data
        at = held if packet else -1
        if self.is_request:
            start = next_request(data, at)
        else:
            start = next_response(data, at, within=self.seen or self._joined)
        if start >= 0:
            self.skipped += start
            self._forget()
            self.state = _HEAD
            return data[start:]
        kept = data[-_SEEK_TAIL:]
        self.skipped += len(data) - len(kept)
        self._buffer, self.held = bytearray(kept), len(kept)
        if self.skipped > _PATIENCE and not self.seen and not self._joined:
            self._forget()
            self.state = _ABSENT
        return b""
