"""A plan as Terraform configuration. Resources and arguments: the registry pages of provider hashicorp/aws 5."""

from typing import Any

from shadowtap.aws.emit.hcl import Block, Expression, heredoc, text
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
from shadowtap.aws.world import PortRange, Rule

CIDR_PATTERN = "^[0-9.]+/[0-9]+$"


def configuration(plan: Plan, kind: str, resource: str, stack: Stack) -> str:
    """The text of a .tf file. `kind` and `resource` say the mirror target; a collector's own one replaces it."""
    blocks = [
        Block(
            "terraform",
            required_version=">= 1.3",
            required_providers=Block(
                "required_providers", aws={"source": "hashicorp/aws", "version": ">= 5.0"}
            ),
        ),
        Block("provider", "aws", region=plan.region),
    ]
    if stack.shape is not Shape.NONE:
        blocks += _variables(stack)
        blocks += _collector(plan, stack)
    target, made = _target(plan, kind, resource, stack)
    blocks += made
    for wanted in plan.filters:
        blocks += _filter(plan, wanted)
    blocks += [_session(plan, interface, link, target) for interface, link in plan.links]
    blocks.append(Block("output", "mirror_target", value=target))
    return text(blocks)


def _word(value: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in value)


def _resource(kind: str, label: str, /, **body: Any) -> Block:
    return Block("resource", f"aws_{kind}", label, **body)


def _variable(
    name: str, about: str, kind: str = "string", pattern: str | None = None, **more: Any
) -> Block:
    body: dict[str, Any] = {"description": about, "type": Expression(kind), **more}
    if pattern:
        escaped = pattern.replace("\\", "\\\\")
        body["validation"] = Block(
            "validation",
            condition=Expression(f'can(regex("{escaped}", var.{name}))'),
            error_message=f"{name} must match {pattern}",
        )
    return Block("variable", name, **body)


def _variables(stack: Stack) -> list[Block]:
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


def _collector(plan: Plan, stack: Stack) -> list[Block]:
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
        _resource("cloudwatch_log_group", "collector", name_prefix=f"{name}-", retention_in_days=LOG_DAYS),
        _resource("iam_role", "collector", name_prefix=f"{name}-", assume_role_policy=Expression(assume)),
        _resource(
            "iam_role_policy",
            "collector",
            name="write-log",
            role=Expression("aws_iam_role.collector.id"),
            policy=Expression(allow),
        ),
        _resource(
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
        return _resource(
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
        _resource(
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
        _resource(
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
        _resource(
            "lb",
            "collector",
            internal=True,
            load_balancer_type="network",
            subnets=Expression("var.subnet_ids"),
            enable_cross_zone_load_balancing=True,
        ),
        _resource(
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
        _resource(
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
        _resource(
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
        _resource(
            "network_interface",
            "collector",
            subnet_id=Expression("var.subnet_id"),
            security_groups=[Expression("aws_security_group.collector.id")],
            description="shadowtap collector",
        ),
        _resource(
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


def _target(plan: Plan, kind: str, resource: str, stack: Stack) -> tuple[Any, list[Block]]:
    if kind == "tmt":
        return resource, []
    body: dict[str, Any]
    if stack.shape is Shape.GROUP:
        body = {
            "network_load_balancer_arn": Expression("aws_lb.collector.arn"),
            "depends_on": [Expression("aws_lb_listener.collector")],
        }
    elif stack.shape is Shape.INSTANCE:
        body = {
            "network_interface_id": Expression("aws_network_interface.collector.id"),
            "depends_on": [Expression("aws_instance.collector")],
        }
    else:
        field = {
            "eni": "network_interface_id",
            "nlb": "network_load_balancer_arn",
            "gwlbe": "gateway_load_balancer_endpoint_id",
        }[kind]
        body = {field: resource}
    block = _resource(
        "ec2_traffic_mirror_target",
        "target",
        description=f"shadowtap {plan.name}",
        **body,
        tags=tags(plan, f"target/{resource}"),
    )
    return Expression("aws_ec2_traffic_mirror_target.target.id"), [block]


def _filter(plan: Plan, wanted: Wanted) -> list[Block]:
    name = _word(wanted.key)
    made = _resource(
        "ec2_traffic_mirror_filter",
        name,
        description=f"shadowtap {plan.name}",
        tags=tags(plan, wanted.key),
    )
    return [made, *(_rule(name, rule) for rule in wanted.rules)]


def _rule(name: str, rule: Rule) -> Block:
    def ports(kind: str, values: PortRange | None) -> dict[str, Any]:
        return {} if values is None else {kind: Block(kind, from_port=values[0], to_port=values[1])}

    return _resource(
        "ec2_traffic_mirror_filter_rule",
        f"{name}_{rule.direction}_{rule.number}",
        traffic_mirror_filter_id=Expression(f"aws_ec2_traffic_mirror_filter.{name}.id"),
        traffic_direction=rule.direction,
        rule_number=rule.number,
        rule_action=rule.action,
        source_cidr_block=rule.source,
        destination_cidr_block=rule.destination,
        **({} if rule.protocol is None else {"protocol": rule.protocol}),
        **ports("source_port_range", rule.source_ports),
        **ports("destination_port_range", rule.destination_ports),
    )


def _session(plan: Plan, interface: str, link: Link, target: Any) -> Block:
    key = dict((s.interface.id, k) for s, k in plan.sources)[interface]
    return _resource(
        "ec2_traffic_mirror_session",
        _word(interface),
        description=f"shadowtap {plan.name}",
        network_interface_id=interface,
        traffic_mirror_target_id=target,
        traffic_mirror_filter_id=Expression(f"aws_ec2_traffic_mirror_filter.{_word(key)}.id"),
        session_number=link.number,
        **({} if link.vni is None else {"virtual_network_id": link.vni}),
        **({} if link.packet_length is None else {"packet_length": link.packet_length}),
        tags=tags(plan, f"session/{interface}"),
    )
