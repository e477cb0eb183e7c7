"""Keeps the mirror right while interfaces come and go: look, plan, apply, wait, again.

A round never takes back what it made: what fails is told and tried again in the next round, the rest stands. A
round that cannot look (throttling, a name that is gone for now) changes nothing at all.

Waiting is polling with jitter, so that many watchers do not ask together. An SQS queue that EventBridge sends
state changes to makes it quicker: an event starts a round at once and another after `SETTLE_S`, because an instance
runs before it is in its target group.
"""

import json
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from shadowtap.aws.api import Api, ApiError
from shadowtap.aws.apply import Applied, Applier, Done
from shadowtap.aws.find import UnknownError
from shadowtap.aws.plan import Plan, plan
from shadowtap.aws.wish import Found
from shadowtap.errors import ShadowtapError

JITTER = 0.2
SETTLE_S = 30.0
LONG_POLL_S = 20
"""The longest an SQS ReceiveMessage may hold the line."""
SOURCES = frozenset({"aws.ec2", "aws.autoscaling", "aws.ecs", "aws.elasticloadbalancing", "aws.rds"})
"""EventBridge sources whose events may mean that an interface came or went."""


class Round(Struct, frozen=True):
    """What one round did in one place."""

    plan: Plan
    applied: Applied


class Events:
    """An SQS queue with EventBridge events."""

    def __init__(self, api: Api, url: str, clock: Callable[[], float]) -> None:
        self._api, self._url, self._clock = api, url, clock
        self._handles: list[str] = []

    def wait(self, seconds: float) -> bool:
        """Until an event that matters comes (True) or the time is over (False)."""
        end = self._clock() + seconds
        while (left := end - self._clock()) > 0:
            answer = self._api.call(
                "sqs",
                "ReceiveMessage",
                QueueUrl=self._url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=max(1, min(LONG_POLL_S, int(left))),
            )
            messages = answer.get("Messages") or ()
            self._handles += [m["ReceiptHandle"] for m in messages]
            if any(matters(m.get("Body", "")) for m in messages):
                return True
            if messages:
                self.done()
        return False

    def done(self) -> None:
        """The events were acted on. Ten at a time is what the call takes."""
        while self._handles:
            part, self._handles = self._handles[:10], self._handles[10:]
            entries = [{"Id": str(i), "ReceiptHandle": h} for i, h in enumerate(part)]
            self._api.call("sqs", "DeleteMessageBatch", QueueUrl=self._url, Entries=entries)


def matters(body: str) -> bool:
    """Whether a message is an EventBridge event that may be about an interface."""
    try:
        event: Any = json.loads(body)
    except ValueError:
        return False
    return isinstance(event, dict) and event.get("source") in SOURCES


class Watcher:
    """`look` says what is wanted and there; `tell` hears of every round and every problem."""

    def __init__(
        self,
        look: Callable[[], list[Found]],
        *,
        interval_s: float,
        sleep: Callable[[float], None],
        random: Callable[[], float],
        token: Callable[[], str],
        tell: Callable[[Round | ShadowtapError], None],
        events: Events | None = None,
        dry_run: bool = False,
        tell_step: Callable[[Done], None] = lambda done: None,
    ) -> None:
        self._look, self._interval_s = look, interval_s
        self._sleep, self._random, self._token = sleep, random, token
        self._tell, self._tell_step = tell, tell_step
        self._events, self._dry_run = events, dry_run
        self._started = False

    def round(self) -> list[Round]:
        """Looks and sets right, once. A name that is wrong from the start ends the watch; later it may be back."""
        try:
            found = self._look()
        except UnknownError as error:
            if not self._started:
                raise
            self._tell(error)
            return []
        except ApiError as error:
            if not error.passing and not self._started:
                raise
            self._tell(error)
            return []
        rounds = [self._set_right(place) for place in found]
        self._started = True
        return rounds

    def _set_right(self, found: Found) -> Round:
        todo = plan(found.desired, found.world)
        applier = Applier(
            found.api,
            todo,
            run=self._token(),
            tags=found.desired.tags,
            keep_going=True,
            tell=self._tell_step,
        )
        result = Round(todo, applier.rehearse() if self._dry_run else applier.apply())
        self._tell(result)
        return result

    def run(self, rounds: int | None = None) -> None:
        """Round after round; `rounds` ends it after so many (None: until interrupted)."""
        soon = False
        while True:
            self.round()
            if self._events:
                self._forget()
            if rounds is not None:
                rounds -= 1
                if rounds <= 0:
                    return
            wait = SETTLE_S if soon else self._interval_s
            soon = self._wait(wait * (1 + JITTER * (2 * self._random() - 1)))

    def _wait(self, seconds: float) -> bool:
        if self._events is None:
            self._sleep(seconds)
            return False
        try:
            return self._events.wait(seconds)
        except ApiError as error:
            self._tell(error)
            self._sleep(seconds)
            return False

    def _forget(self) -> None:
        try:
            if self._events:
                self._events.done()
        except ApiError as error:
            self._tell(error)
