"""What is sent: production's octets, but for Host and the mark."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.peer import live, serving
from replay.rig import aiming, request
from shadowtap.replay import MARK, is_marked
from shadowtap.replay.outgoing import Outgoing, outgoing

NAMES = st.sampled_from(
    (
        b"Host host HOST hOsT Hosts Hos X-Forwarded-Host Cookie Accept Connection Upgrade Content-Type "
        b"x-shadowtap-replay-to X-Shadowtap-Replays Weird!#$%&'*+.^_`|~"
    ).split()
)
VALUES = st.one_of(
    st.sampled_from(
        [b"", b"shop.example", b"shop.example:80", b"a: b", b"Host: inner", b"\xff\xfe", b"[::1]:80"]
    ),
    st.binary(max_size=20).map(lambda octets: re.sub(rb"[\r\n\0]", b"", octets)),
)
SPACES = st.sampled_from([b" ", b"", b"  ", b"\t", b" \t "])
LINE_ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\n"])
TARGETS = st.sampled_from(
    [b"/", b"*", b"/a?b=c", b"http://shop.example/abs", b"shop.example:443", b"/\xc3\xa9"]
)


@st.composite
def lines(draw):
    """A header field as it may be written, its line end with it."""
    name, value = draw(NAMES), draw(VALUES)
    folds = draw(st.lists(st.tuples(LINE_ENDS, st.sampled_from([b" ", b"\t"]), VALUES), max_size=2))
    folded = b"".join(b"".join(fold) for fold in folds if fold[2].strip())
    return name + b":" + draw(SPACES) + value + draw(st.sampled_from([b"", b" "])) + folded + draw(LINE_ENDS)


@st.composite
def requests(draw):
    """A request whose line ends, order, case and spacing are anybody's guess."""
    method = draw(st.sampled_from([b"GET", b"POST", b"M-SEARCH", b"get"]))
    start = (
        method + b" " + draw(TARGETS) + b" HTTP/1." + draw(st.sampled_from([b"0", b"1"])) + draw(LINE_ENDS)
    )
    fields = draw(st.lists(lines(), max_size=6))
    head = start + b"".join(fields) + draw(LINE_ENDS)
    body = draw(st.binary(max_size=30))
    return request(head + body, draw(st.integers(0, 2**40)), draw(st.integers(0, 10**6))), fields, start


def without_mark(octets, asked, line_end):
    """The octets without our own line, which stands once, before the empty line."""
    connection, index = asked.connection.number, asked.index
    mark = MARK + b": %d.%d" % (connection, index) + line_end
    before, found, after = octets.partition(mark + line_end)
    assert found
    assert before.endswith(b"\n")
    return before + line_end + after


@given(requests())
def test_kept_host_changes_nothing_but_the_mark(made):
    asked, _, _ = made
    line_end = b"\r\n" if asked.head.endswith(b"\r\n") else b"\n"
    assert without_mark(outgoing(asked, None), asked, line_end) == asked.head + asked.body


@given(requests())
def test_host_is_replaced_and_nothing_else(made):
    asked, fields, start = made
    line_end = b"\r\n" if asked.head.endswith(b"\r\n") else b"\n"
    octets = without_mark(outgoing(asked, b"staging:8080"), asked, line_end)
    hosts = [line for line in fields if line.lower().startswith(b"host:")]
    exact = [line for line in hosts if line.startswith(b"Host:")]
    if not hosts:
        assert octets == asked.head + asked.body
        return
    chosen = (exact or hosts)[0]
    end = b"\r\n" if chosen.endswith(b"\r\n") else b"\n"
    space = b" " if chosen[5:6] == b" " else b""
    at = fields.index(chosen)
    new = chosen[:5] + space + b"staging:8080" + end
    assert octets == start + b"".join([*fields[:at], new, *fields[at + 1 :]]) + line_end + asked.body


@given(requests())
def test_what_is_sent_is_marked(made):
    asked, _, _ = made
    assert not is_marked(asked.head)
    assert is_marked(outgoing(asked, None))
    assert is_marked(outgoing(asked, b"staging"))


@pytest.mark.parametrize(
    ("head", "marked"),
    [
        (b"GET / HTTP/1.1\r\nX-Shadowtap-Replay: 1.2\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nHost: a\r\nx-shadowtap-replay:1.2\r\n\r\n", True),
        (b"GET / HTTP/1.1\nX-SHADOWTAP-REPLAY: \n\n", True),
        (b"GET / HTTP/1.1\r\nX-Shadowtap-Replay-To: 1.2\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nX-Y: X-Shadowtap-Replay: 1.2\r\n\r\n", False),
        (b"GET /?X-Shadowtap-Replay: HTTP/1.1\r\nHost: a\r\n\r\n", False),
    ],
)
def test_is_marked(head, marked):
    assert is_marked(head) is marked


ODD = [
    b"GET / HTTP/1.1\r\nhOST:shop\r\nAccept : a\r\nX: 1\r\nX: 2\r\n\r\n",
    b"GET http://shop.example/abs HTTP/1.1\r\nHost: shop.example\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nSum: 1\r\n\r\n",
    b"PUT / HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\n\x00\xff\r\n\n",
    b"GET / HTTP/1.1\r\nHost: shop\r\nX-Forwarded-Host: shop\r\nX-Fold: a\r\n b\r\n\r\n",
]


@pytest.mark.parametrize("keep_host", [False, True])
@live
async def test_octets_on_the_wire(keep_host):
    authority = None if keep_host else b"staging:1"
    async with serving() as server, aiming(server.port, authority=authority) as rig:
        await rig.replay(*(request(octets, 7, n) for n, octets in enumerate(ODD)))
        for n, (sent, octets) in enumerate(zip(server.requests, ODD, strict=True)):
            expected = octets.replace(b"\r\n\r\n", b"\r\nX-Shadowtap-Replay: 7.%d\r\n\r\n" % n, 1)
            if not keep_host:
                expected = re.sub(rb"(?i)(\nhost: ?)[^\r]*", rb"\1staging:1", expected)
            assert sent == expected


@given(
    st.lists(requests(), max_size=4),
    st.lists(st.integers(0, 3), max_size=12),
    st.sampled_from([None, b"new"]),
)
def test_what_is_remembered_of_a_connection_changes_nothing(made, order, authority):
    """Whatever came before on a connection, and with the same fields behind other request lines and bodies."""
    writer = Outgoing(authority)
    for number, which in enumerate(order):
        if which < len(made):
            fields = made[which][0].head.partition(b"\n")[2]
            asked = request(
                b"GET /%d HTTP/1.1\r\n%b%b" % (number % 3, fields, b"x" * (number % 2)), 7, number
            )
            for one in (made[which][0], asked):
                assert writer.octets(one) == outgoing(one, authority)
