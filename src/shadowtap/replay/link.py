"""Plain TCP connections, as the event loop's own transports are to a protocol.

For each connection a loop makes a task and a future, and asks the kernel for names and options that nobody needs
here. Where production opens a connection for each request, that costs more than the request. So all connections to a
target stand in one epoll, which the loop watches as if it were one file, and the kernel is asked for nothing but to
connect, send, receive and close.

A link is connecting, then open, then closed. As with a loop's transports, its protocol hears nothing from within what
it calls itself. After `close` or `abort` it hears nothing at all; both throw away what is unsent.
"""

import asyncio
import errno
import os
import select
import socket
from collections.abc import Callable
from typing import Any, Protocol

from shadowtap.events import Endpoint

_AT_ONCE = 1_000
"""Links that one look at the epoll finds ready; the next look finds the others."""
_RECEIVED_BYTES = 32 << 10
"""Octets taken from one link before it is the next one's turn. For four times as many the C library asks the
kernel for memory each time, which takes longer than all the rest."""
_IN, _OUT = select.EPOLLIN, select.EPOLLOUT
_BROKEN = select.EPOLLERR | select.EPOLLHUP
_NON_BLOCKING = socket.SOCK_STREAM | socket.SOCK_NONBLOCK

_NOTHING = memoryview(b"")


class Listener(Protocol):
    """What hears of a connection: the methods of an `asyncio.Protocol`."""

    def connection_made(self, transport: Any) -> None: ...
    def data_received(self, data: bytes) -> None: ...
    def eof_received(self) -> bool | None: ...
    def connection_lost(self, exc: Exception | None) -> None: ...


_NOBODY: Listener = asyncio.Protocol()
"""Who hears of a closed link, so that its protocol is free to go."""

Ended = Callable[[BaseException | None], None]
"""Told how an attempt to connect has ended: None, or why there is no connection."""


class Links:
    """The links of one target. `pass_over` is told which addresses cannot be reached."""

    __slots__ = ("_endpoint", "_epoll", "_loop", "_open", "_place", "pass_over")

    def __init__(self, pass_over: Callable[[Endpoint], None]) -> None:
        self.pass_over = pass_over
        self._epoll: select.epoll | None = None
        self._open: dict[int, Link] = {}
        self._endpoint: Endpoint | None = None
        self._place = ("", 0)

    def connect(self, protocol: Listener, endpoints: list[Endpoint], ended: Ended) -> "Link":
        """Connect to the first of these addresses that can be reached. `ended` is called later, never from here."""
        if self._epoll is None:
            self._loop, self._epoll = asyncio.get_running_loop(), select.epoll()
            self._loop.add_reader(self._epoll.fileno(), self._look)
        link = Link(self, protocol, endpoints, ended)
        link.try_next(OSError("it has no address"))
        return link

    def close(self) -> None:
        """To be called when all links are closed."""
        if self._epoll is not None:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None

    def _look(self) -> None:
        assert self._epoll is not None
        link_of = self._open.get
        # The kernel gives numbers again as soon as a link is closed, so they are looked up before anything happens.
        for link, events in [(link_of(number), events) for number, events in self._epoll.poll(0, _AT_ONCE)]:
            if link is None:
                continue
            if events == _IN:
                link.receive()
            else:
                link.ready(events)

    # -- what links ask ----------------------------------------------------------------------------------------

    def place(self, endpoint: Endpoint) -> tuple[str, int]:
        """An address as sockets want it; it is nearly always the same one."""
        if endpoint is not self._endpoint:
            self._endpoint, self._place = endpoint, (str(endpoint.address), endpoint.port)
        return self._place

    def add(self, number: int, link: "Link") -> None:
        """Wait for the end of its attempt to connect."""
        assert self._epoll is not None
        self._epoll.register(number, _IN | _OUT)
        self._open[number] = link

    def watch(self, number: int, events: int) -> None:
        """Wait for these from now on."""
        assert self._epoll is not None
        self._epoll.modify(number, events)

    def remove(self, number: int) -> None:
        """Forget a link that closes its socket, which then leaves the epoll by itself."""
        del self._open[number]

    def soon(self, tell: Callable[[Any], None], error: BaseException) -> None:
        """Tell somebody of an error in a later turn of the loop."""
        self._loop.call_soon(tell, error)


class Link:
    """One connection."""

    __slots__ = ("_ended", "_endpoints", "_links", "_protocol", "_sock", "_tried", "_unsent")

    def __init__(self, links: Links, protocol: Listener, endpoints: list[Endpoint], ended: Ended) -> None:
        self._links = links
        self._protocol = protocol
        self._endpoints = endpoints
        self._tried = 0
        self._ended: Ended | None = ended
        self._sock: socket.SocketType | None = None
        self._unsent = _NOTHING

    # -- connecting --------------------------------------------------------------------------------------------

    def try_next(self, error: BaseException) -> None:
        """Try the next address; where there is none, the attempt has ended with the last error."""
        while self._tried < len(self._endpoints):
            endpoint = self._endpoints[self._tried]
            self._tried += 1
            try:
                self._begin(endpoint)
            except OSError as failure:
                self._links.pass_over(endpoint)
                error = failure
            else:
                return
        self._give_up(error)

    def _begin(self, endpoint: Endpoint) -> None:
        family = socket.AF_INET if endpoint.address.version == 4 else socket.AF_INET6
        sock = socket.SocketType(family, _NON_BLOCKING, socket.IPPROTO_TCP)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = sock.connect_ex(self._links.place(endpoint))
        if number not in (0, errno.EINPROGRESS):
            sock.close()
            raise OSError(number, os.strerror(number))
        self._links.add(sock.fileno(), self)
        self._sock = sock

    def _connected(self, events: int) -> None:
        ended, sock = self._ended, self._sock
        assert ended is not None
        assert sock is not None
        if events & _BROKEN and (number := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
            self._let_go()
            self._links.pass_over(self._endpoints[self._tried - 1])
            self.try_next(OSError(number, os.strerror(number)))
            return
        self._ended = None
        self._links.watch(sock.fileno(), _IN)
        self._protocol.connection_made(self)
        if events & ~_OUT:  # the other side speaks first, which must be known before anything is sent
            self.receive()
        ended(None)

    def _give_up(self, error: BaseException) -> None:
        ended, self._ended = self._ended, None
        assert ended is not None
        self._links.soon(ended, error)

    def cancel(self) -> None:
        """Connect no longer, as if its time were over."""
        if self._ended is not None:
            self.close()
            self._links.pass_over(self._endpoints[self._tried - 1])
            self._give_up(TimeoutError())

    # -- open --------------------------------------------------------------------------------------------------

    def ready(self, events: int) -> None:
        """The kernel has more to say than that there are octets."""
        if self._ended is not None:
            self._connected(events)
            return
        if events & _OUT:
            self._send_on()
        if events & ~_OUT:
            self.receive()

    def receive(self) -> None:
        """The other side has sent something, or nothing more will come."""
        sock, protocol = self._sock, self._protocol
        if sock is None:
            return
        try:
            octets = sock.recv(_RECEIVED_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self.close()
            protocol.connection_lost(error)
            return
        if octets:
            protocol.data_received(octets)
        else:
            protocol.eof_received()
            self.close()

    def write(self, data: Any) -> None:
        """Send octets now, and what the kernel has no room for as soon as it has."""
        sock = self._sock
        if sock is None:
            return
        if self._unsent:
            self._unsent = memoryview(b"".join((self._unsent, data)))
            return
        try:
            sent = sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._links.soon(self._protocol.connection_lost, error)
            self.close()
            return
        if sent < len(data):
            self._unsent = memoryview(data)[sent:]
            self._links.watch(sock.fileno(), _IN | _OUT)

    def _send_on(self) -> None:
        unsent, self._unsent = self._unsent, _NOTHING
        self.write(unsent)
        if self._sock is not None and not self._unsent:
            self._links.watch(self._sock.fileno(), _IN)

    def get_write_buffer_size(self) -> int:
        """Octets that have not left this process."""
        return len(self._unsent)

    # -- closed ------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close it."""
        self._protocol = _NOBODY
        self._let_go()

    def _let_go(self) -> None:
        sock, self._sock = self._sock, None
        if sock is not None:
            self._unsent = _NOTHING
            self._links.remove(sock.fileno())
            sock.close()

    abort = close

    def is_closing(self) -> bool:
        """Whether it is closed."""
        return self._sock is None

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Its `socket`."""
        return self._sock if name == "socket" else default
