"""Crafted packets are what tshark says they are."""

import json
import shutil
import struct
import subprocess
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.demo import packets
from shadowtap.events import Endpoint

CLIENT = Endpoint(ip_address("10.0.8.9"), 40_000)
SERVER = Endpoint(ip_address("10.0.1.20"), 80)
CLIENT6 = Endpoint(ip_address("fd00::9"), 40_000)
SERVER6 = Endpoint(ip_address("fd00::1:14"), 80)


def tshark(path, frames, *fields):
    """One dictionary of fields a packet, with checksums verified."""
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
    records = [struct.pack("<IIII", i, 0, len(frame), len(frame)) + frame for i, frame in enumerate(frames)]
    path.write_bytes(head + b"".join(records))
    wanted = [part for field in fields for part in ("-e", field)]
    checked = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    command = ["tshark", "-r", path, "-T", "json", *checked, *wanted]
    told = subprocess.run(command, capture_output=True, check=True).stdout
    layers = [packet["_source"]["layers"] for packet in json.loads(told)]
    return [{name: values[0] for name, values in layer.items()} for layer in layers]


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not here")
@pytest.mark.parametrize(("client", "server"), [(CLIENT, SERVER), (CLIENT6, SERVER6)])
def test_a_conversation_reads_well_in_tshark(tmp_path, client, server):
    wire = packets.Connection(client, server, mss=1000, starts=(0xFFFFFF00, 7))
    frames = [
        *wire.open(),
        *wire.send(0, b"POST /a HTTP/1.1\r\nHost: shop\r\nContent-Length: 2500\r\n\r\n" + b"x" * 2500),
        *wire.send(1, b"HTTP/1.1 204 No Content\r\n\r\n"),
        *wire.close(),
    ]
    fields = (
        "tcp.flags.str",
        "tcp.len",
        "tcp.checksum.status",
        "ip.checksum.status",
        "tcp.analysis.flags",
        "http.request.uri",
        "http.response.code",
        "tcp.options.mss_val",
    )
    told = tshark(tmp_path / "conversation.pcap", frames, *fields)

    assert [packet["tcp.flags.str"].strip("·") for packet in told] == [
        "S",
        "A··S",
        "A",
        "A",
        "A",
        "A",
        "AP",
        "A",
        "AP",
        "A",
        "A···F",
        "A···F",
        "A",
    ]
    assert [int(packet["tcp.len"]) for packet in told] == [0, 0, 0, 1000, 1000, 0, 554, 0, 27, 0, 0, 0, 0]
    assert {packet["tcp.checksum.status"] for packet in told} == {"1"}
    assert {packet.get("ip.checksum.status") for packet in told} == {"1" if client is CLIENT else None}
    assert not [packet for packet in told if "tcp.analysis.flags" in packet]
    assert [packet["http.request.uri"] for packet in told if "http.request.uri" in packet] == ["/a"]
    assert [packet["http.response.code"] for packet in told if "http.response.code" in packet] == ["204"]
    assert [packet.get("tcp.options.mss_val") for packet in told[:3]] == ["1000", "1000", None]


@given(st.binary(max_size=70))
def test_checksum_is_the_sum_of_words(octets):
    padded = octets + b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total > 0xFFFF:
        total = (total >> 16) + (total & 0xFFFF)
    assert packets.checksum(octets) == total ^ 0xFFFF


@given(st.binary(min_size=1, max_size=5000), st.integers(1, 1500), st.integers(0, 2**32 - 1))
def test_the_payload_is_all_there_in_order(payload, mss, start):
    wire = packets.Connection(CLIENT, SERVER, mss=mss, starts=(start, 0))
    wire.open()
    segments = [frame[54:] for frame in wire.send(0, payload)]
    assert b"".join(segments) == payload
    assert max(map(len, segments)) <= mss


def test_vxlan_header():
    assert packets.vxlan(7, b"frame") == b"\x08\0\0\0\0\0\x07\0frame"


def test_reset():
    frames = packets.Connection(CLIENT, SERVER).reset(1)
    assert [frame[47] for frame in frames] == [packets.RST | packets.ACK]
