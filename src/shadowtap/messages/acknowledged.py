"""What the acknowledgements of requests and answers tell of each other (RFC 9293, section 3.4).

All numbers are stream positions: 32-bit TCP sequence numbers, or -1 where a packet had none. Whoever sent a packet
had received all that it acknowledges.
"""

from shadowtap.events import Request
from shadowtap.serial import distance

FOLLOWS, LEADS, TORN = 0, 1, 2
"""How a request was sent: directly behind another of its burst, or first; behind a hole (a bit of its own)."""

Sent = tuple[Request, int, int, int]
"""A request; where in the client's stream it begins; how much of the server's stream the client had read when it was
sent; and FOLLOWS, LEADS, TORN or both."""


def may_answer(at: int, seen: int, begin: int, ack: int, *, first: bool = False) -> bool:
    """Whether a request that was sent from `at` on, with the answers up to `seen` read, may be answered by what
    begins at `begin` and acknowledges `ack`. The `first` answer of all begins where the client had read to: if not,
    the server's first octets were lost, and with them an answer perhaps."""
    if ack < 0 or seen < 0:
        return True
    ahead = distance(begin, seen)
    return distance(ack, at) > 0 and (ahead == 0 if first else ahead >= 0)


def shows_lead(begin: int, ack: int, at: int, seen: int) -> bool:
    """Whether the server's packet that begins at `begin` and acknowledges `ack` shows that nothing was under way when
    a request was sent, from `at` on, by a client that had read up to `seen`: part of that packet was read by then,
    and the server had received everything before the request when it sent it."""
    return ack >= 0 and seen >= 0 and distance(ack, at) >= 0 and distance(seen, begin) > 0
