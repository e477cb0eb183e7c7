"""Addresses and networks agree with the standard library, whatever their number."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowtap.expression.error import WordError
from shadowtap.expression.networks import Network
from shadowtap.expression.tree import Operator

NETWORKS = st.one_of(
    st.builds(lambda a, n: ip_network((a, n), strict=False), st.ip_addresses(v=4), st.integers(0, 32)),
    st.builds(lambda a, n: ip_network((a, n), strict=False), st.ip_addresses(v=6), st.integers(0, 128)),
)


@settings(deadline=None)
@given(st.lists(NETWORKS, min_size=1, max_size=20), st.ip_addresses(), st.data())
def test_in(networks, address, data):
    inside = data.draw(st.sampled_from(networks))
    contains = Network().predicate(Operator.IN, [str(network) for network in networks])
    assert contains(inside.broadcast_address) or getattr(inside.broadcast_address, "ipv4_mapped", None)
    if getattr(address, "ipv4_mapped", None) is None:
        assert contains(address) == any(address in network for network in networks)


def test_ipv4_written_as_ipv6_is_the_same_address():
    contains = Network().predicate(Operator.IN, ["10.0.0.0/8"])
    assert contains(ip_address("::ffff:10.1.2.3"))
    assert not contains(ip_address("::10.1.2.3"))


def test_equals_is_for_one_address():
    equals = Network().predicate(Operator.EQUALS, ["[2001:db8::1]"])
    assert equals(ip_address("2001:db8::1"))
    assert not equals(ip_address("2001:db8::2"))


@pytest.mark.parametrize(
    ("operator", "word", "told"),
    [
        (Operator.EQUALS, "10.0.0.0/8", "a network is tested with in; write in 10.0.0.0/8"),
        (Operator.IN, "10.0.0.1/8", "10.0.0.1/8 has bits behind its prefix; write 10.0.0.0/8"),
        (Operator.IN, "10.0.0", 'expected an address such as 10.0.0.7, .* not "10.0.0"'),
        (Operator.IN, "10.0.0.0/33", "expected an address"),
        (Operator.IN, "localhost", "expected an address"),
    ],
)
def test_what_is_no_network_says_why(operator, word, told):
    with pytest.raises(WordError, match=told):
        Network().predicate(operator, [word])
