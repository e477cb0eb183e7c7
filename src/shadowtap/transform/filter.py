"""Which requests are replayed, by rules.

A request passes if one of the `only` rules holds (or there are none) and none of the `skip` rules does. Each `only`
rule is a door of its own: two of them let more through, not less; a rule that must hold as well is joined by `and`.
`skip` wins.

The reason of a request that is left out is always an expression that holds for it: the `skip` rule, or `not (…)` of
the one `only` rule. Where several rules let requests in it is NONE_OF_ONLY, and `matched` tells for each rule how
many it decided.

A rule about production's answer is decided before the answer wherever that is possible, and else waits.
"""

from collections import Counter
from collections.abc import Sequence

from shadowtap.events import Exchange, Request
from shadowtap.expression import Expression
from shadowtap.transform.fate import HELD, Later

Rule = Expression[Exchange]

NONE_OF_ONLY = "none of the only rules"


class Filter:
    """Decides on requests. `matched` counts, by a rule's text, the requests that it let through (`only`) or left out
    (`skip`); `reasons` are all that a request can be left out for."""

    __slots__ = ("_no_door", "_only", "_skip", "matched", "needs_answer", "reasons")

    def __init__(self, only: Sequence[Rule] = (), skip: Sequence[Rule] = ()) -> None:
        self._only, self._skip = tuple(only), tuple(skip)
        rules = self._only + self._skip
        self.needs_answer = any(rule.needs_answer for rule in rules)
        self.matched: Counter[str] = Counter({rule.text: 0 for rule in rules})
        self._no_door = f"not ({self._only[0]})" if len(self._only) == 1 else NONE_OF_ONLY
        doors = (self._no_door,) if self._only else ()
        self.reasons = tuple(dict.fromkeys((*(rule.text for rule in self._skip), *doors)))

    def decide(self, request: Request) -> str | Later | None:
        """The reason to leave a request out, None to let it pass, HELD where production's answer decides."""
        exchange = Exchange(request, None)
        return self._foresee(exchange) if self.needs_answer else self._judge(exchange)

    def decide_with_answer(self, exchange: Exchange) -> str | None:
        """The same, of a request that production has answered."""
        return self._judge(exchange)

    def _judge(self, exchange: Exchange) -> str | None:
        for rule in self._skip:
            if rule.matches(exchange):
                self.matched[rule.text] += 1
                return rule.text
        for rule in self._only:
            if rule.matches(exchange):
                self.matched[rule.text] += 1
                return None
        return self._no_door if self._only else None

    def _foresee(self, exchange: Exchange) -> str | Later | None:
        """As `_judge`, where every answer would lead to the same; else HELD."""
        waits = False
        for rule in self._skip:
            skips = rule.before_answer(exchange)
            if skips:
                self.matched[rule.text] += 1
                return rule.text
            waits = waits or skips is None
        opens = [rule.before_answer(exchange) for rule in self._only]
        if opens and not any(known is not False for known in opens):
            return self._no_door
        if waits or (opens and True not in opens):
            return HELD
        if opens:
            self.matched[self._only[opens.index(True)].text] += 1
        return None
