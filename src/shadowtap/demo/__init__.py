"""demo: the whole thing on one machine, without root and without AWS.

A sample shop with visitors is played in a process of its own. Its traffic becomes real packets (Ethernet, IP, TCP
with handshakes and acknowledgements) which a mirror sends as VXLAN over loopback, as AWS would; the next version of
the shop listens on loopback and is the target. Between them runs the real collector.

    visitors ─► shop (production) ─► packets ─► mirror ═ VXLAN ═► shadowtap ─► next version of the shop
"""
