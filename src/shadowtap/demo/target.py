"""The target: the next version of the shop behind a real HTTP server on loopback."""

import asyncio
import time
from contextlib import suppress
from random import Random

import h11

from shadowtap.demo import wire
from shadowtap.demo.production import thinking_s
from shadowtap.demo.regressions import ALL, Regression
from shadowtap.demo.shop import Ask, Reply, Shop

_QUICK, _SLOW = 0.5, 2.5
"""How long the next version takes, of what production takes: its machine is a faster one, but not at searching."""


class Target:
    """Serves the next version. `port` is known after `start`."""

    def __init__(self, dice: Random, regressions: frozenset[Regression] = ALL) -> None:
        self.port = 0
        self._dice = dice
        self._shop = Shop(dice, regressions)

    async def start(self) -> None:
        """Listen on a free port of loopback."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled at the end of the world, which asyncio's streams would complain about.
        with suppress(ConnectionError, h11.RemoteProtocolError, asyncio.CancelledError):
            await self._converse(reader, writer)
        writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # h11 reads; the replies are written by the demo's own wire format, as production's are.
        connection = h11.Connection(h11.SERVER)
        while (ask := await _read(connection, reader)) is not None:
            await asyncio.sleep(self._slowness(ask) * thinking_s(ask) * self._dice.lognormvariate(0, 0.3))
            keep_alive = ask.headers.get("connection") != "close"
            writer.write(wire.response(self._answer(ask), keep_alive=keep_alive))
            await writer.drain()
            if not keep_alive:
                return
            rest, _ = connection.trailing_data
            connection = h11.Connection(h11.SERVER)
            if rest:
                connection.receive_data(rest)

    def _slowness(self, ask: Ask) -> float:
        slow = Regression.SLOW_SEARCH in self._shop.regressions and ask.target.startswith("/search")
        return _SLOW if slow else _QUICK

    def _answer(self, ask: Ask) -> Reply:
        try:
            return self._shop.answer(ask, time.time())
        except (KeyError, TypeError, ValueError):
            return Reply(400)


async def _read(connection: h11.Connection, reader: asyncio.StreamReader) -> Ask | None:
    head: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65_536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            headers = {bytes(name).decode(): bytes(value).decode("latin-1") for name, value in head.headers}
            return Ask(head.method.decode(), head.target.decode("latin-1"), headers, body)
        else:
            return None
