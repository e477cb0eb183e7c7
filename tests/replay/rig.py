"""A target as the runner drives it, with everything it says, and the promises that hold whatever happens."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from math import inf
from time import monotonic

from replay.peer import until
from shadowtap.events import Connection, Endpoint, Outcome, Request
from shadowtap.ledger import TargetAccount
from shadowtap.replay import Target

CLIENT = Endpoint(ip_address("10.0.8.9"), 40_000)
SERVER = Endpoint(ip_address("10.0.1.20"), 80)


def request(octets: bytes, connection: int = 0, index: int = 0) -> Request:
    """Production's request, from its octets."""
    head_end = min(at + len(end) for end in (b"\n\r\n", b"\n\n") if (at := octets.find(end)) >= 0)
    head, body = octets[:head_end], octets[head_end:]
    method, target, version = head.split(b"\n", 1)[0].split(b" ")
    on = Connection(connection, CLIENT, SERVER, None)
    chunked = b"transfer-encoding: chunked" in head.lower()
    return Request(on, index, 0, 0, method, target, version[5:].strip(), head, body, chunked, (), None)


def get(path: str, connection: int = 0, index: int = 0, method: str = "GET") -> Request:
    """A request without a body."""
    octets = f"{method} {path} HTTP/1.1\r\nHost: shop.example\r\n\r\n"
    return request(octets.encode(), connection, index)


def post(path: str, body: bytes, connection: int = 0, index: int = 0) -> Request:
    """A request with a body."""
    head = f"POST {path} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {len(body)}\r\n\r\n"
    return request(head.encode() + body, connection, index)


class Rig:
    """A target, its account, its outcomes and its notices."""

    def __init__(self, port: int, *, host: str = "127.0.0.1", make=Target, **options):
        self.account = TargetAccount("http://target")
        self.outcomes: list[Outcome] = []
        self.notices: list[str] = []
        self.offered: list[Request] = []
        self.target = make(
            self.account,
            host=host,
            port=port,
            **{"authority": b"target", "notify": self.notices.append, "on_outcome": self.outcomes.append}
            | options,
        )

    def offer(self, *requests: Request) -> None:
        """Offer requests, all at once."""
        for request in requests:
            self.offered.append(request)
            self.target.offer(request)

    def end(self, *connections: int) -> None:
        """Production's connections are closed."""
        for connection in connections:
            self.target.connection_ended(connection)

    async def replay(self, *requests: Request) -> list[Outcome]:
        """Offer requests and wait for what becomes of all; their outcomes, in the order in which they came."""
        before = len(self.outcomes)
        self.offer(*requests)
        await self.settled()
        return self.outcomes[before:]

    async def settled(self) -> None:
        """Wait until nothing waits and nothing is under way."""
        await self.target.drain()

    def let_the_pause_last(self) -> None:
        """An open breaker does not try again, however slow the machine is."""
        self.target._breaker._until = inf

    def let_the_pause_pass(self) -> None:
        """An open breaker tries again with the next request."""
        self.target._breaker._until = 0.0

    @property
    def failures(self) -> dict[str, int]:
        """Failures by reason."""
        return {str(failure): n for failure, n in self.account.failed.items()}

    @property
    def statuses(self) -> list[int | str]:
        """A status or the name of a failure for each outcome, in order."""
        return [str(outcome.failure or outcome.status) for outcome in self.outcomes]

    @property
    def heard(self) -> bool:
        """Whether an octet of an answer to the request under way has come."""
        return any(lane.wire is not None and lane.wire.heard for lane in self.target._lanes.values())

    def kept(self) -> dict[str, int]:
        """What the target keeps of lanes, connections and requests."""
        target = self.target
        return {
            "lanes": len(target._lanes),
            "busy": len(target._busy),
            "dialing": len(target._dialing),
            "resting": len(target._resting),
            "line": len(target._line),
            "bytes": target._held_bytes,
            "connections": self.account.connections,
            "in_flight": self.account.in_flight,
        }

    def check(self) -> None:
        """The laws that hold at every moment."""
        account = self.account
        assert account.offered == len(self.offered)
        assert account.offered == account.replayed + account.overflowed + account.refused.total()
        settled = account.answered + account.failed.total()
        assert account.replayed == settled + account.in_flight
        assert settled == len(self.outcomes)
        fates = Counter(id(outcome.request) for outcome in self.outcomes)
        assert max(fates.values(), default=1) == 1, "a request had two fates"


@asynccontextmanager
async def aiming(
    port: int, *, host: str = "127.0.0.1", tick_s: float = 0.005, **options
) -> AsyncIterator[Rig]:
    """A target at a port. At the end production closes its connections, and then nothing may be left over."""
    rig = Rig(port, host=host, **options)
    await rig.target.resolve()
    ticking = asyncio.create_task(_tick(rig.target, tick_s))
    try:
        yield rig
        await rig.settled()
        rig.check()
        rig.end(*{request.connection.number for request in rig.offered})
        if not options.get("pool"):
            await until(lambda: not any(rig.kept().values()))
    finally:
        rig.target.stop()
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
    rig.check()
    await until(lambda: not any(rig.kept().values()))


async def _tick(target: Target, every_s: float) -> None:
    while True:
        target.tick(monotonic())
        await asyncio.sleep(every_s)
