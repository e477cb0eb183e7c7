"""Answers of production and of a target to one request, and what comparing them says.

answer(body, …)     one side: status, body, media type, more header fields
said(p, t, …)       the differences as lines: `json_value body.items[].price: 3 ≠ 4`
noise(p, t, …)      the noise as lines: `json_value body.id: class uuid`
"""

from ipaddress import ip_address
from typing import NamedTuple

import msgspec

from shadowtap.compare import Rules, compare
from shadowtap.compare.differences import LearnedNoise
from shadowtap.events import Connection, Endpoint, Exchange, Outcome, Request, Response, Verdict

CLIENT = Endpoint(ip_address("10.0.8.9"), 40_000)
SERVER = Endpoint(ip_address("10.0.1.20"), 80)
SECOND = 1_000_000_000
NOW = 1_795_400_000 * SECOND
"""When production answers: 23 November 2026."""
TARGET = "http://next.example:8080"
HTML, JSON, TEXT, XML = "text/html; charset=utf-8", "application/json", "text/plain", "application/xml"


class Answer(NamedTuple):
    """One side. `body` is encoded as JSON unless it is octets or text."""

    body: object = b""
    status: int = 200
    media: str | None = None
    fields: tuple[str, ...] = ()
    chunked: bool = False

    @property
    def octets(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else msgspec.json.encode(self.body)

    @property
    def head(self) -> bytes:
        media = self.media or (JSON if not isinstance(self.body, bytes | str) else None)
        lines = [f"HTTP/1.1 {self.status} Something", *self.fields]
        if media:
            lines.append(f"Content-Type: {media}")
        lines.append("Transfer-Encoding: chunked" if self.chunked else f"Content-Length: {len(self.octets)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def answer(body: object = b"", status: int = 200, media: str | None = None, *fields: str) -> Answer:
    return Answer(body, status, media, fields)


def request(
    method: str = "GET", path: str = "/", *fields: str, body: bytes = b"", connection: int = 0, at: int = NOW
) -> Request:
    lines = [f"{method} {path} HTTP/1.1", "Host: shop.example", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    on = Connection(connection, CLIENT, SERVER, None)
    return Request(on, 0, at, at, method.encode(), path.encode(), b"1.1", head, body, False, (), None)


def exchange(asked: Request, production: Answer, *, latency_ns: int = SECOND // 100) -> Exchange:
    at = asked.end_ns + latency_ns
    body = production.octets
    return Exchange(
        asked,
        Response(
            asked.connection, at, at, production.status, b"Something", b"1.1", production.head, body, len(body), production.chunked, (), None
        ),
    )  # fmt: skip


def outcome(
    asked: Request, target: Answer, *, delay_ns: int = SECOND // 10, latency_ns: int = SECOND // 100
) -> Outcome:
    sent = asked.end_ns + delay_ns
    return Outcome(
        TARGET, asked, sent, latency_ns, latency_ns, target.status, target.head, target.octets, None
    )


def judged(
    production: Answer,
    target: Answer,
    *,
    rules: Rules = Rules(),  # noqa: B008
    asked: Request | None = None,
    learned: LearnedNoise | None = None,
    issued: frozenset[tuple[str, str]] = frozenset(),
    endpoint: str = "",
    delay_ns: int = SECOND // 10,
) -> Verdict:
    asked = asked or request()
    return compare(
        exchange(asked, production), outcome(asked, target, delay_ns=delay_ns), rules, endpoint=endpoint, learned=learned, issued=issued
    )  # fmt: skip


def said(production: Answer, target: Answer, **more: object) -> list[str]:
    verdict = judged(production, target, **more)  # type: ignore[arg-type]
    assert not verdict.skipped, verdict.skipped
    return [f"{d.kind} {d.where}: {d.production} ≠ {d.target}" for d in verdict.differences]


def noise(production: Answer, target: Answer, **more: object) -> list[str]:
    verdict = judged(production, target, **more)  # type: ignore[arg-type]
    assert not verdict.skipped, verdict.skipped
    assert not verdict.differences, verdict.differences
    return [f"{d.kind} {d.where}: {rule}" for d, rule in verdict.noise]
