"""What is emitted is what `up` would make, in a form that CloudFormation and Terraform take."""

import json
import re

import hcl2
import pytest
from cfnlint.api import ManualArgs, lint

from aws import scenes
from aws.backend import REGION
from aws.vpc import Vpc
from shadowtap.aws.emit import cloudformation, hcl, terraform
from shadowtap.aws.emit.stack import Shape, Stack
from shadowtap.aws.names import Selector
from shadowtap.aws.plan import plan
from shadowtap.aws.wish import Wish, look

TERRAFORM = {
    "aws_ec2_traffic_mirror_target": (
        set(),
        {
            "description",
            "network_interface_id",
            "network_load_balancer_arn",
            "gateway_load_balancer_endpoint_id",
            "tags",
        },
    ),
    "aws_ec2_traffic_mirror_filter": (set(), {"description", "network_services", "tags"}),
    "aws_ec2_traffic_mirror_filter_rule": (
        {
            "traffic_mirror_filter_id",
            "destination_cidr_block",
            "source_cidr_block",
            "rule_action",
            "rule_number",
            "traffic_direction",
        },
        {"description", "protocol", "destination_port_range", "source_port_range"},
    ),
    "aws_ec2_traffic_mirror_session": (
        {"network_interface_id", "session_number", "traffic_mirror_filter_id", "traffic_mirror_target_id"},
        {"description", "packet_length", "virtual_network_id", "tags"},
    ),
    "aws_cloudwatch_log_group": (set(), {"name", "name_prefix", "retention_in_days", "tags"}),
    "aws_iam_role": ({"assume_role_policy"}, {"name", "name_prefix", "tags"}),
    "aws_iam_role_policy": ({"role", "policy"}, {"name", "name_prefix"}),
    "aws_iam_instance_profile": (set(), {"name", "name_prefix", "role", "tags"}),
    "aws_security_group": (set(), {"name", "name_prefix", "description", "vpc_id", "tags"}),
    "aws_vpc_security_group_ingress_rule": (
        {"ip_protocol", "security_group_id"},
        {"cidr_ipv4", "cidr_ipv6", "description", "from_port", "to_port", "tags"},
    ),
    "aws_vpc_security_group_egress_rule": (
        {"ip_protocol", "security_group_id"},
        {"cidr_ipv4", "cidr_ipv6", "description", "from_port", "to_port", "tags"},
    ),
    "aws_launch_template": (
        set(),
        {
            "name",
            "name_prefix",
            "image_id",
            "instance_type",
            "vpc_security_group_ids",
            "user_data",
            "iam_instance_profile",
            "metadata_options",
            "tags",
        },
    ),
    "aws_lb": (
        set(),
        {"name", "internal", "load_balancer_type", "subnets", "enable_cross_zone_load_balancing", "tags"},
    ),
    "aws_lb_target_group": (
        set(),
        {"name", "name_prefix", "port", "protocol", "target_type", "vpc_id", "health_check", "tags"},
    ),
    "aws_lb_listener": ({"default_action", "load_balancer_arn"}, {"port", "protocol", "tags"}),
    "aws_autoscaling_group": (
        {"min_size", "max_size"},
        {
            "name",
            "name_prefix",
            "vpc_zone_identifier",
            "target_group_arns",
            "health_check_type",
            "health_check_grace_period",
            "launch_template",
            "instance_refresh",
            "tag",
        },
    ),
    "aws_network_interface": ({"subnet_id"}, {"security_groups", "description", "tags"}),
    "aws_instance": (
        set(),
        {
            "ami",
            "instance_type",
            "iam_instance_profile",
            "user_data_base64",
            "network_interface",
            "metadata_options",
            "tags",
        },
    ),
}
"""Required and optional arguments, from the pages of provider hashicorp/aws."""
BLOCKS = {
    "destination_port_range": {"from_port", "to_port"},
    "source_port_range": {"from_port", "to_port"},
    "health_check": {"protocol", "port", "interval", "healthy_threshold", "unhealthy_threshold"},
    "default_action": {"type", "target_group_arn"},
    "launch_template": {"id", "version"},
    "instance_refresh": {"strategy"},
    "tag": {"key", "value", "propagate_at_launch"},
    "iam_instance_profile": {"arn"},
    "metadata_options": {"http_tokens", "http_put_response_hop_limit"},
    "network_interface": {"device_index", "network_interface_id"},
}
META = {"depends_on", "__is_block__"}


def emitted(writer, shape, **more):
    vpc = Vpc()
    scenes.servers(vpc, 3)
    stack = Stack(shape=shape)
    if shape is Shape.NONE:
        scenes.nlb(vpc)
        wish = scenes.wish(["asg:web"], more.pop("to", "nlb:collectors"), **more)
    else:
        wish = Wish(
            sources=scenes.wish(["asg:web"], "eni:x").sources,
            targets=(Selector("stack", stack.target_kind),),
            **more,
        )
    (found,) = look(wish, lambda place: vpc.api())
    todo = plan(found.desired, found.world)
    there = found.desired.destination
    return todo, writer(todo, there.kind, there.resource, stack)


@pytest.mark.parametrize("shape", Shape)
def test_cloudformation_passes_cfn_lint(shape):
    _, text = emitted(cloudformation.template, shape, ports=((80, 80), (8080, 8081)))
    matches = lint(text, config=ManualArgs(regions=[REGION]))
    assert [str(m) for m in matches] == []


def resources(text):
    document = json.loads(text)
    found = {}
    for name, entry in document["Resources"].items():
        found.setdefault(entry["Type"], {})[name] = entry["Properties"]
    return found


@pytest.mark.parametrize("shape", Shape)
def test_cloudformation_says_what_the_plan_says(shape):
    todo, text = emitted(cloudformation.template, shape)
    made = resources(text)
    sessions = {s["NetworkInterfaceId"]: s for s in made["AWS::EC2::TrafficMirrorSession"].values()}
    assert set(sessions) == {eni for eni, _ in todo.links}
    for eni, link in todo.links:
        assert sessions[eni]["SessionNumber"] == link.number
        assert sessions[eni]["VirtualNetworkId"] == link.vni
        assert sessions[eni].get("PacketLength") == link.packet_length
    assert len(made["AWS::EC2::TrafficMirrorFilterRule"]) == len(todo.filters[0].rules)


def test_the_collector_is_complete():
    made = resources(emitted(cloudformation.template, Shape.GROUP)[1])
    (listener,) = made["AWS::ElasticLoadBalancingV2::Listener"].values()
    assert (listener["Protocol"], listener["Port"]) == ("UDP", 4789)
    (group,) = made["AWS::ElasticLoadBalancingV2::TargetGroup"].values()
    assert (group["HealthCheckProtocol"], group["HealthCheckPort"]) == ("TCP", "9090")
    (balancer,) = made["AWS::ElasticLoadBalancingV2::LoadBalancer"].values()
    assert (balancer["Scheme"], balancer["Type"]) == ("internal", "network")
    assert {"Key": "load_balancing.cross_zone.enabled", "Value": "true"} in balancer["LoadBalancerAttributes"]
    (role,) = made["AWS::IAM::Role"].values()
    (statement,) = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert all(a.startswith("logs:") for a in statement["Action"])
    assert statement["Resource"] != "*"
    for kind in ("AWS::Logs::LogGroup", "AWS::AutoScaling::AutoScalingGroup", "AWS::EC2::SecurityGroup"):
        assert len(made[kind]) == 1
    (template,) = made["AWS::EC2::LaunchTemplate"].values()
    script = template["LaunchTemplateData"]["UserData"]["Fn::Base64"]["Fn::Sub"]
    assert "shadowtap run --from vxlan://0.0.0.0:4789 --to ${TargetUrl} --status 0.0.0.0:9090" in script
    assert set(re.findall(r"\$\{(\w+)\}", script)) == {"TargetUrl", "Package", "LogGroup"}


def test_the_script_is_a_script(tmp_path):
    import subprocess

    from shadowtap.aws.emit.stack import user_data

    file = tmp_path / "user-data"
    file.write_text(user_data("http://staging:8080", "shadowtap", "logs", ""))
    assert subprocess.run(["bash", "-n", str(file)], check=False).returncode == 0
    settings = re.search(r"shadowtap\.json <<'END'\n(.*)\nEND", file.read_text())
    (watched,) = json.loads(settings[1])["logs"]["logs_collected"]["files"]["collect_list"]
    assert watched["log_stream_name"] == "{instance_id}"


def plain(value):
    """hcl2 keeps the quotes of keys and strings."""
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items() if k != "__is_block__"}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, str) and value[:1] == '"' == value[-1:]:
        return value[1:-1]
    return value


@pytest.mark.parametrize("shape", Shape)
def test_terraform_is_well_formed_and_complete(shape):
    todo, text = emitted(terraform.configuration, shape, ports=((80, 80), (8080, 8081)))
    document = plain(hcl2.loads(text))
    declared = {name for entry in document.get("variable", ()) for name in entry}
    assert set(re.findall(r"var\.(\w+)", text)) == declared
    labels = set()
    for entry in document["resource"]:
        ((kind, named),) = entry.items()
        ((label, body),) = named.items()
        labels.add(f"{kind}.{label}")
        required, optional = TERRAFORM[kind]
        arguments = set(body) - META
        assert required <= arguments <= required | optional, (kind, arguments)
        for name in arguments & set(BLOCKS):
            if name == "iam_instance_profile" and kind == "aws_instance":
                continue
            for block in body[name]:
                assert set(block) <= BLOCKS[name], (kind, name)
    for reference in re.findall(r"\b(aws_\w+\.\w+)\.(?:id|arn|name|latest_version)", text):
        assert reference in labels or f"data.{reference}" in text
    sessions = [e for e in document["resource"] if "aws_ec2_traffic_mirror_session" in e]
    assert len(sessions) == len(todo.links)


def test_terraform_sessions_say_what_the_plan_says():
    todo, text = emitted(terraform.configuration, Shape.NONE)
    document = plain(hcl2.loads(text))
    sessions = [
        next(iter(e["aws_ec2_traffic_mirror_session"].values()))
        for e in document["resource"]
        if "aws_ec2_traffic_mirror_session" in e
    ]
    found = {s["network_interface_id"]: s for s in sessions}
    for eni, link in todo.links:
        assert found[eni]["virtual_network_id"] == link.vni
        assert found[eni]["session_number"] == link.number
        assert found[eni]["packet_length"] == 8500


def test_text_that_looks_like_a_template_is_escaped():
    assert hcl.quoted('a "b" ${c} %{d}') == '"a \\"b\\" $${c} %%{d}"'


def test_what_code_made_belongs_to_the_code():
    for writer in (cloudformation.template, terraform.configuration):
        _, text = emitted(writer, Shape.GROUP)
        assert "shadowtap:code" in text
        assert "shadowtap:mirror" not in text
