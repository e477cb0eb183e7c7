"""decap: `Frames` in, `Segments` out.

Every encapsulation (VXLAN, GENEVE, Ethernet, VLAN and QinQ, IPv4, IPv6 and its extension headers, GRE, IP in IP,
MPLS, PPPoE, ...) is peeled off by one loop of steps that work on whole columns, so odd packets take the same road
as common ones. What is left are TCP segments with the endpoints of the innermost IP header. Every frame becomes
one segment or is dropped under one named reason. It refuses to know the order of segments, and HTTP.
"""

from shadowtap.decap.decapsulator import Decapsulator

__all__ = ["Decapsulator"]
