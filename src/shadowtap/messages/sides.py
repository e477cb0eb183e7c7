"""The two sides of a connection: who is the client, and a reader for what each says.

The SYN tells who is the client; without it, or where it misleads (SOCKS BIND, a reverse tunnel), the first octets do.
"""

from shadowtap.events import Flow
from shadowtap.events.flows import Chunk
from shadowtap.events.messages import Connection
from shadowtap.http1 import Limits, Reader, Role
from shadowtap.http1.plain import Plain
from shadowtap.http1.reader import State
from shadowtap.ledger import MessageCounters
from shadowtap.messages.pairing import Pairing
from shadowtap.messages.recognition import foreign, is_client, looks_like_request, looks_like_response
from shadowtap.serial import MASK

_NOTHING = (-1, -1)


class Sides:
    """Both directions of a connection. `readers` has None where nothing is known of a direction; `connected` is True
    when it is known who is the client, and `connection` says it. `lost` says that octets were lost before the readers
    began. `plains` are what servers' and clients' messages of other connections were like: a reader begins with that.
    """

    __slots__ = (
        "_counters",
        "_flow",
        "_keep",
        "_limits",
        "_pairing",
        "_plains",
        "_unread",
        "connected",
        "connection",
        "lost",
        "readers",
    )

    def __init__(
        self,
        flow: Flow,
        pairing: Pairing,
        *,
        limits: Limits,
        keep_answer_bodies: bool,
        counters: MessageCounters,
        plains: list[Plain],
    ) -> None:
        self.readers: list[Reader | None] = [None, None]
        self.connection = Connection(flow.number, flow.a, flow.b, flow.vni)
        self.connected = False
        self.lost = flow.initiator is None
        self._flow = flow
        self._pairing = pairing
        self._limits = limits
        self._keep = keep_answer_bodies
        self._counters = counters
        self._plains = plains
        self._unread = [
            _NOTHING,
            _NOTHING,
        ]  # end and ack of the last packet of a direction that has no reader

    def is_client(self, direction: int) -> bool:
        """Whether the client speaks in this direction, as far as is known."""
        reader, other = self.readers[direction], self.readers[1 - direction]
        if reader is not None:
            return reader.is_request
        return direction == self._flow.initiator if other is None else not other.is_request

    def recognise(self, chunk: Chunk) -> Reader | None:
        """A reader for a direction that has none; None where these octets do not tell."""
        reader = self._recognise(chunk)
        if reader is None:
            self._counters.skipped_bytes += len(chunk.data)
            self._unread[chunk.direction] = (chunk.end, chunk.ack)
            return None
        server = 1 - chunk.direction if reader.is_request else chunk.direction
        end, ack = self._unread[server]
        if end >= 0:
            self._pairing.heard((end - 1) & MASK, ack)
            self._unread[server] = _NOTHING
        return reader

    def unread_end(self, direction: int) -> int:
        """Where what was said in a direction before it was recognised ended; -1 where nothing was said."""
        return self._unread[direction][0]

    def _recognise(self, chunk: Chunk) -> Reader | None:
        direction = chunk.direction
        other = self.readers[1 - direction]
        protocol = foreign(chunk.data)
        if protocol is not None:
            if other is None or other.state is not State.ABSENT:
                self._counters.not_http[protocol] += 1
            self.readers[direction] = self._absent(Role.REQUEST if other is None else Role.RESPONSE)
            return None
        client = is_client(chunk.data)
        if client is None and self._flow.initiator is not None:
            client = direction == self._flow.initiator
        if client is None and other is not None:
            client = not other.is_request
        if client is None:
            return None
        self._connect(direction if client else 1 - direction)
        if other is not None and other.is_request == client:
            client = not client
        return self._reader(direction, client)

    def is_other_way_round(self, chunk: Chunk) -> bool:
        """Whether the side that opened the connection turns out to be the server."""
        if any(reader is not None and reader.seen for reader in self.readers):
            return False
        client = looks_like_request(chunk.data)
        return client is self.is_client(1 - chunk.direction) and (client or looks_like_response(chunk.data))

    def turn_round(self, direction: int) -> Reader:
        """Take client and server for each other; the new reader of a direction."""
        client = not self.is_client(direction)
        self._forget_held()
        self.connected = False
        self._connect(direction if client else 1 - direction)
        self._reader(1 - direction, not client)
        return self._reader(direction, client)

    def let_go(self) -> None:
        """Nothing more will come: let go of the readers, which know of this, so that nothing is left for the garbage
        collector."""
        self.readers[:] = [None, None]
        self._pairing.reader = None

    def switch(self) -> None:
        """The connection speaks another protocol from here on."""
        self._forget_held()
        for reader in self.readers:
            if reader is not None and reader.state is not State.TUNNEL:
                reader.switch()

    def _connect(self, client: int) -> None:
        if not self.connected:
            self.connected = True
            ends = (self._flow.a, self._flow.b)
            self.connection = Connection(self._flow.number, ends[client], ends[1 - client], self._flow.vni)

    def _reader(self, direction: int, client: bool) -> Reader:
        plain = self._plains[client] = self._plains[client].another()
        if client:
            reader = Reader(Role.REQUEST, limits=self._limits, seek=self.lost, plain=plain)
            self._pairing.reader = reader
        else:
            reader = Reader(
                Role.RESPONSE,
                limits=self._limits,
                keep_body=self._keep,
                method_of_next=self._method_of_next,
                seek=self.lost,
                plain=plain,
            )
        self.readers[direction] = reader
        return reader

    def _absent(self, role: Role) -> Reader:
        reader = Reader(role, limits=self._limits)
        reader.state = State.ABSENT
        return reader

    def _method_of_next(self, begin: int, ack: int) -> bytes | None:
        """See `Reader`."""
        method = self._pairing.method(begin, ack)
        if method or self._flow.initiator is not None:
            return method
        requests = self._pairing.reader
        return method if requests is not None and requests.seen else None

    def _forget_held(self) -> None:
        self._counters.buffered_bytes -= sum(reader.held for reader in self.readers if reader is not None)
