"""Session numbers and VNIs: free ones, the same ones every time.

An interface's sessions are looked through by ascending number and a packet goes to the first whose filter matches.
So a new session goes behind those of others: it takes nothing away from them. Numbers go from 1 to 32766
(API_CreateTrafficMirrorSession). A VNI has 24 bits (RFC 7348); with one for each session, the collector can tell by
VNI which interface a packet is from.
"""

from collections.abc import Collection
from hashlib import blake2b

FIRST_NUMBER, LAST_NUMBER = 1, 32766
USUAL_NUMBER = 100
"""Leaves room before it for a session of somebody who wants to be first."""
LAST_VNI = (1 << 24) - 1


def session_number(taken: Collection[int], wanted: int | None = None) -> int | None:
    """A number behind all that are taken; the one before them when there is none; None when none is free."""
    if wanted is not None:
        return None if wanted in taken else wanted
    usual = max(USUAL_NUMBER, max(taken, default=0) + 1)
    if usual <= LAST_NUMBER:
        return usual
    return next((n for n in range(LAST_NUMBER, FIRST_NUMBER - 1, -1) if n not in taken), None)


def vni(name: str, interface: str, taken: Collection[int], first: int | None = None) -> int:
    """A VNI nobody uses: from `first` upwards, or one drawn from the names, so that it stays the same."""
    if first is None:
        seed = int.from_bytes(blake2b(f"{name}/{interface}".encode(), digest_size=8).digest())
        start = seed % LAST_VNI
    else:
        start = first - 1
    return next(
        value for offset in range(LAST_VNI) if (value := (start + offset) % LAST_VNI + 1) not in taken
    )
