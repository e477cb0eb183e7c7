"""What a hook gets: a request that it may change, and answers that it may look at.

Everything is read when it is asked for, and what is not changed keeps its octets: a request that comes back as it
was is byte for byte production's.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final

from shadowtap.content import (
    Content,
    Unreadable,
    content_of,
    is_chunked,
    read_content,
    replace_line,
    with_content,
    with_head,
    with_target,
)
from shadowtap.events import Outcome, Request, Response, replace
from shadowtap.hooks.fields import Headers, Query, octets_of, text_of

BODY_LIMIT_BYTES: Final = 64 << 20
"""Octets of a body that is unpacked for a hook."""

_METHOD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}")


class HookRequest:
    """A request of production on its way to the targets. Change what should be different, and return it.

    `client`, `client_port`, `server_port`, `connection` (a number), `index` (of the request in its connection,
    from 0) and `time` (seconds since 1970) say where it came from and cannot be changed.
    """

    __slots__ = ("_request", "headers", "query")

    def __init__(self, request: Request) -> None:
        self._request = request
        self.headers = Headers(lambda: self._request.head, self._set_head)
        self.query = Query(self._query, self._set_query)

    # -- the request line ------------------------------------------------------------------------------------

    @property
    def method(self) -> str:
        """GET, POST and so on."""
        return text_of(self._request.method)

    @method.setter
    def method(self, method: str) -> None:
        octets = octets_of(method)
        if not _METHOD.fullmatch(octets) or octets == b"CONNECT":
            raise ValueError(f"{method!r} is no method that can be replayed")
        if octets != self._request.method:
            line = self._request.head.partition(b"\n")[0].rstrip(b"\r")
            head = replace_line(self._request.head, octets + line[len(self._request.method) :])
            self._request = replace(self._request, method=octets, head=head)

    @property
    def target(self) -> str:
        """Path and query as they are in the request line."""
        return text_of(self._request.target)

    @target.setter
    def target(self, target: str) -> None:
        if not target:
            raise ValueError("a request target is not empty; the shortest is /")
        self._request = with_target(self._request, octets_of(target))

    @property
    def path(self) -> str:
        """What stands in front of the question mark, percent-encoded as it is."""
        return self.target.partition("?")[0]

    @path.setter
    def path(self, path: str) -> None:
        _, mark, query = self.target.partition("?")
        self.target = path.replace("?", "%3F") + mark + query

    # -- the body --------------------------------------------------------------------------------------------

    @property
    def body(self) -> bytes:
        """The body without chunked framing and content coding (gzip and so on). Setting it keeps both, and makes
        the length right. Reading raises ValueError where the body cannot be unpacked."""
        return _data(content_of(self._request, limit_bytes=BODY_LIMIT_BYTES))

    @body.setter
    def body(self, body: bytes) -> None:
        if not isinstance(body, bytes | bytearray | memoryview):
            raise TypeError(f"a body is bytes, not {type(body).__name__}; there is request.text, too")
        self._request = with_content(self._request, bytes(body))

    @property
    def text(self) -> str:
        """The body as text: in the charset that it names, else as UTF-8 or Latin-1. Setting it writes UTF-8, or
        the charset that the body had where that can say it."""
        return _content(content_of(self._request, limit_bytes=BODY_LIMIT_BYTES)).text

    @text.setter
    def text(self, text: str) -> None:
        if text != self.text:
            self.body = _encoded(
                text, _content(content_of(self._request, limit_bytes=BODY_LIMIT_BYTES)).charset
            )

    @property
    def json(self) -> Any:
        """The body as JSON, read anew each time: change what you got and set it again."""
        return json.loads(self.body)

    @json.setter
    def json(self, value: Any) -> None:
        self.body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    # -- the rest --------------------------------------------------------------------------------------------

    @property
    def raw(self) -> bytes:
        """Head and body as they go out, but for what the replay itself changes (Host, its own mark)."""
        return self._request.head + self._request.body

    @property
    def client(self) -> str:
        """The client's address."""
        return str(self._request.connection.client.address)

    @property
    def client_port(self) -> int:
        """The client's port."""
        return self._request.connection.client.port

    @property
    def server_port(self) -> int:
        """The port of production's server."""
        return self._request.connection.server.port

    @property
    def connection(self) -> int:
        """The number of production's connection."""
        return self._request.connection.number

    @property
    def index(self) -> int:
        """Which request of its connection this is, from 0."""
        return self._request.index

    @property
    def time(self) -> float:
        """When production got it, in seconds since 1970."""
        return self._request.time_ns / 1e9

    def __repr__(self) -> str:
        return f"<HookRequest {self.method} {self.target}>"

    def _set_head(self, head: bytes) -> None:
        self._request = with_head(self._request, head)

    def _query(self) -> str:
        return self.target.partition("?")[2]

    def _set_query(self, query: str) -> None:
        self.target = self.path + ("?" + query if query else "")


def request_behind(value: HookRequest) -> Request:
    """The request that a hook's value has become."""
    return value._request


class HookAnswer:
    """What production or a target answered, to look at. `target` is the target's name, or "production".

    `failure` says why a target has no answer (`timeout`, `connect` and so on), and is None where it has; then
    `status` is 0. `elapsed_ms` is None where it is not known.
    """

    __slots__ = ("_content", "elapsed_ms", "failure", "headers", "raw", "status", "target")

    def __init__(
        self,
        target: str,
        status: int,
        failure: str | None,
        elapsed_ms: float | None,
        head: bytes,
        body: bytes,
        content: Callable[[], Content | Unreadable],
    ) -> None:
        self.target = target
        self.status = status
        self.failure = failure
        self.elapsed_ms = elapsed_ms
        self.headers = Headers(lambda: head)
        self.raw = head + body
        self._content = content

    @property
    def body(self) -> bytes:
        """The body without chunked framing and content coding. Raises ValueError where it cannot be unpacked."""
        return _data(self._content())

    @property
    def text(self) -> str:
        """The body as text."""
        return _content(self._content()).text

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<HookAnswer {self.target} {self.failure or self.status}>"


def answer_of_production(response: Response, latency_ns: int | None) -> HookAnswer:
    """Production's answer for a hook."""
    return HookAnswer(
        "production",
        response.status,
        None,
        None if latency_ns is None else latency_ns / 1e6,
        response.head,
        response.body,
        lambda: content_of(response, limit_bytes=BODY_LIMIT_BYTES),
    )


def answer_of_target(outcome: Outcome) -> HookAnswer:
    """A target's answer for a hook."""
    head, body = outcome.head, outcome.body
    return HookAnswer(
        outcome.target,
        outcome.status,
        None if outcome.failure is None else str(outcome.failure),
        outcome.elapsed_ns / 1e6,
        head,
        body,
        lambda: read_content(head, body, is_chunked(head), limit_bytes=BODY_LIMIT_BYTES),
    )


def _content(found: Content | Unreadable) -> Content:
    if isinstance(found, Unreadable):
        raise ValueError(f"the body cannot be read: {found.detail}")
    return found


def _data(found: Content | Unreadable) -> bytes:
    return _content(found).data


def _encoded(text: str, charset: str | None) -> bytes:
    try:
        return text.encode(charset or "utf-8")
    except (LookupError, UnicodeError):
        return text.encode("utf-8", "surrogateescape")
