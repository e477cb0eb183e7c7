"""Two roads from mirrored packets to requests: the middle of shadowtap alone, and a whole run with a real target.

Packets are Ethernet frames, in the order of capture; both roads see them as VXLAN, as AWS sends them.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

import packets
from replay.peer import live, serving
from runner.running import mirrored, to
from shadowtap.demo.packets import vxlan
from shadowtap.events import Link, Request
from shadowtap.ledger import Ledger
from shadowtap.pipeline import Pipeline
from transcript import C, S, Segment, Talk, frame

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_MARK = re.compile(rb"X-Shadowtap-Replay: \d+\.\d+\r\n")
_MS = 1_000_000


class Arrived(NamedTuple):
    """The octets of every request that is replayed, those of a connection in order, and how many requests were
    incomplete, by reason."""

    requests: list[bytes]
    incomplete: dict[str, int]


Road = Callable[..., Arrived]


def through_the_pipeline(frames: Iterable[bytes], *, ports: Iterable[int] = ()) -> Arrived:
    """What the middle makes of the packets: packet by packet and in large batches the same."""
    told = [vxlan(7, octets) for octets in frames]
    one, many = (_pipeline(told, frozenset(ports), batch) for batch in (1, 1000))
    assert one == many
    return one


def _pipeline(told: list[bytes], ports: frozenset[int], batch: int) -> Arrived:
    ledger = Ledger()
    pipeline = Pipeline(ledger)
    road = pipeline.road(ports=ports)
    messages = []
    for at in range(0, len(told), batch):
        part = told[at : at + batch]
        times = [(at + n) * _MS for n in range(len(part))]
        messages += pipeline.feed(packets.frames(part, Link.VXLAN, times=times), road)
        messages += pipeline.advance(times[-1])
    messages += pipeline.finish(len(told) * _MS)
    assert ledger.imbalances() == []
    requests = [message for message in messages if isinstance(message, Request)]
    requests.sort(key=lambda request: request.connection.number)
    faults = [str(request.fault) for request in requests if request.fault is not None]
    incomplete = {fault: faults.count(fault) for fault in faults}
    whole = [request.head + request.body for request in requests if request.fault is None]
    return Arrived(whole, incomplete)


def through_a_run(frames: Iterable[bytes], *, ports: Iterable[int] = ()) -> Arrived:
    """What reaches a real target when a real run gets the packets on its UDP port; our own mark is taken out."""
    found: list[Arrived] = []

    @live
    async def run() -> None:
        async with (
            serving() as server,
            mirrored([to(server.port, keep_host=True)], ports=tuple(ports)) as (run, mirror),
        ):
            for octets in frames:
                mirror.send([octets])
                await asyncio.sleep(0)
            run.interrupt()
            account = (await run.end()).requests
            assert account.replayed == run.targets[0].answered == len(server.requests)
            assert account.seen == account.replayed + account.incomplete.total()
            incomplete = {str(fault): n for fault, n in account.incomplete.items()}
            assert all(len(_MARK.findall(octets)) == 1 for octets in server.requests)
            found.append(Arrived([_MARK.sub(b"", octets) for octets in server.requests], incomplete))

    run()
    return found[0]


def answered(talk: Talk, *requests: bytes) -> Talk:
    """Requests on a connection, each with its answer."""
    for request in requests:
        talk.say(C, request).say(S, OK)
    return talk


def told(talk: Talk) -> list[bytes]:
    """A connection as frames."""
    return [frame(segment) for segment in talk.segments]


def in_pieces(talk: Talk, *pieces: bytes) -> Talk:
    """A request whose segments end where the test wants them to, and its answer."""
    for piece in pieces:
        talk.put(C, packets.ACK | packets.PSH, piece)
    return talk.say(S, OK)


def again(segment: Segment, *, begin: int = 0, end: int | None = None, more: bytes = b"") -> Segment:
    """A retransmission of a part of a segment, with `more` behind it."""
    data = segment.data[begin:end]
    return segment._replace(seq=segment.seq + begin, data=data + more)
