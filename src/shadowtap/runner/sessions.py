"""The sessions of one target, re-bound: what it issued in place of what production issued goes into later requests.

    expect(request)            it may be replayed
    prepare(request, wait)     ─► the request to send, or None: it waits for an answer (asked by `HeldTarget`)
    exchange(exchange)         production has answered, or will not
    outcome(outcome)           the target has answered, or failed ─► the same, with what was put into its request
    leave(request)             it is not replayed here

Whenever answers are settled that requests wait for, `resume` is called with the numbers of their connections.
"""

from collections.abc import Callable, Iterable

from shadowtap.compare.sessions import Bindings, Key, Kind, Rebinder, Wait, key_of
from shadowtap.events import Exchange, Outcome, Request, Substitution, replace
from shadowtap.ledger import SessionCounters


class Sessions:
    """See above. `bindings` are the pairs known by now. `always` and `never` are places, as `Rebinder` takes them."""

    def __init__(
        self, counters: SessionCounters, *, always: Iterable[str] = (), never: Iterable[str] = ()
    ) -> None:
        self.counters = counters
        self.resume: Callable[[int], None] = lambda number: None
        self._rebinder = Rebinder(always=always, never=never)
        self._awaited: dict[Key, list[int]] = {}
        self._waiting: set[Key] = set()
        self._put: dict[Key, tuple[Substitution, ...]] = {}

    @property
    def bindings(self) -> Bindings:
        """Production's values and the target's, which mean the same."""
        return self._rebinder.bindings

    def expect(self, request: Request) -> None:
        """A request may be replayed: both answers to it will be looked at."""
        self._rebinder.expect(request)

    def prepare(self, request: Request, *, wait: bool) -> Request | None:
        """The request with the target's values; None if it has to wait, and may."""
        found = self._rebinder.before(request, wait=wait)
        key = key_of(request)
        if isinstance(found, Wait):
            self._wait(key, request.connection.lane_number(), found.keys)
            return None
        if self._waiting and key in self._waiting:
            self._waiting.discard(key)
            self.counters.waiting -= 1
            self.counters.released += wait
            self.counters.late += not wait
        if found.substitutions:
            self.counters.requests += 1
            self._put[key] = found.substitutions
        return found.request

    def exchange(self, exchange: Exchange) -> None:
        """Production has answered a request, or will not."""
        self._settled(self._rebinder.produced(exchange))

    def outcome(self, outcome: Outcome) -> Outcome:
        """The target has answered a request, or failed to."""
        key = key_of(outcome.request)
        if key in self._waiting:
            self._waiting.discard(key)
            self.counters.waiting -= 1
            self.counters.dropped += 1
        self._settled(self._rebinder.answered(outcome.request, outcome))
        put = self._put.pop(key, None) if self._put else None
        return outcome if put is None else replace(outcome, substitutions=put)

    def leave(self, request: Request) -> None:
        """A request is not replayed here after all."""
        self._settled(self._rebinder.give_up(request))

    def refresh(self) -> None:
        """Bring the account up to date."""
        counters, rebinder = self.counters, self._rebinder
        for kind in Kind:
            counters.substituted[kind.value] = rebinder.counts[kind]
        counters.bound = rebinder.counts["bound"]
        counters.given_up = rebinder.counts["given_up"] + rebinder.counts["awaited_forgotten"]
        counters.known, counters.forgotten = len(rebinder.bindings), rebinder.bindings.forgotten

    def _wait(self, key: Key, number: int, answers: Iterable[Key]) -> None:
        if key not in self._waiting:
            self._waiting.add(key)
            self.counters.waited += 1
            self.counters.waiting += 1
        for answer in answers:
            self._awaited.setdefault(answer, []).append(number)

    def _settled(self, keys: Iterable[Key]) -> None:
        for key in keys if self._awaited else ():
            for number in self._awaited.pop(key, ()):
                self.resume(number)
