"""The collector in Terraform: variables and resources of either shape."""

from typing import Any

from shadowtap.aws.emit.hcl import Block, Expression, heredoc
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

CIDR_PATTERN = "^[0-9.]+/[0-9]+$"


def resource(kind: str, label: str, /, **body: Any) -> Block:
    return Block("resource", f"aws_{kind}", label, **body)


def _variable(name: str, about: str, kind: str = "string", pattern: str | None = None, **more: Any) -> Block:
    body: dict[str, Any] = {"description": about, "type": Expression(kind), **more}
    if pattern:
        escaped = pattern.replace("\\", "\\\\")
        body["validation"] = Block(
            "validation",
            condition=Expression(f'can(regex("{escaped}", var.{name}))'),
            error_message=f"{name} must match {pattern}",
        )
    return Block("variable", name, **body)


def variables(stack: Stack) -> list[Block]:
    found = [
        _variable("vpc_id", "The collector's VPC"),
        _variable("source_network", "Network (CIDR) of the mirrored interfaces", pattern=CIDR_PATTERN),
        _variable("target_url", "Where requests are replayed to", pattern=URL_PATTERN),
        _variable("target_network", "Network (CIDR) the replay target is in", pattern=CIDR_PATTERN),
        _variable("target_port", "Port of the replay target", "number", default=80),
        _variable("instance_type", "Type of the collector", default=stack.instance_type),
        _variable("package", "What pip installs on it", pattern=PACKAGE_PATTERN, default=stack.package),
    ]
    if stack.shape is Shape.GROUP:
        found += [
            _variable("subnet_ids", "Private subnets, one in each zone", "list(string)"),
            _variable("health_network", "Network (CIDR) of the VPC", pattern=CIDR_PATTERN),
            _variable("min_size", "Fewest collectors", "number", default=1),
            _variable("max_size", "Most collectors", "number", default=2),
        ]
    else:
        found.append(_variable("subnet_id", "A private subnet"))
    return found


def resources(plan: Plan, stack: Stack) -> list[Block]:
    name = f"shadowtap-{plan.name}"
    assume = (
        'jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole",'
        ' Principal = { Service = "ec2.amazonaws.com" } }] })'
    )
    actions = ", ".join(f'"{a}"' for a in LOG_ACTIONS)
    allow = (
        f'jsonencode({{ Version = "2012-10-17", Statement = [{{ Effect = "Allow", Action = [{actions}],'
        ' Resource = "${aws_cloudwatch_log_group.collector.arn}:*" }] })'
    )
    blocks = [
        Block("data", "aws_ssm_parameter", "image", name=IMAGE),
        resource("cloudwatch_log_group", "collector", name_prefix=f"{name}-", retention_in_days=LOG_DAYS),
        resource("iam_role", "collector", name_prefix=f"{name}-", assume_role_policy=Expression(assume)),
        resource(
            "iam_role_policy",
            "collector",
            name="write-log",
            role=Expression("aws_iam_role.collector.id"),
            policy=Expression(allow),
        ),
        resource(
            "iam_instance_profile",
            "collector",
            name_prefix=f"{name}-",
            role=Expression("aws_iam_role.collector.name"),
        ),
        *_security_group(name, stack),
    ]
    return blocks + (_group(name, stack) if stack.shape is Shape.GROUP else _instance(name, stack))


def _security_group(name: str, stack: Stack) -> list[Block]:
    group = Expression("aws_security_group.collector.id")

    def rule(way: str, label: str, protocol: str, port: Any, network: Any) -> Block:
        return resource(
            f"vpc_security_group_{way}_rule",
            label,
            security_group_id=group,
            description=label.replace("_", " "),
            ip_protocol=protocol,
            from_port=port,
            to_port=port,
            cidr_ipv4=network,
        )

    blocks = [
        resource(
            "security_group",
            "collector",
            name_prefix=f"{name}-",
            description="shadowtap collector",
            vpc_id=Expression("var.vpc_id"),
        ),
        rule("ingress", "copies", "udp", VXLAN_PORT, Expression("var.source_network")),
        rule("egress", "replay", "tcp", Expression("var.target_port"), Expression("var.target_network")),
        rule("egress", "packages_and_logs", "tcp", 443, "0.0.0.0/0"),
    ]
    if stack.shape is Shape.GROUP:
        blocks.append(rule("ingress", "health_checks", "tcp", STATUS_PORT, Expression("var.health_network")))
    return blocks


def _script(stack: Stack) -> Expression:
    script = user_data(
        "${var.target_url}", "${var.package}", "${aws_cloudwatch_log_group.collector.name}", stack.run_options
    )
    return heredoc(script)


def _metadata() -> Block:
    return Block("metadata_options", http_tokens="required", http_put_response_hop_limit=1)


def _group(name: str, stack: Stack) -> list[Block]:
    return [
        resource(
            "launch_template",
            "collector",
            name_prefix=f"{name}-",
            image_id=Expression("data.aws_ssm_parameter.image.value"),
            instance_type=Expression("var.instance_type"),
            vpc_security_group_ids=[Expression("aws_security_group.collector.id")],
            user_data=_script(stack),
            iam_instance_profile=Block(
                "iam_instance_profile", arn=Expression("aws_iam_instance_profile.collector.arn")
            ),
            metadata_options=_metadata(),
        ),
        resource(
            "lb",
            "collector",
            internal=True,
            load_balancer_type="network",
            subnets=Expression("var.subnet_ids"),
            enable_cross_zone_load_balancing=True,
        ),
        resource(
            "lb_target_group",
            "collector",
            vpc_id=Expression("var.vpc_id"),
            protocol="UDP",
            port=VXLAN_PORT,
            target_type="instance",
            health_check=Block(
                "health_check",
                protocol="TCP",
                port=str(STATUS_PORT),
                interval=10,
                healthy_threshold=2,
                unhealthy_threshold=2,
            ),
        ),
        resource(
            "lb_listener",
            "collector",
            load_balancer_arn=Expression("aws_lb.collector.arn"),
            protocol="UDP",
            port=VXLAN_PORT,
            default_action=Block(
                "default_action",
                type="forward",
                target_group_arn=Expression("aws_lb_target_group.collector.arn"),
            ),
        ),
        resource(
            "autoscaling_group",
            "collector",
            name_prefix=f"{name}-",
            vpc_zone_identifier=Expression("var.subnet_ids"),
            min_size=Expression("var.min_size"),
            max_size=Expression("var.max_size"),
            target_group_arns=[Expression("aws_lb_target_group.collector.arn")],
            health_check_type="ELB",
            health_check_grace_period=300,
            launch_template=Block(
                "launch_template",
                id=Expression("aws_launch_template.collector.id"),
                version=Expression("aws_launch_template.collector.latest_version"),
            ),
            instance_refresh=Block("instance_refresh", strategy="Rolling"),
            tag=Block("tag", key="Name", value=name, propagate_at_launch=True),
        ),
    ]


def _instance(name: str, stack: Stack) -> list[Block]:
    return [
        resource(
            "network_interface",
            "collector",
            subnet_id=Expression("var.subnet_id"),
            security_groups=[Expression("aws_security_group.collector.id")],
            description="shadowtap collector",
        ),
        resource(
            "instance",
            "collector",
            ami=Expression("data.aws_ssm_parameter.image.value"),
            instance_type=Expression("var.instance_type"),
            iam_instance_profile=Expression("aws_iam_instance_profile.collector.name"),
            user_data_base64=_script(stack),
            network_interface=Block(
                "network_interface",
                device_index=0,
                network_interface_id=Expression("aws_network_interface.collector.id"),
            ),
            metadata_options=_metadata(),
            tags={"Name": name},
        ),
    ]
