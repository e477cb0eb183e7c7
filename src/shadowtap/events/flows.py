"""What a TCP connection shows, in order: `Opened`, then `Chunk` and `Gap` of both directions, then `Closed` twice."""

from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

import msgspec

from shadowtap.events.value import Value

Address = IPv4Address | IPv6Address


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


class Chunk(Value):
    """Bytes of one direction, in order and without overlap. `end` is the stream position (a TCP sequence
    number) behind them; `ack` is how far the other direction had been received when they were sent, or -1."""

    __slots__ = __match_args__ = ("flow", "direction", "data", "time_ns", "end", "ack")

    def __init__(self, flow: int, direction: int, data: bytes, time_ns: int, end: int, ack: int) -> None:
        self.flow = flow
        self.direction = direction
        self.data = data
        self.time_ns = time_ns
        self.end = end
        self.ack = ack


def chunk_of(flow: int, direction: int, data: bytes, time_ns: int, end: int, ack: int) -> Chunk:
    """A chunk: in compiled code without the cost of a call."""
    made = Chunk.__new__(Chunk)
    made.flow, made.direction, made.data = flow, direction, data
    made.time_ns, made.end, made.ack = time_ns, end, ack
    return made


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
