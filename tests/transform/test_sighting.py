"""What is remembered of a request to know its other leg by."""

from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowtap.events import Connection, Endpoint, Request
from shadowtap.transform.sighting import MAX_HOPS, Sighting

ON = Connection(1, Endpoint(ip_address("10.0.0.1"), 4000), Endpoint(ip_address("10.0.0.2"), 80), None)


def sighting(fields: bytes, body: bytes = b"") -> Sighting:
    head = b"GET / HTTP/1.1\r\n" + fields + b"\r\n\r\n"
    return Sighting(Request(ON, 0, 0, 0, b"GET", b"/", b"1.1", head, body, False, (), None))


def shared(one: Sighting, other: Sighting) -> int:
    return len(set(one.as_front) & set(other.as_back))


@pytest.mark.parametrize(
    ("fields", "hops"),
    [
        (b"X-Forwarded-For: 192.0.2.1, 192.0.2.2:80", ["192.0.2.1", "192.0.2.2"]),
        (b"x-forwarded-for: [2001:db8::1]:443,2001:DB8::2", ["2001:db8::1", "2001:db8::2"]),
        (b"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2", ["192.0.2.1", "192.0.2.2"]),
        (b'Forwarded: for="[2001:db8::1]:47";by=203.0.113.4, For=192.0.2.2', ["2001:db8::1", "192.0.2.2"]),
        (b"X-Forwarded-For: unknown, _hidden", [None, None]),
        (b"X-Not-Forwarded-For: 192.0.2.1", []),
        (b"X-Forwarded-For: " + b"192.0.2.1," * 99, ["192.0.2.1"] * MAX_HOPS),
    ],
)
def test_the_addresses_it_was_forwarded_for(fields, hops):
    assert sighting(fields).hops == tuple(hop and hop.encode() for hop in hops)


@pytest.mark.parametrize(
    ("one", "other", "marks"),
    [
        (b"X-Request-Id: a", b"x-request-id:a", 1),
        (b"X-Request-Id: a", b"X-Request-Id: b", 0),
        (b"X-Request-Id: a", b"X-Correlation-Id: a", 0),
        (b"X-Amzn-Trace-Id: Root=1-a", b"X-Amzn-Trace-Id: Self=1-b;Root=1-A", 1),
        (b"X-Amzn-Trace-Id: Self=1-a", b"X-Amzn-Trace-Id: Self=1-a", 0),
        (b"traceparent: 00-aa-b-01", b"traceparent: 00-aa-c-01", 1),
        (b"traceparent: aa", b"traceparent: aa", 0),
        (b"A: b", b"X-Forwarded-For: 10.0.0.1", 1),
        (b"A: b", b"X-Forwarded-For: 10.0.0.1, 10.0.0.3", 0),
    ],
)
def test_marks_in_common(one, other, marks):
    assert shared(sighting(one), sighting(other)) == marks


def test_another_body_has_no_marks_in_common():
    assert shared(sighting(b"X-Request-Id: a"), sighting(b"X-Request-Id: a", b"x")) == 0


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_nothing_raises(fields):
    for name in (b"X-Forwarded-For: ", b"Forwarded: for=", b"traceparent: ", b"X-Amzn-Trace-Id: Root=", b""):
        assert len(sighting(name + fields).hops) <= MAX_HOPS
