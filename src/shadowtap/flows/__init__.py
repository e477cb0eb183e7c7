"""flows: `Segments` in; `Opened`, `Chunk`, `Gap` and `Closed` out, per connection and direction, in order.

TCP as a bystander sees it (RFC 9293): 32-bit serial arithmetic with wrap-around, retransmission and overlap (the
first copy of an octet wins), reordering, connections joined mid-stream, ports used again, holes that will never be
filled. Every flow ends with exactly one `Closed` in each direction. Time is the capture's own, given as an argument.
It refuses to know what the bytes mean.
"""

from shadowtap.flows.table import Flows

__all__ = ["Flows"]
