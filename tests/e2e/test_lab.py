"""The lab itself keeps its word: the mirror copies everything, whole, and the relay knows what it dropped."""

import socket
import struct

import pytest
from exactness import whole

from lab import Conversation, Lab, Recorder, Relay, get, post

_SO_RCVBUFFORCE = 33
_VXLAN_AND_ETHERNET = 8 + 14


def sink(lab: Lab, family: int, port: int = 4789) -> socket.socket:
    """A socket at the end of the mirror that holds all that arrives."""
    with lab.collector.entered():
        end = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    end.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 64 << 20)
    if family == 6:
        end.setsockopt(socket.IPPROTO_UDP, 102, 1)  # UDP_NO_CHECK6_RX
    end.bind(("", port))
    end.setblocking(False)
    return end


def received(end: socket.socket) -> list[bytes]:
    """Everything that has arrived; the network is synchronous, so what was sent is there."""
    packets = []
    try:
        while True:
            packets.append(end.recv(65536))
    except BlockingIOError:
        return packets


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("mtu", ["lab", "jumbo_lab"])
def test_the_mirror_copies_whole_packets_both_ways(
    request: pytest.FixtureRequest, mtu: str, family: int
) -> None:
    lab: Lab = request.getfixturevalue(mtu)
    with Recorder(lab.production), sink(lab, family) as end, lab.mirror(vni=4711, family=family):
        with Conversation(lab.client.connect((lab.addresses(family).production, 8080))) as connection:
            connection.ask(post("/up", b"u" * 100_000))
            connection.ask(get("/down?bytes=100000"))
        packets = received(end)
    assert {struct.unpack("!I", packet[4:8])[0] >> 8 for packet in packets} == {4711}
    assert max(map(len, packets)) == lab.mtu + _VXLAN_AND_ETHERNET
    for direction in (b"u" * 500, b"0123456789abcde\n" * 30):
        carried = sum(len(packet) for packet in packets if direction in packet)
        assert carried >= 100_000


def test_the_relay_knows_what_it_dropped(lab: Lab) -> None:
    with (
        Recorder(lab.production) as production,
        sink(lab, 4) as end,
        Relay(lab.collector, 4790, (lab.v4.collector, 4789), drop=0.2, seed=3) as relay,
        lab.mirror(port=4790),
    ):
        with Conversation(lab.client.connect((lab.v4.production, 8080))) as connection:
            for n in range(200):
                connection.ask(post(f"/{n}", f"<{n:04}>".encode()))
        losses = relay.finish()
        packets = received(end)
        records = production.wait_for_records(200)
    assert losses.dropped > 100
    assert len(packets) == losses.received - losses.dropped
    arrived = [n for n in range(200) if any(f"<{n:04}>".encode() in packet for packet in packets)]
    assert [r.index for r in whole(records, losses)] == arrived
