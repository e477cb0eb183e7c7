"""Networks against socket addresses, with the ipaddress module as the judge."""

import ipaddress
import socket
import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.capture.senders import AllowedSenders, Network

V4 = st.ip_addresses(v=4)
V6 = st.ip_addresses(v=6)


def networks(
    addresses: st.SearchStrategy[ipaddress.IPv4Address | ipaddress.IPv6Address],
) -> st.SearchStrategy[Network]:
    """Networks of one family."""
    pairs = st.tuples(addresses, st.integers(0, 128))
    return pairs.map(
        lambda pair: ipaddress.ip_network((pair[0], min(pair[1], pair[0].max_prefixlen)), strict=False)
    )


def names(rows: list[bytes]) -> np.ndarray:
    """Socket addresses as the receiver has them, 32 bytes each."""
    return np.frombuffer(b"".join(row.ljust(32, b"\xee") for row in rows), np.uint8).reshape(-1, 32)


@given(st.lists(V4, min_size=1), st.lists(networks(V4), min_size=1))
def test_ipv4(addresses: list[ipaddress.IPv4Address], allowed: list[Network]) -> None:
    rows = [struct.pack("=HH4s8x", socket.AF_INET, 9, address.packed) for address in addresses]
    found = AllowedSenders(tuple(allowed), socket.AF_INET).among(names(rows))
    assert found.tolist() == [any(address in network for network in allowed) for address in addresses]


@given(st.lists(st.one_of(V4, V6), min_size=1), st.lists(st.one_of(networks(V4), networks(V6)), min_size=1))
def test_both_families_on_one_socket(
    addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address], allowed: list[Network]
) -> None:
    def packed(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bytes:
        octets = address.packed if address.version == 6 else bytes(10) + b"\xff\xff" + address.packed
        return struct.pack("=HHI16sI", socket.AF_INET6, 9, 0, octets, 0)

    found = AllowedSenders(tuple(allowed), socket.AF_INET6).among(names([packed(a) for a in addresses]))
    mapped = [
        ipaddress.IPv6Address(bytes(10) + b"\xff\xff" + a.packed) if a.version == 4 else a for a in addresses
    ]
    expected = [
        any(address in network or wide in network for network in allowed)
        for address, wide in zip(addresses, mapped, strict=True)
    ]
    ambiguous = any(a.version == 6 and a.ipv4_mapped for a in addresses)
    assert found.tolist() == expected or ambiguous


def test_without_networks_there_is_nothing_to_test() -> None:
    assert not AllowedSenders((), socket.AF_INET)
    assert AllowedSenders((ipaddress.ip_network("10.0.0.0/8"),), socket.AF_INET)
