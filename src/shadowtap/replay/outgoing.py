"""What is sent: production's octets, with two changes to the head.

Host names the target, unless the user keeps production's, and one header is added as our own mark, by which a
request that comes round again in mirrored traffic is recognised and never replayed twice. Nothing else changes:
neither order, case, spacing nor line ends of the other fields, nor the body and its framing.
"""

from shadowtap.events import Request

MARK = b"X-Shadowtap-Replay"
"""The header that marks a replayed request; its value is the number of production's connection, a dot, and the
request's index in it, so that a request can be followed from the ledger to the target's logs."""

_MARK_LINE = b"\n" + MARK.lower() + b":"


def is_marked(head: bytes) -> bool:
    """Whether a request was sent by shadowtap."""
    return _MARK_LINE in head.lower()


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
