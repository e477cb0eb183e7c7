"""The way of a request from being seen to the targets, where the user asks for more than replaying all as it is.

    duplicates ─► legs ─► chain: safety, filter, sample, rewrite, mask, hooks ─► middleware ─► targets
                                                                      (sessions, each)     ─► joiner ─► sinks

Each request that enters waits (`requests.waiting`) until it has its one fate: it is offered to the targets, or
counted in another bucket. Where nothing is asked for there is no `Shape`, and the runner offers requests itself.
"""

from collections.abc import Callable, Sequence

from shadowtap.events import Ended, replace
from shadowtap.events.messages import Exchange, Request
from shadowtap.events.outcomes import Outcome
from shadowtap.hooks.in_flight import Added, Passed, Result
from shadowtap.hooks.in_flight import Dropped as Lost
from shadowtap.ledger import RATE_LIMIT, RequestAccount
from shadowtap.replay.target import Target
from shadowtap.runner.observe import Joiner
from shadowtap.runner.sessions import Sessions
from shadowtap.runner.shaping import Stages
from shadowtap.transform import HELD, Bucket, Dropped
from shadowtap.transform.chain import Out
from shadowtap.transform.duplicates import Duplicates
from shadowtap.transform.legs import Decision

DUPLICATE = "duplicate_packets"
OTHER_LEG = "other_leg"
DRY_RUN = "dry_run"
NO_ROOM = "middleware_backlog"

REPLAYED, RECORDED, OVERFLOWED = "replayed", "recorded", "overflowed"
LIMITED = f"refused: {RATE_LIMIT}"

_ADDED = 1 << 39
"""The index of the first request that a middleware adds, above those of all of production's."""


class Shape:
    """Takes requests, exchanges and ends of connections, and sees to it that every request has one fate.

    `clock` gives the time of the chain, in nanoseconds: the wall clock for live sources, the packets' for files.
    """

    def __init__(
        self,
        account: RequestAccount,
        targets: Sequence[Target],
        *,
        stages: Stages,
        joiner: Joiner | None,
        sessions: Sequence[Sessions] = (),
        clock: Callable[[], int],
    ) -> None:
        self._account = account
        self._targets = targets
        self._clock = clock
        self._duplicates = stages.duplicates
        self._legs = stages.legs
        self._chain = stages.chain
        self._middleware = stages.middleware
        self._show = stages.show
        self._joiner = joiner
        self._sessions = sessions
        self._added = 0
        self.wants_answers = joiner is not None or stages.middleware is not None or bool(sessions)
        stages.on_result = self.on_result

    # -- what comes ------------------------------------------------------------------------------------------

    def saw(self, request: Request) -> bool:
        """A request has been seen, whatever becomes of it; False where it has its fate already."""
        if self._joiner is not None:
            self._joiner.began(request)
        copies = self._duplicates
        if copies is not None and request.connection.vni is not None and copies.is_duplicate(request):
            self.lost(request, Bucket.REFUSED, DUPLICATE)
            return False
        return True

    def lost(self, request: Request, bucket: str, reason: str) -> None:
        """A request is not replayed, for this reason."""
        getattr(self._account, bucket)[reason] += 1
        if self._joiner is not None:
            self._joiner.fated(request, f"{bucket}: {reason}", 0)

    def request(self, request: Request) -> None:
        """A request that may be replayed."""
        for sessions in self._sessions:
            sessions.expect(request)
        self._account.waiting += 1
        if self._legs is None:
            self._enter(request)
        else:
            self._decided(self._legs.take(request, self._clock()))

    def exchange(self, exchange: Exchange) -> None:
        """Production's answer, or that there is none."""
        if self._chain is not None:
            self._out(self._chain.answered(exchange))
        for sessions in self._sessions:
            sessions.exchange(exchange)
        if self._joiner is not None:
            self._joiner.exchanged(exchange)
        if self._middleware is not None:
            self._middleware.answered(exchange)

    def ended(self, ended: Ended) -> None:
        """The client of a connection will send nothing more."""
        if self._legs is not None:
            self._decided(self._legs.ended(ended.connection))
        if self._chain is not None:
            self._out(self._chain.ended(ended))
        else:
            self._leave(ended)

    def advance(self, now: float) -> None:
        """What the passing of time decides; `now` is `time.monotonic()`."""
        if self._legs is not None:
            self._decided(self._legs.advance(self._clock()))
        if self._chain is not None:
            self._out(self._chain.advance(self._clock()))
        if self._joiner is not None:
            self._joiner.tick(now)

    def finish(self) -> None:
        """No more requests come: nothing is held any longer, but by the middleware."""
        if self._legs is not None:
            self._decided(self._legs.finish())
        if self._chain is not None:
            self._out(self._chain.finish())

    async def drain(self, timeout_s: float | None) -> None:
        """Wait until the middleware has none of the requests any more; it ends when it takes longer."""
        if self._middleware is not None:
            await self._middleware.drain(timeout_s)
            if self._account.waiting:
                await self._middleware.close(0)

    # -- stage by stage --------------------------------------------------------------------------------------

    def _decided(self, decisions: list[Decision]) -> None:
        for request, is_other_leg in decisions:
            if is_other_leg:
                self._end(request, Bucket.REFUSED, OTHER_LEG)
            else:
                self._enter(request)

    def _enter(self, request: Request) -> None:
        if self._chain is None:
            self._go(request)
            return
        out = self._chain.apply(request, self._clock())
        if type(out) is Request:
            self._go(out)
        elif out is not HELD:
            self._out([out])

    def _out(self, came: list[Out]) -> None:
        for out in came:
            if isinstance(out, Request):
                self._go(out)
            elif isinstance(out, Dropped):
                self._end(out.request, out.bucket, out.reason)
            elif isinstance(out, Ended):
                self._leave(out)

    def _go(self, request: Request) -> None:
        """A request as it shall be sent; where there is a middleware, it is asked before."""
        if self._middleware is None:
            self._send(request)
        elif not self._middleware.offer(request):
            self._end(request, Bucket.FILTERED, NO_ROOM)

    def _leave(self, ended: Ended) -> None:
        if self._middleware is not None:
            self._middleware.ended(ended)
        else:
            self._close(ended)

    def on_result(self, result: Result) -> None:
        """What the middleware says of a request."""
        if isinstance(result, Passed):
            self._send(result.request)
        elif isinstance(result, Lost):
            self._end(result.request, Bucket.FILTERED, result.why)
        elif isinstance(result, Added):
            self._add(result.request)
        else:
            self._close(result)

    def _add(self, request: Request) -> None:
        """A request that production did not send."""
        account = self._account
        account.added += 1
        account.waiting += 1
        self._added += 1
        request = replace(request, index=_ADDED + self._added)
        if self._joiner is not None:
            self._joiner.began(request)
            self._joiner.exchanged(Exchange(request, None))
        self._send(request)
        for sessions in self._sessions:
            sessions.exchange(Exchange(request, None))

    # -- fates -----------------------------------------------------------------------------------------------

    def _end(self, request: Request, bucket: str, reason: str) -> None:
        account = self._account
        account.waiting -= 1
        for sessions in self._sessions:
            sessions.leave(request)
        if bucket == Bucket.SAMPLED_OUT:
            account.sampled_out += 1
            if self._joiner is not None:
                self._joiner.fated(request, str(bucket), 0)
        else:
            self.lost(request, bucket, reason)

    def _send(self, request: Request) -> None:
        if self._show is not None:
            self._show(request)
            self._end(request, Bucket.REFUSED, DRY_RUN)
            return
        account = self._account
        account.waiting -= 1
        if self._duplicates is not None and self._duplicates.shared:
            request = lane_of(request, self._duplicates)
        taken = 0
        for target in self._targets:
            taken += target.offer(request)
        if taken:
            account.replayed += 1
            fate = REPLAYED
        else:
            fate = count_untaken(account, self._targets)
        if self._joiner is not None:
            self._joiner.fated(request, fate, taken)

    def _close(self, ended: Ended) -> None:
        number: int | None = ended.connection
        if self._duplicates is not None:
            number = self._duplicates.ended(ended.connection)
        if number is not None:
            for target in self._targets:
                target.connection_ended(number)

    def outcome(self, outcome: Outcome) -> None:
        """A target has answered, or has failed to."""
        if self._joiner is not None:
            self._joiner.outcome(outcome)
        if self._middleware is not None:
            self._middleware.replayed(outcome)


def lane_of(request: Request, copies: Duplicates) -> Request:
    """The request in the lane that all copies of its connection share."""
    connection = request.connection
    lane = copies.lane(connection.number)
    if lane == connection.number:
        return request
    return replace(request, connection=replace(connection, lane=lane))


def count_untaken(account: RequestAccount, targets: Sequence[Target]) -> str:
    """A request was offered, and no target took it: count why, and say it as a fate."""
    if not targets:
        account.recorded += 1
        return RECORDED
    if any(target.limited for target in targets) and not any(target.full for target in targets):
        account.refused[RATE_LIMIT] += 1
        return LIMITED
    account.overflowed += 1
    return OVERFLOWED
