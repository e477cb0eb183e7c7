"""What most requests and answers are: such as hold no value of a session. Seen at little cost, and never wrongly.

    issues_nothing(response)    whether `issued` would find nothing
    asked(request, client)      all that `Rewriting` would look up; where nothing of it is known, nothing is put in

Both are exact, not guesses: where they cannot tell, the careful roads are taken. What is behind the start line is
often what it was in the message before, so what it issues or asks for is remembered.
"""

from functools import lru_cache

from shadowtap.compare.sessions.issued import head_issues, may_issue
from shadowtap.compare.sessions.substitute import Rewriting
from shadowtap.events import Request, Response

_HEAD_BYTES = 1024
"""Octets of a head that is remembered; 1,024 of answers and 4,096 of requests are."""
_BODY_BYTES = 4096
"""Octets of a body of which it is remembered that it issues nothing; 512 are."""
_CODED = b"\nset-cookie", b"\ncontent-encoding", b"\ntransfer-encoding"

Asked = tuple[tuple[str, str], ...]
"""Scopes and values, without padding."""


def issues_nothing(response: Response, *, makes: bool) -> bool:
    """Whether an answer issues nothing for sure, nor touches a cookie; False where only looking closer can tell.
    `makes` says whether the request may have made something, whose number would then be new."""
    head, body = response.head, response.body
    if response.chunked or len(head) > _HEAD_BYTES or not _is_plain(undated(head), makes=makes):
        return False
    if not body:
        return True
    if makes:
        return False
    return not (_remembered(body) if len(body) <= _BODY_BYTES else may_issue(body))


def undated(head: bytes) -> bytes:
    """A head without its Date, which changes every second and issues nothing."""
    at = head.find(b"\nDate:")
    end = head.find(b"\n", at + 1)
    return head if at < 0 or end < 0 else head[:at] + head[end:]


@lru_cache(maxsize=1024)
def _is_plain(head: bytes, *, makes: bool) -> bool:
    lower = head.lower()
    return not any(name in lower for name in _CODED) and not head_issues(head, makes=makes)


_remembered = lru_cache(maxsize=512)(may_issue)


def asked(request: Request, client: str) -> Asked | None:
    """All that would be looked up for a request without a body, if nothing is found; None where that is not known."""
    head = request.head
    line_end = head.find(b"\n")
    if request.body or line_end < 0 or len(head) - line_end > _HEAD_BYTES:
        return None
    fields = _asked_by_fields(head[line_end:], client)
    found = _Nothing()
    Rewriting(client, found).target(request)
    return (*found.asked, *fields) if found.asked else fields


class _Nothing:
    """Knows nothing, and notes what it is asked for."""

    __slots__ = ("asked",)

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, scope: str, value: str) -> None:
        self.asked.append((scope, value.rstrip("=") or value))


@lru_cache(maxsize=4096)
def _asked_by_fields(fields: bytes, client: str) -> Asked:
    found = _Nothing()
    Rewriting(client, found).fields(fields)
    return tuple(dict.fromkeys(found.asked))
