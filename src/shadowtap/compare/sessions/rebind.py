"""Sessions that work on the target: what it issued replaces what production issued, in later requests.

    expect(request)      it will be replayed: whoever needs its answer waits for it
    before(request)      ─► Rebound: the request to send, with what was put in
                         ─► Wait: it holds values whose counterparts are still awaited; ask again when they are there
    produced(exchange)   production has answered: what it issued is awaited from the target from now on
    answered(outcome)    the target has answered, or has not: both answers are aligned; what was awaited is settled

Production's answer may come before or after the target's: they are joined by the request. Nobody waits for an answer
that production had not given when the request was made, since no client could have used what it holds: so two
requests never wait for each other. One rebinder serves one target.
Everything is bounded: what does not fit is forgotten, and its requests go out with production's values.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable

import msgspec

from shadowtap.compare.expected import SAFE
from shadowtap.compare.places import Pattern
from shadowtap.compare.sessions.bindings import Bindings
from shadowtap.compare.sessions.issued import Answered, cookies_set, issued, pairs, unlike
from shadowtap.compare.sessions.plain import asked, issues_nothing
from shadowtap.compare.sessions.substitute import Rewriting
from shadowtap.content import Content, content_of, is_chunked, read_content
from shadowtap.events import Endpoint, Exchange, Outcome, Request, Response, Substitution, replace
from shadowtap.http1 import field

MAX_PENDING = 50_000
"""Requests whose two answers are not both there: five seconds of 10,000 a second; the oldest are given up."""
MAX_PENDING_BYTES = 64 << 20
"""Octets of these requests, and of answers that wait for the other one."""
_LATER = 8
"""Answers that are too late for a client, after which no earlier one is looked for: a batch of packets is hardly ever
out of order by more."""
MAX_AWAITED = 100_000
"""Values that production has issued and the target has not yet."""
MAX_AWAITED_OCTETS = 16 << 20
"""Characters of these."""
LIMIT_BYTES = 512 << 10
"""Octets of a body, as it came and decoded, in which values are looked for."""
MAX_ADDRESSES = 20_000
"""Connections whose client's address is known as text."""
_FORWARDED = b"\nx-forwarded-for"
_SWITCHED = 101
_WHOLE_HEAD = (b"\n\r\n", b"\n\n")

Key = tuple[int, int]
"""A request: the number of its connection, and its index there."""


def key_of(request: Request) -> Key:
    """The key of a request."""
    return request.connection.number, request.index


class Rebound(msgspec.Struct, frozen=True):
    """The request to send, and what was put into it."""

    request: Request
    substitutions: tuple[Substitution, ...] = ()


class Wait(msgspec.Struct, frozen=True):
    """Requests whose answers are awaited first."""

    keys: frozenset[Key]


class _Pending:
    """A request under way, with those answers to it that are there, and the values of production's that are awaited
    from the target. `plain` says that production's answer issues nothing; `size` are the octets of all."""

    __slots__ = ("client", "key", "outcome", "plain", "request", "response", "size", "values")

    def __init__(self, key: Key, request: Request, client: str) -> None:
        self.key = key
        self.request = request
        self.client = client
        self.response: Response | None = None
        self.outcome: Outcome | None = None
        self.plain = False
        self.size = len(request.head) + len(request.body)
        self.values: list[tuple[str, str]] = []


class Rebinder:
    """Rebinds the sessions of one target. `always` are places whose values are bound whatever they look like
    (`cookie cart`, `header x-auth`, `body.ticket`), `never` those whose values stay production's."""

    def __init__(
        self,
        *,
        always: Iterable[str] = (),
        never: Iterable[str] = (),
    ) -> None:
        self.bindings = Bindings()
        self.counts: Counter[str] = Counter()
        self._always = tuple(map(Pattern.parse, always))
        self._never = tuple(map(Pattern.parse, never))
        self._pending: OrderedDict[Key, _Pending] = OrderedDict()
        self._unread: dict[str, OrderedDict[Key, _Pending]] = {}
        self._awaited: OrderedDict[tuple[str, str], tuple[Key, int]] = OrderedDict()
        self._bytes = self._awaited_octets = 0
        self._freed: tuple[Key, ...] = ()
        self._addresses: dict[int, tuple[Endpoint, str]] = {}

    def expect(self, request: Request) -> None:
        """A request of production's will be replayed, now or later. To be called before production's answer to it
        is given to `produced`."""
        key = key_of(request)
        if key not in self._pending:
            self._expect(key, request)

    def _expect(self, key: Key, request: Request) -> _Pending:
        pending = self._pending[key] = _Pending(key, request, self._client_of(request))
        self._bytes += pending.size
        if len(self._pending) > MAX_PENDING or self._bytes > MAX_PENDING_BYTES:
            self._freed = self._shrink()
        return pending

    def _client_of(self, request: Request) -> str:
        """As `client_of`; connections are asked for their address once, as long as there are not too many."""
        if _FORWARDED in request.head.lower():
            return client_of(request)
        end = request.connection.client
        known = self._addresses.get(id(end))
        if known is not None and known[0] is end:
            return known[1]
        if len(self._addresses) >= MAX_ADDRESSES:
            self._addresses.clear()
        self._addresses[id(end)] = end, (text := str(end.address))
        return text

    def before(self, request: Request, *, wait: bool = True) -> Rebound | Wait:
        """What to do with a request of production's. With `wait` off it is made from what is known now: for one
        that has waited long enough."""
        own = key_of(request)
        client = (self._pending.get(own) or self._expect(own, request)).client
        if client in self._unread:
            self._read(client, request.time_ns)
        if not (self.bindings or self._awaited) or not self._may_hold(request, client):
            return Rebound(request)
        needed: set[Key] = set()

        def look(scope: str, value: str) -> str | None:
            awaited = self._awaited.get((scope, value.rstrip("=") or value))
            if awaited is not None and awaited[1] <= request.time_ns and awaited[0] in self._pending:
                needed.add(awaited[0])
            return self.bindings.get(scope, value, request.time_ns)

        rewriting = Rewriting(client, look)
        made = rewriting.request(request)
        needed.discard(own)
        if needed and wait:
            self.counts["waited"] += 1
            return Wait(frozenset(needed))
        for substitution in rewriting.done:
            self.counts[substitution.kind] += 1
        return Rebound(made, tuple(rewriting.done))

    def _may_hold(self, request: Request, client: str) -> bool:
        """Whether a request may hold a value that is bound or awaited."""
        wanted = asked(request, client)
        if wanted is None:
            return True
        awaited, bindings = self._awaited, self.bindings
        return any(at in awaited or bindings.holds(at) for at in wanted)

    def produced(self, exchange: Exchange) -> tuple[Key, ...]:
        """Production has answered a request, or nothing of its answer came. The keys that are settled now."""
        request, response = exchange.request, exchange.response
        if request is None:
            return ()
        pending = self._pending.get(key_of(request))
        if pending is None or pending.response is not None:
            return ()
        if response is None:
            return self._settle(pending)
        if response.status < 200 and response.status != _SWITCHED:
            return ()
        pending.response = response = _worth_keeping(response)
        size = len(response.head) + len(response.body)
        pending.size += size
        self._bytes += size
        if not self._always:
            pending.plain = issues_nothing(response, makes=request.method not in SAFE)
        if pending.outcome is not None:
            return self._join(pending)
        if pending.plain:
            return self._shrink()
        self._unread.setdefault(pending.client, OrderedDict())[pending.key] = pending
        return self._shrink()

    def answered(self, original: Request, outcome: Outcome) -> tuple[Key, ...]:
        """The target has answered a request, or has failed to: the keys that are settled now. `original` is the
        request as production's client sent it, or as it was sent: only where it stood counts."""
        pending = self._pending.get(key_of(original))
        if pending is None:
            return ()
        if outcome.failure is not None:
            self.counts["failed"] += 1
            return self._settle(pending)
        if len(outcome.body) > LIMIT_BYTES:
            outcome = replace(outcome, body=b"")
        pending.outcome = outcome
        size = len(outcome.head) + len(outcome.body)
        pending.size += size
        self._bytes += size
        if pending.response is not None:
            return self._join(pending)
        return self._shrink()

    def give_up(self, request: Request) -> tuple[Key, ...]:
        """Nothing more will come of a request: production's answer was lost, or it was never sent."""
        pending = self._pending.get(key_of(request))
        return () if pending is None else self._settle(pending)

    def is_settled(self, key: Key) -> bool:
        """Whether nobody needs to wait for a request any more."""
        return key not in self._pending

    def _read(self, client: str, now_ns: int) -> None:
        """Look at those of production's answers that this client knows and the target has still to give. They were
        noted about in the order of their ends, so the first few that are later end the search: thousands of clients
        may stand behind one address."""
        unread = self._unread[client]
        later, found = 0, []
        for pending in unread.values():
            if pending.response is not None and pending.response.end_ns <= now_ns:
                found.append((pending, pending.response))
            elif (later := later + 1) >= _LATER:
                break
        for pending, response in found:
            del unread[pending.key]
            self._await(pending, response)
        if not unread:
            del self._unread[client]

    def _await(self, pending: _Pending, response: Response) -> None:
        """Note what production issued: who uses it waits."""
        key, client = pending.key, pending.client
        request = pending.request
        path, makes = request.target.decode("latin-1"), request.method not in SAFE
        for value in issued(Answered(response.head, self._content_of(response), path, makes), self._always):
            scope = _scope(value.scope, client)
            at = scope, value.value.rstrip("=") or value.value
            if at in self._awaited or self.bindings.get(scope, value.value, response.time_ns) is not None:
                continue
            self._awaited[at] = key, response.end_ns
            self._awaited_octets += len(scope) + len(at[1])
            pending.values.append(at)
        while len(self._awaited) > MAX_AWAITED or self._awaited_octets > MAX_AWAITED_OCTETS:
            self._forget(next(iter(self._awaited)))
            self.counts["awaited_forgotten"] += 1

    def _forget(self, at: tuple[str, str]) -> None:
        del self._awaited[at]
        self._awaited_octets -= len(at[0]) + len(at[1])

    def _join(self, pending: _Pending) -> tuple[Key, ...]:
        """Both answers are there: learn from them."""
        response, outcome = pending.response, pending.outcome
        if response is not None and outcome is not None:
            self._learn(pending, response, outcome)
        return self._settle(pending)

    def _learn(self, pending: _Pending, response: Response, outcome: Outcome) -> None:
        if pending.plain:
            if b"set-cookie" in outcome.head.lower():
                self._rotated(pending, response, outcome)
            return
        request, client, now_ns = pending.request, pending.client, response.time_ns
        mine_head, their_head = unlike(response.head, outcome.head)
        equal = response.body == outcome.body  # equal bodies issue nothing of their own
        if equal and not mine_head and not their_head:
            return
        path = request.target.decode("latin-1")
        makes = request.method not in SAFE
        mine = Answered(mine_head, None if equal else self._content_of(response), path, makes)
        theirs = Answered(their_head, None if equal else _content(outcome), path, makes)
        for value, other in pairs(mine, theirs, self._always):
            if any(pattern.covers("", value.where) for pattern in self._never):
                continue
            self.bindings.bind(_scope(value.scope, client), value.value, other, now_ns)
            self.counts["bound"] += 1
        if b"\nset-cookie:" in their_head.lower():
            self._rotated(pending, response, outcome)

    def _rotated(self, pending: _Pending, response: Response, outcome: Outcome) -> None:
        """A cookie that only the target renewed takes the place of the one that the client still sends."""
        only = cookies_set(outcome.head).keys() - cookies_set(response.head).keys()
        if not only:
            return
        sent = _cookies_sent(pending.request)
        for name in only & sent.keys():
            value = cookies_set(outcome.head)[name]
            scope = f"cookie {pending.client} {name}"
            if value and not any(p.covers("", f"cookie {name}") for p in self._never):
                strong = self.bindings.get("", sent[name], response.time_ns) is not None
                self.bindings.bind("" if strong else scope, sent[name], value, response.time_ns)
                self.counts["bound"] += 1

    def _settle(self, pending: _Pending) -> tuple[Key, ...]:
        key = pending.key
        unread = self._unread.get(pending.client)
        if unread is not None and unread.pop(key, None) is not None and not unread:
            del self._unread[pending.client]
        if self._pending.pop(key, None) is None:
            return ()
        freed, self._freed = self._freed, ()
        self._bytes -= pending.size
        for at in pending.values:
            if self._awaited.get(at, (None,))[0] == key:
                self._forget(at)
        return (*freed, key)

    def _shrink(self) -> tuple[Key, ...]:
        """Give up the oldest where there are too many."""
        if len(self._pending) <= MAX_PENDING and self._bytes <= MAX_PENDING_BYTES and not self._freed:
            return ()
        settled: list[Key] = []
        while len(self._pending) > MAX_PENDING or self._bytes > MAX_PENDING_BYTES:
            self.counts["given_up"] += 1
            settled += self._settle(next(iter(self._pending.values())))
        freed, self._freed = self._freed, ()
        return (*freed, *settled)

    @staticmethod
    def _content_of(response: Response) -> Content | None:
        content = content_of(response, limit_bytes=LIMIT_BYTES)
        return content if isinstance(content, Content) and not content.cut else None


def _worth_keeping(response: Response) -> Response:
    """Production's answer without a body that is too long; of one that came in part its head, if it is whole."""
    if response.fault is None and len(response.body) <= LIMIT_BYTES:
        return response
    head = response.head if response.head.endswith(_WHOLE_HEAD) else b""
    return replace(response, head=head, body=b"", fault=None)


def client_of(request: Request) -> str:
    """Who has sent a request: the first address of X-Forwarded-For, else the connection's client."""
    forwarded = field(request.head, b"x-forwarded-for")
    if forwarded:
        return forwarded.partition(b",")[0].strip()[:64].decode("latin-1")
    return str(request.connection.client.address)


def _scope(scope: str, client: str) -> str:
    """A cookie means something only with the client that has it; a resource is everybody's."""
    return f"cookie {client} {scope[7:]}" if scope.startswith("cookie ") else scope


def _cookies_sent(request: Request) -> dict[str, str]:
    line = field(request.head, b"cookie") or b""
    found = {}
    for pair in line.split(b";"):
        name, _, value = pair.decode("latin-1").partition("=")
        found[name.strip()] = value.strip().strip('"')
    return found


def _content(outcome: Outcome) -> Content | None:
    content = read_content(outcome.head, outcome.body, is_chunked(outcome.head), limit_bytes=LIMIT_BYTES)
    return content if isinstance(content, Content) and not content.cut else None
