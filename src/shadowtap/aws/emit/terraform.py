"""A plan as Terraform configuration. Resources and arguments: the registry pages of provider hashicorp/aws 5."""

from typing import Any

from shadowtap.aws.emit import terraform_collector as collector
from shadowtap.aws.emit.hcl import Block, Expression, text
from shadowtap.aws.emit.stack import Shape, Stack, tags
from shadowtap.aws.emit.terraform_collector import resource as resource_block
from shadowtap.aws.plan import Plan, Wanted
from shadowtap.aws.steps import Link
from shadowtap.aws.world import PortRange, Rule


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
        blocks += collector.variables(stack)
        blocks += collector.resources(plan, stack)
    target, made = _target(plan, kind, resource, stack)
    blocks += made
    for wanted in plan.filters:
        blocks += _filter(plan, wanted)
    blocks += [_session(plan, interface, link, target) for interface, link in plan.links]
    blocks.append(Block("output", "mirror_target", value=target))
    return text(blocks)


def _word(value: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in value)


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
    block = resource_block(
        "ec2_traffic_mirror_target",
        "target",
        description=f"shadowtap {plan.name}",
        **body,
        tags=tags(plan, f"target/{resource}"),
    )
    return Expression("aws_ec2_traffic_mirror_target.target.id"), [block]


def _filter(plan: Plan, wanted: Wanted) -> list[Block]:
    name = _word(wanted.key)
    made = resource_block(
        "ec2_traffic_mirror_filter",
        name,
        description=f"shadowtap {plan.name}",
        tags=tags(plan, wanted.key),
    )
    return [made, *(_rule(name, rule) for rule in wanted.rules)]


def _rule(name: str, rule: Rule) -> Block:
    def ports(kind: str, values: PortRange | None) -> dict[str, Any]:
        return {} if values is None else {kind: Block(kind, from_port=values[0], to_port=values[1])}

    return resource_block(
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
    key = {s.interface.id: k for s, k in plan.sources}[interface]
    return resource_block(
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
