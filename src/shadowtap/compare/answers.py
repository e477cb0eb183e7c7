"""Compares a target's answer with production's: status, then header fields, then the body.

Where the status differs, that is the one difference: the rest of an error page says nothing more. What cannot be
compared (an answer that was not seen whole, a body that cannot be decoded) is a verdict too, with its reason.
"""

from collections.abc import Container

from shadowtap.compare.bodies import compare_bodies
from shadowtap.compare.differences import MAX_OCCURRENCES, Differences, LearnedNoise
from shadowtap.compare.expected import Circumstances, status_rule
from shadowtap.compare.headers import compare_heads
from shadowtap.compare.rules import Rules
from shadowtap.content import Content, Reason, Unreadable, is_chunked, read_content
from shadowtap.events import Exchange, Outcome, Response, Verdict
from shadowtap.http1 import field

NO_RULES = Rules()
NO_ANSWER = "the target gave no answer"
"""How the reason begins, where a target failed."""
_NO_BODY = frozenset((204, 304))


def compare(
    exchange: Exchange,
    outcome: Outcome,
    rules: Rules = NO_RULES,
    *,
    endpoint: str = "",
    learned: LearnedNoise | None = None,
    issued: Container[tuple[str, str]] = frozenset(),
) -> Verdict:
    """Whether a target answered as production did. Never raises, whatever the octets are.

    `endpoint` is method and template (`GET /users/{id}`), for rules that name one. `learned` knows places that change
    by themselves. `issued` holds pairs of values, production's and the target's, that mean the same in this session.
    """
    response = exchange.response
    skipped = _why_not(exchange, outcome)
    if skipped or response is None:
        return Verdict(outcome.target, (), skipped=skipped)
    if response.head == outcome.head and response.body == outcome.body:
        return Verdict(outcome.target, ())
    found = Differences(Circumstances(exchange, outcome, rules, endpoint, issued), learned)
    if response.status != outcome.status:
        rule = status_rule(response.status, outcome.status, found.given)
        found.add("status", "status", response.status, outcome.status, rule=rule)
    else:
        compare_heads(response.head, outcome.head, found)
        if response.status not in _NO_BODY and exchange.request and exchange.request.method != b"HEAD":
            skipped = _bodies(response, outcome, rules.limit_bytes, found)
    real, noise = found.split()
    if found.full and not real:
        skipped = skipped or f"more than {MAX_OCCURRENCES:,} differences, and those looked at are noise"
    return Verdict(outcome.target, real, noise, "" if real else skipped, found.more)


def _why_not(exchange: Exchange, outcome: Outcome) -> str:
    request, response = exchange.request, exchange.response
    if outcome.failure is not None:
        return f"{NO_ANSWER}: {outcome.failure}"
    if response is None or request is None:
        return "production's answer was not seen"
    if response.fault is not None:
        return f"production's answer is not complete: {response.fault}"
    return ""


def _bodies(response: Response, outcome: Outcome, limit_bytes: int, found: Differences) -> str:
    chunked = is_chunked(outcome.head)
    if response.body == outcome.body and response.chunked == chunked:
        coding = b"content-encoding"
        if field(response.head, coding) == field(outcome.head, coding):
            return ""
    if response.body_bytes and not response.body:
        return "production's body was not kept"
    if not outcome.body and (field(outcome.head, b"content-length") or b"0").strip(b"0"):
        return "the target's body was not kept"
    mine = read_content(response.head, response.body, response.chunked, limit_bytes=limit_bytes)
    theirs = read_content(outcome.head, outcome.body, chunked, limit_bytes=limit_bytes)
    if isinstance(mine, Content) and isinstance(theirs, Content):
        if mine.cut:
            return "production's body breaks off"
        if not theirs.cut:
            return compare_bodies(mine, theirs, found)
        theirs = Unreadable(Reason.BROKEN, "it breaks off")
    return _unreadable(mine, theirs, found)


def _unreadable(mine: Content | Unreadable, theirs: Content | Unreadable, found: Differences) -> str:
    """One of the bodies at least cannot be read. That the target's is broken is a difference; a limit is none."""
    if isinstance(theirs, Unreadable) and theirs.reason is Reason.BROKEN and isinstance(mine, Content):
        found.add("coding_broken", "body", "readable", f"{theirs.reason}: {theirs.detail}")
        return ""
    which, why = ("production's", mine) if isinstance(mine, Unreadable) else ("the target's", theirs)
    return f"{which} body: {why.reason}" if isinstance(why, Unreadable) else ""
