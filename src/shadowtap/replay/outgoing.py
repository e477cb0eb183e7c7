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
