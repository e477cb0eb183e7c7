"""Each silent failure is said before it happens, and only then."""

import pytest

from aws import scenes
from aws.scenes import kinds, warned
from aws.vpc import Vpc
from shadowtap.aws.apply import Applier
from shadowtap.aws.desired import Leg
from shadowtap.aws.plan import plan


@pytest.fixture
def vpc():
    one = Vpc()
    one.to = "eni:" + scenes.collector(one)
    scenes.servers(one)
    return one


def quiet(vpc, sources=("asg:web",), to=None, **more):
    return kinds(warned(vpc, list(sources), to or vpc.to, source_mtu=1500, **more))


def foreign(vpc, number, **rule):
    """A session of somebody else on the first server."""
    eni = next(
        k for k, v in vpc.interfaces.items() if v.get("Attachment", {}).get("InstanceId") in vpc.asgs["web"]
    )
    api = vpc.api()
    target = api.call("ec2", "CreateTrafficMirrorTarget", NetworkInterfaceId=vpc.add_interface())
    theirs = api.call("ec2", "CreateTrafficMirrorFilter")["TrafficMirrorFilter"]["TrafficMirrorFilterId"]
    given = {
        "TrafficDirection": "ingress",
        "RuleAction": "accept",
        "SourceCidrBlock": "0.0.0.0/0",
        "DestinationCidrBlock": "0.0.0.0/0",
        **rule,
    }
    api.call("ec2", "CreateTrafficMirrorFilterRule", TrafficMirrorFilterId=theirs, RuleNumber=1, **given)
    api.call(
        "ec2",
        "CreateTrafficMirrorSession",
        NetworkInterfaceId=eni,
        TrafficMirrorTargetId=target["TrafficMirrorTarget"]["TrafficMirrorTargetId"],
        TrafficMirrorFilterId=theirs,
        SessionNumber=number,
    )
    return eni


def test_nothing_to_say_when_all_is_well(vpc):
    assert quiet(vpc) == set()
    arn = scenes.nlb(vpc)
    assert quiet(vpc, to=f"nlb:{arn}") == set()


def test_a_session_that_takes_the_packets_first(vpc):
    foreign(vpc, 5)
    assert quiet(vpc) == {"taken-before"}


@pytest.mark.parametrize(
    "rule",
    [
        {"Protocol": 17},
        {"Protocol": 6, "DestinationPortRange": {"FromPort": 443, "ToPort": 443}},
        {"RuleAction": "reject"},
        {"TrafficDirection": "egress", "Protocol": 6, "SourcePortRange": {"FromPort": 81, "ToPort": 90}},
        {"SourceCidrBlock": "fd00::/8", "DestinationCidrBlock": "fd00::/8", "Protocol": 17},
    ],
)
def test_a_session_that_wants_other_packets_takes_none_of_ours(vpc, rule):
    foreign(vpc, 5, **rule)
    assert quiet(vpc) == set()


def test_our_session_before_somebody_elses(vpc):
    foreign(vpc, 32_766)
    assert quiet(vpc) == {"takes-from-others"}


def test_a_number_that_is_taken_and_an_interface_that_is_full(vpc):
    foreign(vpc, 5)
    assert "refused" in quiet(vpc, number=5)
    foreign(vpc, 6)
    foreign(vpc, 7)
    (said,) = [w for w in warned(vpc, ["asg:web"], vpc.to) if w.kind == "refused"]
    assert "3 mirror sessions already" in said.text


@pytest.mark.parametrize(
    ("more", "most"),
    [({}, 8947), ({"target_mtu": 1500}, 1446), ({"packet_length": 1000}, 986)],
)
def test_packets_that_will_be_cut(vpc, more, most):
    (said,) = [w for w in warned(vpc, ["asg:web"], vpc.to, **more) if w.kind == "cut"]
    assert f"above {most} bytes" in said.text
    assert "cut" not in kinds(warned(vpc, ["asg:web"], vpc.to, source_mtu=most, **more))
    assert "cut" in kinds(warned(vpc, ["asg:web"], vpc.to, source_mtu=most + 1, **more))


def test_packets_that_will_be_cut_towards_a_load_balancer(vpc):
    arn = scenes.nlb(vpc)
    (said,) = [w for w in warned(vpc, ["asg:web"], f"nlb:{arn}") if w.kind == "cut"]
    assert "above 8486 bytes" in said.text


@pytest.mark.parametrize(
    ("permission", "shut"),
    [
        (
            {"IpProtocol": "udp", "FromPort": 4789, "ToPort": 4789, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
            False,
        ),
        (
            {"IpProtocol": "17", "FromPort": 4000, "ToPort": 5000, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]},
            False,
        ),
        ({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}, False),
        (
            {
                "IpProtocol": "udp",
                "FromPort": 4789,
                "ToPort": 4789,
                "PrefixListIds": [{"PrefixListId": "pl-1"}],
            },
            False,
        ),
        (
            {"IpProtocol": "tcp", "FromPort": 4789, "ToPort": 4789, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
            True,
        ),
        ({"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, True),
        (
            {
                "IpProtocol": "udp",
                "FromPort": 4789,
                "ToPort": 4789,
                "IpRanges": [{"CidrIp": "192.168.0.0/16"}],
            },
            True,
        ),
    ],
)
def test_a_security_group_without_udp_4789(permission, shut):
    vpc = Vpc()
    scenes.servers(vpc)
    _, eni = vpc.add_instance("collector", groups=(vpc.add_group(permission),))
    assert quiet(vpc, to=f"eni:{eni}") == ({"security-group"} if shut else set())


def test_a_security_group_that_lets_in_the_sources_group():
    vpc = Vpc()
    group = vpc.add_group()
    vpc.asgs["web"] = [vpc.add_instance(groups=(group,))[0]]
    permission = {
        "IpProtocol": "udp",
        "FromPort": 4789,
        "ToPort": 4789,
        "UserIdGroupPairs": [{"GroupId": group}],
    }
    _, eni = vpc.add_instance("collector", groups=(vpc.add_group(permission),))
    assert quiet(vpc, to=f"eni:{eni}") == set()


def test_a_load_balancer_without_the_listener(vpc):
    arn = scenes.nlb(vpc, listener=False)
    assert quiet(vpc, to=f"nlb:{arn}") == {"no-listener"}


def test_a_listener_of_the_wrong_protocol(vpc):
    arn = scenes.nlb(vpc, listener=False)
    vpc.listen(arn, 4789, "TCP")
    assert quiet(vpc, to=f"nlb:{arn}") == {"no-listener"}


def test_a_load_balancer_that_does_not_cross_zones(vpc):
    arn = scenes.nlb(vpc)
    vpc.attributes[arn] = [{"Key": "load_balancing.cross_zone.enabled", "Value": "false"}]
    assert quiet(vpc, to=f"nlb:{arn}") == {"cross-zone"}


@pytest.mark.parametrize(
    "broken",
    [{"check": "traffic-port"}, {"check": "4789"}, {"protocol": "UDP"}, {"healthy": "unhealthy"}],
)
def test_a_health_check_that_cannot_work(vpc, broken):
    arn = scenes.nlb(vpc, **broken)
    assert quiet(vpc, to=f"nlb:{arn}") == {"health-check"}


def test_nobody_behind_the_load_balancer(vpc):
    arn = scenes.nlb(vpc)
    for group in vpc.health:
        vpc.health[group] = []
    assert quiet(vpc, to=f"nlb:{arn}") == {"health-check"}


def test_no_answers_though_a_comparison_is_wanted(vpc):
    (said,) = [
        w for w in warned(vpc, ["asg:web"], vpc.to, responses=False, compare=True) if w.kind == "no-responses"
    ]
    assert "nothing to compare" in said.text
    assert quiet(vpc, responses=False) == {"no-responses"}


def test_both_legs_of_a_load_balancer(vpc):
    _, behind = scenes.alb(vpc, (80, "HTTP"))
    assert quiet(vpc, ["alb:web"]) == set()
    assert quiet(vpc, ["alb:web"], leg=Leg.BOTH) == {"both-legs"}
    vpc.asgs["behind"] = [instance for instance, _ in behind]
    assert quiet(vpc, ["alb:web", "asg:behind"], ports=((80, 80),)) == {"both-legs"}


def test_an_interface_that_cannot_be_a_source(vpc):
    eni = vpc.add_interface(kind="network_load_balancer", description="ELB net/edge/1")
    said = warned(vpc, ["asg:web", f"eni:{eni}"], vpc.to, source_mtu=1500)
    assert kinds(said) == {"not-a-source"}
    assert "network_load_balancer" in said[0].text
    assert "nothing" in quiet(vpc, [f"eni:{eni}"])


@pytest.mark.parametrize("kind", ["vpc_endpoint", "lambda", "gateway_load_balancer", "nat_gateway"])
def test_the_other_types_that_cannot(vpc, kind):
    assert "not-a-source" in quiet(vpc, ["asg:web", "eni:" + vpc.add_interface(kind=kind)])


@pytest.mark.parametrize(("size", "most"), [("m5.large", 10), ("m5.24xlarge", 100)])
def test_too_many_sources_for_an_interface(size, most):
    vpc = Vpc()
    to = "eni:" + scenes.collector(vpc, size=size)
    scenes.servers(vpc, most)
    assert quiet(vpc, to=to) == set()
    scenes.servers(vpc, most + 1)
    assert quiet(vpc, to=to) == {"too-many-sources"}


def test_a_target_that_is_a_source_is_left_out(vpc):
    found = scenes.found(vpc, ["asg:web"], vpc.to)
    assert Applier(found.api, plan(found.desired, found.world), run="1").apply().ok
    other = "eni:" + scenes.collector(vpc)
    assert quiet(vpc, ["asg:web", vpc.to], to=other, name="other") >= {"refused"}


def test_an_endpoint_that_is_not_available(vpc):
    vpc.endpoints["vpce-1"] = {
        "VpcEndpointId": "vpce-1",
        "VpcEndpointType": "GatewayLoadBalancer",
        "State": "Pending",
    }
    assert quiet(vpc, to="gwlbe:vpce-1") == {"target"}


def test_a_family_that_is_left_out(vpc):
    assert quiet(vpc, ports=((80, 80), (443, 443), (8080, 8080))) == {"family"}


def test_a_collector_behind_the_load_balancer_that_lets_nothing_in(vpc):
    arn = scenes.nlb(vpc)
    for group in vpc.groups.values():
        group["IpPermissions"] = []
    (said,) = warned(vpc, ["asg:web"], f"nlb:{arn}", source_mtu=1500)
    assert said.kind == "security-group"
    assert "behind the load balancer" in said.text


def test_a_target_in_another_vpc(vpc):
    vpc.asgs["web"] = [vpc.add_instance(vpc="vpc-2")[0]]
    assert quiet(vpc) == {"route"}
