"""A small HTTP server in the run's own event loop, for what a run shows of itself.

It takes GET and HEAD, and has limits on everything a stranger could ask for: the length of a request, the time it may
take, the number of connections.
"""

import asyncio
import os
from abc import ABC, abstractmethod
from contextlib import suppress
from http import HTTPStatus
from typing import NamedTuple

import h11

from shadowtap.errors import RunError

CONNECTIONS = 64
"""More than any set of scrapers, health checks and browsers; what comes beyond it is closed at once."""
HEAD_BYTES = 16 * 1024
"""Longest request; a scraper needs a few hundred bytes."""
IDLE_S = 15.0
"""How long a connection may take for its next request: more than a health check's usual 10 s."""
TEXT = "text/plain; charset=utf-8"


class Reply(NamedTuple):
    """An answer: status, content type, body, and more header fields."""

    status: HTTPStatus
    kind: str
    body: bytes
    fields: tuple[tuple[str, str], ...] = ()


class HttpServer(ABC):
    """Listens on `host` and `port`. `what` it is and the `option` that names its address stand in what is said when
    it cannot listen."""

    def __init__(self, host: str, port: int, *, what: str, option: str) -> None:
        self.host = host
        self.port = port
        self._what, self._option = what, option
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    @property
    @abstractmethod
    def described(self) -> str:
        """What it shows, and where."""

    @abstractmethod
    async def reply(self, request: h11.Request) -> Reply:
        """The answer to a GET or HEAD."""

    async def start(self) -> None:
        """Listen; `port` is then the real one, also where 0 was asked. Raises RunError when it cannot be had."""
        try:
            self._server = await asyncio.start_server(self._serve, self.host, self.port, limit=HEAD_BYTES)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            where = f"{self.host}:{self.port}"
            raise RunError(f"{self._what} {where}: {why}; choose another with {self._option}") from None
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and end what is open."""
        if self._server is None:
            return
        self._server.close()
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 1)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._open) >= CONNECTIONS:
            writer.close()
            return
        self._open.add(task)
        try:
            # Streams take a cancelled task for an error; it is `close` that cancels.
            with suppress(ConnectionError, TimeoutError, asyncio.CancelledError):
                await self._converse(reader, writer)
        finally:
            self._open.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
        while True:
            async with asyncio.timeout(IDLE_S):
                request = await _next_request(connection, reader)
                if request is None:
                    return
                writer.write(await self._answer(connection, request))
                await writer.drain()
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()

    async def _answer(self, connection: h11.Connection, request: h11.Request | HTTPStatus) -> bytes:
        if isinstance(request, HTTPStatus):
            reply = Reply(request, TEXT, f"{request.phrase}\n".encode())
        elif request.method not in (b"GET", b"HEAD"):
            allow = (("Allow", "GET, HEAD"),)
            reply = Reply(HTTPStatus.METHOD_NOT_ALLOWED, TEXT, b"GET and HEAD only\n", allow)
        else:
            reply = await self.reply(request)
        headers = [
            ("Content-Type", reply.kind),
            ("Content-Length", str(len(reply.body))),
            ("Cache-Control", "no-store"),
            *reply.fields,
        ]
        head = h11.Response(status_code=reply.status, headers=headers, reason=reply.status.phrase)
        events: list[h11.Event] = [head, h11.Data(data=reply.body), h11.EndOfMessage()]
        if isinstance(request, h11.Request) and request.method == b"HEAD":
            del events[1]
        return b"".join(connection.send(event) or b"" for event in events)


async def _next_request(
    connection: h11.Connection, reader: asyncio.StreamReader
) -> h11.Request | HTTPStatus | None:
    """The next request, all of it read; a status where it is not to be had; None at the end."""
    request: h11.Request | None = None
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            can_answer = connection.our_state in (h11.IDLE, h11.SEND_RESPONSE)
            return HTTPStatus(error.error_status_hint) if can_answer else None
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(HEAD_BYTES))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.EndOfMessage):
            return request
        elif not isinstance(event, h11.Data):
            return None
