"""A request on both legs of a load balancer: replayed once, the leg that was asked for where it can be known."""

from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowtap.events import Connection, Endpoint, Fault, Request
from shadowtap.transform.legs import HOLD_NS, MAX_HELD, MAX_REMEMBERED, WINDOW_NS, Leg, Legs

USER = ip_address("198.51.100.7")
OTHER = ip_address("198.51.100.8")
PROXY = ip_address("10.0.0.5")
OUTSIDE = ip_address("10.9.9.9")  # the proxy's other interface
APP = ip_address("10.0.1.20")
MS = 1_000_000
START = 10**18


def asked(number, client, server, path="/a", fields="", body=b"", at=0, fault=None) -> Request:
    """A request from one address to another."""
    head = f"POST {path} HTTP/1.1\r\nHost: shop\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode()
    on = Connection(number, Endpoint(client, 1000 + number), Endpoint(server, 80), None)
    time_ns = START + at * MS
    return Request(on, 0, time_ns, time_ns, b"POST", path.encode(), b"1.1", head, body, False, (), fault)


def front(number=1, fields="", **more) -> Request:
    """From a user to the proxy."""
    return asked(number, USER, PROXY, fields=fields, **more)


def back(number=2, fields="X-Forwarded-For: 198.51.100.7\r\n", client=PROXY, **more) -> Request:
    """From the proxy to the server."""
    return asked(number, client, APP, fields=fields, **more)


class Told:
    """Asks, and notes what is replayed and what is not."""

    def __init__(self, keep):
        self.legs = Legs(keep)
        self.replayed, self.dropped = [], []

    def note(self, decided):
        for request, duplicate in decided:
            (self.dropped if duplicate else self.replayed).append(request)

    def see(self, *requests):
        for request in requests:
            self.note(self.legs.take(request, request.time_ns))
        return self

    def learn(self):
        """See one pair, so that the proxy's addresses are known."""
        self.see(front(90, path="/learn"), back(91, path="/learn"))
        self.replayed, self.dropped = [], []
        return self


PAIRS = {
    "ALB": (front(), back(fields="X-Forwarded-For: 198.51.100.7\r\nX-Amzn-Trace-Id: Root=1-5\r\n")),
    "only the host": (front(), back(fields="")),
    "another interface": (
        front(fields="X-Forwarded-For: 9.9.9.9\r\n"),
        back(client=OUTSIDE, fields="X-Forwarded-For: 9.9.9.9, 198.51.100.7:4711\r\n"),
    ),
    "Forwarded": (front(), back(client=OUTSIDE, fields='Forwarded: for="198.51.100.7:80";proto=https\r\n')),
    "trace id": (
        front(fields="X-Amzn-Trace-Id: Root=1-67-abc\r\n"),
        back(fields="X-Amzn-Trace-Id: Self=1-68-def;Root=1-67-abc\r\n"),
    ),
    "traceparent": (
        front(fields="traceparent: 00-abc-1-01\r\n"),
        back(client=OUTSIDE, fields="Traceparent: 00-abc-2-01\r\nX-Forwarded-For: unknown\r\n"),
    ),
    "request id": (
        front(fields="X-Request-ID: 7\r\nX-Forwarded-For: 1.1.1.1\r\n"),
        back(client=OUTSIDE, fields="X-Request-Id: 7\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: x\r\n"),
    ),
}


@pytest.mark.parametrize("keep", Leg)
@pytest.mark.parametrize("name", PAIRS)
def test_of_the_first_pair_the_leg_that_comes_first_is_replayed(name, keep):
    for pair in (PAIRS[name], PAIRS[name][::-1]):
        told = Told(keep).see(*pair)
        assert (told.replayed, told.dropped) == ([pair[0]], [pair[1]])
        assert told.legs.found == 1


@pytest.mark.parametrize("keep", Leg)
@pytest.mark.parametrize("name", list(PAIRS)[:2])
def test_once_the_proxy_is_known_the_leg_asked_for_is_replayed(name, keep):
    wanted, other = PAIRS[name] if keep is Leg.FRONT else PAIRS[name][::-1]
    for pair in ((wanted, other), (other, wanted)):
        told = Told(keep).learn().see(*pair)
        assert (told.replayed, told.dropped) == ([wanted], [other])


DIFFERENT = {
    "path": (front(), back(path="/b")),
    "body": (front(), back(body=b"x")),
    "two users": (asked(1, OTHER, PROXY), back()),
    "a list that shrinks": (asked(1, OUTSIDE, PROXY, fields="X-Forwarded-For: 1.1.1.1\r\n"), back(fields="")),
    "twice from one user": (front(1), front(3)),
    "twice on one connection": (front(), front()),
    "same id, no proxy": (
        front(1, fields="X-Request-Id: 7\r\n"),
        asked(3, OUTSIDE, APP, fields="X-Request-Id: 7\r\n"),
    ),
    "too late": (front(), back(at=WINDOW_NS // MS + 1)),
    "incomplete": (front(fault=Fault.GAP), back()),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_may_be_two_requests_stays_two(name):
    for pair in (DIFFERENT[name], DIFFERENT[name][::-1]):
        told = Told(Leg.FRONT).see(*pair)
        assert (told.replayed, told.dropped) == (list(pair), [])


def test_chunked_on_one_leg_only():
    one = front(body=b"abc")
    head = b"POST /a HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n"
    two = back()
    two = Request(
        two.connection,
        0,
        START,
        START,
        b"POST",
        b"/a",
        b"1.1",
        head,
        b"3\r\nabc\r\n0\r\n\r\n",
        True,
        (),
        None,
    )
    assert Told(Leg.FRONT).see(one, two).dropped == [two]


def test_a_request_sent_twice_through_the_proxy_is_two_requests():
    told = Told(Leg.FRONT).see(front(1), back(2), front(3), back(4))
    assert [r.connection.number for r in told.replayed] == [1, 3]
    told = Told(Leg.FRONT).see(front(1), front(3), back(2), back(4))
    assert [r.connection.number for r in told.replayed] == [1, 3]
    told = Told(Leg.FRONT).see(front(1), back(2), front(1), front(1))
    assert [r.connection.number for r in told.replayed] == [1, 1, 1]


def test_a_chain_of_proxies_is_one_request():
    first, second = front(), asked(2, PROXY, OUTSIDE, fields="X-Forwarded-For: 198.51.100.7\r\n")
    third = asked(3, OUTSIDE, APP, fields="X-Forwarded-For: 198.51.100.7, 10.0.0.5\r\n")
    told = Told(Leg.FRONT).see(first, second, third)
    assert (told.replayed, told.dropped) == ([first], [second, third])


def test_a_front_leg_without_a_back_leg_is_replayed_after_a_while():
    told = Told(Leg.BACK).learn().see(front(at=1))
    assert told.replayed == []
    told.note(told.legs.advance(START + MS + HOLD_NS - 1))
    assert told.replayed == []
    told.note(told.legs.advance(START + MS + HOLD_NS))
    assert (told.replayed, told.legs.alone) == ([front(at=1)], 1)
    told.see(back(at=1100))
    assert told.dropped == [back(at=1100)]


def test_the_end_of_a_connection_or_of_the_capture_decides():
    told = Told(Leg.BACK).learn().see(front(1), front(3, path="/b"), front(4, path="/c"), back(5, path="/c"))
    told.note(told.legs.ended(1))
    assert [r.connection.number for r in told.replayed] == [5, 1]
    assert told.legs.ended(1) == []
    told.note(told.legs.finish())
    assert [r.connection.number for r in told.replayed] == [5, 1, 3]
    assert told.legs.finish() == []
    assert told.dropped == [front(4, path="/c")]


def test_memory_is_bounded():
    told = Told(Leg.BACK).learn()
    for n in range(MAX_HELD + 10):
        told.see(front(n, path=f"/{n}"))
    assert [r.connection.number for r in told.replayed] == list(range(10))
    told = Told(Leg.BACK).learn().see(*(front(n, path=f"/{n}", body=b"x" * (20 << 20)) for n in range(2)))
    assert [r.connection.number for r in told.replayed] == [0]
    assert told.legs._held_bytes < 21 << 20
    told.note(told.legs.finish())
    assert (told.legs._held_bytes, told.legs._waiting, told.legs._held_of) == (0, 0, {})
    told.see(front(at=WINDOW_NS // MS + 1))
    assert len(told.legs._order) == 1
    assert MAX_REMEMBERED == 50_000
    assert (len(told.legs._as_front), len(told.legs._as_back)) == (2, 1)


@st.composite
def traffic(draw):
    """Requests through a proxy, whose legs come in any order within a window; (logical requests, sightings)."""
    sightings = []
    count = draw(st.integers(1, 6))
    for n in range(count):
        user = ip_address(0xC6336400 + draw(st.integers(0, 2)))
        path, at = draw(st.sampled_from(["/a", "/b"])), draw(st.integers(0, 300))
        fields = f"X-Forwarded-For: {user}\r\n"
        legs = draw(st.sampled_from(["both", "both", "front", "back"]))
        if legs != "back":
            sightings.append((asked(2 * n, user, PROXY, path, at=at), n))
        if legs != "front":
            sightings.append(
                (asked(2 * n + 1, PROXY, APP, path, fields, at=at + draw(st.integers(0, 50))), n)
            )
    return draw(st.permutations(sightings)), draw(st.sampled_from(list(Leg)))


@settings(deadline=None)
@given(traffic())
def test_whatever_comes_each_sighting_is_decided_once_and_pairs_are_counted(made):
    sightings, keep = made
    told = Told(keep)
    told.see(*(request for request, _ in sightings))
    told.note(told.legs.finish())
    numbers = sorted(r.connection.number for r in [*told.replayed, *told.dropped])
    assert numbers == sorted(r.connection.number for r, _ in sightings)
    assert told.legs.found == len(told.dropped)
    # What one user sent to one path is replayed as often as the leg shows that shows more of it.
    for path, user in {(r.target, user_of(r)) for r, _ in sightings}:
        shown = [r for r, _ in sightings if (r.target, user_of(r)) == (path, user)]
        fronts = sum(r.connection.server.address == PROXY for r in shown)
        replayed = sum((r.target, user_of(r)) == (path, user) for r in told.replayed)
        assert replayed == max(fronts, len(shown) - fronts)


def user_of(request):
    """Whose request it is, on either leg."""
    if request.connection.server.address == PROXY:
        return request.connection.client.address
    return ip_address(request.head.split(b"For: ")[1].split(b"\r")[0].decode())
