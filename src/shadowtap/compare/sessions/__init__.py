"""sessions: both answers to a request in; later requests out, with the target's values in place of production's.

A session cookie, a CSRF token, a bearer token, the number of an order: what production issued means nothing to a
target, which has issued its own. The two are found by aligning both answers (issued), remembered for a while
(bindings), and put into later requests (substitute). A request that holds a value whose counterpart the target has
still to name waits for that answer, and no other does (rebind). It refuses to know sockets and clocks: times are the
requests' own.
"""

from shadowtap.compare.sessions.bindings import Bindings, Kind
from shadowtap.compare.sessions.rebind import Key, Rebinder, Rebound, Wait, key_of

__all__ = ["Bindings", "Key", "Kind", "Rebinder", "Rebound", "Wait", "key_of"]
