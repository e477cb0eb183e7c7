"""Observations from octets, as the pipeline would have made them, and strategies that draw whole runs of them."""

from ipaddress import ip_address

from hypothesis import strategies as st

from shadowtap.events import Connection, Endpoint, Exchange, Observation, Outcome, Request, Response
from shadowtap.http1 import Limits, Reader, Role

NOON_NS = 1_795_608_000 * 10**9
MS = 10**6
SERVER = "10.0.1.20:80"


def endpoint(text):
    """ADDRESS:PORT as a value."""
    host, _, port = text.rpartition(":")
    return Endpoint(ip_address(host.strip("[]")), int(port))


def connection(number=0, client="10.0.8.9:40000", server=SERVER, vni=7):
    """A connection of production."""
    return Connection(number, endpoint(client), endpoint(server), vni)


def request(octets=b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n", *, on=None, index=0, at=NOON_NS, took=0):
    """The request that these octets are."""
    reader = Reader(Role.REQUEST, limits=Limits())
    (raw,) = reader.feed(octets) + reader.close(None)
    return Request(
        on or connection(),
        index,
        at,
        at + took,
        *raw.first,
        raw.head,
        raw.body,
        raw.chunked,
        raw.flags,
        raw.fault,
    )


def response(
    octets=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    *,
    to=b"GET",
    on=None,
    at=NOON_NS + MS,
    took=0,
):
    """Production's answer that these octets are, to a request with the method `to`."""
    raw = _answer(octets, to)
    version, status, reason = raw.first
    return Response(
        on or connection(),
        at,
        at + took,
        int(status),
        reason,
        version,
        raw.head,
        raw.body,
        raw.body_bytes,
        raw.chunked,
        raw.flags,
        raw.fault,
    )


def outcome(
    asked, octets=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nho", *, target="http://next", took=2 * MS
):
    """A target's answer."""
    raw = _answer(octets, asked.method)
    sent = asked.end_ns + MS // 2
    return Outcome(target, asked, sent, took // 2, took, int(raw.first[1]), raw.head, raw.body, None)


def observe(asked, answered=None, *outcomes, fate="replayed", verdicts=()):
    """All of it together."""
    return Observation(Exchange(asked, answered), fate, outcomes, verdicts)


def _answer(octets, method):
    reader = Reader(Role.RESPONSE, limits=Limits(), method_of_next=lambda begin, ack: method)
    (raw,) = reader.feed(octets) + reader.close(None)
    return raw


# -- what is drawn -----------------------------------------------------------------------------------------------

tokens = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789!#$%&'*+-.^_`|~", min_size=1, max_size=12).map(
    str.encode
)
field_values = st.binary(max_size=24).map(
    lambda octets: bytes(o for o in octets if o == 9 or (o >= 32 and o != 127)).strip(b" \t")
)
targets = st.binary(max_size=20).map(lambda octets: b"/" + bytes(o for o in octets if o > 32 and o != 127))
framing_names = (b"content-length", b"transfer-encoding", b"connection")
fields = st.lists(
    st.tuples(tokens.filter(lambda name: name.lower() not in framing_names), field_values), max_size=4
)
bodies = st.one_of(st.just(b""), st.binary(max_size=60), st.just("\n🐵🙈🙉".encode() + b" \nx"))


def framed(body, how):
    """Header fields and octets of a body."""
    if how == "chunked":
        middle = len(body) // 2
        parts = [part for part in (body[:middle], body[middle:]) if part]
        octets = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
        return b"Transfer-Encoding: chunked\r\n", octets + b"0\r\n\r\n"
    if how == "until_close":
        return b"", body
    return b"Content-Length: %d\r\n" % len(body), body


def message(line, drawn, body, how):
    """Octets of a message."""
    framing, octets = framed(body, how)
    head = b"".join(b"%b: %b\r\n" % pair for pair in drawn)
    return b"".join((line, b"\r\n", head, framing, b"\r\n", octets))


@st.composite
def request_octets(draw, methods=None):
    """Any request with a body or none."""
    line = b"%b %b HTTP/1.1" % (
        draw(methods or tokens.filter(lambda name: name != b"CONNECT")),
        draw(targets),
    )
    body = draw(bodies)
    how = draw(st.sampled_from(("length", "chunked"))) if body else "none"
    return message(line, draw(fields), body, how) if body else message(line, draw(fields), b"", "until_close")


@st.composite
def response_octets(draw):
    """Any answer with a body or none."""
    status = draw(st.sampled_from((200, 201, 302, 404, 500, 503)))
    how = draw(st.sampled_from(("length", "chunked", "until_close")))
    return message(b"HTTP/1.1 %d Why not" % status, draw(fields), draw(bodies), how)


_clients = ("10.0.8.9", "10.0.8.10", "192.168.3.4", "2001:db8::1:2:3", "::ffff:1.2.3.4")


@st.composite
def runs(draw, *, most=8):
    """Observations in the order of their requests, several to a connection."""
    found, counts, now = [], {}, NOON_NS
    for _ in range(draw(st.integers(0, most))):
        client = f"[{draw(st.sampled_from(_clients))}]:{draw(st.sampled_from((1024, 40000, 65535)))}"
        number, index = counts.get(client, (len(counts), 0))
        counts[client] = number, index + 1
        on = connection(number, client, draw(st.sampled_from((SERVER,))))
        now += draw(st.integers(1, 5 * MS))
        asked = request(draw(request_octets()), on=on, index=index, at=now, took=draw(st.integers(0, MS)))
        answered, outcomes = None, []
        if draw(st.booleans()):
            octets = draw(response_octets())
            begins = now + MS + draw(st.integers(0, 9 * MS))
            answered = response(octets, to=asked.method, on=on, at=begins, took=draw(st.integers(0, MS)))
        for number in range(draw(st.integers(0, 2))):
            octets = draw(response_octets())
            took = draw(st.integers(1, 9 * MS))
            outcomes.append(outcome(asked, octets, target=f"target-{number + 1}", took=took))
        found.append(observe(asked, answered, *outcomes, fate="replayed" if outcomes else ""))
    return found
