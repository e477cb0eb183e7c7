"""The collector in CloudFormation: parameters and resources of either shape."""

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
    user_data,
)
from shadowtap.aws.plan import Plan

Node = dict[str, Any]


def ref(name: str) -> Node:
    return {"Ref": name}


def _att(name: str, attribute: str) -> Node:
    return {"Fn::GetAtt": [name, attribute]}


def parameters(stack: Stack) -> Node:
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


def resources(plan: Plan, stack: Stack) -> Node:
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
            "Properties": {"Roles": [ref("CollectorRole")]},
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
            "CidrIp": ref("SourceNetwork"),
        }
    ]
    if stack.shape is Shape.GROUP:
        ingress.append(
            {
                "Description": "health checks",
                "IpProtocol": "tcp",
                "FromPort": STATUS_PORT,
                "ToPort": STATUS_PORT,
                "CidrIp": ref("HealthNetwork"),
            }
        )
    return {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {
            "GroupDescription": "shadowtap collector",
            "VpcId": ref("VpcId"),
            "SecurityGroupIngress": ingress,
            "SecurityGroupEgress": [
                {
                    "Description": "replay",
                    "IpProtocol": "tcp",
                    "FromPort": ref("TargetPort"),
                    "ToPort": ref("TargetPort"),
                    "CidrIp": ref("TargetNetwork"),
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
                    "ImageId": ref("ImageId"),
                    "InstanceType": ref("InstanceType"),
                    "IamInstanceProfile": {"Arn": _att("CollectorProfile", "Arn")},
                    "SecurityGroupIds": [ref("CollectorGroup")],
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
                "Subnets": ref("SubnetIds"),
                "LoadBalancerAttributes": [{"Key": "load_balancing.cross_zone.enabled", "Value": "true"}],
            },
        },
        "Collectors": {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {
                "VpcId": ref("VpcId"),
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
                "LoadBalancerArn": ref("LoadBalancer"),
                "Protocol": "UDP",
                "Port": VXLAN_PORT,
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": ref("Collectors")}],
            },
        },
        "CollectorScaling": {
            "Type": "AWS::AutoScaling::AutoScalingGroup",
            "UpdatePolicy": {"AutoScalingRollingUpdate": {"MinInstancesInService": 1}},
            "Properties": {
                "VPCZoneIdentifier": ref("SubnetIds"),
                "MinSize": ref("MinSize"),
                "MaxSize": ref("MaxSize"),
                "TargetGroupARNs": [ref("Collectors")],
                "HealthCheckType": "ELB",
                "HealthCheckGracePeriod": 300,
                "LaunchTemplate": {
                    "LaunchTemplateId": ref("CollectorTemplate"),
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
                "SubnetId": ref("SubnetId"),
                "GroupSet": [ref("CollectorGroup")],
                "Description": "shadowtap collector",
            },
        },
        "Collector": {
            "Type": "AWS::EC2::Instance",
            "Properties": {
                "ImageId": ref("ImageId"),
                "InstanceType": ref("InstanceType"),
                "IamInstanceProfile": ref("CollectorProfile"),
                "NetworkInterfaces": [{"DeviceIndex": "0", "NetworkInterfaceId": ref("CollectorInterface")}],
                "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
                "UserData": _script(stack),
                "Tags": [{"Key": "Name", "Value": f"shadowtap-{plan.name}"}],
            },
        },
    }
