"""Entries read one after the other, and made into observations again.

Messages are put together anew: HTTP/1.1, the header fields as they stand there but for those of framing and
content coding, the body as it is unpacked, and its length. What HTTP/2 calls `:authority` becomes a Host field.
An entry without a connection has one of its own.
"""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from datetime import datetime
from ipaddress import IPv4Address, ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec

from shadowtap.events import Connection, Endpoint, Exchange, Failure, Fault, Observation, Outcome, Request
from shadowtap.formats.har.elements import Elements
from shadowtap.formats.har.entry import OWN
from shadowtap.formats.har.messages import request_of, response_of

MALFORMED = "malformed_entry"
CONNECTIONS = 65_536
"""Connections that are remembered; then the oldest is forgotten."""
_PORTS = {"http": 80, "https": 443}
_NOWHERE = Endpoint(IPv4Address(0), 0)
_BEFORE_SEND = ("blocked", "dns", "connect", "send")

Json = Mapping[str, Any]


class HarReader:
    """Octets of a log in, observations out. `lost` counts entries that are none, by reason; `stopped` says why it
    came to an end early, or is None."""

    def __init__(self) -> None:
        self.lost: Counter[str] = Counter()
        self._elements = Elements(b"entries")
        self._connections: OrderedDict[str, tuple[Connection, int]] = OrderedDict()
        self._next = 0

    @property
    def stopped(self) -> str | None:
        """Why the log came to an end early, or None."""
        return self._elements.broken or None

    def feed(self, data: bytes) -> list[Observation]:
        """The observations that these octets complete."""
        return self._read(self._elements.feed(data))

    def finish(self) -> list[Observation]:
        """Nothing more comes."""
        return self._read(self._elements.finish())

    def _read(self, elements: list[bytes]) -> list[Observation]:
        found: list[Observation] = []
        for element in elements:
            try:
                found.append(self._observation(msgspec.json.decode(element)))
            except (ValueError, KeyError, TypeError, AttributeError, OverflowError, msgspec.DecodeError):
                self.lost[MALFORMED] += 1
        return found

    def _observation(self, entry: Json) -> Observation:
        own = entry.get(OWN) or {}
        connection, index = self._connection(entry, own)
        times = _times(entry, own)
        faults = own.get("faults") or [None, None]
        request = request_of(
            entry["request"], connection, index, times[:2], own.get("target"), _fault(faults[0])
        )
        response = response_of(entry["response"], request, times[2:], _fault(faults[1]))
        outcomes = tuple(_outcome(made, request) for made in own.get("outcomes") or ())
        return Observation(Exchange(request, response), str(own.get("fate", "")), outcomes)

    def _connection(self, entry: Json, own: Json) -> tuple[Connection, int]:
        server = _endpoint(own.get("server")) or _server(entry)
        client = _endpoint(own.get("client")) or _NOWHERE
        name = f"{entry['connection']} {client} {server}" if entry.get("connection") else ""
        known, index = self._connections.pop(name, (None, 0)) if name else (None, 0)
        if known is None:
            known = Connection(self._next, client, server, own.get("vni"))
            self._next += 1
        if name:
            self._connections[name] = known, index + 1
            if len(self._connections) > CONNECTIONS:
                self._connections.popitem(last=False)
        return known, index


def _times(entry: Json, own: Json) -> tuple[int, int, int, int]:
    """When the request began and ended, and the answer, in nanoseconds."""
    if own.get("time_ns"):
        begin, end = int(own["time_ns"]), int(own["request_end_ns"])
        return begin, end, *(own["response_ns"] or (end, end))
    begin = _moment(str(entry["startedDateTime"]))
    timings = entry.get("timings") or {}
    end = begin + sum(_ns(timings.get(name)) for name in _BEFORE_SEND)
    first = end + _ns(timings.get("wait"))
    return begin, end, first, first + _ns(timings.get("receive"))


def _moment(text: str) -> int:
    moment = datetime.fromisoformat(text)
    whole = moment.replace(microsecond=0)
    return int(whole.timestamp()) * 10**9 + moment.microsecond * 1_000


def _ns(ms: float | None) -> int:
    return round(max(float(ms or 0), 0) * 1e6)


def _server(entry: Json) -> Endpoint:
    parts = urlsplit(str(entry["request"]["url"]))
    port = parts.port or _PORTS.get(parts.scheme, 80)
    return _endpoint(f"[{str(entry.get('serverIPAddress') or '').strip('[]')}]:{port}") or Endpoint(
        IPv4Address(0), port
    )


def _endpoint(text: object) -> Endpoint | None:
    host, _, port = str(text).rpartition(":")
    try:
        return Endpoint(ip_address(host.strip("[]")), int(port))
    except ValueError:
        return None


def _fault(name: str | None) -> Fault | None:
    return None if name is None else Fault(name)


def _outcome(made: Json, request: Request) -> Outcome:
    failure = None if made["failure"] is None else Failure(made["failure"])
    times = int(made["sent_ns"]), int(made["first_byte_ns"]), int(made["elapsed_ns"])
    return Outcome(str(made["target"]), request, *times, int(made["status"]), b"", b"", failure)
