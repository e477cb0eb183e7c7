"""What becomes of a request: at a target, against production's answer, and all of it together."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from shadowtap.events.messages import Exchange, Request
from shadowtap.events.value import Value


class Failure(StrEnum):
    """Why a replayed request has no answer."""

    CONNECT = "connect"
    TIMEOUT = "timeout"
    RESET = "reset"
    CLOSED = "closed"
    GARBAGE = "garbage"
    BREAKER = "breaker_open"
    INTERRUPTED = "interrupted"
    TLS = "tls"
    REFUSED = "target_refused"
    """The target turned out to be production while the request was waiting or under way."""


class Substitution(NamedTuple):
    """A value that was put into a request in place of production's. `kind` says where it stands: `target`, `cookie`,
    `header` or `body`."""

    kind: str
    production: str
    target: str


class Outcome(Value):
    """What became of one request at one target: an answer, or a named failure.

    `sent_ns` is the wall clock when its first byte was given to the connection (0: never); `first_byte_ns` and
    `elapsed_ns` are durations from there to the first and the last byte of the answer. `substitutions` are the values
    of this target that were put into the request, for its session to go on.
    """

    __slots__ = __match_args__ = (
        "target",
        "request",
        "sent_ns",
        "first_byte_ns",
        "elapsed_ns",
        "status",
        "head",
        "body",
        "failure",
        "substitutions",
    )

    def __init__(
        self,
        target: str,
        request: Request,
        sent_ns: int,
        first_byte_ns: int,
        elapsed_ns: int,
        status: int,
        head: bytes,
        body: bytes,
        failure: Failure | None,
        substitutions: tuple[Substitution, ...] = (),
    ) -> None:
        self.target = target
        self.request = request
        self.sent_ns = sent_ns
        self.first_byte_ns = first_byte_ns
        self.elapsed_ns = elapsed_ns
        self.status = status
        self.head = head
        self.body = body
        self.failure = failure
        self.substitutions = substitutions


class Difference(msgspec.Struct, frozen=True, gc=False):
    """One way in which a target's answer differs from production's.

    `kind` is a short name such as `status`, `header_missing`, `json_type`; `where` is the place in the answer, such
    as `status`, `header content-type` or `body.items[].price`; the two texts are what stood there, shortened.
    `times` counts the elements that differ in this way; the texts are those of the first.
    """

    kind: str
    where: str
    production: str
    target: str
    times: int = 1


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """Whether one target answered as production did. `noise` are differences that mean nothing, each with the rule
    that says so; `skipped` says why two answers were not compared, or is empty. `more` counts differences beyond
    those that are listed."""

    target: str
    differences: tuple[Difference, ...]
    noise: tuple[tuple[Difference, str], ...] = ()
    skipped: str = ""
    more: int = 0

    @property
    def same(self) -> bool:
        """Compared, and without a difference that means something."""
        return not self.differences and not self.skipped and not self.more


class Observation(Value):
    """All that is known of one request when nothing more will come: production's exchange, what became of the
    request here, and at each target.

    `fate` is the bucket of the ledger, with its reason behind a colon where it has one: `replayed`, `overflowed`,
    `sampled_out`, `filtered: path ~ "^/health"`, `refused: own_mark`, `incomplete: lost_packets`.
    """

    __slots__ = __match_args__ = ("exchange", "fate", "outcomes", "verdicts")

    def __init__(
        self,
        exchange: Exchange,
        fate: str,
        outcomes: tuple[Outcome, ...],
        verdicts: tuple[Verdict, ...] = (),
    ) -> None:
        self.exchange = exchange
        self.fate = fate
        self.outcomes = outcomes
        self.verdicts = verdicts
