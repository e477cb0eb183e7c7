"""The live page of a run: the page itself, and its sections as JSON, which it asks for every two seconds.

It shows traffic, so it is for those who may see it: it listens on loopback unless told otherwise, and whoever asks
must name it by an address, as localhost, or by the host it was told to listen on. A page of somebody else whose name
was made to point here (DNS rebinding) is therefore refused. Its own policy lets nothing run but its script, nothing
load, and no other page embed or read it.
"""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from ipaddress import ip_address

import h11
import msgspec

from shadowtap.report.page import Report, page, policy
from shadowtap.report.serving import TEXT, HttpServer, Reply

FRESH_S = 1.5
"""How long sections are given again as they are: less than a page waits before it asks again."""
REST = 4.0
"""How many times as long as making them took they are given again: viewers take a fifth of the time at most."""
_HTML, _JSON = "text/html; charset=utf-8", "application/json"


class PageServer(HttpServer):
    """Serves the page. `frame` is the page without sections, `parts` makes the sections."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        frame: Callable[[], Report],
        parts: Callable[[], Awaitable[dict[str, str]]],
    ) -> None:
        super().__init__(host, port, what="page", option="--ui")
        self._frame, self._parts = frame, parts
        self._names = {"localhost", host.lower().rstrip(".")}
        if not _is_loopback(host):
            self._names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
        self._making: asyncio.Lock | None = None
        self._made: dict[str, str] = {}
        self._stale = 0.0

    @property
    def described(self) -> str:
        """What it shows, and where."""
        return f"the run to look at on {self.url}"

    @property
    def url(self) -> str:
        """Where it is to be seen."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "") else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    async def reply(self, request: h11.Request) -> Reply:
        """The answer to a request."""
        if not self.is_named(request):
            told = b"this page is to be asked for by the address it listens on, or as localhost\n"
            return Reply(HTTPStatus.MISDIRECTED_REQUEST, TEXT, told, _safe())
        path = request.target.partition(b"?")[0]
        if path == b"/":
            html = page(self._frame(), sections=await self._fresh())
            return Reply(HTTPStatus.OK, _HTML, html.encode(), _safe())
        if path == b"/parts.json":
            sections = msgspec.json.encode({"parts": await self._fresh()})
            return Reply(HTTPStatus.OK, _JSON, sections, _safe())
        return Reply(HTTPStatus.NOT_FOUND, TEXT, b"not here; there is /\n", _safe())

    def is_named(self, request: h11.Request) -> bool:
        """Whether it is asked for by a name that is its own."""
        named = [value.decode("latin-1") for name, value in request.headers if name == b"host"]
        if len(named) != 1:
            return False
        host = named[0].strip().lower()
        name = host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
        name = name.rstrip(".")
        return name in self._names or name.endswith(".localhost") or _is_address(name)

    async def _fresh(self) -> dict[str, str]:
        """The sections, made once for all who ask at the same time."""
        self._making = self._making or asyncio.Lock()
        async with self._making:
            began = time.monotonic()
            if began >= self._stale:
                self._made = await self._parts()
                now = time.monotonic()
                self._stale = now + max(FRESH_S, REST * (now - began))
        return self._made


def _safe() -> tuple[tuple[str, str], ...]:
    return (
        ("Content-Security-Policy", f"{policy(live=True)}; frame-ancestors 'none'"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    )


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)
