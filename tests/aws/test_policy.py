"""The policies hold exactly what the commands call: nothing is missing, nothing is too much."""

import json

import pytest

from aws import scenes
from aws.vpc import Vpc
from shadowtap.aws import policy, read
from shadowtap.aws.api import action_of
from shadowtap.aws.apply import Applier
from shadowtap.aws.plan import plan
from shadowtap.aws.removal import removal
from shadowtap.aws.status import status

ALWAYS = {"sts:GetCallerIdentity", "ec2:CreateTags", "ram:TagResource"}
"""Needed without a call of that name: boto's first question, and tags that come with a creation."""


def called(vpc):
    return {action_of(*call.split(":")) for call in vpc.calls}


def scene(kind):
    vpc = Vpc(rules_in_filters=False)
    _, behind = scenes.alb(vpc, (443, "HTTPS"))
    vpc.classics["old"] = {"LoadBalancerName": "old", "ListenerDescriptions": []}
    vpc.add_interface(description="ELB old")
    edge = vpc.add_balancer("edge", "network")
    vpc.register(vpc.add_target_group("edge", edge), behind[0][0])
    vpc.services["prod", "api"] = {"status": "ACTIVE"}
    vpc.tasks["prod", "api"] = [{"taskArn": "t", "containerInstanceArn": f"x/{behind[0][0]}"}]
    scenes.servers(vpc)
    vpc.api().call("ec2", "CreateTrafficMirrorFilter")
    vpc.calls.clear()
    named = {
        "alb": "alb:web",
        "clb": "clb:old",
        "nlb": "nlb:edge",
        "asg": "asg:web",
        "ecs": "ecs:prod/api",
        "eks": f"eks:{next(iter(vpc.interfaces.values()))['PrivateIpAddress']}",
        "instance": "instance:web-0",
        "eni": f"eni:{next(iter(vpc.interfaces))}",
        "tag": "tag:Name=web-0",
        "target-group": "target-group:edge",
    }
    return vpc, named[kind]


def target(vpc, kind):
    if kind == "eni":
        return "eni:" + scenes.collector(vpc)
    if kind == "nlb":
        return "nlb:" + scenes.nlb(vpc)
    if kind == "gwlbe":
        vpc.endpoints["vpce-1"] = {"VpcEndpointId": "vpce-1", "VpcEndpointType": "GatewayLoadBalancer"}
        return "gwlbe:vpce-1"
    made = vpc.api().call("ec2", "CreateTrafficMirrorTarget", NetworkInterfaceId=vpc.add_interface())
    vpc.calls.clear()
    return "tmt:" + made["TrafficMirrorTarget"]["TrafficMirrorTargetId"]


@pytest.mark.parametrize("kind", policy.SOURCES)
def test_plan_needs_what_its_policy_says(kind):
    vpc, named = scene(kind)
    scenes.planned(vpc, [named], target(vpc, "eni"))
    allowed = policy.actions(policy.policy("plan", sources=[kind], targets=["eni"]))
    candidates = {"ecs:ListServices", "ecs:DescribeContainerInstances"}
    assert called(vpc) <= allowed
    assert allowed - called(vpc) <= ALWAYS | candidates


@pytest.mark.parametrize("kind", policy.TARGETS)
def test_up_status_and_down_need_what_their_policies_say(kind):
    vpc, named = scene("asg")
    to = target(vpc, kind)
    share = ("210987654321",)
    found = scenes.found(vpc, [named], to, share_with=share)
    assert Applier(found.api, plan(found.desired, found.world), run="1").apply().ok
    found = scenes.found(vpc, [named], to, ports=((8080, 8080),), share_with=share)
    assert Applier(found.api, plan(found.desired, found.world), run="2").apply().ok
    allowed = policy.actions(policy.policy("up", sources=["asg"], targets=[kind], share=True))
    assert called(vpc) <= allowed
    rare = {
        "ec2:ModifyTrafficMirrorFilterNetworkServices",
        "ec2:ModifyTrafficMirrorFilterRule",
        "ec2:DeleteTrafficMirrorSession",
        "ec2:DeleteTrafficMirrorTarget",
        "ec2:DescribeSecurityGroups",
        "ram:DeleteResourceShare",
        "ram:CreateResourceShare",
        "ec2:CreateTrafficMirrorTarget",
        "elasticloadbalancing:DescribeTargetHealth",
    }
    assert allowed - called(vpc) <= ALWAYS | rare

    vpc.calls.clear()
    from datetime import UTC, datetime

    status(found.api, "shadowtap", datetime(2026, 11, 22, tzinfo=UTC))
    every = policy.actions(policy.policy("status"))
    assert called(vpc) <= every

    vpc.calls.clear()
    todo = removal("shadowtap", read.world(found.api, shares=True))
    assert Applier(found.api, todo, run="3").apply().ok
    assert called(vpc) <= policy.actions(policy.policy("down", share=True))
    assert not any(a.startswith(("ec2:Create", "ec2:Modify")) for a in policy.actions(policy.policy("down")))


def test_who_may_only_look_may_change_nothing():
    for command in ("plan", "status", "emit", "doctor"):
        assert all(
            ":Describe" in a or ":Get" in a or ":List" in a for a in policy.actions(policy.policy(command))
        )


def test_what_changes_is_bound_to_the_tag():
    for command in ("up", "watch", "down"):
        document = policy.policy(command, name="web", queue=True, share=True)
        for statement in document["Statement"]:
            deletes = [a for a in statement["Action"] if "Delete" in a and "sqs" not in a]
            if deletes:
                assert statement["Condition"] == {"StringLike": {"aws:ResourceTag/shadowtap:mirror": "web"}}
        json.dumps(document)


def test_policies_have_the_form_of_policies():
    for command in policy.COMMANDS:
        document = policy.policy(command, queue=True, share=True, partition="aws-cn")
        assert document["Version"] == "2012-10-17"
        sids = [s["Sid"] for s in document["Statement"]]
        assert len(set(sids)) == len(sids)
        for statement in document["Statement"]:
            assert set(statement) <= {"Sid", "Effect", "Action", "Resource", "Condition"}
            resources = statement["Resource"]
            for resource in [resources] if isinstance(resources, str) else resources:
                assert resource == "*" or resource.startswith("arn:aws-cn:")
