"""A web server that does on each connection exactly what a test's script says, however odd.

async def script(peer):
    await peer.request()
    peer.send(b"HTTP/1.1 200 OK\\r\\n")
    peer.reset()

async with serving(script) as server: …
"""

import asyncio
import functools
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import uvloop

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PATIENCE_S = 40.0


class Peer:
    """One connection, seen from the server; `number` counts them from 0."""

    def __init__(self, server, reader, writer):
        self.server = server
        self.number = len(server.peers)
        self.requests: list[bytes] = []
        self.closed = False
        self._reader, self._writer = reader, writer

    async def head(self):
        """The head of the next request."""
        return await self._reader.readuntil(b"\r\n\r\n")

    async def body(self, head):
        """The body behind a head, as it is on the wire."""
        lower = head.lower()
        if b"\r\ntransfer-encoding: chunked" in lower:
            parts = []
            while size := int((line := await self._line()).partition(b";")[0], 16):
                parts += [line, await self._reader.readexactly(size + 2)]
            while line != b"\r\n":
                parts.append(line)
                line = await self._line()
            return b"".join([*parts, line])
        if b"\r\ncontent-length: " in lower:
            length = lower.partition(b"\r\ncontent-length: ")[2].partition(b"\r")[0]
            return await self._reader.readexactly(int(length))
        return b""

    async def _line(self):
        return await self._reader.readuntil(b"\r\n")

    async def request(self):
        """The next request, and note it."""
        head = await self.head()
        octets = head + await self.body(head)
        self.requests.append(octets)
        self.server.requests.append(octets)
        return octets

    def send(self, octets):
        """Send octets, whatever they are; nothing when the client is gone."""
        if not self._writer.is_closing():
            self._writer.write(octets)

    async def flush(self):
        """Wait until the kernel has taken them."""
        await self._writer.drain()

    async def answer(self, octets=OK):
        """Read one request and send one answer."""
        request = await self.request()
        self.send(octets)
        return request

    async def serve(self, octets=OK):
        """Answer every request until the client has had enough."""
        while True:
            await self.answer(octets)

    async def gone(self):
        """Wait until the client closes or resets."""
        with suppress(ConnectionError):
            while await self._reader.read(65_536):
                pass

    def reset(self):
        """Break off with a RST."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def close(self):
        """Close the connection."""
        self._writer.close()


Script = Callable[[Peer], Awaitable[None]]


class Server:
    """What it saw: `peers` in the order in which they came, `requests` in the order of their last octet."""

    def __init__(self, script: Script):
        self.script = script
        self.port = 0
        self.peers: list[Peer] = []
        self.requests: list[bytes] = []
        self._tasks: set[asyncio.Task] = set()
        self._listener: asyncio.Server | None = None

    @property
    def open(self):
        """How many connections are open now."""
        return sum(not peer.closed for peer in self.peers)

    async def start(self, *, host="127.0.0.1", port=0, tls=None):
        """Listen."""
        if self._listener is not None:
            return
        self._listener = await asyncio.start_server(self._serve, host, port, ssl=tls, limit=64 << 20)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self):
        """Stop listening and break off what is open."""
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        if self._listener is None:  # it came while the server stopped, so it is none of the tasks that end
            writer.transport.abort()
            return
        peer = Peer(self, reader, writer)
        self.peers.append(peer)
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self.script(peer)
                await peer.gone()
        finally:
            self._tasks.discard(task)
            peer.closed = True
            writer.close()


@asynccontextmanager
async def serving(
    script: Script = Peer.serve, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """A server with a script for each of its connections; connections stay open when it ends."""
    server = Server(script)
    await server.start(host=host, port=port, tls=tls)
    try:
        yield server
    finally:
        await server.stop()


def in_turn(*scripts: Script) -> Script:
    """One script a connection, the last for all further ones."""

    async def script(peer):
        await scripts[min(peer.number, len(scripts) - 1)](peer)

    return script


async def until(met: Callable[[], object]):
    """Wait for a condition."""
    async with asyncio.timeout(PATIENCE_S):
        while not met():
            await asyncio.sleep(0.001)


def live(test, patience_s=2 * PATIENCE_S):
    """A test that runs in an event loop like the runner's. Exceptions that escape a callback fail it."""

    @functools.wraps(test)
    def run(*args, **named):
        escaped = []

        async def limited():
            asyncio.get_running_loop().set_exception_handler(lambda _, context: escaped.append(context))
            async with asyncio.timeout(patience_s):
                await test(*args, **named)

        uvloop.run(limited())
        assert not escaped, [context.get("exception", context) for context in escaped]

    return run
