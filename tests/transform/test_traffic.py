"""Mirrored connections through streams, messages and the chain: a rule about answers decides by the right ones."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from messages.hearing import Hearing
from properties.dialogues import dialogues
from shadowtap.events import Ended, Exchange, Message, Request
from shadowtap.transform import HELD, Chain, Dropped, compose
from transcript import Segment, batches

RULE = "status == 200"
LOST = st.lists(st.integers(0, 60), max_size=4)


def chain() -> Chain:
    built = compose(only=[RULE])
    assert built is not None
    return built


def carry(segments: list[Segment], size: int) -> tuple[list[Request], list[Request | Dropped | Ended]]:
    """The requests that entered the chain, and all that came out, as the runner would do it."""
    hearing, rules = Hearing(), chain()
    entered: list[Request] = []
    out: list[Request | Dropped | Ended] = []

    def take(messages: list[Message]) -> None:
        for message in messages:
            if isinstance(message, Exchange):
                out.extend(rules.answered(message))
            elif isinstance(message, Ended):
                out.extend(rules.ended(message))
            elif message.fault is None:
                entered.append(message)
                fate = rules.apply(message, hearing.now_ns)
                out.extend([] if fate is HELD else [fate])

    for batch in batches(segments, size):
        seen = len(hearing.out)
        hearing.hear(*batch)
        take(hearing.out[seen:])
    seen = len(hearing.out)
    hearing.end()
    take(hearing.out[seen:])
    out.extend(rules.finish())
    assert rules.held == 0
    return entered, out


@settings(deadline=None)
@given(dialogues() | dialogues(bursts=True, opened=True), st.integers(1, 9))
def test_without_loss_every_rule_sees_its_own_answer(dialogue, size):
    entered, out = carry(dialogue.segments, size)
    assert len(entered) == len(dialogue.turns)
    wanted = [re.findall(rb"HTTP/1\.1 ([2-5]\d\d)", turn.response)[0] == b"200" for turn in dialogue.turns]
    sent = [int(re.findall(rb"/(\d+)", one.target)[0]) for one in out if isinstance(one, Request)]
    assert sent == [number for number, good in enumerate(wanted) if good]
    assert {one.reason for one in out if isinstance(one, Dropped)} <= {f"not ({RULE})"}


@settings(deadline=None)
@given(dialogues(bursts=True, opened=False), st.integers(1, 9))
def test_several_at_once_on_a_connection_joined_midway_are_judged_rightly_or_not_at_all(dialogue, size):
    """Their answers may be those to requests before the capture began, so some are given to nobody."""
    entered, out = carry(dialogue.segments, size)
    assert len(entered) == len(dialogue.turns)
    good = {
        n
        for n, turn in enumerate(dialogue.turns)
        if re.findall(rb"HTTP/1\.1 ([2-5]\d\d)", turn.response)[0] == b"200"
    }
    sent = [int(re.findall(rb"/(\d+)", one.target)[0]) for one in out if isinstance(one, Request)]
    assert sent == sorted(sent)
    assert set(sent) <= good
    left = {int(one.request.target[1:]): one.reason for one in out if isinstance(one, Dropped)}
    assert {n for n, reason in left.items() if reason == f"not ({RULE})"}.isdisjoint(good)
    assert set(left.values()) <= {f"not ({RULE})", "answer_missing"}
    assert len(sent) + len(left) == len(dialogue.turns)


@settings(deadline=None)
@given(dialogues() | dialogues(bursts=True), st.integers(1, 9), LOST)
def test_with_loss_every_request_still_has_one_fate_and_no_wrong_one(dialogue, size, lost):
    kept = [segment for place, segment in enumerate(dialogue.segments) if place not in lost]
    entered, out = carry(kept, size)
    places = sorted(getattr(one, "request", one).index for one in out if not isinstance(one, Ended))
    assert places == sorted(request.index for request in entered)
    for one in out:
        if isinstance(one, Request) and (number := re.search(rb"/(\d+)", one.target)):
            assert b" 200 " in dialogue.turns[int(number[1])].response
