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
        head = _with_host(head, authority)
    line_end = b"\r\n" if head.endswith(b"\r\n") else b"\n"
    end = len(head) - len(line_end)
    mark = b"%b: %d.%d%b" % (MARK, request.connection.number, request.index, line_end)
    return b"".join((head[:end], mark, line_end, request.body))


def _with_host(head: bytes, authority: bytes) -> bytes:
    at = head.find(b"\nHost:")
    if at < 0:
        at = head.lower().find(b"\nhost:")
    if at < 0:
        return head
    start = at + 6
    end = head.find(b"\n", start)
    if head[end - 1 : end] == b"\r":
        end -= 1
    if head[start : start + 1] == b" ":
        start += 1
    return head[:start] + authority + head[end:]
