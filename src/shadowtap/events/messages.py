"""HTTP messages as they were on the wire, and how requests and answers belong together.

Nearly all come in one piece and are whole; these have a short way to be made.
"""

from enum import StrEnum

import msgspec

from shadowtap.events.flows import Endpoint
from shadowtap.events.value import Value


class Flag(StrEnum):
    """What was unusual about a message that could be read all the same."""

    AMBIGUOUS_LENGTH = "ambiguous_length"
    """Two readings of where the body ends: both Content-Length and Transfer-Encoding, or lengths that differ."""
    BARE_LF = "bare_lf"
    FOLDED = "folded_header"
    MALFORMED_HEADER = "malformed_header"
    MALFORMED_START = "malformed_start_line"
    NO_HEADERS = "http_0_9"
    UNTIL_CLOSE = "until_close"
    TRAILERS = "trailers"
    UPGRADE = "upgrade"


class Fault(StrEnum):
    """Why a message is not complete."""

    GAP = "lost_packets"
    TRUNCATED = "truncated_packets"
    CLOSED = "closed_early"
    RESET = "reset_early"
    IDLE = "idle_timeout"
    EVICTED = "memory_budget"
    END = "capture_ended"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    UNSEEN = "never_seen"
    """Production answered a request of which no byte reached the capture."""


class Connection(Value):
    """A flow whose client and server are known. `number` is the flow's, unique within a run. `lane` is the number of
    the connection in whose place its requests go to targets, -1 as long as that is its own."""

    __slots__ = __match_args__ = ("number", "client", "server", "vni", "lane")

    def __init__(
        self, number: int, client: Endpoint, server: Endpoint, vni: int | None, lane: int = -1
    ) -> None:
        self.number = number
        self.client = client
        self.server = server
        self.vni = vni
        self.lane = lane

    def lane_number(self) -> int:
        """The number under which targets know it."""
        return self.number if self.lane < 0 else self.lane


class Request(Value):
    """A request as it was on the wire.

    `head` runs from the request line through the empty line; `body` is the octets behind it with any chunked
    framing kept (`http1.payload` removes it). `time_ns` and `end_ns` are the capture times of the packets that
    held the first and the last byte. `index` counts the requests of its connection from 0. `fault` is None when
    every byte is there; otherwise head and body hold what there was. `begin` is the position of the first byte in the
    client's stream (a TCP sequence number), -1 where it is not known.
    """

    __slots__ = __match_args__ = (
        "connection",
        "index",
        "time_ns",
        "end_ns",
        "method",
        "target",
        "version",
        "head",
        "body",
        "chunked",
        "flags",
        "fault",
        "begin",
    )

    def __init__(
        self,
        connection: Connection,
        index: int,
        time_ns: int,
        end_ns: int,
        method: bytes,
        target: bytes,
        version: bytes,
        head: bytes,
        body: bytes,
        chunked: bool,
        flags: tuple[Flag, ...],
        fault: Fault | None,
        begin: int = -1,
    ) -> None:
        self.connection = connection
        self.index = index
        self.time_ns = time_ns
        self.end_ns = end_ns
        self.method = method
        self.target = target
        self.version = version
        self.head = head
        self.body = body
        self.chunked = chunked
        self.flags = flags
        self.fault = fault
        self.begin = begin


def whole_request(
    connection: Connection,
    index: int,
    time_ns: int,
    method: bytes,
    target: bytes,
    version: bytes,
    head: bytes,
    body: bytes,
    begin: int,
) -> Request:
    """A request that came in one piece: in compiled code without the cost of a call."""
    made = Request.__new__(Request)
    made.connection, made.index = connection, index
    made.time_ns = made.end_ns = time_ns
    made.method, made.target, made.version = method, target, version
    made.head, made.body, made.chunked = head, body, False
    made.flags, made.fault, made.begin = (), None, begin
    return made


class Response(Value):
    """An answer as it was on the wire; the fields are as a `Request`'s.

    `body_bytes` counts the octets behind the head as they were on the wire, also where they were not kept.
    """

    __slots__ = __match_args__ = (
        "connection",
        "time_ns",
        "end_ns",
        "status",
        "reason",
        "version",
        "head",
        "body",
        "body_bytes",
        "chunked",
        "flags",
        "fault",
    )

    def __init__(
        self,
        connection: Connection,
        time_ns: int,
        end_ns: int,
        status: int,
        reason: bytes,
        version: bytes,
        head: bytes,
        body: bytes,
        body_bytes: int,
        chunked: bool,
        flags: tuple[Flag, ...],
        fault: Fault | None,
    ) -> None:
        self.connection = connection
        self.time_ns = time_ns
        self.end_ns = end_ns
        self.status = status
        self.reason = reason
        self.version = version
        self.head = head
        self.body = body
        self.body_bytes = body_bytes
        self.chunked = chunked
        self.flags = flags
        self.fault = fault


def whole_response(
    connection: Connection,
    time_ns: int,
    status: int,
    reason: bytes,
    version: bytes,
    head: bytes,
    body: bytes,
    body_bytes: int,
) -> Response:
    """An answer that came in one piece."""
    made = Response.__new__(Response)
    made.connection = connection
    made.time_ns = made.end_ns = time_ns
    made.status, made.reason, made.version = status, reason, version
    made.head, made.body, made.body_bytes = head, body, body_bytes
    made.chunked, made.flags, made.fault = False, (), None
    return made


class Exchange(Value):
    """A request and production's answer to it; either is None where it was not seen.

    An interim answer (1xx) makes an exchange of its own. `lost_request` is True when the capture shows that
    there was a request and that it fell into a hole.
    """

    __slots__ = __match_args__ = ("request", "response", "lost_request")

    def __init__(
        self, request: Request | None, response: Response | None, lost_request: bool = False
    ) -> None:
        self.request = request
        self.response = response
        self.lost_request = lost_request

    @property
    def latency_ns(self) -> int | None:
        """From the last octet of the request to the first of the answer, as the capture saw them."""
        if self.request is None or self.response is None:
            return None
        return self.response.time_ns - self.request.end_ns


def whole_exchange(request: Request, response: Response) -> Exchange:
    """An exchange of which both are there."""
    made = Exchange.__new__(Exchange)
    made.request, made.response, made.lost_request = request, response, False
    return made


class Ended(msgspec.Struct, frozen=True, gc=False):
    """The client of a connection will send nothing more."""

    connection: int


Message = Request | Exchange | Ended
