"""VXLAN and GENEVE sockets on loopback."""

import os
import select
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from ipaddress import ip_network
from pathlib import Path

import pytest

from shadowtap.capture import LiveSource
from shadowtap.capture.recvmmsg import WANTED_BUFFER_BYTES
from shadowtap.capture.udp import UdpSource
from shadowtap.errors import RunError
from shadowtap.events import Link


def source_on(host: str = "127.0.0.1", port: int = 0, **more: object) -> UdpSource:
    """A source on a free port."""
    return UdpSource(name="vxlan://test", link=Link.VXLAN, host=host, port=port, **more)  # type: ignore[arg-type]


def send(source: UdpSource, *messages: bytes, sender: str = "127.0.0.1") -> None:
    """Send datagrams from an address of this machine."""
    family = socket.AF_INET6 if ":" in sender else socket.AF_INET
    to = "::1" if ":" in sender else "127.0.0.1"
    with socket.socket(family, socket.SOCK_DGRAM) as sending:
        sending.bind((sender, 0))
        for message in messages:
            sending.sendto(message, (to, source.address[1]))


def drain(source: LiveSource) -> list[bytes]:
    """What the runner would get: wait until there is something, then take everything."""
    found = []
    if select.select([source], [], [], 5)[0]:
        while (frames := source.receive()) is not None:
            assert (frames.captured <= frames.on_wire).all()
            rows = zip(frames.start.tolist(), frames.captured.tolist(), strict=True)
            found += [frames.buffer[start : start + length].tobytes() for start, length in rows]
    return found


@pytest.mark.parametrize("link", [Link.VXLAN, Link.GENEVE])
def test_datagrams_become_frames(link: Link) -> None:
    with closing(UdpSource(name="as written", link=link, host="127.0.0.1", port=0)) as source:
        assert isinstance(source, LiveSource)
        assert source.receive() is None
        send(source, b"one", bytes(9001), b"three")
        select.select([source], [], [], 5)
        frames = source.receive()
        assert frames is not None
        assert (frames.link, len(frames)) == (link, 3)
        assert frames.captured.tolist() == frames.on_wire.tolist() == [3, 9001, 5]
        assert source.receive() is None
        counters = source.counters
        assert (counters.frames, counters.bytes, counters.batches, counters.cut) == (3, 9009, 1, 0)
        assert source.name == "as written"


def test_more_than_a_batch() -> None:
    with closing(source_on(slots=16)) as source:
        sent = [bytes([number]) for number in range(100)]
        send(source, *sent)
        assert drain(source) == sent
        assert source.counters.batches == 7


def test_all_addresses_of_both_families() -> None:
    with closing(source_on("::")) as source:
        send(source, b"six", sender="::1")
        assert drain(source) == [b"six"]
        send(source, b"four")
        assert drain(source) == [b"four"]


def test_a_zero_checksum_over_ipv6() -> None:
    with closing(source_on("::1")) as source, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sending:
        sending.setsockopt(socket.IPPROTO_UDP, 101, 1)
        sending.sendto(b"no checksum", ("::1", source.address[1]))
        assert drain(source) == [b"no checksum"]


def test_senders_that_are_not_allowed_are_counted() -> None:
    allowed = (ip_network("127.0.0.2/31"), ip_network("fd00::/8"))
    with closing(source_on(senders=allowed)) as source:
        send(source, b"stranger")
        assert drain(source) == []
        send(source, b"a", b"b", sender="127.0.0.2")
        send(source, b"stranger")
        send(source, b"c", sender="127.0.0.3")
        assert drain(source) == [b"a", b"b", b"c"]
        assert source.counters.refused == {"sender_not_allowed": 2}
        assert (source.counters.frames, source.counters.bytes) == (3, 3)


def test_senders_of_both_families() -> None:
    with closing(source_on("::", senders=(ip_network("127.0.0.2"), ip_network("::1")))) as source:
        send(source, b"stranger")
        send(source, b"four", sender="127.0.0.2")
        send(source, b"six", sender="::1")
        assert drain(source) == [b"four", b"six"]
        assert source.counters.refused.total() == 1


def test_what_was_sent_is_received_refused_or_dropped() -> None:
    with closing(source_on(senders=(ip_network("127.0.0.2"),), slots=64)) as source:
        with socket.socket(fileno=os.dup(source.fileno())) as handle:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 30_000)
        for _ in range(5):
            send(source, *[bytes(500)] * 200, sender="127.0.0.2")
            send(source, *[bytes(500)] * 100)
            drain(source)
        source.close()
        counters = source.counters
        assert counters.frames + counters.refused.total() + counters.kernel_drops == 1500
        assert counters.kernel_drops > 0


def test_a_busy_port() -> None:
    with closing(source_on()) as source:
        port = source.address[1]
        with pytest.raises(RunError, match=rf"^vxlan://test: UDP port {port} is in use by another process"):
            source_on(port=port)


def test_an_address_of_another_machine() -> None:
    with pytest.raises(RunError, match=r"^vxlan://test: 192.0.2.1 is no address of this machine; listen on"):
        source_on("192.0.2.1", 4789)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a..b", "x" * 300])
def test_a_name_without_address(host: str) -> None:
    with pytest.raises(RunError, match=r"^vxlan://test: no address is known for "):
        source_on(host, 4789)


def test_no_permission_for_a_port(unprivileged: Callable[[], AbstractContextManager[None]]) -> None:
    first = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    if int(first.read_text()) <= 90:
        pytest.skip("everyone may listen on low ports here")
    with (
        unprivileged(),
        pytest.raises(RunError, match=r"no permission to listen on UDP port 90; use a port from 1024"),
    ):
        source_on(port=90)


def test_a_small_receive_buffer_is_a_warning(
    unprivileged: Callable[[], AbstractContextManager[None]],
) -> None:
    most = int(Path("/proc/sys/net/core/rmem_max").read_text())
    with unprivileged(), closing(source_on()) as source:
        assert source.granted_buffer_bytes == min(most, WANTED_BUFFER_BYTES)
        assert (source.warning is None) == (most >= WANTED_BUFFER_BYTES)


def test_frames_outlive_the_source() -> None:
    source = source_on()
    send(source, b"still here")
    select.select([source], [], [], 5)
    frames = source.receive()
    source.close()
    source.close()
    assert frames is not None
    assert frames.buffer[: frames.captured[0]].tobytes() == b"still here"
