"""shadowtap as a library: iterate over the messages of any source."""

import socket
import threading
from contextlib import closing

import pytest

from replay.ports import free_port
from runner.traffic import Mirror, conversation, get, visits, write
from shadowtap.api import exchanges, stream
from shadowtap.errors import RunError, UsageError
from shadowtap.events import Exchange, Request
from shadowtap.ledger import Ledger


def test_exchanges_of_a_file(tmp_path):
    source = write(tmp_path / "shop.pcap", [*visits(2, 3), *conversation(9, [get("/open")], answers=False)])
    ledger = Ledger()
    found = list(exchanges(source, ledger=ledger))
    assert [exchange.request.target for exchange in found] == [
        *(f"/{number}/{n}".encode() for number in range(2) for n in range(3)),
        b"/open",
    ]
    assert [exchange.response and exchange.response.body for exchange in found] == [b"ok"] * 6 + [None]
    assert all(exchange.latency_ns > 0 for exchange in found[:-1])
    assert ledger.messages.requests == 7
    assert ledger.capture[source].frames == ledger.packets.frames


def test_messages_come_as_requests_and_as_exchanges(tmp_path):
    source = write(tmp_path / "shop.pcap", visits(1, 2))
    kinds = [type(message) for message in stream(source)]
    assert kinds == [Request, Exchange, Request, Exchange]


def test_ports_limit_what_is_read(tmp_path):
    source = write(tmp_path / "shop.pcap", visits(1, 2) + visits(2, 2, server="10.0.1.20:8080"))
    assert len(list(exchanges(source, ports=[8080]))) == 4
    assert list(exchanges(source, ports=[1])) == []


def test_a_live_source_until_the_loop_is_left():
    port = free_port(socket.SOCK_DGRAM)
    with Mirror(port) as mirror, closing(exchanges(mirror.url)) as found:
        stop = threading.Event()

        def send():
            number = 0
            while not stop.wait(0.01):
                mirror.send(conversation(number, [get("/live")]))
                number += 1

        sending = threading.Thread(target=send)
        sending.start()
        try:
            assert [next(found).request.target for _ in range(3)] == [b"/live"] * 3
        finally:
            stop.set()
            sending.join()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(("127.0.0.1", port))


def test_errors(tmp_path):
    with pytest.raises(UsageError):
        next(stream("nonsense"))
    with pytest.raises(RunError, match="no such file"):
        next(stream(f"pcap:{tmp_path}/none"))
