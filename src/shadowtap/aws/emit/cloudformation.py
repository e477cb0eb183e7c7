"""A plan as a CloudFormation template, in JSON. Resource types: the AWS CloudFormation Template Reference."""

import json
from typing import Any

from shadowtap.aws.emit.stack import (
    IMAGE,
    LOG_ACTIONS,
    LOG_DAYS,
    PACKAGE_PATTERN,
    STATUS_PORT,
    URL_PATTERN,
    VXLAN_PORT,
    Shape,
    Stack,
    tags,
    user_data,
)
from shadowtap.aws.plan import Plan, Wanted
from shadowtap.aws.steps import Link
from shadowtap.aws.world import Rule

Node = dict[str, Any]
LINT_IPV6: Node = {"Metadata": {"cfn-lint": {"config": {"ignore_checks": ["E3002"]}}}}
"""cfn-lint takes every CIDR block of a filter rule for IPv4. The API and its documents take IPv6 as well ("Traffic
mirror filter concepts" has ::/0 in its example), so these rules, and only these, say that they know better."""


def template(plan: Plan, kind: str, resource: str, stack: Stack) -> str:
    """The template's text. `kind` and `resource` say the mirror target; a collector's own one replaces it."""
    resources: Node = {}
    if stack.shape is not Shape.NONE:
        resources |= _collector(plan, stack)
    target, made = _target(plan, kind, resource, stack)
    resources |= made
    for wanted in plan.filters:
        resources |= _filter(plan, wanted)
    for interface, link in plan.links:
        resources |= _session(plan, interface, link, target)
    document: Node = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"shadowtap: traffic mirror {plan.name}"
        + ("" if stack.shape is Shape.NONE else " and its collector"),
    }
    if stack.shape is not Shape.NONE:
        document["Parameters"] = _parameters(stack)
    document["Resources"] = resources
    document["Outputs"] = {
        "MirrorTarget": {"Description": "Where the copies go", "Value": target},
        **({"LogGroupName": {"Value": _ref("LogGroup")}} if "LogGroup" in resources else {}),
    }
    return json.dumps(document, indent=2) + "\n"


def _ref(name: str) -> Node:
    return {"Ref": name}


def _att(name: str, attribute: str) -> Node:
    return {"Fn::GetAtt": [name, attribute]}


def _named(values: dict[str, str]) -> list[Node]:
    return [{"Key": k, "Value": v} for k, v in sorted(values.items())]


def _word(text: str) -> str:
    """A logical id: letters and digits only."""
    return "".join(part.capitalize() for part in "".join(c if c.isalnum() else " " for c in text).split())


def _parameters(stack: Stack) -> Node:
    found: Node = {
        "VpcId": {"Type": "AWS::EC2::VPC::Id", "Description": "The collector's VPC"},
        "SourceNetwork": {
            "Type": "String",
            "Description": "Network (CIDR) of the mirrored interfaces, which send the copies",
            "AllowedPattern": r"^[0-9.]+/[0-9]+$",
        },
        "TargetUrl": {
            "Type": "String",
            "Description": "Where requests are replayed to, as in http://staging.internal:8080",
            "AllowedPattern": URL_PATTERN,
        },
        "TargetNetwork": {
            "Type": "String",
            "Description": "Network (CIDR) the replay target is in",
            "AllowedPattern": r"^[0-9.]+/[0-9]+$",
        },
        "TargetPort": {"Type": "Number", "Default": 80, "MinValue": 1, "MaxValue": 65535},
        "InstanceType": {"Type": "String", "Default": stack.instance_type},
        "ImageId": {"Type": "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", "Default": IMAGE},
        "Package": {
            "Type": "String",
            "Default": stack.package,
            "Description": "What pip installs on the collector",
            "AllowedPattern": PACKAGE_PATTERN,
        },
    }
    if stack.shape is Shape.GROUP:
        found["SubnetIds"] = {
            "Type": "List<AWS::EC2::Subnet::Id>",
            "Description": "Private subnets, one in each zone",
        }
        found["HealthNetwork"] = {
            "Type": "String",
            "Description": "Network (CIDR) of the VPC, from which the load balancer checks health",
            "AllowedPattern": r"^[0-9.]+/[0-9]+$",
        }
        found["MinSize"] = {"Type": "Number", "Default": 1}
        found["MaxSize"] = {"Type": "Number", "Default": 2}
    else:
        found["SubnetId"] = {"Type": "AWS::EC2::Subnet::Id", "Description": "A private subnet"}
    return found


def _collector(plan: Plan, stack: Stack) -> Node:
    resources: Node = {
        "LogGroup": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {"RetentionInDays": LOG_DAYS},
        },
        "CollectorRole": _role(),
        "CollectorProfile": {
            "Type": "AWS::IAM::InstanceProfile",
            "Properties": {"Roles": [_ref("CollectorRole")]},
        },
        "CollectorGroup": _security_group(stack),
    }
    if stack.shape is Shape.GROUP:
        return resources | _group(plan, stack)
    return resources | _instance(plan, stack)


def _role() -> Node:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": {"Fn::Sub": "ec2.${AWS::URLSuffix}"}},
                        "Action": "sts:AssumeRole",
                    }
                ],
            },
            "Policies": [
                {
                    "PolicyName": "write-log",
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Action": list(LOG_ACTIONS),
                                "Resource": _att("LogGroup", "Arn"),
                            }
                        ],
                    },
                }
            ],
        },
    }


def _security_group(stack: Stack) -> Node:
    ingress = [
        {
            "Description": "copies",
            "IpProtocol": "udp",
            "FromPort": VXLAN_PORT,
            "ToPort": VXLAN_PORT,
            "CidrIp": _ref("SourceNetwork"),
        }
    ]
    if stack.shape is Shape.GROUP:
        ingress.append(
            {
                "Description": "health checks",
                "IpProtocol": "tcp",
                "FromPort": STATUS_PORT,
                "ToPort": STATUS_PORT,
                "CidrIp": _ref("HealthNetwork"),
            }
        )
    return {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {
            "GroupDescription": "shadowtap collector",
            "VpcId": _ref("VpcId"),
            "SecurityGroupIngress": ingress,
            "SecurityGroupEgress": [
                {
                    "Description": "replay",
                    "IpProtocol": "tcp",
                    "FromPort": _ref("TargetPort"),
                    "ToPort": _ref("TargetPort"),
                    "CidrIp": _ref("TargetNetwork"),
                },
                {
                    "Description": "packages and logs",
                    "IpProtocol": "tcp",
                    "FromPort": 443,
                    "ToPort": 443,
                    "CidrIp": "0.0.0.0/0",
                },
            ],
        },
    }


def _script(stack: Stack) -> Node:
    text = user_data("${TargetUrl}", "${Package}", "${LogGroup}", stack.run_options)
    return {"Fn::Base64": {"Fn::Sub": text}}


def _group(plan: Plan, stack: Stack) -> Node:
    name = [{"Key": "Name", "Value": f"shadowtap-{plan.name}", "PropagateAtLaunch": True}]
    return {
        "CollectorTemplate": {
            "Type": "AWS::EC2::LaunchTemplate",
            "Properties": {
                "LaunchTemplateData": {
                    "ImageId": _ref("ImageId"),
                    "InstanceType": _ref("InstanceType"),
                    "IamInstanceProfile": {"Arn": _att("CollectorProfile", "Arn")},
                    "SecurityGroupIds": [_ref("CollectorGroup")],
                    "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
                    "UserData": _script(stack),
                }
            },
        },
        "LoadBalancer": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {
                "Type": "network",
                "Scheme": "internal",
                "Subnets": _ref("SubnetIds"),
                "LoadBalancerAttributes": [
                    {"Key": "load_balancing.cross_zone.enabled", "Value": "true"}
                ],
            },
        },
        "Collectors": {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {
                "VpcId": _ref("VpcId"),
                "Protocol": "UDP",
                "Port": VXLAN_PORT,
                "TargetType": "instance",
                "HealthCheckProtocol": "TCP",
                "HealthCheckPort": str(STATUS_PORT),
                "HealthCheckIntervalSeconds": 10,
                "HealthyThresholdCount": 2,
                "UnhealthyThresholdCount": 2,
            },
        },
        "Listener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": _ref("LoadBalancer"),
                "Protocol": "UDP",
                "Port": VXLAN_PORT,
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": _ref("Collectors")}],
            },
        },
        "CollectorScaling": {
            "Type": "AWS::AutoScaling::AutoScalingGroup",
            "UpdatePolicy": {"AutoScalingRollingUpdate": {"MinInstancesInService": 1}},
            "Properties": {
                "VPCZoneIdentifier": _ref("SubnetIds"),
                "MinSize": _ref("MinSize"),
                "MaxSize": _ref("MaxSize"),
                "TargetGroupARNs": [_ref("Collectors")],
                "HealthCheckType": "ELB",
                "HealthCheckGracePeriod": 300,
                "LaunchTemplate": {
                    "LaunchTemplateId": _ref("CollectorTemplate"),
                    "Version": _att("CollectorTemplate", "LatestVersionNumber"),
                },
                "Tags": name,
            },
        },
    }


def _instance(plan: Plan, stack: Stack) -> Node:
    return {
        "CollectorInterface": {
            "Type": "AWS::EC2::NetworkInterface",
            "Properties": {
                "SubnetId": _ref("SubnetId"),
                "GroupSet": [_ref("CollectorGroup")],
                "Description": "shadowtap collector",
            },
        },
        "Collector": {
            "Type": "AWS::EC2::Instance",
            "Properties": {
                "ImageId": _ref("ImageId"),
                "InstanceType": _ref("InstanceType"),
                "IamInstanceProfile": _ref("CollectorProfile"),
                "NetworkInterfaces": [
                    {"DeviceIndex": "0", "NetworkInterfaceId": _ref("CollectorInterface")}
                ],
                "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
                "UserData": _script(stack),
                "Tags": [{"Key": "Name", "Value": f"shadowtap-{plan.name}"}],
            },
        },
    }


def _target(plan: Plan, kind: str, resource: str, stack: Stack) -> tuple[Any, Node]:
    if kind == "tmt":
        return resource, {}
    properties: Node
    depends: Node = {}
    if stack.shape is Shape.GROUP:
        properties, depends = {"NetworkLoadBalancerArn": _ref("LoadBalancer")}, {"DependsOn": "Listener"}
    elif stack.shape is Shape.INSTANCE:
        properties, depends = {"NetworkInterfaceId": _ref("CollectorInterface")}, {"DependsOn": "Collector"}
    else:
        field = {
            "eni": "NetworkInterfaceId",
            "nlb": "NetworkLoadBalancerArn",
            "gwlbe": "GatewayLoadBalancerEndpointId",
        }[kind]
        properties = {field: resource}
    properties |= {
        "Description": f"shadowtap {plan.name}",
        "Tags": _named(tags(plan, f"target/{resource}")),
    }
    entry = {"Type": "AWS::EC2::TrafficMirrorTarget", **depends, "Properties": properties}
    return _ref("MirrorTarget"), {"MirrorTarget": entry}


def _filter(plan: Plan, wanted: Wanted) -> Node:
    name = _word(wanted.key)
    found: Node = {
        name: {
            "Type": "AWS::EC2::TrafficMirrorFilter",
            "Properties": {
                "Description": f"shadowtap {plan.name}",
                "Tags": _named(tags(plan, wanted.key)),
            },
        }
    }
    for rule in wanted.rules:
        found[f"{name}{rule.direction.capitalize()}{rule.number}"] = {
            "Type": "AWS::EC2::TrafficMirrorFilterRule",
            **(LINT_IPV6 if ":" in rule.source else {}),
            "Properties": {"TrafficMirrorFilterId": _ref(name), **_rule(rule)},
        }
    return found


def _rule(rule: Rule) -> Node:
    properties: Node = {
        "TrafficDirection": rule.direction,
        "RuleNumber": rule.number,
        "RuleAction": rule.action,
        "SourceCidrBlock": rule.source,
        "DestinationCidrBlock": rule.destination,
    }
    if rule.protocol is not None:
        properties["Protocol"] = rule.protocol
    for field, ports in (
        ("SourcePortRange", rule.source_ports),
        ("DestinationPortRange", rule.destination_ports),
    ):
        if ports is not None:
            properties[field] = {"FromPort": ports[0], "ToPort": ports[1]}
    return properties


def _session(plan: Plan, interface: str, link: Link, target: Any) -> Node:
    key = dict((s.interface.id, k) for s, k in plan.sources)[interface]
    properties: Node = {
        "NetworkInterfaceId": interface,
        "TrafficMirrorTargetId": target,
        "TrafficMirrorFilterId": _ref(_word(key)),
        "SessionNumber": link.number,
        "Description": f"shadowtap {plan.name}",
        "Tags": _named(tags(plan, f"session/{interface}")),
    }
    if link.vni is not None:
        properties["VirtualNetworkId"] = link.vni
    if link.packet_length is not None:
        properties["PacketLength"] = link.packet_length
    return {
        "Session" + _word(interface): {
            "Type": "AWS::EC2::TrafficMirrorSession",
            "Properties": properties,
        }
    }
