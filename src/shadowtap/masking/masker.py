"""The masker: messages and parts of them, with the account of what was masked."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import overload

from shadowtap.content import is_chunked
from shadowtap.events import Flag, Verdict, replace
from shadowtap.events.messages import Exchange, Request, Response
from shadowtap.events.outcomes import Observation, Outcome
from shadowtap.masking.bodies import Bodies
from shadowtap.masking.headers import Headers
from shadowtap.masking.heads import Heads
from shadowtap.masking.messages import Messages
from shadowtap.masking.names import Names
from shadowtap.masking.shapes import SHAPES, Shapes
from shadowtap.masking.spans import Masked, masked_with
from shadowtap.masking.standins import StandIns
from shadowtap.masking.texts import Kind, Texts
from shadowtap.masking.values import Values
from shadowtap.masking.verdicts import Verdicts

LIMIT_BYTES = 1 << 20
"""Longest body that is looked into, decoded: 1 MiB, which takes some tens of milliseconds."""

_FRAME = re.compile(rb"[0-9a-fA-F]{1,16}[ \t]*(?:;[^\n]*)?\r?\n")
"""How a body begins that is in chunks, and not only said to be."""


class Masker:
    """Puts stand-ins in the place of secrets. `counts` is how many were masked, by kind.

    The stand-ins depend on `key` (16 octets or more, see `key_of`) and on the secret alone; with None for a key all
    are `***`. `fields` are more names whose values are secret anywhere, `keep` are names whose values are not; in
    both * stands for anything. `shapes` are the kinds that are found by shape, all of `SHAPES` by default. Bodies
    of more than `limit_bytes` are replaced by a marker. Not for several threads at once.
    """

    def __init__(
        self,
        key: bytes | None,
        *,
        fields: Iterable[str] = (),
        keep: Iterable[str] = (),
        shapes: Iterable[str] = SHAPES,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self.counts: Counter[str] = Counter()
        stand_ins, names = StandIns(key), Names(fields, keep)
        values = Values(stand_ins)
        self._texts = Texts(names, Shapes(stand_ins, shapes), values)
        self._headers = Headers(names, self._texts, values)
        self._heads = Heads(self._headers, self._texts)
        self._bodies = Bodies(names, self._texts, values, stand_ins, limit_bytes)
        self._messages = Messages(self._heads, self._bodies, limit_bytes)
        self._verdicts = Verdicts(names, self._headers, self._texts, values)

    def header(self, name: bytes, value: bytes) -> bytes:
        """The value of a header field."""
        return self._counted(self._headers.masked(name, value))

    def target(self, url: bytes) -> bytes:
        """A request target or another URL."""
        return self._counted(self._heads.target(url))

    def body(self, media_type: str, charset: str | None, octets: bytes) -> bytes:
        """What a body says, all codings undone. Media type without parameters and charset in lower case; the type is
        empty and the charset None where they are not known."""
        return self._counted(self._bodies.masked(media_type, charset, octets))

    @overload
    def text(self, text: str) -> str: ...
    @overload
    def text(self, text: bytes) -> bytes: ...
    def text(self, text: str | bytes) -> str | bytes:
        """Any text: a log line, an error message, a line of a report."""
        if isinstance(text, bytes):
            return self._counted(masked_with(text, self._texts.find(text, Kind.PLAIN)))
        octets = text.encode("utf-8", "surrogatepass")
        return self.text(octets).decode("utf-8", "surrogatepass")

    def request(self, request: Request) -> Request:
        """A request; itself where it holds no secret."""
        malformed = bool(request.flags) and Flag.MALFORMED_START in request.flags
        head, body, kinds = self._messages.masked(
            request.head, request.body, request.chunked, target=request.target, malformed=malformed
        )
        if not kinds and body is request.body:
            return request
        self._count(kinds)
        target = self._heads.target(request.target)[0]
        method = self._heads.text(request.method)[0] if malformed else request.method
        return replace(request, method=method, target=target, head=head, body=body)

    def response(self, response: Response) -> Response:
        """An answer; itself where it holds no secret. Octets that were not kept stay so."""
        head, body, kinds = self._messages.masked(response.head, response.body, response.chunked)
        if not kinds and body is response.body:
            return response
        self._count(kinds)
        reason = self._heads.text(response.reason)[0]
        on_wire = response.body_bytes if body is response.body else len(body)
        return replace(response, reason=reason, head=head, body=body, body_bytes=on_wire)

    def exchange(self, exchange: Exchange) -> Exchange:
        """Both sides of an exchange; itself where there is no secret."""
        request = exchange.request and self.request(exchange.request)
        response = exchange.response and self.response(exchange.response)
        if request is exchange.request and response is exchange.response:
            return exchange
        return replace(exchange, request=request, response=response)

    def outcome(self, outcome: Outcome) -> Outcome:
        """What became of a request at a target: the request and the target's answer."""
        return self._outcome(outcome, self.request(outcome.request))

    def verdict(self, verdict: Verdict) -> Verdict:
        """What differed between two answers, with the values that are shown of it."""
        masked, kinds = self._verdicts.masked(verdict)
        self._count(kinds)
        return masked

    def observation(self, observation: Observation) -> Observation:
        """All that is known of one request."""
        unmasked = observation.exchange
        exchange = self.exchange(unmasked)
        outcomes = tuple([self._as_in(exchange, unmasked, outcome) for outcome in observation.outcomes])
        verdicts = observation.verdicts and tuple([self.verdict(one) for one in observation.verdicts])
        return Observation(exchange, observation.fate, outcomes, verdicts)

    def _as_in(self, exchange: Exchange, unmasked: Exchange, outcome: Outcome) -> Outcome:
        """An outcome whose request is mostly that of the exchange, which is masked already."""
        if outcome.request is unmasked.request and exchange.request is not None:
            return self._outcome(outcome, exchange.request)
        return self.outcome(outcome)

    def _outcome(self, outcome: Outcome, request: Request) -> Outcome:
        framed = is_chunked(outcome.head) and _FRAME.match(outcome.body) is not None
        head, body, kinds = self._messages.masked(outcome.head, outcome.body, framed)
        if not kinds and request is outcome.request and not outcome.substitutions:
            return outcome
        self._count(kinds)
        put = tuple([one._replace(production="***", target="***") for one in outcome.substitutions])
        return replace(outcome, request=request, head=head, body=body, substitutions=put)

    def _counted(self, masked: Masked) -> bytes:
        if masked[1]:
            self._count(masked[1])
        return masked[0]

    def _count(self, kinds: tuple[str, ...]) -> None:
        for kind in kinds:
            self.counts[kind] += 1
