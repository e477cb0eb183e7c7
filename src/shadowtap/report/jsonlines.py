"""Messages as JSON Lines: one object a line, in the order in which they were completed.

This is the inner loop of `extract`, so a line is put together from parts that are already JSON. The parts that
repeat are kept: addresses by connection, header blocks and single headers by their bytes, the time by its second.
Each of these caches has a limit and is emptied when it is full.

Bytes that are not UTF-8 are read as Latin-1. Unless they are wanted, secrets are masked (see `masking`): without a
key, so that two runs over one capture write the same and nothing tells one secret from another.
"""

from collections.abc import Callable
from hashlib import sha256
from time import gmtime, strftime
from typing import Any, TypeVar

import msgspec

from shadowtap.events import Endpoint, Flag, Message, Observation, Outcome
from shadowtap.events.messages import Connection, Exchange, Request, Response
from shadowtap.http1 import field, headers, payload
from shadowtap.masking import Masker

K = TypeVar("K")
V = TypeVar("V")

UNANSWERED_LIMIT = 100_000
"""Requests whose answer is waited for; the answer to an older one says `"request": null`."""
BLOCK_LIMIT_BYTES = 4096
"""Longest header block that is kept as a whole."""

_SECOND = 1_000_000_000

_REQUEST = (
    b'{"kind":"request","time":"%b%09dZ",%b,"method":%b,"target":%b,"host":%b,"version":%b,'
    b'"headers":[%b],%b}\n'
)
_RESPONSE = (
    b'{"kind":"response","time":"%b%09dZ",%b,"status":%d,"reason":%b,"version":%b,'
    b'"headers":[%b],"request":%b,%b}\n'
)
_EMPTY = b'"body_len":0,"body_sha256":"%b","flags":[]' % sha256(b"").hexdigest().encode()


class Cache(dict[K, V]):
    """A dictionary that makes what it lacks, and forgets everything when it holds `limit` entries."""

    __slots__ = ("limit", "make")

    def __init__(self, make: Callable[[K], V], limit: int) -> None:
        super().__init__()
        self.make = make
        self.limit = limit

    def __missing__(self, key: K) -> V:
        value = self.make(key)
        if len(self) >= self.limit:
            self.clear()
        self[key] = value
        return value


class JsonLines:
    """Turns messages into lines. One instance writes one output, since answers refer to the lines of requests.

    `masker` makes the stand-ins of secrets, all `***` by default; its counts are of no use here, since lines that
    repeat are masked once. With `keep_secrets` nothing is masked.
    """

    def __init__(self, *, keep_secrets: bool = False, masker: Masker | None = None) -> None:
        self._masker = None if keep_secrets else masker or Masker(None)
        self.lines = 0
        self._waiting: dict[tuple[int, int], int] = {}
        self._seconds: Cache[int, bytes] = Cache(_second, 1_000)
        self._addresses: dict[int, tuple[bytes, bytes]] = {}
        self._texts: Cache[bytes, bytes] = Cache(self._shown, 1_000)
        self._versions: Cache[bytes, bytes] = Cache(_version, 100)
        self._flags: Cache[tuple[Flag, ...], bytes] = Cache(_flags, 1_000)
        self._targets: Cache[bytes, bytes] = Cache(self._target, 10_000)
        self._names: Cache[bytes, bytes] = Cache(_text, 5_000)
        self._fields: Cache[bytes, bytes] = Cache(self._field, 20_000)
        self._blocks: dict[bytes, tuple[bytes, bytes | None]] = {}

    def line(self, message: Message) -> bytes:
        """The line of a message, with its line end; empty where there is none to write (no answer came)."""
        if isinstance(message, Request):
            line = self._request(message)
        elif isinstance(message, Exchange) and message.response is not None:
            line = self._response(message.request, message.response)
        else:
            self._forget(message)
            return b""
        self.lines += 1
        return line

    def observation(self, observation: Observation) -> bytes:
        """The lines of all that is known of one request: the request, production's answer, and what became of it here
        and at each target."""
        exchange = observation.exchange
        number = None if exchange.request is None else self.lines
        found = b"" if exchange.request is None else self.line(exchange.request)
        found += self.line(exchange)
        targets = [self._outcome(outcome) for outcome in observation.outcomes]
        for target, verdict in zip(targets, observation.verdicts, strict=False):
            target["same"] = None if verdict.skipped else verdict.same
        fate = {"kind": "fate", "request": number, "fate": observation.fate, "targets": targets}
        self.lines += 1
        return found + msgspec.json.encode(fate) + b"\n"

    def _outcome(self, outcome: Outcome) -> dict[str, Any]:
        told: dict[str, Any] = {
            "target": outcome.target,
            "status": outcome.status or None,
            "failure": outcome.failure,
            "first_byte_ns": outcome.first_byte_ns,
            "elapsed_ns": outcome.elapsed_ns,
            "body_len": len(outcome.body),
        }
        if outcome.substitutions:
            shown = [put._asdict() for put in outcome.substitutions]
            if self._masker is not None:
                shown = [{**put, "production": "***", "target": "***"} for put in shown]
            told["substitutions"] = shown
        return told

    def _forget(self, message: Message) -> None:
        if isinstance(message, Exchange) and message.request is not None:
            self._waiting.pop((message.request.connection.number, message.request.index), None)

    def _request(self, request: Request) -> bytes:
        waiting = self._waiting
        if len(waiting) >= UNANSWERED_LIMIT:
            del waiting[next(iter(waiting))]
        waiting[request.connection.number, request.index] = self.lines
        second, nanosecond = request.time_ns // _SECOND, request.time_ns % _SECOND
        block, host = self._head(request.head, True)
        return _REQUEST % (
            self._seconds[second],
            nanosecond,
            self._addressed(request.connection)[0],
            self._texts[request.method],
            self._targets[request.target],
            host or _authority(request.method, request.target),
            self._versions[request.version],
            block,
            self._body(request, len(request.body)),
        )

    def _response(self, request: Request | None, response: Response) -> bytes:
        answered = None
        if request is not None:
            key = request.connection.number, request.index
            final = response.status >= 200 or response.status == 101
            answered = self._waiting.pop(key, None) if final else self._waiting.get(key)
        second, nanosecond = response.time_ns // _SECOND, response.time_ns % _SECOND
        return _RESPONSE % (
            self._seconds[second],
            nanosecond,
            self._addressed(response.connection)[1],
            response.status,
            self._texts[response.reason],
            self._versions[response.version],
            self._head(response.head, False)[0],
            b"null" if answered is None else b"%d" % answered,
            self._body(response, response.body_bytes),
        )

    def _addressed(self, connection: Connection) -> tuple[bytes, bytes]:
        """The addressing of the requests of a connection, and that of its responses."""
        known = self._addresses.get(connection.number)
        if known is None:
            if len(self._addresses) >= 20_000:
                self._addresses.clear()
            client, server = connection.client, connection.server
            known = _addressing(connection, client, server), _addressing(connection, server, client)
            self._addresses[connection.number] = known
        return known

    def _head(self, head: bytes, has_host: bool) -> tuple[bytes, bytes | None]:
        """The headers as the inside of a JSON array, and the value of Host as JSON."""
        block = head[head.find(b"\n") + 1 :]
        known = self._blocks.get(block)
        if known is None:
            host = field(head, b"host") if has_host else None
            known = self._block(head, block), None if host is None else self._texts[host]
            if len(block) <= BLOCK_LIMIT_BYTES:
                if len(self._blocks) >= 2_000:
                    self._blocks.clear()
                self._blocks[block] = known
        return known

    def _block(self, head: bytes, block: bytes) -> bytes:
        lines = block[:-4].split(b"\r\n")
        ends = len(lines) + 1
        plain = (
            block.count(b"\n") == ends
            and block.count(b"\r") == ends
            and block.find(b"\r\n\r\n") == len(block) - 4
            and not block.startswith(b"\r")
            and b"\n " not in block
            and b"\n\t" not in block
        )
        if plain:
            known = self._fields
            return b",".join([known[line] for line in lines])
        return b",".join([self._pair(name, value) for name, value in headers(head)])

    def _body(self, message: Request | Response, on_wire: int) -> bytes:
        body, flags = message.body, message.flags
        if message.fault is not None:
            tail = b'"body_len":null,"body_sha256":null,"flags":%b,"complete":false,"fault":%b'
            return tail % (self._flags[flags], msgspec.json.encode(message.fault))
        if on_wire != len(body):
            length = b"null" if message.chunked else b"%d" % on_wire
            return b'"body_len":%b,"body_sha256":null,"flags":%b' % (length, self._flags[flags])
        if not on_wire and not flags:
            return _EMPTY
        if message.chunked:
            body = payload(body, True)
        digest = sha256(body).hexdigest().encode()
        return b'"body_len":%d,"body_sha256":"%b","flags":%b' % (len(body), digest, self._flags[flags])

    def _field(self, line: bytes) -> bytes:
        name, _, value = line.partition(b":")
        return self._pair(name.strip(b" \t"), value.strip(b" \t\r"))

    def _pair(self, name: bytes, value: bytes) -> bytes:
        if self._masker is not None:
            value = self._masker.header(name, value)
        return b"[%b,%b]" % (self._names[name], _text(value))

    def _shown(self, text: bytes) -> bytes:
        return _text(text if self._masker is None else self._masker.text(text))

    def _target(self, target: bytes) -> bytes:
        return _text(target if self._masker is None else self._masker.target(target))


def _second(second: int) -> bytes:
    return strftime("%Y-%m-%dT%H:%M:%S.", gmtime(second)).encode()


def _addressing(connection: Connection, source: Endpoint, destination: Endpoint) -> bytes:
    fields = {
        "connection": connection.number,
        "src": str(source.address),
        "sport": source.port,
        "dst": str(destination.address),
        "dport": destination.port,
        "vni": connection.vni,
    }
    return msgspec.json.encode(fields)[1:-1]


def _text(raw: bytes) -> bytes:
    try:
        return msgspec.json.encode(raw.decode())
    except UnicodeDecodeError:
        return msgspec.json.encode(raw.decode("latin-1"))


def _version(raw: bytes) -> bytes:
    return _text(raw.removeprefix(b"HTTP/"))


def _flags(flags: tuple[Flag, ...]) -> bytes:
    return msgspec.json.encode(flags)


def _authority(method: bytes, target: bytes) -> bytes:
    """The host of a request without a Host header, as JSON: from its target, where it is there."""
    if method == b"CONNECT":
        return _text(target)
    scheme, mark, rest = target.partition(b"://")
    if not mark or not scheme.isalpha():
        return b"null"
    return _text(rest.partition(b"/")[0].partition(b"?")[0].rpartition(b"@")[2])
