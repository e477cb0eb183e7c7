"""Any octets as HTTP, in any pieces, with any holes, both ways: every request has one end, and all is counted.

    python fuzz/fuzz_http.py [--minutes N] [--plain] [FILE…]

The first record's kind chooses how the connection began and the limits. Of every further record the kind says what
happens (octets of the client or the server, a hole, an end) and what had been acknowledged then; its octets are what
was said, or how many are lost. The readers of both directions get the same on their own: they must hold no more than
their limits allow, and pieces must make no difference where nothing is lost.

A request that is whole is replayed; what would be sent must read as the very request that was understood.
"""

import json
import re
from random import Random

from drive import Record, Target, change, change_records, main, pack, unpack, watched

with watched():
    from http1.catalogue import REQUESTS, RESPONSES, UNTIL_CLOSE
    from packets import CLIENT, SERVER
    from shadowtap.events import (
        Chunk,
        Closed,
        Ended,
        Exchange,
        Flow,
        Gap,
        How,
        Message,
        Opened,
        Request,
        Response,
    )
    from shadowtap.http1 import Limits, Raw, Reader, Role, field, headers, payload
    from shadowtap.http1.reader import State
    from shadowtap.ledger import MessageCounters
    from shadowtap.messages import Messages
    from shadowtap.replay.outgoing import is_marked, outgoing
    from shadowtap.report.jsonlines import JsonLines

CLIENT_SAYS, SERVER_SAYS, CLIENT_HOLE, SERVER_HOLE, CLIENT_END, SERVER_END = range(6)
_KINDS = 6
_LIMITS = (Limits(head_bytes=300, body_bytes=500), Limits())
_TAIL = 8192
"""Octets that a reader keeps while it seeks."""
_START = 0xFFFFFF00
"""Streams begin here, so that positions wrap around."""
_MASK = 0xFFFFFFFF
_HOST = re.compile(rb"\nhost([ \t]*):", re.IGNORECASE)
_ENDS = (How.FIN, How.FIN, How.RESET, How.IDLE, How.EVICTED, How.REUSED, How.END)
_TOKENS = [
    b"\r\n", b"\n", b"\r\n\r\n", b"\n\n", b"\n\r\n", b"\r", b" ", b"\t", b":", b"\0", b"\xff", b"\r\n\t", b",",
    b"GET / HTTP/1.1\r\n", b"HEAD /a HTTP/1.0\r\n", b"POST ", b"CONNECT a:1 HTTP/1.1\r\n\r\n", b" HTTP/1.1\r\n",
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 101 S\r\n\r\n", b"HTTP/1.0 304 N\r\n\r\n",
    b"HTTP/1.1 204 N\r\n", b"HTTP/1.1 ", b"Content-Length: 5\r\n", b"Content-Length:", b"content-length: 0\r\n",
    b"Content-Length: 99999999999999999\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: a, chunked\r\n",
    b"transfer-encoding : identity\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b"0\r\nA: b\r\n\r\n", b"fffffffffffff\r\n",
    b"3;x=y\r\nabc\r\n", b"Host: a\r\n", b"Host:\r\n a\r\n", b"Upgrade: x\r\n", b"Connection: close\r\n",
    b"X-Shadowtap-Replay: 1.2\r\n", b"PROXY TCP4 1 2 3 4\r\n", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01", b"SSH-2.0", b"a" * 300,
]  # fmt: skip


def one_input(data: bytes) -> None:
    """Read a connection; raises what a bug raises."""
    records = unpack(data)
    if not records:
        return
    choice, records = records[0][0], records[1:]
    limits = _LIMITS[choice & 1]
    _converse(
        records, limits, (None, 0, 1)[choice >> 1 & 3] if choice >> 1 & 3 < 3 else None, bool(choice & 8)
    )
    for role, says, hole in ((Role.REQUEST, 0, 2), (Role.RESPONSE, 1, 3)):
        pieces = [
            (kind % _KINDS == hole, octets)
            for kind, octets in records
            if kind % _KINDS == hole or (kind % _KINDS == says and octets)
        ]
        keep_body = role is Role.REQUEST or bool(choice & 32)
        _read(role, pieces, limits, seek=bool(choice & 16), keep_body=keep_body)


# -- a conversation ------------------------------------------------------------------------------------------


def _converse(records: list[Record], limits: Limits, initiator: int | None, keep: bool) -> None:
    counters = MessageCounters()
    messages = Messages(limits=limits, keep_answer_bodies=keep, counters=counters)
    found = messages.feed([Opened(Flow(0, CLIENT, SERVER, None, initiator))])
    at, open_ends = [_START, _START], {0, 1}
    for now_ns, (kind, octets) in enumerate(records):
        happens, direction = kind % _KINDS // 2, kind % _KINDS % 2
        if direction not in open_ends:
            continue
        peer_at = (at[1 - direction] + (0, 0, 0, -1, -40, 40, 5000)[kind // _KINDS % 7]) & _MASK
        if happens == 0 and octets:
            at[direction] = (at[direction] + len(octets)) & _MASK
            ack = peer_at if kind < 240 else -1
            found += messages.feed([Chunk(0, direction, octets, now_ns, at[direction], ack)])
        elif happens == 1:
            length = int.from_bytes(octets[:3]) % 100_000 + 1
            at[direction] = (at[direction] + length) & _MASK
            found += messages.feed([Gap(0, direction, length, now_ns, at[direction], bool(kind & 64))])
        elif happens == 2:
            open_ends.discard(direction)
            found += messages.feed([Closed(0, direction, _ENDS[len(octets) % len(_ENDS)], now_ns)])
        assert counters.buffered_bytes >= 0
    for direction in sorted(open_ends):
        found += messages.feed([Closed(0, direction, How.END, len(records))])
    assert counters.buffered_bytes == 0
    assert not messages._conversations
    _check_ends(found, counters)
    _check_values(found)


def _check_ends(found: list[Message], counters: MessageCounters) -> None:
    """Every request comes once and has one end, and the counters say the same."""
    requests = [message for message in found if isinstance(message, Request)]
    exchanges = [message for message in found if isinstance(message, Exchange)]
    responses = [exchange.response for exchange in exchanges if exchange.response is not None]
    assert [request.index for request in requests] == list(range(len(requests)))
    ended, open_now = set(), set()
    for message in found:
        if isinstance(message, Request):
            open_now.add(message.index)
        elif isinstance(message, Exchange) and message.request is not None:
            assert message.request.index in open_now, "an end before the request, or a second one"
            assert not message.lost_request
            if message.response is None or _is_final(message.response):
                open_now.discard(message.request.index)
                ended.add(message.request.index)
        elif isinstance(message, Exchange):
            assert message.response is not None
            assert _is_final(message.response) or not message.lost_request
    assert len(ended) == len(requests), "a request without an end"
    assert sum(isinstance(message, Ended) for message in found) <= 1
    assert counters.requests == len(requests)
    assert counters.responses == len(responses)
    assert counters.interim == sum(not _is_final(response) for response in responses)
    orphans = sum(exchange.request is None for exchange in exchanges)
    assert counters.responses_without_request == orphans


def _is_final(response: Response) -> bool:
    return response.status >= 200 or response.status == 101


def _check_values(found: list[Message]) -> None:
    """What is made of messages further down: what is sent, and lines of JSON."""
    writer = JsonLines()
    for message in found:
        if line := writer.line(message):
            json.loads(line)
        if isinstance(message, Request) and message.fault is None:
            _check_outgoing(message)


def _check_outgoing(request: Request) -> None:
    plain = _again(request.head + request.body)
    assert (plain.first, plain.head, plain.body) == (
        (request.method, request.target, request.version), request.head, request.body
    )  # fmt: skip
    hosts = _HOST.findall(request.head)
    for authority in (None, b"target:8080"):
        sent = _again(outgoing(request, authority))
        assert sent.body == request.body
        assert sent.first == plain.first
        assert is_marked(sent.head)
        if authority is not None and len(hosts) == 1 and not hosts[0]:
            assert field(sent.head, b"host") == authority


def _again(octets: bytes) -> Raw:
    """The one request that these octets are."""
    reader = Reader(Role.REQUEST, limits=Limits())
    raws = reader.feed(octets)
    assert len(raws) == 1, "what is sent is not one request"
    assert raws[0].fault is None
    assert reader.state is State.HEAD
    assert not reader.held
    return raws[0]


# -- a reader ------------------------------------------------------------------------------------------------


def _read(
    role: Role, pieces: list[tuple[bool, bytes]], limits: Limits, *, seek: bool, keep_body: bool
) -> None:
    reader = Reader(role, limits=limits, seek=seek, keep_body=keep_body)
    most = limits.head_bytes + limits.body_bytes + _TAIL
    raws, sought, fed = [], seek, 0
    for lost, octets in pieces:
        if lost:
            raws += reader.gap(int.from_bytes(octets[:3]) % 100_000 + 1, 0)
        else:
            fed += len(octets)
            raws += reader.feed(octets)
        sought |= lost or reader.state >= State.SEEK or bool(reader.skipped)
        assert 0 <= reader.held <= most + len(octets)
    raws += reader.close(None)
    assert reader.held == 0
    assert sum(len(raw.head) for raw in raws) + reader.skipped <= fed
    for raw in raws:
        assert len(raw.head) <= limits.head_bytes
        assert len(raw.body) <= limits.body_bytes
        assert raw.body_bytes >= len(raw.body)
        assert keep_body or not raw.body
        headers(raw.head)
        assert len(payload(raw.body, raw.chunked)) <= len(raw.body)
    if not sought:
        _check_pieces(role, b"".join(octets for _, octets in pieces), limits, raws, keep_body=keep_body)


def _check_pieces(role: Role, octets: bytes, limits: Limits, raws: list[Raw], *, keep_body: bool) -> None:
    """Octets that made sense in their pieces make the same sense at once and one by one."""
    for size in (max(len(octets), 1), 1) if len(octets) < 3000 else (len(octets),):
        reader = Reader(role, limits=limits, keep_body=keep_body)
        again = []
        for at in range(0, len(octets), size):
            again += reader.feed(octets[at : at + size])
            if reader.state >= State.SEEK or reader.skipped:
                return
        again += reader.close(None)
        assert _plain(again) == _plain(raws), "the pieces made a difference"


def _plain(raws: list[Raw]) -> "list[tuple[object, ...]]":
    return [(r.first, r.head, r.body, r.body_bytes, r.chunked, r.flags, r.fault) for r in raws]


# -- inputs --------------------------------------------------------------------------------------------------


def seeds() -> list[bytes]:
    """Exchanges of every kind; answers that come early, late and not; joined in the middle; with holes."""
    found = []
    asked = [entry.octets for entry in REQUESTS.values()]
    answers = [entry.octets for entry in (*RESPONSES.values(), *UNTIL_CLOSE.values())]
    for number, request in enumerate(asked):
        answer = answers[number % len(answers)]
        third = len(request) // 3
        for head in (0b000010, 0b101011, 0b110000):
            found.append(
                pack([(head, b""), (CLIENT_SAYS, request), (SERVER_SAYS, answer), (CLIENT_END, b"")])
            )
            parts = [(CLIENT_SAYS, request[:third]), (CLIENT_SAYS, request[third:]), (SERVER_SAYS, answer)]
            found.append(pack([(head, b""), *parts, *parts, (CLIENT_HOLE, b"\0\0\x10"), *parts]))
            found.append(
                pack([(head, b""), parts[0], (SERVER_SAYS, answer), *parts[1:], (SERVER_HOLE, b"\0\1\0")])
            )
    found.append(pack([(2, b""), (CLIENT_SAYS, b"".join(asked[:8])), (SERVER_SAYS, b"".join(answers[:8]))]))
    return found


def mutate(data: bytes, dice: Random) -> bytes:
    """Records in another order, other pieces, other octets."""
    head, *records = unpack(data) or [(2, b"")]
    if dice.random() < 0.1:
        head = dice.randrange(64), b""
    return pack([head, *change_records(records, dice, _kind, lambda o, d: change(o, d, _TOKENS))])


def _kind(dice: Random) -> int:
    return dice.choice((0, 0, 0, 1, 1, 1, 2, 3, 4, 5)) + _KINDS * dice.choice((0, 0, 1, 2, 3, 4, 5, 6, 40))


TARGET = Target(one_input, seeds(), mutate)

if __name__ == "__main__":
    main(TARGET)
