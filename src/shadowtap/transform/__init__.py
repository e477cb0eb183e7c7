"""transform: which requests are replayed, and as what.

Comes in: a `Request` of production. Goes out: the same one, a new one, or none with a reason. Every rule is counted
under its own name. Refuses to know: sockets, clocks, and where requests go.
"""
