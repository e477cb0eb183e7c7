"""The one fate of every request: replayed, or why not; and production's safety, on which it depends.

A request goes to the targets at once, or where the user asks for more than that to a `Shape`, which tells its fate
later. Whatever happens is counted in the ledger.
"""

from collections.abc import Callable

from shadowtap.config import Settings
from shadowtap.errors import RunError
from shadowtap.events import Ended, Endpoint, Fault, Flag, Message
from shadowtap.events.messages import Exchange, Request
from shadowtap.ledger import Ledger
from shadowtap.replay import Guard, is_marked
from shadowtap.replay.target import Target
from shadowtap.runner.shape import DUPLICATE, Shape, count_untaken, lane_of
from shadowtap.transform.duplicates import Duplicates

OWN_MARK = "own_mark"
AMBIGUOUS = "ambiguous_framing"
TUNNEL = "connect_method"
PRODUCTION_GUARD = "production_guard"


class Fates:
    """Gives messages to whom they concern. `targets` may still grow; `shape` is what stands before them, if anything
    does, and otherwise `copies` knows requests that are mirrored twice. `tell` gets notices, `break_off` what ends
    the run."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        targets: list[Target],
        *,
        shape: Shape | None,
        copies: Duplicates | None,
        tell: Callable[[str], None],
        break_off: Callable[[Exception], None],
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._targets = targets
        self._shape = shape
        self._copies = copies
        self._tell = tell
        self._break_off = break_off
        self._guard = Guard()
        self._all_refused = False

    def decide(self, messages: list[Message]) -> None:
        """Give messages to whom they concern."""
        for message in messages:
            if type(message) is Request:
                self._on_request(message)
            elif type(message) is Exchange:
                self._on_exchange(message)
            elif isinstance(message, Ended):
                if self._shape is not None:
                    self._shape.ended(message)
                    continue
                self._on_end(message.connection)

    def _on_end(self, connection: int) -> None:
        number = connection if self._copies is None else self._copies.ended(connection)
        if number is not None:
            for target in self._targets:
                target.connection_ended(number)

    def _on_request(self, request: Request) -> None:
        account, marked = self._ledger.requests, is_marked(request.head)
        account.seen += 1
        if not request.index and not marked:
            self._saw_server(request.connection.server)
        shape, copies = self._shape, self._copies
        if shape is not None:
            if not shape.saw(request):
                return
        elif copies is not None and request.connection.vni is not None:
            if copies.is_duplicate(request):
                account.refused[DUPLICATE] += 1
                return
            if copies.shared:
                request = lane_of(request, copies)
        if request.fault is not None:
            self._lose(request, "incomplete", request.fault)
        elif marked:
            self._lose(request, "refused", OWN_MARK)
        elif request.flags and Flag.AMBIGUOUS_LENGTH in request.flags and not self._settings.replay_ambiguous:
            self._lose(request, "refused", AMBIGUOUS)
        elif request.method == b"CONNECT":
            self._lose(request, "refused", TUNNEL)
        elif self._all_refused:
            self._lose(request, "refused", PRODUCTION_GUARD)
        elif shape is not None:
            shape.request(request)
        else:
            taken = False
            for target in self._targets:
                taken |= target.offer(request)
            if taken:
                account.replayed += 1
            else:
                count_untaken(account, self._targets)

    def _lose(self, request: Request, bucket: str, reason: str) -> None:
        """A request is not replayed."""
        if self._shape is not None:
            self._shape.lost(request, bucket, reason)
        else:
            getattr(self._ledger.requests, bucket)[reason] += 1

    def _on_exchange(self, exchange: Exchange) -> None:
        request, response = exchange.request, exchange.response
        if exchange.lost_request:
            requests = self._ledger.requests
            requests.seen += 1
            requests.incomplete[Fault.UNSEEN] += 1
        if self._shape is not None:
            self._shape.exchange(exchange)
        if response is None:
            return
        latency_ns = None
        if request is None:
            self._saw_server(response.connection.server)
        else:
            latency_ns = response.time_ns - request.end_ns
        if response.fault is not None:
            self._ledger.messages.responses_incomplete[response.fault] += 1
        if response.status >= 200 or response.status == 101:
            self._ledger.production.record(response.status, latency_ns)

    # -- safety ----------------------------------------------------------------------------------------------

    def _saw_server(self, server: Endpoint) -> None:
        if not self._guard.saw(server) or self._settings.allow_production_target:
            return
        for target in self._targets:
            self.check_target(target)

    def check_target(self, target: Target) -> None:
        """Refuse a target whose address is that of a server in the mirrored traffic."""
        conflict = self._guard.conflict(target.addresses)
        if conflict is None or target.refused or self._settings.allow_production_target:
            return
        target.refuse(PRODUCTION_GUARD)
        why = (
            f"target {target.account.name} is refused: {conflict.address} is a server in the mirrored traffic, "
            "so requests would go to production; name another target, or allow it with --allow-production-target"
        )
        self._all_refused = all(other.refused for other in self._targets)
        if self._all_refused:
            self._break_off(RunError(why))
        else:
            self._tell(why)
