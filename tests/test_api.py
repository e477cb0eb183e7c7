"""The Python API, as a notebook uses it."""

from ipaddress import ip_address
from pathlib import Path

import pytest

import shadowtap
from shadowtap.capture.pcap_writer import PcapWriter
from shadowtap.demo.packets import Connection
from shadowtap.errors import RunError, UsageError
from shadowtap.events import Endpoint, Exchange, Request

GET = b"GET /a HTTP/1.1\r\nHost: shop\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@pytest.fixture
def capture(tmp_path: Path) -> str:
    """One exchange, as a capture file."""
    connection = Connection(Endpoint(ip_address("10.0.0.1"), 40000), Endpoint(ip_address("10.0.0.2"), 8080))
    frames = [*connection.open(), *connection.send(0, GET), *connection.send(1, OK), *connection.close()]
    path = tmp_path / "one.pcap"
    with path.open("wb") as file:
        writer = PcapWriter(file)
        for number, frame in enumerate(frames):
            writer.write(frame, 1_700_000_000_000_000_000 + number * 1_000_000)
    return f"pcap:{path}"


def test_exchanges(capture: str) -> None:
    """A request with its answer; more than once in one process, whatever else was imported."""
    for _ in range(2):
        (exchange,) = shadowtap.exchanges(capture)
        assert exchange.request is not None
        assert exchange.response is not None
        assert (exchange.request.method, exchange.response.status) == (b"GET", 200)
        assert exchange.latency_ns is not None
        assert exchange.latency_ns > 0
        assert shadowtap.headers(exchange.request.head) == [(b"Host", b"shop")]
        assert shadowtap.payload(exchange.response.body, exchange.response.chunked) == b"hi"


def test_stream_gives_requests_before_their_answers(capture: str) -> None:
    ledger = shadowtap.Ledger()
    kinds = [type(message) for message in shadowtap.stream(capture, ledger=ledger)]
    assert kinds == [Request, Exchange]
    assert ledger.imbalances() == []


def test_ports_limit_what_is_read(capture: str) -> None:
    assert list(shadowtap.stream(capture, ports=[80])) == []
    assert len(list(shadowtap.stream(capture, ports=[8080]))) == 2


def test_errors() -> None:
    with pytest.raises(UsageError):
        list(shadowtap.stream("nonsense"))
    with pytest.raises(RunError):
        list(shadowtap.stream("pcap:/nowhere/at/all.pcap"))
