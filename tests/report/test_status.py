"""The status port as a transcript, good manners and bad."""

import asyncio
import json
from contextlib import suppress

import pytest
import uvloop

from report.ledgers import SECOND_NS, START_NS, count, lossy_run, quiet_run
from shadowtap.errors import RunError
from shadowtap.report import serving
from shadowtap.report.health import Health
from shadowtap.report.status import StatusServer


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request):
    return request.param


async def say(server, octets, end=False):
    """Send, and read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(octets)
    if end:
        writer.write_eof()
    told = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return told.decode()


async def until_open(server, connections):
    """Wait until the server holds so many connections."""
    async with asyncio.timeout(10):
        while len(server._open) < connections:
            await asyncio.sleep(0)


def get(path, method="GET", connection="close"):
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: {connection}\r\n\r\n".encode()


def with_server(run, talk, **options):
    """What `talk` returns, given a server that runs."""

    async def main():
        server = StatusServer("127.0.0.1", 0, options.pop("ledger", lossy_run()), **options)
        await server.start()
        try:
            return await talk(server)
        finally:
            await server.close()

    return run(main())


def test_metrics(run):
    told = with_server(run, lambda server: say(server, get("/metrics")))
    head, body = told.split("\r\n\r\n", 1)
    assert head.startswith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n")
    assert 'shadowtap_requests_total{fate="replayed",reason=""} 1002.0' in body


def test_health(run):
    told = with_server(run, lambda server: say(server, get("/healthz")))
    assert told.startswith("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
    assert json.loads(told.split("\r\n\r\n")[1]) == {
        "status": "ok",
        "reasons": [],
        "bad_windows": 0,
        "targets": {"http://staging:8080": "down"},
    }


def test_health_turns_red(run):
    ledger, health, now = quiet_run(), Health(1, 1), [START_NS]

    async def talk(server):
        await asyncio.sleep(0)
        count(ledger, 1000)
        ledger.capture["vxlan://0.0.0.0:4789"].kernel_drops = 4000
        now[0] += SECOND_NS
        health.observe(ledger, now[0])
        return await say(server, get("/healthz"))

    told = with_server(run, talk, ledger=ledger, health=health, clock=lambda: now[0])
    assert told.startswith("HTTP/1.1 503 Service Unavailable\r\n")
    assert json.loads(told.split("\r\n\r\n")[1])["reasons"] == ["kernel drops: 50 %"]


@pytest.mark.parametrize(
    ("octets", "first_line"),
    [
        (get("/"), "HTTP/1.1 200 OK"),
        (get("/healthz?full=1"), "HTTP/1.1 200 OK"),
        (get("/nothing"), "HTTP/1.1 404 Not Found"),
        (get("/metrics", method="DELETE"), "HTTP/1.1 405 Method Not Allowed"),
        (b"GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK"),
        (b"GET /" + b"a" * 20_000, "HTTP/1.1 431 Request Header Fields Too Large"),
        (b"\x16\x03\x01\0\xff\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
            "HTTP/1.1 405 Method Not Allowed",
        ),
    ],
)
def test_answers(run, octets, first_line):
    told = with_server(run, lambda server: say(server, octets))
    assert told.partition("\r\n")[0] == first_line


def test_head_has_no_body(run):
    told = with_server(run, lambda server: say(server, get("/metrics", method="HEAD")))
    assert "Content-Length: " in told
    assert told.endswith("\r\n\r\n")


def test_keep_alive_and_pipelining(run):
    octets = get("/", connection="keep-alive") * 2 + get("/healthz")
    told = with_server(run, lambda server: say(server, octets))
    assert told.count("HTTP/1.1 200 OK") == 3


def test_a_connection_that_says_nothing_is_closed(run, monkeypatch):
    monkeypatch.setattr(serving, "IDLE_S", 0.05)
    assert with_server(run, lambda server: say(server, b"GET / HTT")) == ""
    assert with_server(run, lambda server: say(server, b"", end=True)) == ""


def test_connections_are_limited(run, monkeypatch):
    monkeypatch.setattr(serving, "CONNECTIONS", 2)

    async def talk(server):
        held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
        for _, writer in held:
            writer.write(b"GET / HT")
        await until_open(server, 2)
        refused = await say(server, b"")
        for _, writer in held:
            writer.close()
        return refused

    assert with_server(run, talk) == ""


def test_a_busy_port(run):
    async def talk(server):
        with pytest.raises(RunError) as error:
            await StatusServer("127.0.0.1", server.port, quiet_run()).start()
        return str(error.value), server.port

    told, port = with_server(run, talk)
    assert told == f"status port 127.0.0.1:{port}: Address already in use; choose another with --status"


def test_closing_ends_what_is_open(run):
    async def main():
        server = StatusServer("127.0.0.1", 0, quiet_run())
        await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HT")
        await until_open(server, 1)
        await server.close()
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        await server.close()

    run(main())
