"""Real interfaces: loopback, a veth pair and a tun device, in network namespaces of their own."""

import contextlib
import fcntl
import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from typing import NamedTuple

import pytest

from capture.frames import TCP, UDP, Shape, frame, packet
from lab.netns import CommandFailed, Namespace
from shadowtap.capture import LiveSource, interface, recvmmsg
from shadowtap.capture.interface import InterfaceSource
from shadowtap.errors import RunError
from shadowtap.events import Link

pytestmark = pytest.mark.usefixtures("root")


class Seen(NamedTuple):
    """The part of a TCP segment that counts here."""

    sport: int
    dport: int
    seq: int
    syn: bool
    payload: bytes


class Wire(NamedTuple):
    """A veth pair between two namespaces: `left` has 10.9.0.1 and fd09::1, `right` has 10.9.0.2 and fd09::2."""

    left: Namespace
    right: Namespace


@pytest.fixture(scope="module")
def wire(root: None) -> Iterator[Wire]:
    """The pair, for all tests here; each capture has a port of its own."""
    spaces: list[Namespace] = []
    try:
        for name in ("capture-left", "capture-right"):
            spaces.append(Namespace(name))
            spaces[-1].sysctl("net.ipv6.conf.all.disable_ipv6", "0")
            spaces[-1].sysctl("net.ipv6.conf.all.accept_dad", "0")
        left, right = spaces
        left.ip(f"link add wire type veth peer name wire netns {right.name}")
        for number, space in enumerate(spaces, start=1):
            space.ip(
                f"addr add 10.9.0.{number}/24 dev wire",
                f"addr add fd09::{number}/64 dev wire nodad",
                "link set wire mtu 9001 up",
            )
        yield Wire(left, right)
    except CommandFailed as failed:
        pytest.skip(f"this machine has no veth devices: {failed}")
    finally:
        for space in spaces:
            space.remove()


@pytest.fixture
def quiet(wire: Wire) -> Iterator[Namespace]:
    """A namespace with a pair of interfaces, `near` and `far`, on which nothing moves by itself."""
    space = wire.left
    space.ip("link add name near type veth peer name far")
    for name in ("near", "far"):
        space.sysctl(f"net.ipv6.conf.{name}.disable_ipv6", "1")
        space.ip(f"link set {name} mtu 9001 up")
    yield space
    with contextlib.suppress(CommandFailed):
        space.ip("link del near")


def source_in(space: Namespace, name: str, *ports: int) -> InterfaceSource:
    """A source on an interface of a namespace."""
    with space.entered():
        return InterfaceSource(name=f"iface://{name}", interface=name, ports=frozenset(ports))


def drain(source: LiveSource, wait_s: float = 5.0) -> list[bytes]:
    """Everything that has come, after waiting for the first of it."""
    found: list[bytes] = []
    while select.select([source], [], [], 0.05 if found else wait_s)[0]:
        while (frames := source.receive()) is not None:
            rows = zip(frames.start.tolist(), frames.captured.tolist(), strict=True)
            found += [frames.buffer[start : start + length].tobytes() for start, length in rows]
    return found


def segments(frames: list[bytes], link: int) -> list[Seen]:
    """The TCP segments in frames without tags and options of IP; IPv6 with extensions (MLD) is left out."""
    found = []
    for octets in frames:
        ip = octets[14:] if link == Link.ETHERNET else octets
        if ip[0] >> 4 == 4:
            (total,) = struct.unpack_from(">H", ip, 2)
            tcp = ip[20 : total or len(ip)]
        elif ip[6] == TCP:
            tcp = ip[40:]
        else:
            continue
        sport, dport, seq = struct.unpack_from(">HHI", tcp)
        found.append(Seen(sport, dport, seq, bool(tcp[13] & 2), tcp[(tcp[12] >> 4) * 4 :]))
    return found


def stream(seen: list[Seen], sport: int) -> bytes:
    """The bytes sent from a port; fails where there is a hole."""
    (start,) = {segment.seq for segment in seen if segment.syn and segment.sport == sport}
    mine = [segment for segment in seen if segment.payload and segment.sport == sport]
    octets = b""
    for segment in sorted(mine, key=lambda segment: (segment.seq - start) % (1 << 32)):
        at = (segment.seq - start - 1) % (1 << 32)
        assert at <= len(octets)
        octets = octets[:at] + segment.payload + octets[at + len(segment.payload) :]
    return octets


def converse(
    server: Namespace, client: Namespace, host: str, question: bytes, answer: bytes
) -> tuple[int, int]:
    """A whole TCP connection between two namespaces; returns the ports of client and server."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with server.entered():
        listening = socket.create_server((host, 0), family=family)

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            left = len(question)
            while left:
                left -= len(connection.recv(1 << 16))
            connection.sendall(answer)

    with listening:
        serving = threading.Thread(target=serve)
        serving.start()
        port = listening.getsockname()[1]
        with client.connect((host, port)) as connection:
            own = connection.getsockname()[1]
            connection.sendall(question)
            while connection.recv(1 << 16):
                pass
        serving.join(10)
    return own, port


@contextlib.contextmanager
def injector(space: Namespace, name: str = "far") -> Iterator[Callable[[bytes], object]]:
    """Puts frames on the wire as they are."""
    with space.entered():
        sending = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sending.bind((name, 0))
    with sending:
        yield sending.send


@pytest.mark.parametrize(("name", "link"), [("lo", Link.ETHERNET), ("any", Link.RAW)])
def test_loopback_shows_each_packet_once(wire: Wire, name: str, link: Link) -> None:
    question, answer = os.urandom(100_000), os.urandom(200_000)
    with closing(source_in(wire.left, name)) as source:
        assert isinstance(source, LiveSource)
        client, server = converse(wire.left, wire.left, "127.0.0.1", question, answer)
        seen = segments(drain(source), link)
    assert len({(one.sport, one.seq, one.syn, one.payload) for one in seen if one.payload or one.syn}) == sum(
        1 for one in seen if one.payload or one.syn
    )
    assert (stream(seen, client), stream(seen, server)) == (question, answer)
    assert source.counters.kernel_drops == 0


@pytest.mark.parametrize("host", ["10.9.0.2", "fd09::2"])
@pytest.mark.parametrize(("name", "link"), [("wire", Link.ETHERNET), ("any", Link.RAW)])
@pytest.mark.parametrize("side", [0, 1])
def test_a_wire_shows_both_directions(wire: Wire, host: str, name: str, link: Link, side: int) -> None:
    question, answer = os.urandom(50_000), os.urandom(300_000)
    with closing(source_in(wire[side], name)) as source:
        client, server = converse(wire.right, wire.left, host, question, answer)
        frames = drain(source)
        seen = segments(frames, link)
    assert sum(one.syn for one in seen) == 2
    assert (stream(seen, client), stream(seen, server)) == (question, answer)
    counters = source.counters
    assert (counters.frames, counters.bytes) == (len(frames), sum(map(len, frames)))
    assert (counters.cut, counters.kernel_drops) == (0, 0)


def test_merged_packets_come_whole(wire: Wire) -> None:
    with closing(source_in(wire.left, "lo")) as source:
        client, _ = converse(wire.left, wire.left, "127.0.0.1", bytes(2_000_000), b"")
        frames = drain(source)
    assert max(map(len, frames)) > 20_000
    assert stream(segments(frames, Link.ETHERNET), client) == bytes(2_000_000)


def test_tags_options_fragments_and_other_traffic(quiet: Namespace) -> None:
    wanted = [
        Shape(ports=(81, 7777)),
        Shape(ports=(7777, 81), options=3),
        Shape(tags=(0x8100,), ports=(7777, 1)),
        Shape(tags=(0x88A8, 0x8100), ports=(7777, 2)),
        Shape(tags=(0x8100, 0x8100), version=6, ports=(7777, 3)),
        Shape(version=6, ports=(7777, 4)),
        Shape(version=6, extension=0, ports=(7777, 5)),
        Shape(version=6, extension=44, ports=(1, 6)),
        Shape(offset=0x2001, ports=(1, 7)),
    ]
    others = [
        Shape(ports=(1, 2)),
        Shape(protocol=UDP, ports=(7777, 7777)),
        Shape(tags=(0x88A8, 0x8100), ports=(1, 2)),
        Shape(protocol=UDP, offset=0x2001),
    ]
    with closing(source_in(quiet, "near", 7777)) as source, injector(quiet) as inject:
        for shape in [
            shape for pair in zip(wanted, [*others, *others, *others], strict=False) for shape in pair
        ]:
            inject(frame(shape))
        found = drain(source)
    assert [packet(shape) in octets for shape, octets in zip(wanted, found, strict=True)] == [True] * len(
        wanted
    )


def test_every_lost_packet_is_counted(quiet: Namespace) -> None:
    with closing(source_in(quiet, "near", 7778)) as source, injector(quiet) as inject:
        with socket.socket(fileno=os.dup(source.fileno())) as handle:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 50_000)
        octets = frame(Shape(ports=(7778, 1))) + bytes(500)
        for _ in range(3):
            for _ in range(1000):
                inject(octets)
            drain(source)
        source.close()
        counters = source.counters
        assert counters.frames + counters.kernel_drops == 3000
        assert counters.kernel_drops > 1000


def test_frames_longer_than_a_slot_are_cut_and_counted(
    quiet: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recvmmsg, "SLOT_BYTES", 1024)
    monkeypatch.setattr(interface, "SLOT_BYTES", 1024)
    with closing(source_in(quiet, "near", 7779)) as source, injector(quiet) as inject:
        inject(frame(Shape(ports=(7779, 1))) + bytes(5000))
        inject(frame(Shape(ports=(7779, 1))))
        select.select([source], [], [], 5)
        frames = source.receive()
    assert frames is not None
    whole = len(frame(Shape()))
    assert frames.captured.tolist() == [1024, whole]
    assert frames.on_wire.tolist() == [whole + 5000, whole]
    assert (source.counters.cut, source.counters.bytes) == (1, 1024 + whole)


def test_a_tun_device_gives_packets_from_the_ip_header_on(wire: Wire) -> None:
    with wire.left.entered():
        try:
            tun = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", b"tun", 0x1001))
        except OSError as error:
            pytest.skip(f"no tun devices: {error}")
    try:
        wire.left.ip("link set tun up")
        with closing(source_in(wire.left, "tun", 80)) as source:
            os.write(tun, packet(Shape()))
            os.write(tun, packet(Shape(ports=(1, 2))))
            select.select([source], [], [], 5)
            frames = source.receive()
            assert frames is not None
            assert (frames.link, len(frames)) == (Link.RAW, 1)
            assert frames.buffer[: frames.captured[0]].tobytes() == packet(Shape())
    finally:
        os.close(tun)


def test_an_interface_that_goes_down_and_comes_back(quiet: Namespace) -> None:
    with closing(source_in(quiet, "near", 80)) as source:
        calm = source.warning
        quiet.ip("link set near down")
        assert select.select([source], [], [], 5)[0]
        assert source.receive() is None
        assert source.warning == "interface near went down; nothing comes until it is up again"
        assert not select.select([source], [], [], 0)[0]
        quiet.ip("link set near up")
        with injector(quiet) as inject:
            inject(frame(Shape()))
        assert drain(source) == [frame(Shape())]
        assert source.warning == calm
        quiet.ip("link del near")
        assert select.select([source], [], [], 5)[0]
        assert source.receive() is None
        assert not select.select([source], [], [], 0)[0]


def test_an_interface_that_is_down(wire: Wire) -> None:
    wire.left.ip("link add name lying type veth peer name other")
    try:
        with pytest.raises(
            RunError, match=r"^iface://lying: interface lying is down; 'ip link set lying up'$"
        ):
            source_in(wire.left, "lying")
    finally:
        wire.left.ip("link del lying")


@pytest.mark.parametrize("name", ["nope", "x" * 20, "wire/../lo"])
def test_a_missing_interface_lists_those_there_are(wire: Wire, name: str) -> None:
    with pytest.raises(RunError) as refused:
        source_in(wire.left, name)
    assert f"there is no interface {name!r}; there are: " in str(refused.value)
    assert "lo, " in str(refused.value)
    assert str(refused.value).endswith("wire, and 'any' for all of them")


def test_the_missing_right_is_named(unprivileged: Callable[[], AbstractContextManager[None]]) -> None:
    with unprivileged(), pytest.raises(RunError) as refused:
        InterfaceSource(name="iface://any", interface="any")
    assert str(refused.value).startswith(
        "iface://any: capturing from an interface needs the right CAP_NET_RAW: run as root, or grant it with "
    )
    assert "docker run --cap-add NET_RAW" in str(refused.value)
