"""What a mask does here: it takes out what must not be shown, stored or published. `shadowtap.masking` has the real
one; `NoMask` is for those who may see everything."""

from typing import Protocol

from shadowtap.compare.learned import NoiseRule
from shadowtap.events import Difference, Exchange, Outcome, Verdict


class Mask(Protocol):
    """Gives values back without secrets and personal data."""

    def exchange(self, exchange: Exchange, /) -> Exchange:
        """Both sides of an exchange."""

    def outcome(self, outcome: Outcome, /) -> Outcome:
        """A replayed request and the target's answer."""

    def verdict(self, verdict: Verdict, /) -> Verdict:
        """Differences, with their values."""

    def text(self, text: str, /) -> str:
        """A place, an endpoint, the name of a rule."""


class NoMask:
    """Shows everything."""

    def exchange(self, exchange: Exchange, /) -> Exchange:
        """As it is."""
        return exchange

    def outcome(self, outcome: Outcome, /) -> Outcome:
        """As it is."""
        return outcome

    def verdict(self, verdict: Verdict, /) -> Verdict:
        """As it is."""
        return verdict

    def text(self, text: str, /) -> str:
        """As it is."""
        return text


def masked_difference(difference: Difference, mask: Mask) -> Difference:
    """A difference as it may be shown."""
    return mask.verdict(Verdict("", (difference,))).differences[0]


def masked_example(rule: NoiseRule, mask: Mask) -> tuple[str, str]:
    """The two values of a learned rule as they may be shown."""
    shown = masked_difference(Difference(rule.kind, rule.where, *rule.example), mask)
    return shown.production, shown.target
