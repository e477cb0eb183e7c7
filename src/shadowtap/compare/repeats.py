"""Equal safe requests of production: two answers to them ought to be the same, and where they differ is noise.

Requests are equal if method, target and those headers are that an answer may depend on. A pair is passed over if the
same session has sent an unsafe request in between, since then the answers may well differ, or if too much time has
passed. Memory is bounded; endpoints of which many pairs were seen are only sampled.
"""

import re
from collections import OrderedDict
from functools import lru_cache
from hashlib import blake2b

from shadowtap.compare.expected import SAFE
from shadowtap.events import Exchange, Outcome, Request

MAX_REQUESTS = 4096
MAX_BYTES = 32 << 20
"""Octets of all answers that are kept; the oldest go first."""
MAX_ANSWER_BYTES = 256 << 10
"""Octets of an answer that is kept."""
MAX_SESSIONS = 16_384
WITHIN_NS = 300 * 1_000_000_000
"""Between two requests of a pair; later, production itself may have changed."""
ENOUGH_PAIRS, THEN_EVERY = 500, 16
"""Pairs of an endpoint that are all compared, and how many of the later ones."""
_WHO = b"cookie", b"authorization", b"x-api-key"
_RELEVANT = re.compile(
    rb"\n(accept|accept-language|authorization|content-type|cookie|host|if-match|if-modified-since|if-none-match|"
    rb"if-range|prefer|range|x-api-key|x-requested-with)[ \t]*:((?:[^\n]|\n[ \t])*)",
    re.IGNORECASE,
).findall


class Repeats:
    """Remembers recent exchanges. `observe` gives the earlier one of a pair, as an outcome to compare with."""

    def __init__(self) -> None:
        self._recent: OrderedDict[bytes, Exchange] = OrderedDict()
        self._written: OrderedDict[bytes, int] = OrderedDict()
        self._pairs: dict[str, int] = {}
        self._bytes = 0

    def observe(self, exchange: Exchange, endpoint: str) -> tuple[Exchange, Outcome] | None:
        """Take note of an exchange. Where it repeats one: that one, and this one as the outcome of repeating it."""
        request, response = exchange.request, exchange.response
        if request is None:
            return None
        key, session = _keys(request)
        if request.method not in SAFE:
            self._note_write(session, request.end_ns)
            return None
        if response is None or response.fault is not None or request.body or response.status < 200:
            return None
        earlier = self._take(key)
        self._keep(key, exchange)
        if earlier is None or not self._is_pair(earlier, request, session) or not self._is_due(endpoint):
            return None
        return earlier, _as_outcome(exchange)

    def written(self, request: Request) -> None:
        """Take note of a request that may change what its session sees."""
        self._note_write(_keys(request)[1], request.end_ns)

    def __len__(self) -> int:
        """How many exchanges are kept."""
        return len(self._recent)

    def _note_write(self, session: bytes, now_ns: int) -> None:
        self._written[session] = now_ns
        self._written.move_to_end(session)
        if len(self._written) > MAX_SESSIONS:
            self._written.popitem(last=False)

    def _take(self, key: bytes) -> Exchange | None:
        exchange = self._recent.pop(key, None)
        if exchange is not None:
            self._bytes -= _size(exchange)
        return exchange

    def _keep(self, key: bytes, exchange: Exchange) -> None:
        size = _size(exchange)
        if size > MAX_ANSWER_BYTES:
            return
        self._recent[key] = exchange
        self._bytes += size
        while self._bytes > MAX_BYTES or len(self._recent) > MAX_REQUESTS:
            self._bytes -= _size(self._recent.popitem(last=False)[1])

    def _is_pair(self, earlier: Exchange, request: Request, session: bytes) -> bool:
        before = earlier.request
        if before is None or not 0 <= request.time_ns - before.time_ns <= WITHIN_NS:
            return False
        return self._written.get(session, 0) < before.time_ns

    def _is_due(self, endpoint: str) -> bool:
        if endpoint not in self._pairs and len(self._pairs) >= MAX_REQUESTS:
            return False
        seen = self._pairs[endpoint] = self._pairs.get(endpoint, 0) + 1
        return seen <= ENOUGH_PAIRS or seen % THEN_EVERY == 0


def _keys(request: Request) -> tuple[bytes, bytes]:
    """What is equal for equal requests, and for requests of one session."""
    head = request.head
    line_end = max(head.find(b"\n"), 0)
    fields = head[line_end:]
    relevant, who = _remembered(fields) if len(fields) <= _REMEMBERED_BYTES else _read(fields)
    whole = b"\n".join((request.method, request.target, *relevant))
    return blake2b(whole, digest_size=16).digest(), who or _who(
        str(request.connection.client.address).encode()
    )


def _read(fields: bytes) -> tuple[tuple[bytes, ...], bytes]:
    """The fields that an answer may depend on, and whose session it is, as far as they say."""
    relevant = [(name.lower(), value.strip()) for name, value in _RELEVANT(fields)]
    session = b"\0".join([value for name, value in relevant if name in _WHO])
    return tuple(b"%b:%b" % pair for pair in sorted(relevant)), _who(session) if session else b""


_REMEMBERED_BYTES = 1024
"""Octets of a request's fields of which it is remembered what they say; 4,096 are."""
_remembered = lru_cache(maxsize=4096)(_read)


@lru_cache(maxsize=4096)
def _who(session: bytes) -> bytes:
    return blake2b(session, digest_size=16).digest()


def _size(exchange: Exchange) -> int:
    response = exchange.response
    return 0 if response is None else len(response.head) + len(response.body)


def _as_outcome(exchange: Exchange) -> Outcome:
    request, response = exchange.request, exchange.response
    if request is None or response is None:
        raise ValueError("an exchange without both sides is no outcome")
    latency = max(response.time_ns - request.end_ns, 0)
    elapsed = max(response.end_ns - request.end_ns, 0)
    return Outcome(
        "production",
        request,
        request.end_ns,
        latency,
        elapsed,
        response.status,
        response.head,
        response.body,
        None,
    )
