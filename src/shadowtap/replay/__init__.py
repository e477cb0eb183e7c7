"""replay: `Request` in, `Outcome` out, over real connections.

Each target has its own queue, connections, breaker and account, and never waits for another. Requests of one
production connection go to a target in order, over one connection of their own or a share of a pool. A connection
is only ever made to an address of a configured target, whatever the request says. It refuses to know what production
answered.
"""

from shadowtap.replay.guard import Guard
from shadowtap.replay.held import HeldTarget
from shadowtap.replay.outgoing import MARK, is_marked
from shadowtap.replay.target import Target

__all__ = ["MARK", "Guard", "HeldTarget", "Target", "is_marked"]
