"""The least IAM policy each command needs, by action and resource.

Actions, their resource types and condition keys: "Actions, resources, and condition keys for Amazon EC2" (and for
the other services) in the Service Authorization Reference. What is created must carry the mirror's tag in the same
call, and only what carries it can be changed or deleted: the policy itself keeps others' mirrors safe.
"""

from collections.abc import Iterable
from typing import Any

from shadowtap.aws.world import OWNER_TAG

Statement = dict[str, Any]

READS = (
    "ec2:DescribeTrafficMirrorFilterRules",
    "ec2:DescribeTrafficMirrorFilters",
    "ec2:DescribeTrafficMirrorSessions",
    "ec2:DescribeTrafficMirrorTargets",
    "sts:GetCallerIdentity",
)
INTERFACES = ("ec2:DescribeNetworkInterfaces",)
SOURCES = {
    "alb": (
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
    ),
    "clb": ("elasticloadbalancing:DescribeLoadBalancers",),
    "nlb": (
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
    ),
    "target-group": (
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
    ),
    "asg": ("autoscaling:DescribeAutoScalingGroups",),
    "ecs": (
        "ecs:DescribeContainerInstances",
        "ecs:DescribeServices",
        "ecs:DescribeTasks",
        "ecs:ListClusters",
        "ecs:ListServices",
        "ecs:ListTasks",
    ),
    "eks": (),
    "eni": (),
    "instance": ("ec2:DescribeInstances",),
    "tag": ("ec2:DescribeInstances",),
}
"""What finding a kind of source takes, besides the interfaces."""
TARGETS = {
    "eni": ("ec2:DescribeInstances", "ec2:DescribeSecurityGroups"),
    "nlb": (
        "ec2:DescribeSecurityGroups",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
    ),
    "gwlbe": ("ec2:DescribeVpcEndpoints",),
    "tmt": (),
}
SHARING_READS = ("ram:GetResourceShares",)
COMMANDS = ("plan", "up", "watch", "down", "status", "emit", "doctor", "policy")


def policy(
    command: str,
    *,
    sources: Iterable[str] | None = None,
    targets: Iterable[str] | None = None,
    name: str = "*",
    queue: bool = False,
    share: bool = False,
    partition: str = "aws",
) -> dict[str, Any]:
    """A policy document. Without kinds it allows every kind of source and target."""
    asked = tuple(SOURCES if sources is None else sources), tuple(TARGETS if targets is None else targets)
    statements: list[Statement] = []
    if command in {"plan", "up", "watch", "emit"}:
        statements.append(_reading([*READS, *SHARING_READS, *_looking(*asked)]))
    if command == "down":
        statements.append(_reading([*READS, *SHARING_READS]))
    if command == "status":
        found = [a for kind in asked[1] for a in TARGETS[kind]]
        statements.append(_reading([*READS, *INTERFACES, *found, "cloudwatch:GetMetricData"]))
    if command == "doctor":
        statements.append(_reading([*READS, *INTERFACES]))
    if command in {"up", "watch"}:
        statements += _creating(name, partition)
    if command in {"up", "watch", "down"}:
        statements += _removing(name, partition)
    if share and command in {"up", "watch", "down"}:
        statements += _sharing(command, name)
    if queue and command == "watch":
        actions = ["sqs:DeleteMessage", "sqs:ReceiveMessage"]
        statements.append(
            {"Sid": "Events", "Effect": "Allow", "Action": actions, "Resource": f"arn:{partition}:sqs:*:*:*"}
        )
    return {"Version": "2012-10-17", "Statement": statements}


def _looking(sources: Iterable[str], targets: Iterable[str]) -> list[str]:
    return [
        *INTERFACES,
        *(a for kind in sources for a in SOURCES[kind]),
        *(a for kind in targets for a in TARGETS[kind]),
    ]


def _reading(actions: Iterable[str]) -> Statement:
    """Describe calls know no resources."""
    return {"Sid": "Look", "Effect": "Allow", "Action": sorted(set(actions)), "Resource": "*"}


def _arns(partition: str, *kinds: str) -> list[str]:
    return [f"arn:{partition}:ec2:*:*:{kind}/*" for kind in kinds]


def _creating(name: str, partition: str) -> list[Statement]:
    tagged = {"StringLike": {f"aws:RequestTag/{OWNER_TAG}": name}}
    owned = (
        "traffic-mirror-filter",
        "traffic-mirror-filter-rule",
        "traffic-mirror-session",
        "traffic-mirror-target",
    )
    creations = [
        "ec2:CreateTrafficMirrorFilter",
        "ec2:CreateTrafficMirrorFilterRule",
        "ec2:CreateTrafficMirrorSession",
        "ec2:CreateTrafficMirrorTarget",
    ]
    return [
        {
            "Sid": "Create",
            "Effect": "Allow",
            "Action": creations,
            "Resource": _arns(partition, *owned),
            "Condition": tagged,
        },
        {
            "Sid": "CreateFrom",
            "Effect": "Allow",
            "Action": [c for c in creations if c != "ec2:CreateTrafficMirrorFilter"],
            "Resource": _arns(
                partition,
                "network-interface",
                "traffic-mirror-filter",
                "traffic-mirror-target",
                "vpc-endpoint",
            ),
        },
        {
            "Sid": "TagWhatIsCreated",
            "Effect": "Allow",
            "Action": ["ec2:CreateTags"],
            "Resource": _arns(partition, *owned),
            "Condition": {
                "StringEquals": {"ec2:CreateAction": [c.removeprefix("ec2:") for c in creations]},
            },
        },
        {
            "Sid": "ChangeOwned",
            "Effect": "Allow",
            "Action": [
                "ec2:ModifyTrafficMirrorFilterNetworkServices",
                "ec2:ModifyTrafficMirrorFilterRule",
                "ec2:ModifyTrafficMirrorSession",
            ],
            "Resource": _arns(partition, *owned),
            "Condition": {"StringLike": {f"aws:ResourceTag/{OWNER_TAG}": name}},
        },
        {
            "Sid": "ChangeTo",
            "Effect": "Allow",
            "Action": ["ec2:ModifyTrafficMirrorSession"],
            "Resource": _arns(partition, "traffic-mirror-filter", "traffic-mirror-target"),
        },
    ]


def _removing(name: str, partition: str) -> list[Statement]:
    return [
        {
            "Sid": "DeleteOwned",
            "Effect": "Allow",
            "Action": [
                "ec2:DeleteTrafficMirrorFilter",
                "ec2:DeleteTrafficMirrorFilterRule",
                "ec2:DeleteTrafficMirrorSession",
                "ec2:DeleteTrafficMirrorTarget",
            ],
            "Resource": _arns(
                partition,
                "traffic-mirror-filter",
                "traffic-mirror-filter-rule",
                "traffic-mirror-session",
                "traffic-mirror-target",
            ),
            "Condition": {"StringLike": {f"aws:ResourceTag/{OWNER_TAG}": name}},
        }
    ]


def _sharing(command: str, name: str) -> list[Statement]:
    found: list[Statement] = []
    if command != "down":
        found.append(
            {
                "Sid": "Share",
                "Effect": "Allow",
                "Action": ["ram:CreateResourceShare", "ram:TagResource"],
                "Resource": "*",
                "Condition": {"StringLike": {f"aws:RequestTag/{OWNER_TAG}": name}},
            }
        )
    found.append(
        {
            "Sid": "Unshare",
            "Effect": "Allow",
            "Action": ["ram:DeleteResourceShare"],
            "Resource": "*",
            "Condition": {"StringLike": {f"aws:ResourceTag/{OWNER_TAG}": name}},
        }
    )
    return found


def actions(document: dict[str, Any]) -> set[str]:
    """Every action a document allows."""
    return {a for s in document["Statement"] for a in s["Action"]}
