"""Production: the shop of today, its visitors, and the wire between them.

No connection is real; what there would be on the wire is put together packet by packet and handed to the mirror
at the moment it would be there.
"""

import asyncio
import time
from contextlib import suppress
from ipaddress import IPv4Address
from itertools import count
from random import Random

from shadowtap.demo import packets, wire
from shadowtap.demo.mirror import Mirror
from shadowtap.demo.shop import Ask, Reply, Shop
from shadowtap.demo.visitors import visit
from shadowtap.events import Endpoint

SERVER = Endpoint(IPv4Address("10.0.1.20"), 80)
REQUESTS_A_VISIT = 10


def thinking_s(ask: Ask) -> float:
    """How long the shop takes, in the middle."""
    if ask.target.startswith("/search"):
        return 0.06
    return {"POST": 0.03, "PUT": 0.025}.get(ask.method, 0.02)


class Production:
    """Plays visits at about `rate` requests a second."""

    def __init__(self, mirror: Mirror, dice: Random, rate: float) -> None:
        self._mirror = mirror
        self._dice = dice
        self._rate = rate
        self._shop = Shop(dice)
        self._ports = count(20_000)

    async def play(self, seconds: float) -> None:
        """Let visitors come. At the end those who are there leave as they are."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._visits()

    async def _visits(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        async with asyncio.TaskGroup() as visitors:
            for number in count():
                visitors.create_task(self._visit(number))
                due += self._dice.expovariate(self._rate / REQUESTS_A_VISIT)
                await asyncio.sleep(max(due - loop.time(), 0))

    async def _visit(self, number: int) -> None:
        dice = self._dice
        address = IPv4Address(f"10.0.{dice.randint(8, 15)}.{dice.randint(1, 254)}")
        keep_alive = dice.random() < 0.8
        steps = visit(dice, number, member=keep_alive and dice.random() < 0.75)
        ask: Ask | None = next(steps)
        connection: packets.Connection | None = None
        while ask is not None:
            if connection is None:
                connection = self._connect(address)
            reply = await self._exchange(connection, ask, keep_alive)
            if not keep_alive:
                self._mirror.send(connection.close(first=1))
                connection = None
            await asyncio.sleep(dice.expovariate(1 / 0.15))
            try:
                ask = steps.send(reply)
            except StopIteration:
                ask = None
        if connection is not None:
            self._mirror.send(connection.close())

    async def _exchange(self, connection: packets.Connection, ask: Ask, keep_alive: bool) -> Reply:
        self._mirror.send(connection.send(0, wire.request(ask, keep_alive=keep_alive)))
        await asyncio.sleep(thinking_s(ask) * self._dice.lognormvariate(0, 0.3))
        reply = self._shop.answer(ask, time.time())
        self._mirror.send(connection.send(1, wire.response(reply, keep_alive=keep_alive)))
        return reply

    def _connect(self, address: IPv4Address) -> packets.Connection:
        client = Endpoint(address, 20_000 + next(self._ports) % 40_000)
        starts = self._dice.getrandbits(32), self._dice.getrandbits(32)
        connection = packets.Connection(client, SERVER, starts=starts)
        self._mirror.send(connection.open())
        return connection
