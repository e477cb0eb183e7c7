"""What the doctor hears, and what it says."""

import os
import socket
import struct
import threading

import pytest

from aws import packets
from shadowtap.aws import diagnose, doctor, inner
from shadowtap.aws.diagnose import Datagram, Level, Machine
from shadowtap.errors import RunError, UsageError

WELL = Machine(seconds=10, drops=0, buffer=1 << 26, clock_synchronised=True, clock_error_ms=1.0)


def copy(
    data=b"GET / HTTP/1.1\r\n\r\n", *, back=False, vni=7, sender="10.0.0.9", outer=65408, cut=0, port=80
):
    ends = (("10.9.0.1", 40000), ("10.0.0.9", port))
    source, destination = ends[::-1] if back else ends
    return Datagram(
        sender, outer, packets.vxlan(vni, packets.frame(source, destination, data))[: -cut or None]
    )


def said(*datagrams, machine=WELL, sessions=None):
    found = diagnose.findings(diagnose.all_of(datagrams), machine, sessions)
    return {f.about: f for f in found if f.level is not Level.OK} | {}


def test_a_mirror_that_is_well():
    assert said(copy(), copy(b"HTTP/1.1 200 OK\r\n\r\n", back=True)) == {}


def test_nothing_arrives():
    finding = said()["arrival"]
    assert finding.level is Level.PROBLEM
    assert "security group" in finding.do


def test_something_else_arrives():
    assert "none of them VXLAN" in said(Datagram("10.0.0.1", 1, b"hello"))["arrival"].text


def test_copies_that_are_cut():
    finding = said(copy(b"x" * 500, cut=100), copy(back=True))["length"]
    assert "1 copies (50.0%) are cut" in finding.text


def test_one_direction_only():
    assert "one direction" in said(copy(), copy())["directions"].text


def test_directions_with_different_outer_ports():
    finding = said(copy(outer=65408), copy(back=True, outer=65409))["outer ports"]
    assert finding.level is Level.NOTE


def test_both_ends_mirrored():
    found = said(
        copy(), copy(back=True), copy(vni=8, sender="10.0.0.3"), copy(back=True, vni=8, sender="10.0.0.3")
    )
    assert "both ends" in found["twice"].text


def test_tls():
    assert "cannot be read" in said(copy(b"\x16\x03\x01abc"), copy(back=True))["encrypted"].text


def test_a_kernel_that_drops_and_a_clock_that_drifts():
    ill = Machine(seconds=1, drops=12, buffer=212_992, clock_synchronised=False)
    found = said(copy(), copy(back=True), machine=ill)
    assert "dropped 12" in found["kernel"].text
    assert "chrony" in found["clock"].do


def test_senders_are_named_by_their_sessions():
    sessions = {("10.0.0.9", 7): "eni-1", ("10.0.0.8", 8): "eni-2"}
    seen = diagnose.all_of([copy(), copy(back=True), copy(vni=99)])
    texts = [str(f) for f in diagnose.findings(seen, WELL, sessions)]
    assert any("eni-1 at 10.0.0.9, VNI 7: 2 copies" in t for t in texts)
    assert any("no session of this mirror" in t for t in texts)
    assert any("eni-2 at 10.0.0.8, VNI 8: nothing" in t for t in texts)


@pytest.mark.parametrize("length", range(0, 90, 7))
def test_no_bytes_are_too_few_or_too_odd(length):
    for fill in (b"\x00", b"\xff", b"\x08", b"\x45"):
        said(Datagram("x", 1, b"\x08" + fill * length))
    whole = packets.vxlan(7, packets.frame(("fd00::1", 1), ("fd00::2", 80), b"x" * 10))
    said(Datagram("x", 1, whole[:length]))


def test_ipv6_and_vlan():
    found = inner.parse(packets.frame(("fd00::1", 1000), ("fd00::2", 80), b"GET", vlan=5))
    assert found.source == ("fd00::1", 1000)
    assert found.tcp
    assert found.missing == 0


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_it_listens_on_a_socket():
    port = free_port()
    ear = doctor.Ear("127.0.0.1", port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for datagram in (copy(), copy(back=True)):
            sender.sendto(datagram.payload, ("127.0.0.1", port))
    seen = diagnose.all_of(ear.listen(0.2))
    assert seen.streams["127.0.0.1", 7].packets == 2
    machine = ear.machine(0.2)
    assert machine.drops == 0
    assert machine.buffer


def test_a_collector_that_runs_keeps_its_packets():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(2)
        port = collector.getsockname()[1]
        if os.geteuid() != 0:
            with pytest.raises(RunError, match="needs root"):
                doctor.Ear("127.0.0.1", port)
            return
        ear = doctor.Ear("127.0.0.1", port)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(copy().payload, ("127.0.0.1", port))
        seen = diagnose.all_of(ear.listen(0.3))
        assert collector.recv(65535) == copy().payload
        assert seen.streams["127.0.0.1", 7].packets == 1
        assert ear.drops == 0


def outer(datagram, port=4789, sender="10.0.0.9"):
    udp = struct.pack("!HHHH", datagram.port, port, 8 + len(datagram.payload), 0) + datagram.payload
    return packets.ipv4(sender, "10.0.0.5", 17, udp)


@pytest.mark.parametrize(("link", "before"), [(1, b"\0" * 12 + b"\x08\x00"), (101, b""), (113, b"\0" * 16)])
def test_it_reads_a_capture(tmp_path, link, before):
    file = tmp_path / "capture.pcap"
    content = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    for datagram in (copy(), copy(back=True)):
        packet = before + outer(datagram)
        content += struct.pack("<IIII", 1, 0, len(packet), len(packet)) + packet
    file.write_bytes(content + b"\x01")
    seen = diagnose.all_of(doctor.from_pcap(str(file), 4789))
    assert seen.streams["10.0.0.9", 7].packets == 2


def test_a_gateway_load_balancer_wraps_the_copies_once_more():
    geneve = bytes([8, 0, 0x08, 0, 0, 0, 0, 0]) + b"\0" * 32
    wrapped = Datagram("10.0.0.2", 1, geneve + outer(copy()))
    (inside,) = doctor._named(wrapped, 6081)
    assert (inside.sender, inside.payload) == ("10.0.0.9", copy().payload)


def test_what_is_no_capture(tmp_path):
    file = tmp_path / "x"
    file.write_bytes(b"hello")
    with pytest.raises(UsageError, match="not a pcap"):
        list(doctor.from_pcap(str(file), 4789))
    with pytest.raises(UsageError, match="No such file"):
        list(doctor.from_pcap(str(tmp_path / "none"), 4789))


def test_the_clock_says_something_or_nothing():
    synchronised, error = doctor.clock()
    assert synchronised in {True, False, None}
    assert error is None or error >= 0
    assert threading.active_count() >= 1
