"""The in-memory cloud refuses what AWS refuses; otherwise the other tests would show nothing."""

import pytest

from aws.vpc import Vpc
from shadowtap.aws.api import ApiError

RULE = {
    "TrafficDirection": "ingress",
    "RuleAction": "accept",
    "SourceCidrBlock": "0.0.0.0/0",
    "DestinationCidrBlock": "0.0.0.0/0",
}


@pytest.fixture
def vpc():
    return Vpc()


def make(vpc, what, **parameters):
    answer = vpc.api().call("ec2", f"CreateTrafficMirror{what}", **parameters)[f"TrafficMirror{what}"]
    return answer[f"TrafficMirror{what}Id"]


def session(vpc, eni, target, filter_id, number=1, **more):
    return make(
        vpc,
        "Session",
        NetworkInterfaceId=eni,
        TrafficMirrorTargetId=target,
        TrafficMirrorFilterId=filter_id,
        SessionNumber=number,
        **more,
    )


def refused(code):
    return pytest.raises(ApiError, match=code)


def test_three_sessions_an_interface_and_each_number_once(vpc):
    eni, collector = vpc.add_interface(), vpc.add_interface()
    target, filter_id = make(vpc, "Target", NetworkInterfaceId=collector), make(vpc, "Filter")
    session(vpc, eni, target, filter_id, 1)
    with refused("SessionNumber is in use"):
        session(vpc, eni, target, filter_id, 1)
    for number in (2, 3):
        session(vpc, eni, target, filter_id, number)
    with refused("TrafficMirrorSessionsPerInterfaceLimitExceeded"):
        session(vpc, eni, target, filter_id, 4)


def test_ten_sources_a_target_or_a_hundred(vpc):
    collector = vpc.add_interface()
    target, filter_id = make(vpc, "Target", NetworkInterfaceId=collector), make(vpc, "Filter")
    for _ in range(10):
        session(vpc, vpc.add_interface(), target, filter_id)
    with refused("TrafficMirrorSourcesPerTargetLimitExceeded"):
        session(vpc, vpc.add_interface(), target, filter_id)
    vpc.mirrors.large.add(collector)
    session(vpc, vpc.add_interface(), target, filter_id)


def test_ten_rules_a_filter_with_numbers_of_their_own(vpc):
    filter_id = make(vpc, "Filter")
    for number in range(1, 11):
        make(vpc, "FilterRule", TrafficMirrorFilterId=filter_id, RuleNumber=number, **RULE)
    with refused("TrafficMirrorFilterRuleLimitExceeded"):
        make(vpc, "FilterRule", TrafficMirrorFilterId=filter_id, RuleNumber=11, **RULE)
    other = make(vpc, "Filter")
    make(vpc, "FilterRule", TrafficMirrorFilterId=other, RuleNumber=1, **RULE)
    with refused("TrafficMirrorFilterRuleAlreadyExists"):
        make(vpc, "FilterRule", TrafficMirrorFilterId=other, RuleNumber=1, **RULE)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"DestinationCidrBlock": "::/0"}, "one family"),
        ({"SourceCidrBlock": "10.0.0.1/8"}, "host bits"),
        ({"DestinationPortRange": {"FromPort": 80, "ToPort": 80}}, "ports need protocol"),
    ],
)
def test_rules_that_make_no_sense(vpc, change, code):
    filter_id = make(vpc, "Filter")
    with refused(code):
        make(vpc, "FilterRule", TrafficMirrorFilterId=filter_id, RuleNumber=1, **{**RULE, **change})


def test_what_is_in_use_stays(vpc):
    target, filter_id = make(vpc, "Target", NetworkInterfaceId=vpc.add_interface()), make(vpc, "Filter")
    session(vpc, vpc.add_interface(), target, filter_id)
    with refused("TrafficMirrorFilterInUse"):
        vpc.api().call("ec2", "DeleteTrafficMirrorFilter", TrafficMirrorFilterId=filter_id)
    with refused("TrafficMirrorTargetInUseException"):
        vpc.api().call("ec2", "DeleteTrafficMirrorTarget", TrafficMirrorTargetId=target)


def test_towards_a_load_balancer_8500_bytes_are_the_most_and_the_default(vpc):
    arn = vpc.add_balancer("collectors", "network")
    target, filter_id = make(vpc, "Target", NetworkLoadBalancerArn=arn), make(vpc, "Filter")
    with refused("8500"):
        session(vpc, vpc.add_interface(), target, filter_id, PacketLength=8501)
    made = session(vpc, vpc.add_interface(), target, filter_id)
    assert vpc.mirrors.sessions[made]["PacketLength"] == 8500


def test_a_target_cannot_be_a_source_nor_a_source_a_target(vpc):
    eni, collector = vpc.add_interface(), vpc.add_interface()
    target, filter_id = make(vpc, "Target", NetworkInterfaceId=collector), make(vpc, "Filter")
    with refused("is a traffic mirror target"):
        session(vpc, collector, target, filter_id)
    session(vpc, eni, target, filter_id)
    with refused("is a source"):
        make(vpc, "Target", NetworkInterfaceId=eni)


def test_an_interface_that_goes_takes_its_sessions_with_it(vpc):
    eni = vpc.add_interface()
    target, filter_id = make(vpc, "Target", NetworkInterfaceId=vpc.add_interface()), make(vpc, "Filter")
    session(vpc, eni, target, filter_id)
    vpc.remove_interface(eni)
    assert not vpc.mirrors.sessions


def test_a_token_makes_one_thing_and_may_not_be_used_for_another(vpc):
    first = make(vpc, "Filter", ClientToken="t", Description="a")
    assert make(vpc, "Filter", ClientToken="t", Description="a") == first
    with refused("IdempotentParameterMismatch"):
        make(vpc, "Filter", ClientToken="t", Description="b")


def test_others_see_a_target_only_when_it_is_shared(vpc):
    target = make(vpc, "Target", NetworkInterfaceId=vpc.add_interface())
    other = vpc.api("210987654321")
    seen = other.call("ec2", "DescribeTrafficMirrorTargets")["TrafficMirrorTargets"]
    assert seen == []
    vpc.mirrors.shared[target] = {"210987654321"}
    seen = other.call("ec2", "DescribeTrafficMirrorTargets")["TrafficMirrorTargets"]
    assert [t["TrafficMirrorTargetId"] for t in seen] == [target]
    with refused("not allowed"):
        other.call("ec2", "DeleteTrafficMirrorTarget", TrafficMirrorTargetId=target)


def test_the_quota_of_the_account(vpc):
    vpc.mirrors.quota = 1
    make(vpc, "Filter")
    with refused("TrafficMirrorFilterLimitExceeded"):
        make(vpc, "Filter")


def test_parameters_that_the_api_does_not_know_are_a_bug(vpc):
    with pytest.raises(AssertionError, match="Colour"):
        vpc.api().call("ec2", "CreateTrafficMirrorFilter", Colour="red")
