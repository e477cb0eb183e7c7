"""Steps one after the other: what is waited for, what is taken back, what is left."""

import pytest

from aws import scenes
from aws.vpc import Vpc
from shadowtap.aws import read
from shadowtap.aws.api import ApiError, Patient
from shadowtap.aws.apply import SETTLING_S, Applier
from shadowtap.aws.plan import plan
from shadowtap.aws.removal import removal


@pytest.fixture
def vpc():
    one = Vpc()
    one.to = "eni:" + scenes.collector(one)
    scenes.servers(one)
    return one


def applier(vpc, **more):
    found = scenes.found(vpc, ["asg:web"], vpc.to)
    return Applier(found.api, plan(found.desired, found.world), run="1", **more)


def failing(operation, times, code="InternalError", when="before"):
    left = [times]

    def fault(service, called):
        if called != operation or not left[0]:
            return None
        left[0] -= 1
        return when, code

    return fault


def test_what_was_just_made_may_not_be_found_yet(vpc):
    vpc.fault = failing("CreateTrafficMirrorFilterRule", 2, "InvalidTrafficMirrorFilterId.NotFound")
    pauses = []
    assert applier(vpc, pause=pauses.append).apply().ok
    assert pauses == list(SETTLING_S[:2])


def test_what_is_never_found_is_a_failure(vpc):
    vpc.fault = failing("CreateTrafficMirrorFilterRule", 99, "InvalidTrafficMirrorFilterId.NotFound")
    assert not applier(vpc, pause=lambda s: None).apply().ok
    assert vpc.mirrors.filters == {}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(8))
def test_a_failure_anywhere_leaves_nothing(vpc, when, number):
    """Also where the call happened and only its answer was lost."""
    changes = iter(range(100))

    def fault(service, operation):
        if operation.startswith("Create") and next(changes) == number:
            return when, "InvalidParameterValue"
        return None

    vpc.fault = fault
    assert not applier(vpc).apply().ok
    mirrors = vpc.mirrors
    left = (mirrors.targets, mirrors.filters, mirrors.rules, mirrors.sessions)
    assert left == ({}, {}, {}, {})


def test_a_lost_answer_and_another_try_make_one_thing(vpc):
    vpc.fault = failing("CreateTrafficMirrorSession", 3, when="after")
    found = scenes.found(vpc, ["asg:web"], vpc.to)
    patient = Patient(found.api, lambda s: None, lambda: 0.0)
    assert Applier(patient, plan(found.desired, found.world), run="1").apply().ok
    assert len(vpc.mirrors.sessions) == 2


def test_an_interrupt_takes_back_too(vpc):
    def fault(service, operation):
        if operation == "CreateTrafficMirrorSession":
            raise KeyboardInterrupt

    vpc.fault = fault
    with pytest.raises(KeyboardInterrupt):
        applier(vpc).apply()
    assert vpc.mirrors.filters == {}


def test_a_session_that_cannot_go_keeps_its_filter_and_target(vpc):
    assert applier(vpc).apply().ok
    vpc.denied.add("DeleteTrafficMirrorSession")
    todo = removal("shadowtap", read.world(vpc.api()))
    result = Applier(vpc.api(), todo, run="2", keep_going=True).apply()
    assert len(result.failed) == len(todo.steps)
    assert "still uses" in result.failed[-1].error
    assert len(vpc.mirrors.rules) == 4


def test_a_change_is_changed_back(vpc):
    assert applier(vpc).apply().ok
    before = {k: dict(v) for k, v in vpc.mirrors.sessions.items()}
    found = scenes.found(vpc, ["asg:web"], vpc.to, ports=((8080, 8080),))
    vpc.fault = failing("ModifyTrafficMirrorSession", 1, "InvalidParameterValue", "after")
    result = Applier(found.api, plan(found.desired, found.world), run="2").apply()
    assert not result.ok
    assert vpc.mirrors.sessions == before
    assert len(vpc.mirrors.filters) == 1


def test_a_permission_that_is_refused_is_not_tried_again(vpc):
    vpc.denied.add("CreateTrafficMirrorTarget")
    pauses = []
    patient = Patient(vpc.api(), pauses.append, lambda: 1.0)
    with pytest.raises(ApiError, match="ec2:CreateTrafficMirrorTarget"):
        patient.call("ec2", "CreateTrafficMirrorTarget", NetworkInterfaceId=vpc.to[4:])
    assert pauses == []
