"""`up` in the in-memory network, then packets as AWS would send them for those sessions, into a real collector on
loopback, on to a real target. What the mirror lets through is what the made filters, numbers, VNIs and packet
lengths say; nothing here knows what was asked for."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from aws import packets, scenes
from aws.vpc import Vpc
from shadowtap.cli import aws as command

CLIENT = ("203.0.113.9", 41000)


class Mirror:
    """What Traffic Mirroring does: for each packet of an interface the first session, by number, whose filter
    accepts it gets a copy, cut to its packet length, behind a VXLAN header with its VNI."""

    def __init__(self, vpc: Vpc) -> None:
        self._mirrors = vpc.mirrors

    def copies(
        self, eni: str, direction: str, source: packets.End, destination: packets.End, frame: bytes
    ) -> list[bytes]:
        sessions = [s for s in self._mirrors.sessions.values() if s["NetworkInterfaceId"] == eni]
        for session in sorted(sessions, key=lambda s: s["SessionNumber"]):
            if self._accepts(session["TrafficMirrorFilterId"], direction, source, destination):
                length = session.get("PacketLength", len(frame))
                return [packets.vxlan(session["VirtualNetworkId"], frame[:length])]
        return []

    def _accepts(self, which: str, direction: str, source: packets.End, destination: packets.End) -> bool:
        rules = [
            r
            for r in self._mirrors.rules.values()
            if r["TrafficMirrorFilterId"] == which and r["TrafficDirection"] == direction
        ]
        for rule in sorted(rules, key=lambda r: r["RuleNumber"]):
            if all(
                ip_address(end[0]) in ip_network(rule[f"{side}CidrBlock"])
                and _within(end[1], rule.get(f"{side}PortRange"))
                for side, end in (("Source", source), ("Destination", destination))
            ):
                return rule["RuleAction"] == "accept"
        return False


def _within(port: int, ports: dict[str, int] | None) -> bool:
    return ports is None or ports["FromPort"] <= port <= ports["ToPort"]


class Network:
    """The in-memory network with connections in it; `sent` counts copies."""

    def __init__(self, vpc: Vpc, collector: tuple[str, int]) -> None:
        self._mirror, self._collector = Mirror(vpc), collector
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sent = 0

    def connection(
        self,
        eni: str,
        here: packets.End,
        peer: packets.End,
        *,
        accepts: bool,
        parts: list[bytes],
        answers: list[bytes],
    ) -> None:
        """A whole TCP connection of the interface: opened, requests and answers by turns, closed."""
        client, server = (peer, here) if accepts else (here, peer)
        up, down = 1000, 5000

        def send(from_client: bool, data: bytes, flags: int) -> None:
            nonlocal up, down
            source, destination = (client, server) if from_client else (server, client)
            seq, ack = (up, down) if from_client else (down, up)
            frame = packets.frame(source, destination, data, seq=seq, ack=ack, flags=flags)
            direction = "ingress" if source == peer else "egress"
            for copy in self._mirror.copies(eni, direction, source, destination, frame):
                self._socket.sendto(copy, self._collector)
                self.sent += 1
            moved = len(data) + (1 if flags & 0x03 else 0)
            if from_client:
                up += moved
            else:
                down += moved

        send(True, b"", 0x02)
        send(False, b"", 0x12)
        send(True, b"", 0x10)
        for request, answer in zip(parts, answers, strict=True):
            for start in range(0, len(request), 1400):
                send(True, request[start : start + 1400], 0x18)
            send(False, answer, 0x18)
            send(True, b"", 0x10)
        send(True, b"", 0x11)
        send(False, b"", 0x11)
        send(True, b"", 0x10)


class Target(BaseHTTPRequestHandler):
    seen: list[tuple[str, str, bytes]]

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.command, self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_GET = do_POST = _answer

    def log_message(self, *args: object) -> None:
        pass


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Collector:
    """`shadowtap run`, a target behind it, and the ledger at the end."""

    def __init__(self, folder: Path, query: str = "") -> None:
        self.port, self._status = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
        handler = type("Handler", (Target,), {"seen": []})
        self.requests: list[tuple[str, str, bytes]] = handler.seen
        self._target = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._target.serve_forever, daemon=True).start()
        self._summary = folder / "summary.json"
        path = os.pathsep.join(p for p in sys.path if p)
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "shadowtap", "run", "--no-live"),
                *("--from", f"vxlan://127.0.0.1:{self.port}{query}"),
                *("--to", f"http://127.0.0.1:{self._target.server_port}"),
                *("--status", f"127.0.0.1:{self._status}", "--summary", str(self._summary)),
            ],
            env={**os.environ, "PYTHONPATH": path},
        )
        self.wait(lambda: self.page("/healthz") is not None)

    def page(self, path: str) -> str | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._status}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return None

    def wait(self, condition, seconds: float = 15.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert self._process.poll() is None, "the collector ended"
            assert time.monotonic() < end, f"not in time; seen {self.requests}"
            time.sleep(0.05)

    def received(self) -> float:
        from shadowtap.aws.status import received

        return received(self.page("/metrics") or "").get("shadowtap_capture_packets_total", 0.0)

    def url(self) -> str:
        return f"http://127.0.0.1:{self._status}"

    def finish(self) -> dict:
        self._process.terminate()
        assert self._process.wait(20) == 0
        self._target.shutdown()
        return json.loads(self._summary.read_text())

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._target.server_close()


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    one = Collector(tmp_path)
    yield one
    one.kill()


def request(n: int, body: bytes = b"") -> bytes:
    head = f"POST /{n} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
HELLO = b"\x16\x03\x01\x00\x05hello"


def run(vpc: Vpc, *argv: str) -> int:
    return command.execute(list(argv), lambda place: vpc.api())


def address(vpc: Vpc, eni: str) -> str:
    return str(vpc.interfaces[eni]["PrivateIpAddress"])


def test_from_up_to_the_target_and_back_down(
    collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    """An ALB whose clients speak TLS: its leg to the targets is mirrored, both directions, each request once."""
    vpc = Vpc()
    arn, behind = scenes.alb(vpc, (443, "HTTPS"))
    scenes.nlb(vpc)
    assert run(vpc, "up", "--yes", "--from", "alb:web", "--to", "nlb:collectors", "--source-mtu", "1500") == 0
    assert "both-legs" not in capsys.readouterr().err
    network = Network(vpc, ("127.0.0.1", collector.port))
    balancer = [
        k for k, v in vpc.interfaces.items() if v["Description"] == "ELB " + arn.partition("loadbalancer/")[2]
    ]
    for n, eni in enumerate(balancer):
        here = address(vpc, eni)
        server = (address(vpc, behind[n][1]), 8080)
        before = network.sent
        network.connection(eni, (here, 443), CLIENT, accepts=True, parts=[HELLO], answers=[HELLO])
        assert network.sent == before, "the encrypted leg is not copied"
        parts = [request(10 * n + i, b"x" * 3000 * i) for i in range(2)]
        network.connection(eni, (here, 52000), server, accepts=False, parts=parts, answers=[ANSWER] * 2)
    collector.wait(lambda: len(collector.requests) == 4)
    collector.wait(lambda: collector.received() == network.sent)
    assert sorted(collector.requests) == sorted(
        ("POST", f"/{10 * n + i}", b"x" * 3000 * i) for n in range(2) for i in range(2)
    )
    assert run(vpc, "status", "--collector", collector.url()) == 0
    assert f"shadowtap_capture_packets_total {network.sent}" in capsys.readouterr().out
    ledger = collector.finish()
    assert ledger["requests"]["seen"] == 4
    assert ledger["messages"]["responses"] == 4
    assert run(vpc, "down", "--yes") == 0
    assert (vpc.mirrors.sessions, vpc.mirrors.targets, vpc.mirrors.filters) == ({}, {}, {})


def test_both_legs_are_seen_twice_and_warned_of(
    collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    vpc = Vpc()
    arn, behind = scenes.alb(vpc, (80, "HTTP"))
    to = "eni:" + scenes.collector(vpc)
    assert (
        run(vpc, "up", "--yes", "--from", "alb:web", "--to", to, "--leg", "both", "--source-mtu", "1500") == 0
    )
    assert "warning: both-legs" in capsys.readouterr().err
    network = Network(vpc, ("127.0.0.1", collector.port))
    eni = next(
        k for k, v in vpc.interfaces.items() if v["Description"] == "ELB " + arn.partition("loadbalancer/")[2]
    )
    here = address(vpc, eni)
    network.connection(eni, (here, 80), CLIENT, accepts=True, parts=[request(1)], answers=[ANSWER])
    network.connection(
        eni,
        (here, 52000),
        (address(vpc, behind[0][1]), 8080),
        accepts=False,
        parts=[request(1)],
        answers=[ANSWER],
    )
    collector.wait(lambda: len(collector.requests) == 2)
    assert collector.finish()["requests"]["seen"] == 2


def test_the_packet_length_cuts_and_the_cut_is_counted(collector: Collector) -> None:
    vpc = Vpc()
    scenes.servers(vpc, 1)
    to = "eni:" + scenes.collector(vpc)
    assert run(vpc, "up", "--yes", "--from", "asg:web", "--to", to, "--packet-length", "300") == 0
    (session,) = vpc.mirrors.sessions.values()
    eni = session["NetworkInterfaceId"]
    network = Network(vpc, ("127.0.0.1", collector.port))
    here = (address(vpc, eni), 80)
    network.connection(eni, here, CLIENT, accepts=True, parts=[request(1)], answers=[ANSWER])
    network.connection(
        eni, here, (CLIENT[0], 41001), accepts=True, parts=[request(2, b"y" * 1000)], answers=[ANSWER]
    )
    collector.wait(lambda: collector.received() == network.sent)
    collector.wait(lambda: len(collector.requests) >= 1)
    ledger = collector.finish()
    assert [path for _, path, _ in collector.requests] == ["/1"]
    assert ledger["packets"]["cut_segments"] >= 1
    assert ledger["requests"]["seen"] == 2
    assert sum(ledger["requests"]["incomplete"].values()) == 1


def test_without_answers_only_requests_arrive(collector: Collector) -> None:
    vpc = Vpc()
    scenes.servers(vpc, 1)
    to = "eni:" + scenes.collector(vpc)
    assert run(vpc, "up", "--yes", "--from", "asg:web", "--to", to, "--no-responses") == 0
    eni = next(iter(vpc.mirrors.sessions.values()))["NetworkInterfaceId"]
    network = Network(vpc, ("127.0.0.1", collector.port))
    here = (address(vpc, eni), 80)
    network.connection(eni, here, CLIENT, accepts=True, parts=[request(1), request(2)], answers=[ANSWER] * 2)
    collector.wait(lambda: len(collector.requests) == 2)
    ledger = collector.finish()
    assert ledger["messages"]["responses"] == 0


def test_each_session_has_its_own_vni_and_the_collector_can_tell_them_apart(tmp_path: Path) -> None:
    vpc = Vpc()
    scenes.servers(vpc, 2)
    to = "eni:" + scenes.collector(vpc)
    assert run(vpc, "up", "--yes", "--from", "asg:web", "--to", to, "--vni", "7") == 0
    sessions = {s["VirtualNetworkId"]: s["NetworkInterfaceId"] for s in vpc.mirrors.sessions.values()}
    assert set(sessions) == {7, 8}
    collector = Collector(tmp_path, "?vni=8")
    try:
        network = Network(vpc, ("127.0.0.1", collector.port))
        for vni, eni in sessions.items():
            here = (address(vpc, eni), 80)
            network.connection(eni, here, CLIENT, accepts=True, parts=[request(vni)], answers=[ANSWER])
        collector.wait(lambda: collector.received() == network.sent)
        collector.wait(lambda: bool(collector.requests))
        ledger = collector.finish()
    finally:
        collector.kill()
    assert [path for _, path, _ in collector.requests] == ["/8"]
    assert ledger["requests"]["seen"] == 1
