"""Segments in, messages out: `Flows` and `Messages` together, as transcripts."""

from collections.abc import Iterable

from shadowtap.events import Ended, Exchange, Message, Request
from shadowtap.flows import Flows
from shadowtap.http1 import Limits
from shadowtap.ledger import MessageCounters
from shadowtap.messages import Messages
from transcript import MS, Segment, Talk, columns

SECOND = 1_000 * MS


class Hearing:
    """Listens to segments, batch by batch; `out` is all that was made of them."""

    def __init__(self, *, limits: Limits | None = None, keep_answer_bodies: bool = True) -> None:
        self.flows = Flows()
        self.messages = Messages(limits=limits, keep_answer_bodies=keep_answer_bodies)
        self.out: list[Message] = []
        self.now_ns = 0

    @property
    def counters(self) -> MessageCounters:
        """What `Messages` counted."""
        return self.messages.counters

    def hear(self, *segments: Segment) -> "Hearing":
        """One batch."""
        if segments:
            self.now_ns = max(self.now_ns, *(segment.time_ns for segment in segments))
            self.out += self.messages.feed(self.flows.feed(columns(segments)))
            self.wait(0)
        return self

    def wait(self, ns: int) -> "Hearing":
        """Time goes by."""
        self.now_ns += ns
        self.out += self.messages.feed(self.flows.advance(self.now_ns))
        return self

    def end(self) -> "Hearing":
        """The end of the capture; nothing may be left."""
        for _ in range(40):
            self.wait(SECOND)
        self.out += self.messages.feed(self.flows.finish(self.now_ns))
        assert self.counters.buffered_bytes == 0
        return self

    @property
    def requests(self) -> list[Request]:
        """All requests."""
        return [message for message in self.out if isinstance(message, Request)]

    @property
    def exchanges(self) -> list[Exchange]:
        """All exchanges, interim ones too."""
        return [message for message in self.out if isinstance(message, Exchange)]

    @property
    def lines(self) -> list[str]:
        """All messages as lines."""
        return [line(message) for message in self.out]


def line(message: Message) -> str:
    """A message in short: "POST /a +5", "/a -> 200 +2", "? -> 200 lost", "/a -> ?", "end"; faults behind a "!"."""
    if isinstance(message, Ended):
        return "end"
    if isinstance(message, Request):
        return f"{message.method.decode()} {message.target.decode()}{_rest(message.body, message.fault)}"
    request, response = message.request, message.response
    asked = "?" if request is None else request.target.decode()
    if response is None:
        return f"{asked} -> ?"
    lost = " lost" if message.lost_request else ""
    return f"{asked} -> {response.status}{_rest(response.body, response.fault)}{lost}"


def _rest(body: bytes, fault: str | None) -> str:
    return (f" +{len(body)}" if body else "") + (f" !{fault}" if fault else "")


def hear(talk: Talk | Iterable[Segment], *, batch: int = 1) -> Hearing:
    """A whole capture, so many segments a batch."""
    segments = talk.segments if isinstance(talk, Talk) else list(talk)
    hearing = Hearing()
    for begin in range(0, len(segments), batch):
        hearing.hear(*segments[begin : begin + batch])
    return hearing.end()
