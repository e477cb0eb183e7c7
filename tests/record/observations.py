"""Observations: any there can be, for properties, and plain ones, for stories."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from hypothesis import strategies as st

from shadowtap.events import (
    Connection,
    Difference,
    Endpoint,
    Exchange,
    Failure,
    Fault,
    Flag,
    Observation,
    Outcome,
    Request,
    Response,
    Verdict,
    replace,
)

HOUR = 3_600_000_000_000
NOON = 1_795_435_200_000_000_000
"""2026-11-23T12:00:00Z."""

times = st.integers(0, 2**63 - 1)
endpoints = st.builds(
    Endpoint,
    st.builds(IPv4Address, st.integers(0, 2**32 - 1)) | st.builds(IPv6Address, st.integers(0, 2**128 - 1)),
    st.integers(0, 65535),
)
connections = st.builds(
    Connection, st.integers(0, 2**44), endpoints, endpoints, st.none() | st.integers(0, 2**24 - 1)
)
octets = st.binary(max_size=40)
flags = st.lists(st.sampled_from(Flag), max_size=3).map(tuple)
faults = st.none() | st.sampled_from(Fault)
words = st.text(max_size=12)
differences = st.builds(Difference, words, words, words, words)


@st.composite
def requests(draw, connection):
    return Request(
        connection, draw(st.integers(0, 2**31)), draw(times), draw(times), draw(octets), draw(octets), draw(octets),
        draw(octets), draw(octets), draw(st.booleans()), draw(flags), draw(faults),
    )  # fmt: skip


@st.composite
def responses(draw, connection):
    return Response(
        connection, draw(times), draw(times), draw(st.integers(0, 999)), draw(octets), draw(octets), draw(octets),
        draw(octets), draw(st.integers(0, 2**50)), draw(st.booleans()), draw(flags), draw(faults),
    )  # fmt: skip


@st.composite
def outcomes(draw, request):

    if draw(st.booleans()):
        names = ("method", "target", "version", "head", "body")
        request = replace(request, chunked=draw(st.booleans()), **{name: draw(octets) for name in names})
    return Outcome(
        draw(words), request, draw(times), draw(times), draw(times), draw(st.integers(0, 999)), draw(octets), draw(octets),
        draw(st.none() | st.sampled_from(Failure)),
    )  # fmt: skip


@st.composite
def observations(draw):
    """Whatever an observation may be, hostile octets included."""
    connection = draw(connections)
    request = draw(st.none() | requests(connection))
    response = draw(responses(connection) if request is None else st.none() | responses(connection))
    return Observation(
        Exchange(request, response, draw(st.booleans())),
        draw(words),
        draw(st.just(()) if request is None else st.lists(outcomes(request), max_size=2).map(tuple)),
        draw(
            st.lists(
                st.builds(
                    Verdict,
                    words,
                    st.lists(differences, max_size=2).map(tuple),
                    st.lists(st.tuples(differences, words), max_size=2).map(tuple),
                    words,
                ),
                max_size=2,
            ).map(tuple)
        ),
    )


CLIENT, SERVER = Endpoint(ip_address("10.0.0.7"), 40_000), Endpoint(ip_address("10.1.0.1"), 8080)


def plain(
    number=0,
    *,
    at=NOON,
    latency=1_000_000,
    target=b"/shop",
    status=200,
    body=b'{"ok": true}',
    connection=1,
    index=None,
    outcomes=(),
    verdicts=(),
    method=b"GET",
):
    """A GET and its answer, `number` of them a millisecond apart."""
    own = Connection(connection, CLIENT, SERVER, 7)
    time_ns = at + number * 1_000_000
    head = method + b" " + target + b" HTTP/1.1\r\nHost: shop.example\r\nX-Number: %d\r\n\r\n" % number
    request = Request(
        own,
        number if index is None else index,
        time_ns,
        time_ns + 10,
        method,
        target,
        b"1.1",
        head,
        b"",
        False,
        (),
        None,
    )
    answer = b"HTTP/1.1 %d OK\r\nContent-Type: application/json; charset=utf-8\r\n\r\n" % status
    response = Response(
        own,
        time_ns + 10 + latency,
        time_ns + 20 + latency,
        status,
        b"OK",
        b"1.1",
        answer,
        body,
        len(body),
        False,
        (),
        None,
    )
    return Observation(Exchange(request, response), "replayed", outcomes, verdicts)


def answered(
    observation,
    *,
    target="http://staging",
    status=200,
    elapsed_ns=2_000_000,
    body=b'{"ok": true}',
    failure=None,
):
    """The same, replayed to a target."""
    request = observation.exchange.request
    head = b"HTTP/1.1 %d OK\r\n\r\n" % status
    outcome = Outcome(
        target, request, request.time_ns, elapsed_ns // 2, elapsed_ns, status, head, body, failure
    )
    return Observation(
        observation.exchange, observation.fate, (*observation.outcomes, outcome), observation.verdicts
    )
