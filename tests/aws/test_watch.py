"""Interfaces come and go; the mirror follows."""

import json

import pytest

from aws import scenes
from aws.vpc import Vpc
from shadowtap.aws.find import UnknownError
from shadowtap.aws.watch import JITTER, SETTLE_S, Events, Round, Watcher, matters
from shadowtap.aws.wish import look
from shadowtap.errors import ShadowtapError


class Stage:
    """A watcher with its world; `during` what happens in each pause."""

    def __init__(self, during=(), events=False):
        self.vpc = Vpc()
        self.to = "eni:" + scenes.collector(self.vpc)
        scenes.servers(self.vpc)
        self.pauses, self.told, self.now = [], [], 0.0
        self.during = list(during)
        self.tokens = iter(str(n) for n in range(1000))
        self.events = Events(self.vpc.api(), "https://queue", self.clock) if events else None

    def clock(self):
        self.now += 5.0
        return self.now

    def pause(self, seconds):
        self.pauses.append(seconds)
        if self.during:
            self.during.pop(0)(self.vpc)

    def watch(self, rounds, interval=60.0, random=0.5, **more):
        watcher = Watcher(
            lambda: look(scenes.wish(["asg:web"], self.to), lambda place: self.vpc.api()),
            interval_s=interval,
            sleep=self.pause,
            random=lambda: random,
            token=lambda: next(self.tokens),
            tell=self.told.append,
            events=self.events,
            **more,
        )
        watcher.run(rounds)

    def mirrored(self):
        return {s["NetworkInterfaceId"] for s in self.vpc.mirrors.sessions.values()}

    def members(self):
        return {
            k
            for k, v in self.vpc.interfaces.items()
            if v.get("Attachment", {}).get("InstanceId") in self.vpc.asgs["web"]
        }


def arrive(vpc):
    vpc.asgs["web"].append(vpc.add_instance()[0])


def leave(vpc):
    gone = vpc.asgs["web"].pop(0)
    for eni, entry in list(vpc.interfaces.items()):
        if entry.get("Attachment", {}).get("InstanceId") == gone:
            vpc.remove_interface(eni)


def test_the_mirror_follows_the_group():
    stage = Stage([arrive, leave, lambda vpc: vpc.asgs["web"].clear()])
    stage.watch(2)
    assert stage.mirrored() == stage.members()
    assert len(stage.mirrored()) == 3
    stage.watch(2)
    assert stage.mirrored() == stage.members()
    stage.watch(2)
    assert stage.mirrored() == set()


@pytest.mark.parametrize(("random", "share"), [(0.0, 1 - JITTER), (0.5, 1.0), (1.0, 1 + JITTER)])
def test_pauses_have_jitter(random, share):
    stage = Stage()
    stage.watch(3, interval=100.0, random=random)
    assert stage.pauses == [pytest.approx(100 * share)] * 2


def test_a_round_that_cannot_look_changes_nothing_and_the_next_one_goes_on():
    stage = Stage()

    def throttle(vpc):
        vpc.fault = lambda service, operation: ("before", "RequestLimitExceeded")

    def recover(vpc):
        vpc.fault = lambda service, operation: None
        arrive(vpc)

    stage.during = [throttle, recover]
    stage.watch(3)
    assert len([t for t in stage.told if isinstance(t, ShadowtapError)]) == 1
    assert stage.mirrored() == stage.members()


def test_one_interface_that_aws_refuses_does_not_stop_the_others():
    stage = Stage()
    refused = sorted(stage.members())[0]
    kept = stage.vpc.mirrors.call

    def call(account, operation, **given):
        from aws.backend import Refused

        if operation == "CreateTrafficMirrorSession" and given["NetworkInterfaceId"] == refused:
            raise Refused("InvalidParameterValue", "the instance type does not support mirroring")
        return kept(account, operation, **given)

    stage.vpc.mirrors.call = call
    stage.watch(1)
    assert stage.mirrored() == stage.members() - {refused}
    (told,) = stage.told
    assert isinstance(told, Round)
    assert "does not support mirroring" in told.applied.failed[0].error


def test_a_name_that_is_wrong_from_the_start_ends_it_and_one_that_goes_missing_does_not():
    stage = Stage([lambda vpc: vpc.asgs.pop("web")])
    stage.watch(2)
    assert len(stage.vpc.mirrors.sessions) == 2, "the group is gone for now: nothing is removed"
    assert isinstance(stage.told[-1], UnknownError)
    fresh = Stage()
    fresh.vpc.asgs.clear()
    with pytest.raises(UnknownError):
        fresh.watch(2)


def test_a_dry_run_changes_nothing():
    stage = Stage()
    stage.watch(1, dry_run=True)
    assert stage.mirrored() == set()
    assert stage.told[0].applied.ok


def event(source):
    body = json.dumps({"source": source, "detail-type": "EC2 Instance State-change Notification"})
    return {"MessageId": "1", "ReceiptHandle": source, "Body": body}


def test_an_event_starts_a_round_at_once_and_another_a_little_later():
    stage = Stage(events=True)
    stage.vpc.queue = [event("aws.ec2")]
    waits = []
    stage.events.wait, kept = lambda s: waits.append(s) or kept(s), stage.events.wait
    stage.watch(3)
    assert waits == [pytest.approx(60.0), pytest.approx(SETTLE_S)]
    assert stage.vpc.queue == [], "what was acted on is deleted"
    assert stage.pauses == []


def test_events_that_do_not_matter_are_deleted_and_start_nothing():
    stage = Stage(events=True)
    stage.vpc.queue = [event("aws.s3")]
    assert stage.events.wait(60.0) is False
    assert stage.vpc.queue == []


@pytest.mark.parametrize("body", ["", "no json", "[]", "{}", '{"source": "aws.s3"}'])
def test_what_does_not_matter(body):
    assert not matters(body)


def test_a_queue_that_fails_is_told_and_polling_goes_on():
    stage = Stage(events=True)

    def fault(service, operation):
        return ("before", "AccessDenied") if service == "sqs" else None

    stage.vpc.fault = fault
    stage.watch(2)
    assert "sqs:ReceiveMessage" in str(stage.told[1])
    assert stage.pauses == [pytest.approx(60.0)]
