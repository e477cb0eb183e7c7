"""The exact calls on the wire: botocore's Stubber refuses any parameter that is not the expected one."""

import boto3
import pytest
from botocore.stub import Stubber

from aws.backend import ACCOUNT, REGION
from shadowtap.aws import read
from shadowtap.aws.api import ApiError, Patient
from shadowtap.aws.apply import Applier
from shadowtap.aws.boto import Boto
from shadowtap.aws.plan import Plan
from shadowtap.aws.steps import (
    CreateFilter,
    CreateRule,
    CreateSession,
    CreateTarget,
    DeleteFilter,
    DeleteRule,
    DeleteSession,
    DeleteTarget,
    Link,
    ModifyRule,
    ModifySession,
    RemoveServices,
)
from shadowtap.aws.world import Rule

ARN = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/net/collectors/1"


@pytest.fixture
def wire(monkeypatch):
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name=REGION)
    api = Boto(session, ACCOUNT)
    with pytest.raises(ApiError):
        _prime(api)
    stub = Stubber(api._clients["ec2"].raw)
    with stub:
        yield api, stub
    stub.assert_no_pending_responses()


def _prime(api):
    """Makes the client without a call that leaves: a stub with nothing in it refuses."""
    from shadowtap.aws.boto import _Client

    client = _Client(api._session, "ec2")
    api._clients["ec2"] = client
    stub = Stubber(client.raw)
    stub.add_client_error("describe_vpcs", "UnauthorizedOperation")
    with stub:
        api.call("ec2", "DescribeVpcs")


def tags(kind, key):
    return [
        {
            "ResourceType": kind,
            "Tags": [
                {"Key": "Name", "Value": "shadowtap-web"},
                {"Key": "shadowtap:key", "Value": key},
                {"Key": "shadowtap:mirror", "Value": "web"},
            ],
        }
    ]


def plan_of(*steps):
    return Plan(name="web", account=ACCOUNT, region=REGION, steps=steps)


def expect(stub, operation, answer, **parameters):
    stub.add_response(operation, answer, parameters)


def test_a_mirror_is_made_with_these_calls_and_no_others(wire):
    api, stub = wire
    rule = Rule(
        direction="ingress",
        number=10,
        action="accept",
        source="0.0.0.0/0",
        destination="0.0.0.0/0",
        destination_ports=(80, 80),
    )
    link = Link(target="new:target/x", filter="new:filter/y", number=100, vni=7, packet_length=8500)
    steps = (
        CreateTarget(key="target/x", kind="nlb", resource=ARN),
        CreateFilter(key="filter/y"),
        CreateRule(filter="new:filter/y", rule=rule),
        CreateSession(key="session/eni-1", interface="eni-1", link=link),
    )
    applier = Applier(api, plan_of(*steps), run="secret")
    token = applier.calls.token
    expect(
        stub,
        "create_traffic_mirror_target",
        {"TrafficMirrorTarget": {"TrafficMirrorTargetId": "tmt-1"}},
        NetworkLoadBalancerArn=ARN,
        Description="shadowtap web",
        TagSpecifications=tags("traffic-mirror-target", "target/x"),
        ClientToken=token("target/x"),
    )
    expect(
        stub,
        "create_traffic_mirror_filter",
        {"TrafficMirrorFilter": {"TrafficMirrorFilterId": "tmf-1"}},
        Description="shadowtap web",
        TagSpecifications=tags("traffic-mirror-filter", "filter/y"),
        ClientToken=token("filter/y"),
    )
    expect(
        stub,
        "create_traffic_mirror_filter_rule",
        {"TrafficMirrorFilterRule": {"TrafficMirrorFilterRuleId": "tmfr-1"}},
        TrafficMirrorFilterId="tmf-1",
        TrafficDirection="ingress",
        RuleNumber=10,
        RuleAction="accept",
        Protocol=6,
        SourceCidrBlock="0.0.0.0/0",
        DestinationCidrBlock="0.0.0.0/0",
        DestinationPortRange={"FromPort": 80, "ToPort": 80},
        TagSpecifications=tags("traffic-mirror-filter-rule", "filter/y/ingress/10"),
        ClientToken=token("filter/y/ingress/10"),
    )
    expect(
        stub,
        "create_traffic_mirror_session",
        {"TrafficMirrorSession": {"TrafficMirrorSessionId": "tms-1"}},
        NetworkInterfaceId="eni-1",
        TrafficMirrorTargetId="tmt-1",
        TrafficMirrorFilterId="tmf-1",
        SessionNumber=100,
        VirtualNetworkId=7,
        PacketLength=8500,
        Description="shadowtap web",
        TagSpecifications=tags("traffic-mirror-session", "session/eni-1"),
        ClientToken=token("session/eni-1"),
    )
    result = applier.apply()
    assert [d.id for d in result.done] == ["tmt-1", "tmf-1", "tmfr-1", "tms-1"]
    assert len(token("session/eni-1")) <= 64


@pytest.mark.parametrize(
    ("kind", "field"), [("eni", "NetworkInterfaceId"), ("gwlbe", "GatewayLoadBalancerEndpointId")]
)
def test_the_other_kinds_of_target(wire, kind, field):
    api, stub = wire
    applier = Applier(api, plan_of(CreateTarget(key="target/x", kind=kind, resource="x-1")), run="s")
    expect(
        stub,
        "create_traffic_mirror_target",
        {"TrafficMirrorTarget": {"TrafficMirrorTargetId": "tmt-1"}},
        **{field: "x-1"},
        Description="shadowtap web",
        TagSpecifications=tags("traffic-mirror-target", "target/x"),
        ClientToken=applier.calls.token("target/x"),
    )
    assert applier.apply().ok


def test_changes_send_only_what_differs(wire):
    api, stub = wire
    before = Link(target="tmt-1", filter="tmf-1", number=100, vni=7, packet_length=8500)
    after = Link(target="tmt-1", filter="tmf-2", number=100, vni=7, packet_length=None)
    one = Rule(
        direction="egress",
        number=10,
        action="accept",
        source="::/0",
        destination="::/0",
        source_ports=(80, 80),
    )
    other = Rule(
        direction="egress",
        number=10,
        action="reject",
        source="::/0",
        destination="::/0",
        destination_ports=(80, 81),
    )
    steps = (
        ModifySession(id="tms-1", interface="eni-1", before=before, after=after),
        ModifyRule(id="tmfr-1", before=one, after=other),
        RemoveServices(filter="tmf-1", services=("amazon-dns",)),
    )
    expect(
        stub,
        "modify_traffic_mirror_session",
        {"TrafficMirrorSession": {}},
        TrafficMirrorSessionId="tms-1",
        TrafficMirrorFilterId="tmf-2",
        RemoveFields=["packet-length"],
    )
    expect(
        stub,
        "modify_traffic_mirror_filter_rule",
        {"TrafficMirrorFilterRule": {}},
        TrafficMirrorFilterRuleId="tmfr-1",
        RuleAction="reject",
        DestinationPortRange={"FromPort": 80, "ToPort": 81},
        RemoveFields=["source-port-range"],
    )
    expect(
        stub,
        "modify_traffic_mirror_filter_network_services",
        {"TrafficMirrorFilter": {}},
        TrafficMirrorFilterId="tmf-1",
        RemoveNetworkServices=["amazon-dns"],
    )
    assert Applier(api, plan_of(*steps), run="s").apply().ok


def test_deletions(wire):
    api, stub = wire
    steps = (
        DeleteSession(id="tms-1", interface="eni-1"),
        DeleteRule(id="tmfr-1", filter="tmf-1"),
        DeleteFilter(id="tmf-1"),
        DeleteTarget(id="tmt-1"),
    )
    expect(stub, "delete_traffic_mirror_session", {}, TrafficMirrorSessionId="tms-1")
    stub.add_client_error(
        "delete_traffic_mirror_filter_rule",
        "InvalidTrafficMirrorFilterRuleId.NotFound",
        expected_params={"TrafficMirrorFilterRuleId": "tmfr-1"},
    )
    expect(stub, "delete_traffic_mirror_filter", {}, TrafficMirrorFilterId="tmf-1")
    expect(stub, "delete_traffic_mirror_target", {}, TrafficMirrorTargetId="tmt-1")
    result = Applier(api, plan_of(*steps), run="s", keep_going=True).apply()
    assert result.ok, "what is gone already counts as deleted"


def test_a_dry_run_says_so_in_every_call(wire):
    api, stub = wire
    for operation, field, value in (
        ("delete_traffic_mirror_session", "TrafficMirrorSessionId", "tms-1"),
        ("delete_traffic_mirror_filter", "TrafficMirrorFilterId", "tmf-1"),
    ):
        stub.add_client_error(operation, "DryRunOperation", expected_params={field: value, "DryRun": True})
    steps = (DeleteSession(id="tms-1", interface="eni-1"), DeleteFilter(id="tmf-1"))
    assert Applier(api, plan_of(*steps), run="s").rehearse().ok


def test_reading_pages_through_the_four_describe_calls(wire):
    api, stub = wire
    expect(stub, "describe_traffic_mirror_targets", {"TrafficMirrorTargets": [], "NextToken": "n"})
    expect(stub, "describe_traffic_mirror_targets", {"TrafficMirrorTargets": []}, NextToken="n")
    expect(
        stub,
        "describe_traffic_mirror_filters",
        {"TrafficMirrorFilters": [{"TrafficMirrorFilterId": "tmf-1"}]},
    )
    expect(
        stub,
        "describe_traffic_mirror_filter_rules",
        {"TrafficMirrorFilterRules": [], "NextToken": "m"},
        TrafficMirrorFilterId="tmf-1",
    )
    expect(
        stub,
        "describe_traffic_mirror_filter_rules",
        {"TrafficMirrorFilterRules": []},
        TrafficMirrorFilterId="tmf-1",
        NextToken="m",
    )
    expect(stub, "describe_traffic_mirror_sessions", {"TrafficMirrorSessions": []})
    assert [f.id for f in read.world(api).filters] == ["tmf-1"]


def test_throttling_is_waited_out_with_longer_and_longer_pauses(wire):
    api, stub = wire
    for _ in range(3):
        stub.add_client_error("delete_traffic_mirror_target", "RequestLimitExceeded")
    expect(stub, "delete_traffic_mirror_target", {}, TrafficMirrorTargetId="tmt-1")
    pauses = []
    patient = Patient(api, pauses.append, lambda: 1.0)
    assert Applier(patient, plan_of(DeleteTarget(id="tmt-1")), run="s").apply().ok
    assert pauses == [0.5, 1.0, 2.0]


def test_a_missing_permission_is_named(wire):
    api, stub = wire
    stub.add_client_error(
        "create_traffic_mirror_filter",
        "UnauthorizedOperation",
        "You are not authorized to perform this operation. User: u is not authorized to perform: ec2:CreateTags on",
    )
    (failed,) = Applier(api, plan_of(CreateFilter(key="filter/y")), run="s", keep_going=True).apply().failed
    assert "the missing permission is ec2:CreateTags" in failed.error
