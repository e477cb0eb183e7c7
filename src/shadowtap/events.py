"""The vocabulary of values that cross the borders between stages.

    Frames ─► Segments ─► Opened | Chunk | Gap | Closed ─► Request | Exchange ─► Outcome

Packets are columns (NumPy arrays of one batch), because Python pays per object; from the bytes of a message on
they are small frozen values. Times are nanoseconds since the Unix epoch, as the capture saw them. A value knows
nothing of the stage that made it.
"""

from collections.abc import Callable, Iterable
from enum import IntEnum, StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Address = IPv4Address | IPv6Address


class Link(IntEnum):
    """What a frame begins with: a LINKTYPE_ number (tcpdump.org/linktypes.html) or, below zero, an overlay
    whose outer headers the receiving socket has already removed."""

    VXLAN = -1
    GENEVE = -2
    NULL = 0
    ETHERNET = 1
    PPP = 9
    RAW_BSD = 12
    RAW_OPENBSD = 14
    RAW = 101
    C_HDLC = 104
    WLAN = 105
    LOOP = 108
    LINUX_SLL = 113
    RADIOTAP = 127
    IPV4 = 228
    IPV6 = 229
    NFLOG = 239
    LINUX_SLL2 = 276


class Frames:
    """A batch of packets: one buffer and a row per packet, in order of arrival.

    `buffer` is uint8; `start` the index of a frame's first byte in it; `captured` the bytes there are;
    `on_wire` the bytes there were; `time_ns` when it was captured. All columns are int64 of one length.
    The buffer may be reused by the source that made it: a frame is valid until the next one is asked for.
    `link` is a `Link` where it is known and the bare LINKTYPE_ number where it is not.
    """

    __slots__ = ("buffer", "captured", "link", "on_wire", "start", "time_ns")

    def __init__(
        self, buffer: Bytes, start: Ints, captured: Ints, on_wire: Ints, time_ns: Ints, link: int
    ) -> None:
        self.buffer = buffer
        self.start = start
        self.captured = captured
        self.on_wire = on_wire
        self.time_ns = time_ns
        self.link = link

    def __len__(self) -> int:
        return len(self.start)


class FlowKey(NamedTuple):
    """The five native 64-bit numbers of a `Segments.key`: `struct.unpack("=5Q", key)`.

    Addresses come in two halves, the upper one 0 for IPv4. `tail` is, from the top: port of the first endpoint
    (16 bits), port of the second (16), 6 unused, 1 for IPv6 (bit 25), 1 where there is a VNI (bit 24), VNI (24).
    The first endpoint is the one with the lower address, then the lower port.
    """

    a_hi: int
    a_lo: int
    b_hi: int
    b_lo: int
    tail: int


class Segments:
    """The TCP segments of a batch, in order of arrival; every column has one row a segment.

    `key` names the connection exactly: 40 bytes, the two endpoints in a fixed order, address family and VNI
    (see `FlowKey`). `reverse` is True where the segment goes from the second endpoint to the first.
    `start` and `length` delimit the payload in `buffer`; `missing` counts payload bytes that the sender sent
    in this segment and the capture cut off. `flags` are the TCP flags byte.
    """

    __slots__ = (
        "ack",
        "buffer",
        "flags",
        "key",
        "length",
        "missing",
        "reverse",
        "seq",
        "start",
        "time_ns",
    )

    def __init__(
        self,
        buffer: Bytes,
        key: NDArray[np.void],
        reverse: NDArray[np.bool_],
        seq: Ints,
        ack: Ints,
        flags: Ints,
        start: Ints,
        length: Ints,
        missing: Ints,
        time_ns: Ints,
    ) -> None:
        self.buffer = buffer
        self.key = key
        self.reverse = reverse
        self.seq = seq
        self.ack = ack
        self.flags = flags
        self.start = start
        self.length = length
        self.missing = missing
        self.time_ns = time_ns

    def __len__(self) -> int:
        return len(self.seq)

    def eventful(self) -> NDArray[np.bool_]:
        """Which segments do more than acknowledge."""
        eventful: NDArray[np.bool_] = (self.length > 0) | ((self.flags & _EVENTFUL) != 0) | (self.missing > 0)
        return eventful

    def rows(self, *, acks: bool) -> "Iterable[SegmentRow]":
        """Segment by segment; those that only acknowledge are left out unless `acks`."""
        kept = np.arange(len(self)) if acks else self.eventful().nonzero()[0]
        start = self.start[kept]
        octets = memoryview(self.buffer)  # type: ignore[arg-type]
        payload = zip(start.tolist(), (start + self.length[kept]).tolist(), strict=True)
        return zip(
            self.key[kept].tolist(),
            self.reverse.view(np.uint8)[kept].tolist(),
            self.seq[kept].tolist(),
            self.ack[kept].tolist(),
            self.flags[kept].tolist(),
            [bytes(octets[begin:end]) for begin, end in payload],
            self.missing[kept].tolist(),
            self.time_ns[kept].tolist(),
            strict=True,
        )


SegmentRow = tuple[bytes, int, int, int, int, bytes, int, int]
"""One segment: key, direction, seq, ack, flags, payload, missing, time_ns."""
_EVENTFUL = 0b111
"""The flags FIN, SYN and RST."""


class SegmentRows:
    """What `Segments` is, as rows. `rows` are those that do more than acknowledge; `every` gives them all, as long as
    the frames are valid."""

    __slots__ = ("_count", "_every", "_rows")

    def __init__(self, count: int, rows: list[SegmentRow], every: Callable[[], list[SegmentRow]]) -> None:
        self._count = count
        self._rows = rows
        self._every = every

    def __len__(self) -> int:
        return self._count

    def rows(self, *, acks: bool) -> list[SegmentRow]:
        """As `Segments.rows`."""
        return self._every() if acks else self._rows


class Endpoint(NamedTuple):
    """One end of a TCP connection."""

    address: Address
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        return f"{host}:{self.port}"


class Flow(msgspec.Struct, frozen=True, gc=False):
    """A TCP connection as the packets show it. Direction 0 goes from `a` to `b`, direction 1 back.

    `initiator` is the direction of the SYN, or None when the connection was joined mid-stream.
    """

    number: int
    a: Endpoint
    b: Endpoint
    vni: int | None
    initiator: int | None


class How(StrEnum):
    """How one direction of a flow came to its end."""

    FIN = "fin"
    RESET = "reset"
    IDLE = "idle"
    EVICTED = "evicted"
    REUSED = "reused"
    END = "end"


class Opened(msgspec.Struct, frozen=True, gc=False):
    """First sight of a flow."""

    flow: Flow


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """Bytes of one direction, in order and without overlap. `end` is the stream position (a TCP sequence
    number) behind them; `ack` is how far the other direction had been received when they were sent, or -1."""

    flow: int
    direction: int
    data: bytes
    time_ns: int
    end: int
    ack: int


class Gap(msgspec.Struct, frozen=True, gc=False):
    """`length` bytes of one direction that were sent and will not come: lost on the mirror or cut off.

    `end` is the stream position behind the hole; `cut` is True where the capture cut a packet short.
    """

    flow: int
    direction: int
    length: int
    time_ns: int
    end: int
    cut: bool


class Closed(msgspec.Struct, frozen=True, gc=False):
    """Nothing more comes in this direction."""

    flow: int
    direction: int
    how: How
    time_ns: int


FlowEvent = Opened | Chunk | Gap | Closed


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


class Connection(msgspec.Struct, frozen=True, gc=False):
    """A flow whose client and server are known. `number` is the flow's, unique within a run."""

    number: int
    client: Endpoint
    server: Endpoint
    vni: int | None


class Request(msgspec.Struct, frozen=True, gc=False):
    """A request as it was on the wire.

    `head` runs from the request line through the empty line; `body` is the octets behind it with any chunked
    framing kept (`http1.payload` removes it). `time_ns` and `end_ns` are the capture times of the packets that
    held the first and the last byte. `index` counts the requests of its connection from 0. `fault` is None when
    every byte is there; otherwise head and body hold what there was. `begin` is the position of the first byte in the
    client's stream (a TCP sequence number), -1 where it is not known.
    """

    connection: Connection
    index: int
    time_ns: int
    end_ns: int
    method: bytes
    target: bytes
    version: bytes
    head: bytes
    body: bytes
    chunked: bool
    flags: tuple[Flag, ...]
    fault: Fault | None
    begin: int = -1


class Response(msgspec.Struct, frozen=True, gc=False):
    """An answer as it was on the wire; the fields are as a `Request`'s.

    `body_bytes` counts the octets behind the head as they were on the wire, also where they were not kept.
    """

    connection: Connection
    time_ns: int
    end_ns: int
    status: int
    reason: bytes
    version: bytes
    head: bytes
    body: bytes
    body_bytes: int
    chunked: bool
    flags: tuple[Flag, ...]
    fault: Fault | None


class Exchange(msgspec.Struct, frozen=True, gc=False):
    """A request and production's answer to it; either is None where it was not seen.

    An interim answer (1xx) makes an exchange of its own. `lost_request` is True when the capture shows that
    there was a request and that it fell into a hole.
    """

    request: Request | None
    response: Response | None
    lost_request: bool = False

    @property
    def latency_ns(self) -> int | None:
        """From the last octet of the request to the first of the answer, as the capture saw them."""
        if self.request is None or self.response is None:
            return None
        return self.response.time_ns - self.request.end_ns


class Ended(msgspec.Struct, frozen=True, gc=False):
    """The client of a connection will send nothing more."""

    connection: int


Message = Request | Exchange | Ended


class Failure(StrEnum):
    """Why a replayed request has no answer."""

    CONNECT = "connect"
    TIMEOUT = "timeout"
    RESET = "reset"
    CLOSED = "closed"
    GARBAGE = "garbage"
    BREAKER = "breaker_open"
    INTERRUPTED = "interrupted"
    TLS = "tls"
    REFUSED = "target_refused"
    """The target turned out to be production while the request was waiting or under way."""


class Substitution(NamedTuple):
    """A value that was put into a request in place of production's. `kind` says where it stands: `target`, `cookie`,
    `header` or `body`."""

    kind: str
    production: str
    target: str


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of one request at one target: an answer, or a named failure.

    `sent_ns` is the wall clock when its first byte was given to the connection (0: never); `first_byte_ns` and
    `elapsed_ns` are durations from there to the first and the last byte of the answer. `substitutions` are the values
    of this target that were put into the request, for its session to go on.
    """

    target: str
    request: Request
    sent_ns: int
    first_byte_ns: int
    elapsed_ns: int
    status: int
    head: bytes
    body: bytes
    failure: Failure | None
    substitutions: tuple[Substitution, ...] = ()


class Difference(msgspec.Struct, frozen=True, gc=False):
    """One way in which a target's answer differs from production's.

    `kind` is a short name such as `status`, `header_missing`, `json_type`; `where` is the place in the answer, such
    as `status`, `header content-type` or `body.items[].price`; the two texts are what stood there, shortened.
    `times` counts the elements that differ in this way; the texts are those of the first.
    """

    kind: str
    where: str
    production: str
    target: str
    times: int = 1


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """Whether one target answered as production did. `noise` are differences that mean nothing, each with the rule
    that says so; `skipped` says why two answers were not compared, or is empty. `more` counts differences beyond
    those that are listed."""

    target: str
    differences: tuple[Difference, ...]
    noise: tuple[tuple[Difference, str], ...] = ()
    skipped: str = ""
    more: int = 0

    @property
    def same(self) -> bool:
        """Compared, and without a difference that means something."""
        return not self.differences and not self.skipped and not self.more


class Observation(msgspec.Struct, frozen=True, gc=False):
    """All that is known of one request when nothing more will come: production's exchange, what became of the
    request here, and at each target.

    `fate` is the bucket of the ledger, with its reason behind a colon where it has one: `replayed`, `overflowed`,
    `sampled_out`, `filtered: path ~ "^/health"`, `refused: own_mark`, `incomplete: lost_packets`.
    """

    exchange: Exchange
    fate: str
    outcomes: tuple[Outcome, ...]
    verdicts: tuple[Verdict, ...] = ()
