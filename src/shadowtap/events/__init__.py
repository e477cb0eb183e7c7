"""The vocabulary of values that cross the borders between stages.

    Frames ─► Segments ─► Opened | Chunk | Gap | Closed ─► Request | Exchange ─► Outcome

Packets are columns (NumPy arrays of one batch), because Python pays per object; from the bytes of a message on
they are small frozen values. Times are nanoseconds since the Unix epoch, as the capture saw them. A value knows
nothing of the stage that made it.
"""

from shadowtap.events.flows import Address, Chunk, Closed, Endpoint, Flow, FlowEvent, Gap, How, Opened
from shadowtap.events.frames import Bytes, FlowKey, Frames, Ints, Link, SegmentRow, SegmentRows, Segments
from shadowtap.events.messages import Connection, Ended, Exchange, Fault, Flag, Message, Request, Response
from shadowtap.events.outcomes import Difference, Failure, Observation, Outcome, Substitution, Verdict
from shadowtap.events.value import replace

__all__ = [
    "Address",
    "Bytes",
    "Chunk",
    "Closed",
    "Connection",
    "Difference",
    "Ended",
    "Endpoint",
    "Exchange",
    "Failure",
    "Fault",
    "Flag",
    "Flow",
    "FlowEvent",
    "FlowKey",
    "Frames",
    "Gap",
    "How",
    "Ints",
    "Link",
    "Message",
    "Observation",
    "Opened",
    "Outcome",
    "Request",
    "Response",
    "SegmentRow",
    "SegmentRows",
    "Segments",
    "Substitution",
    "Verdict",
    "replace",
]
