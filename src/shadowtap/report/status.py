"""The status port: /metrics for Prometheus, /healthz for load balancers and people.

It answers from the run's own event loop, so a loop that is stuck shows as a health check that times out. It reads
the ledger and nothing else. There is no secret behind it and no way to change anything through it; bind it to an
address that only the right people reach all the same.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

import h11
import msgspec

from shadowtap.ledger import Ledger
from shadowtap.report.health import Health
from shadowtap.report.metrics import CONTENT_TYPE, metrics
from shadowtap.report.serving import TEXT, HttpServer, Reply

_INDEX = b"shadowtap\n\n/metrics  counters for Prometheus\n/healthz  200 while all is well, 503 on sustained loss\n"


class StatusServer(HttpServer):
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
        super().__init__(host, port, what="status port", option="--status")
        self._ledger = ledger
        self._health = health or Health()
        self._clock = clock
        self._watch: asyncio.Task[None] | None = None

    @property
    def described(self) -> str:
        """What it shows, and where."""
        return f"status on http://{self.host}:{self.port}/metrics and /healthz"

    async def start(self) -> None:
        """Listen, and look at the ledger once a second. Raises RunError."""
        await super().start()
        self._watch = asyncio.create_task(self._observe())

    async def close(self) -> None:
        """Stop listening and end what is open."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        await super().close()

    async def reply(self, request: h11.Request) -> Reply:
        """The answer to a request."""
        return self.answer(request.target)

    def answer(self, target: bytes) -> Reply:
        """Status, content type and body for a request target."""
        path = target.partition(b"?")[0]
        if path == b"/metrics":
            return Reply(HTTPStatus.OK, CONTENT_TYPE, metrics(self._ledger, self._health))
        if path in (b"/healthz", b"/health"):
            status = HTTPStatus.OK if self._health.healthy else HTTPStatus.SERVICE_UNAVAILABLE
            body = msgspec.json.encode(self._health.as_dict(self._ledger)) + b"\n"
            return Reply(status, "application/json", body)
        if path == b"/":
            return Reply(HTTPStatus.OK, TEXT, _INDEX)
        return Reply(HTTPStatus.NOT_FOUND, TEXT, b"not here; there are /metrics and /healthz\n")

    async def _observe(self) -> None:
        while True:
            self._health.observe(self._ledger, self._clock())
            await asyncio.sleep(1)
