"""The status port: /metrics for Prometheus, /healthz for load balancers and people.

It answers from the run's own event loop, so a loop that is stuck shows as a health check that times out. It reads
the ledger and nothing else, takes GET and HEAD, and has limits on everything a stranger could ask for: the length
of a request, the time it may take, the number of connections. There is no secret behind it and no way to change
anything through it; bind it to an address that only the right people reach all the same.
"""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

import h11
import msgspec

from shadowtap.errors import RunError
from shadowtap.ledger import Ledger
from shadowtap.report.health import Health
from shadowtap.report.metrics import CONTENT_TYPE, metrics

CONNECTIONS = 64
"""More than any set of scrapers and health checks; what comes beyond it is closed at once."""
HEAD_BYTES = 16 * 1024
"""Longest request; a scraper needs a few hundred bytes."""
IDLE_S = 15.0
"""How long a connection may take for its next request: more than a health check's usual 10 s."""

_INDEX = b"shadowtap\n\n/metrics  counters for Prometheus\n/healthz  200 while all is well, 503 on sustained loss\n"
_TEXT = "text/plain; charset=utf-8"

Answer = tuple[HTTPStatus, str, bytes]


class StatusServer:
    """Serves the ledger over HTTP. `clock` gives wall-clock nanoseconds."""

    def __init__(
        self,
        host: str,
        port: int,
        ledger: Ledger,
        *,
        health: Health | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.host = host
        self.port = port
        self._ledger = ledger
        self._health = health or Health()
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._watch: asyncio.Task[None] | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; `port` is then the real one, also where 0 was asked. Raises RunError when it cannot be had."""
        try:
            self._server = await asyncio.start_server(self._serve, self.host, self.port, limit=HEAD_BYTES)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            where = f"{self.host}:{self.port}"
            raise RunError(f"status port {where}: {why}; choose another with --status") from None
        self.port = self._server.sockets[0].getsockname()[1]
        self._watch = asyncio.create_task(self._observe())

    async def close(self) -> None:
        """Stop listening and end what is open."""
        if self._server is None or self._watch is None:
            return
        self._server.close()
        tasks = [self._watch, *self._open]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 1)

    def answer(self, target: bytes) -> Answer:
        """Status, content type and body for a request target."""
        path = target.partition(b"?")[0]
        if path == b"/metrics":
            return HTTPStatus.OK, CONTENT_TYPE, metrics(self._ledger, self._health)
        if path in (b"/healthz", b"/health"):
            status = HTTPStatus.OK if self._health.healthy else HTTPStatus.SERVICE_UNAVAILABLE
            body = msgspec.json.encode(self._health.as_dict(self._ledger)) + b"\n"
            return status, "application/json", body
        if path == b"/":
            return HTTPStatus.OK, _TEXT, _INDEX
        return HTTPStatus.NOT_FOUND, _TEXT, b"not here; there are /metrics and /healthz\n"

    async def _observe(self) -> None:
        while True:
            self._health.observe(self._ledger, self._clock())
            await asyncio.sleep(1)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._open) >= CONNECTIONS:
            writer.close()
            return
        self._open.add(task)
        try:
            with suppress(ConnectionError, TimeoutError):
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
                writer.write(self._reply(connection, request))
                await writer.drain()
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()

    def _reply(self, connection: h11.Connection, request: h11.Request | HTTPStatus) -> bytes:
        if isinstance(request, HTTPStatus):
            status, kind, body = request, _TEXT, f"{request.phrase}\n".encode()
        elif request.method not in (b"GET", b"HEAD"):
            status, kind, body = HTTPStatus.METHOD_NOT_ALLOWED, _TEXT, b"GET and HEAD only\n"
        else:
            status, kind, body = self.answer(request.target)
        headers = [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            *([("Allow", "GET, HEAD")] if status == HTTPStatus.METHOD_NOT_ALLOWED else []),
        ]
        head = h11.Response(status_code=status, headers=headers, reason=status.phrase)
        events: list[h11.Event] = [head, h11.Data(data=body), h11.EndOfMessage()]
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
