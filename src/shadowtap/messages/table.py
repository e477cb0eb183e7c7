"""The table of conversations, one for each flow."""

from shadowtap.events import Closed, FlowEvent, Gap, Message, Opened
from shadowtap.events.flows import Chunk
from shadowtap.http1 import Limits
from shadowtap.http1.plain import Plain
from shadowtap.ledger import MessageCounters
from shadowtap.messages.conversation import Conversation


class Messages:
    """Reads the messages of all connections. `keep_answer_bodies=False` counts the octets of answers only."""

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        keep_answer_bodies: bool = True,
        counters: MessageCounters | None = None,
    ) -> None:
        self.counters = counters if counters is not None else MessageCounters()
        self._limits = limits if limits is not None else Limits()
        self._keep = keep_answer_bodies
        self._plains = [Plain(), Plain()]
        self._conversations: dict[int, Conversation] = {}

    def feed(self, events: list[FlowEvent]) -> list[Message]:
        """The messages that these events complete, in order of completion."""
        out: list[Message] = []
        conversations = self._conversations
        for event in events:
            if type(event) is Chunk:
                chunk = event
                conversation = conversations[chunk.flow]
                conversation.take_chunk(chunk, out)
            elif isinstance(event, Opened):
                conversations[event.flow.number] = Conversation(
                    event.flow,
                    limits=self._limits,
                    keep_answer_bodies=self._keep,
                    counters=self.counters,
                    plains=self._plains,
                )
            elif isinstance(event, Gap):
                conversation = conversations[event.flow]
                conversation.take_gap(event, out)
            elif isinstance(event, Closed):
                conversation = conversations[event.flow]
                conversation.take_closed(event, out)
                if not conversation.open:
                    del conversations[event.flow]
        return out
