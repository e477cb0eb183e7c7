"""Serial arithmetic on 32-bit sequence numbers (RFC 1982; RFC 9293, section 3.4)."""

MASK = 0xFFFFFFFF
HALF = 0x80000000


def distance(to: int, since: int) -> int:
    """How far `to` lies ahead of `since`, from -2**31 to 2**31 - 1; below zero: behind."""
    return ((to - since + HALF) & MASK) - HALF
