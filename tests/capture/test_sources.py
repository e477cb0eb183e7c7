"""URLs of sources: what they mean, and what is said about those that mean nothing."""

import contextlib
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.files import Packet, packets_of, pcap
from shadowtap.capture.capture_file import CaptureFile
from shadowtap.capture.sources import FileSpec, InterfaceSpec, SourceSpec, UdpSpec, open_source, parse_source
from shadowtap.capture.udp import UdpSource
from shadowtap.errors import UsageError
from shadowtap.events import Link


@pytest.mark.parametrize(
    "spec",
    [
        UdpSpec(url="vxlan://0.0.0.0:4789", link=Link.VXLAN, host="0.0.0.0", port=4789),
        UdpSpec(url="vxlan://", link=Link.VXLAN, host="0.0.0.0", port=4789),
        UdpSpec(url="vxlan://:5000", link=Link.VXLAN, host="0.0.0.0", port=5000),
        UdpSpec(url="VXLAN://collector.example/", link=Link.VXLAN, host="collector.example", port=4789),
        UdpSpec(url="geneve://[::]", link=Link.GENEVE, host="::", port=6081),
        UdpSpec(url="geneve://[fd00::1]:7000", link=Link.GENEVE, host="fd00::1", port=7000),
        UdpSpec(
            url="vxlan://10.0.0.1?vni=7,9&from=10.0.0.0/8,192.168.1.1&port=80&vni=11",
            link=Link.VXLAN,
            host="10.0.0.1",
            port=4789,
            senders=(ip_network("10.0.0.0/8"), ip_network("192.168.1.1")),
            vnis=frozenset({7, 9, 11}),
            ports=frozenset({80}),
        ),
        UdpSpec(
            url="vxlan://[::]?from=fd00::/8,10.0.0.0/8",
            link=Link.VXLAN,
            host="::",
            port=4789,
            senders=(ip_network("fd00::/8"), ip_network("10.0.0.0/8")),
        ),
        InterfaceSpec(url="iface://eth0", interface="eth0"),
        InterfaceSpec(url="iface://eth0.5/?port=80,8080", interface="eth0.5", ports=frozenset({80, 8080})),
        InterfaceSpec(url="iface://any?port=65535", interface="any", ports=frozenset({65535})),
        InterfaceSpec(url="iface://br-0%2f1", interface="br-0/1"),
        FileSpec(url="pcap:-", path="-"),
        FileSpec(url="pcap:a b?c&d=e#f%20", path="a b?c&d=e#f%20"),
        FileSpec(url="pcap:/tmp/x.pcap.gz", path="/tmp/x.pcap.gz"),
    ],
    ids=lambda spec: spec.url,
)
def test_what_a_url_means(spec: SourceSpec) -> None:
    assert parse_source(spec.url) == spec


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", '"" is no source; write vxlan://0.0.0.0:4789?vni=7, geneve://'),
        ("eth0", '"eth0" is no source; write vxlan://0.0.0.0:4789?vni=7, '),
        ("traffic.pcap.gz", '"traffic.pcap.gz" is no source; for a capture file write pcap:traffic.pcap.gz'),
        ("ftp://x", '"ftp://x": there is no kind of source "ftp:"; write vxlan://'),
        ("vxlan:0.0.0.0", '"vxlan:0.0.0.0" lacks the two slashes; write vxlan://0.0.0.0:4789?vni=7'),
        ("vxlan://h/path", '"vxlan://h/path" has more than an address and options; write vxlan://'),
        ("vxlan://h#x", '"vxlan://h#x" has more than an address and options'),
        ("vxlan://::1", '"vxlan://::1": "::1" is no HOST:PORT; put brackets around an IPv6 address, [::1]'),
        ("vxlan://h:80x", '"vxlan://h:80x": "h:80x" is no HOST:PORT; write vxlan://0.0.0.0:4789'),
        ("vxlan://[::1", '"vxlan://[::1": "[::1" is no HOST:PORT; put brackets'),
        ("vxlan://[10.0.0.1]", '"vxlan://[10.0.0.1]": "10.0.0.1" is no IPv6 address; write [::]'),
        ("vxlan://h:0", '"vxlan://h:0": a port is a number from 1 to 65535, not 0'),
        ("vxlan://h:65536", '"vxlan://h:65536": a port is a number from 1 to 65535, not 65536'),
        ("geneve://h:http", '"geneve://h:http": "h:http" is no HOST:PORT; write geneve://'),
        ("vxlan://h?vnis=7", 'unknown option "vnis"; there are: vni, from, port; for example vxlan://'),
        (
            "iface://eth0?vni=7",
            'unknown option "vni"; there are: port; for example iface://eth0?port=80,8080',
        ),
        ("vxlan://h?vni=", 'option "vni" lacks a value; separate several by commas'),
        ("vxlan://h?vni=7,,8", 'option "vni" lacks a value'),
        ("vxlan://h?vni", 'option "vni" lacks a value'),
        ("vxlan://h?vni=16777216", 'option "vni": expected numbers from 0 to 16777215, not "16777216"'),
        ("vxlan://h?vni=-1", 'option "vni": expected numbers from 0 to 16777215, not "-1"'),
        ("iface://eth0?port=http", 'option "port": expected numbers from 1 to 65535, not "http"'),
        ("iface://eth0?port=0", 'option "port": expected numbers from 1 to 65535, not "0"'),
        (
            "vxlan://h?from=10.1.0.0/8",
            'option "from": "10.1.0.0/8" has bits behind its prefix; write 10.0.0.0/8',
        ),
        ("vxlan://h?from=all", 'option "from": "all" is no network; write one as 10.0.0.0/8 or fd00::/8'),
        (
            "vxlan://0.0.0.0?from=fd00::/8",
            'option "from": fd00::/8 can never match: 0.0.0.0 receives IPv4 only',
        ),
        ("iface://", '"iface://" names no interface; write iface://eth0?port=80,8080'),
        ("iface://eth0:8080", '"iface://eth0:8080": ports are an option; write iface://eth0?port=8080'),
        ("pcap:", '"pcap:" names no file; write pcap:FILE, or pcap:- for a pipe'),
        ("pcap:a\0b", "names no file"),
    ],
)
def test_what_means_nothing(url: str, complaint: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_source(url)
    assert complaint in str(refused.value)
    assert refused.value.exit_code == 2


@given(
    st.one_of(st.text(), st.text().map(lambda text: f"vxlan://{text}"), st.text().map("iface://{}".format))
)
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert parse_source(text).url == text


def test_a_socket_is_opened() -> None:
    source = open_source(UdpSpec(url="as written", link=Link.GENEVE, host="127.0.0.1", port=0))
    assert isinstance(source, UdpSource)
    assert source.name == "as written"
    source.close()


def test_a_file_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "a?b.pcap"
    packets = [Packet(b"abc", 1000, 3)]
    path.write_bytes(pcap(packets))
    source = open_source(parse_source(f"pcap:{path}"))
    assert isinstance(source, CaptureFile)
    assert packets_of(source) == packets
