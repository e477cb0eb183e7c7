"""What is sent: production's octets, with two changes to the head.

Host names the target, unless the user keeps production's, and one header is added as our own mark, by which a
request that comes round again in mirrored traffic is recognised and never replayed twice. Nothing else changes:
neither order, case, spacing nor line ends of the other fields, nor the body and its framing.
"""

import re

from shadowtap.events.messages import Request

MARK = b"X-Shadowtap-Replay"
"""The header that marks a replayed request; its value is the number of production's connection, a dot, and the
request's index in it, so that a request can be followed from the ledger to the target's logs."""

_MARK_LINE = re.compile(rb"\n" + re.escape(MARK) + rb":", re.IGNORECASE).search


def is_marked(head: bytes) -> bool:
    """Whether a request was sent by shadowtap, however the case of the mark was changed on the way."""
    return _MARK_LINE(head) is not None


class Outgoing:
    """What is sent on one connection. `authority` is the new value of Host; None keeps production's.

    Clients repeat themselves: what is behind the request line is often what it was in the request before, and so is
    what becomes of it.
    """

    __slots__ = ("_authority", "_fields", "_ready")

    def __init__(self, authority: bytes | None) -> None:
        self._authority = authority
        self._fields = (
            b"\n"  # what was behind the last request line, its end with it; at first what none can be
        )
        self._ready = b""  # and what becomes of that, up to the value of the mark

    def another(self) -> "Outgoing":
        """One for another connection, whose client may well send the same fields."""
        another = Outgoing(self._authority)
        another._fields, another._ready = self._fields, self._ready
        return another

    def octets(self, request: Request) -> bytes:
        """The octets of a request."""
        head, fields = request.head, self._fields
        if head.endswith(fields) and (line := len(head) - len(fields)) == head.find(b"\r\n"):
            number, index = request.connection.number, request.index
            octets = head[:line] + self._ready + b"%d.%d\r\n\r\n" % (number, index)
            return octets + request.body if request.body else octets
        octets = outgoing(request, self._authority)
        self._remember(request, octets)
        return octets

    def _remember(self, request: Request, octets: bytes) -> None:
        head = request.head
        line = head.find(b"\r\n")
        if line < 0 or len(head) - line > _KNOWN_BYTES or not head.endswith(b"\r\n\r\n"):
            return
        value = b"%d.%d\r\n\r\n" % (request.connection.number, request.index)
        self._fields, self._ready = head[line:], octets[line : len(octets) - len(value) - len(request.body)]


_KNOWN_BYTES = 1024
"""Octets of header fields that are remembered for each connection."""


def outgoing(request: Request, authority: bytes | None) -> bytes:
    """The octets to send. `authority` is the new value of Host; None keeps production's."""
    head = request.head
    if authority is not None:
        start = head.find(b"\nHost:") + 7
        end = head.find(b"\r\n", start)
        if (
            start > 6
            and head[start - 1] == _SPACE
            and head.endswith(b"\r\n\r\n")
            and _is_one_line(head, start, end)
        ):
            number, index = request.connection.number, request.index
            return _USUAL % (head[:start], authority, head[end:-2], number, index, request.body)
    return _unusual(request, authority)


_SPACE = ord(" ")
_USUAL = b"%b%b%b" + MARK + b": %d.%d\r\n\r\n%b"


def _is_one_line(head: bytes, start: int, end: int) -> bool:
    """Whether a value ends there, and is neither followed by a folded line nor made of lines that end in LF alone."""
    return head[end + 2] not in b" \t" and head.find(b"\n", start, end) < 0


def _unusual(request: Request, authority: bytes | None) -> bytes:
    head = request.head
    end = len(head) - (2 if head.endswith(b"\r\n") else 1)
    line_end = head[end:]
    mark = b"%b: %d.%d" % (MARK, request.connection.number, request.index)
    start = stop = 0
    if authority is not None:
        start, stop = _host_value(head)
    return b"".join(
        (head[:start], authority or b"", head[stop:end], mark, line_end, line_end, request.body)
        if stop
        else (head[:end], mark, line_end, line_end, request.body)
    )


def _host_value(head: bytes) -> tuple[int, int]:
    """Where the value of the Host field begins and ends; zeros where there is none."""
    at = head.find(b"\nHost:")
    if at < 0:
        at = head.lower().find(b"\nhost:")
        if at < 0:
            return 0, 0
    start = at + 7 if head[at + 6 : at + 7] == b" " else at + 6
    end = head.find(b"\n", start)
    while head[end + 1] in b" \t":  # a folded line (RFC 9112, section 5.2)
        end = head.find(b"\n", end + 1)
    return start, end - 1 if head[end - 1] == 0x0D else end
