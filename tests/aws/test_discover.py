"""Every way to name a source, what it finds, and what is said when it finds nothing."""

import pytest

from aws import scenes
from aws.vpc import Vpc
from shadowtap.aws import names
from shadowtap.aws.desired import Leg
from shadowtap.aws.wish import look
from shadowtap.errors import UsageError


@pytest.fixture
def vpc():
    one = Vpc()
    one.to = "eni:" + scenes.collector(one)
    return one


def sources(vpc, *named, **more):
    return {s.interface.id: s.traffic for s in scenes.found(vpc, list(named), vpc.to, **more).desired.sources}


def only(vpc, *named, **more):
    (traffic,) = set(sources(vpc, *named, **more).values())
    return traffic


def test_an_alb_with_plain_listeners_is_mirrored_towards_its_clients(vpc):
    scenes.alb(vpc, (80, "HTTP"), (8000, "HTTP"))
    traffic = only(vpc, "alb:web")
    assert (traffic.serves, traffic.calls) == (((80, 80), (8000, 8000)), ())
    assert len(sources(vpc, "alb:web")) == 2, "one interface in each zone"


def test_an_alb_with_tls_is_mirrored_towards_its_targets(vpc):
    arn, _ = scenes.alb(vpc, (443, "HTTPS"))
    vpc.listen(arn, 80, "HTTP")
    traffic = only(vpc, "alb:web")
    assert (traffic.serves, traffic.calls) == ((), ((8080, 8080),))
    (note,) = scenes.found(vpc, ["alb:web"], vpc.to).desired.notes
    assert "TLS on port 443" in note


def test_the_leg_can_be_chosen(vpc):
    scenes.alb(vpc, (443, "HTTPS"))
    assert only(vpc, "alb:web", leg=Leg.FRONT).serves == ((443, 443),)
    both = only(vpc, "alb:web", leg=Leg.BOTH)
    assert (both.serves, both.calls) == (((443, 443),), ((8080, 8080),))


def test_a_port_says_which_leg_is_meant(vpc):
    scenes.alb(vpc, (80, "HTTP"))
    assert only(vpc, "alb:web", ports=((8080, 8080),)).calls == ((8080, 8080),)
    assert only(vpc, "alb:web", ports=((80, 80),)).serves == ((80, 80),)


def test_a_port_that_is_tls_is_told(vpc):
    scenes.alb(vpc, (443, "HTTPS"))
    (note,) = scenes.found(vpc, ["alb:web"], vpc.to, ports=((443, 443),)).desired.notes
    assert "cannot be read" in note
    assert "8080" in note


def test_a_classic_load_balancer(vpc):
    vpc.classics["old"] = {
        "LoadBalancerName": "old",
        "ListenerDescriptions": [
            {"Listener": {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 8080}}
        ],
        "Instances": [],
    }
    eni = vpc.add_interface(description="ELB old")
    assert set(sources(vpc, "clb:old")) == {eni}
    assert only(vpc, "clb:old").serves == ((80, 80),)


def test_a_network_load_balancer_through_its_targets(vpc):
    arn = vpc.add_balancer("edge", "network")
    by_instance = vpc.add_target_group("a", arn)
    by_address = vpc.add_target_group("b", arn, kind="ip", port=9000)
    instance, eni = vpc.add_instance()
    vpc.add_interface(instance=instance, device=1)
    other = vpc.add_interface(address="10.0.9.9")
    vpc.register(by_instance, instance, 8080)
    vpc.register(by_address, "10.0.9.9", 9000)
    found = sources(vpc, "nlb:edge")
    assert set(found) == {eni, other}, "the first interface of an instance, which the balancer sends to"
    assert next(iter(found.values())).serves == ((8080, 8080), (9000, 9000))


def test_a_target_group_by_arn_and_by_name(vpc):
    arn = vpc.add_target_group("api", port=8081)
    instance, eni = vpc.add_instance()
    vpc.register(arn, instance)
    assert set(sources(vpc, f"target-group:{arn}")) == set(sources(vpc, "target-group:api")) == {eni}
    assert only(vpc, "target-group:api").serves == ((8081, 8081),)


def test_a_target_group_with_an_alb_in_it(vpc):
    inner, _ = scenes.alb(vpc, (80, "HTTP"))
    arn = vpc.add_target_group("front", kind="alb", port=80)
    vpc.register(arn, inner, 80)
    assert len(sources(vpc, "target-group:front")) == 2


def test_an_auto_scaling_group(vpc):
    members = scenes.servers(vpc, 3)
    assert set(sources(vpc, "asg:web")) == {eni for _, eni in members}


def test_an_ecs_service_with_interfaces_of_its_own(vpc):
    eni = vpc.add_interface()
    vpc.services["prod", "api"] = {"status": "ACTIVE", "loadBalancers": [{"containerPort": 3000}]}
    vpc.tasks["prod", "api"] = [
        {"taskArn": "t1", "attachments": [{"details": [{"name": "networkInterfaceId", "value": eni}]}]}
    ]
    assert set(sources(vpc, "ecs:prod/api")) == {eni}
    assert only(vpc, "ecs:prod/api").serves == ((3000, 3000),)


def test_an_ecs_service_on_instances(vpc):
    instance, eni = vpc.add_instance()
    vpc.services["prod", "api"] = {"status": "ACTIVE"}
    vpc.tasks["prod", "api"] = [{"taskArn": "t1", "containerInstanceArn": f"arn:x/{instance}"}]
    assert set(sources(vpc, "ecs:prod/api")) == {eni}


@pytest.mark.parametrize(
    "how", [{"more": ("10.0.7.7",)}, {"prefixes": ("10.0.7.0/28",)}], ids=["secondary", "prefix"]
)
def test_a_pod_by_its_address_is_mirrored_alone(vpc, how):
    node = vpc.add_interface(**how)
    assert set(sources(vpc, "eks:10.0.7.7")) == {node}
    assert only(vpc, "eks:10.0.7.7").local == ("10.0.7.7/32",)
    rules = scenes.planned(vpc, ["eks:10.0.7.7"], vpc.to).filters[0].rules
    assert {r.destination for r in rules if r.direction == "ingress"} == {"10.0.7.7/32"}


def test_two_pods_of_one_node_share_its_session(vpc):
    vpc.add_interface(more=("10.0.7.7", "10.0.7.8"))
    traffic = only(vpc, "eks:10.0.7.7", "eks:10.0.7.8")
    assert traffic.local == ("10.0.7.7/32", "10.0.7.8/32")


def test_an_address_in_two_vpcs_is_ambiguous(vpc):
    vpc.add_interface(address="10.0.8.8", vpc="vpc-1")
    other = vpc.add_interface(address="10.0.8.8", vpc="vpc-2")
    with pytest.raises(
        UsageError, match=r"several VPCs; candidates: eks:10.0.8.8@vpc-[12], eks:10.0.8.8@vpc-[12]"
    ):
        sources(vpc, "eks:10.0.8.8")
    assert set(sources(vpc, "eks:10.0.8.8@vpc-2")) == {other}


def test_an_instance_by_id_and_by_name(vpc):
    instance, eni = vpc.add_instance("db")
    assert set(sources(vpc, f"instance:{instance}")) == set(sources(vpc, "instance:db")) == {eni}


def test_a_name_that_two_instances_have_is_ambiguous(vpc):
    one, _ = vpc.add_instance("db")
    other, _ = vpc.add_instance("db")
    with pytest.raises(UsageError, match=f"several instances.*(instance:{one}|instance:{other})"):
        sources(vpc, "instance:db")


def test_an_interface_and_a_tag(vpc):
    eni = vpc.add_interface(tags={"team": "a"})
    _, by_instance = vpc.add_instance(tags={"team": "a"})
    assert set(sources(vpc, f"eni:{eni}")) == {eni}
    assert set(sources(vpc, "tag:team=a")) == {eni, by_instance}


@pytest.mark.parametrize(
    ("named", "candidate"),
    [
        ("alb:wep", "alb:web"),
        ("nlb:web", "alb:web"),
        ("clb:web", "there are none here"),
        ("asg:wbe", "asg:web"),
        ("ecs:prod/apy", "ecs:prod/api"),
        ("ecs:api", "ecs:prod/api"),
        ("ecs:test/api", "ecs:prod/api"),
        ("target-group:wep", "target-group:web"),
        ("instance:behind-7", "instance:behind-"),
        ("eni:eni-1", "eni:eni-0"),
        ("eks:10.99.0.1", "eks:10.0."),
        ("tag:team=b", "tag:Name="),
    ],
)
def test_what_is_unknown_is_answered_with_candidates(vpc, named, candidate):
    scenes.alb(vpc, (80, "HTTP"))
    vpc.asgs["web"] = []
    vpc.services["prod", "api"] = {"status": "ACTIVE"}
    with pytest.raises(UsageError, match=candidate):
        sources(vpc, named)


@pytest.mark.parametrize(
    ("to", "candidate"),
    [("nlb:x", "nlb:collectors"), ("eni:x", "eni:eni-"), ("gwlbe:x", "gwlbe:vpce-1"), ("tmt:x", "RAM")],
)
def test_an_unknown_destination_is_answered_with_candidates(vpc, to, candidate):
    scenes.nlb(vpc)
    vpc.endpoints["vpce-1"] = {"VpcEndpointId": "vpce-1", "VpcEndpointType": "GatewayLoadBalancer"}
    scenes.servers(vpc)
    with pytest.raises(UsageError, match=candidate):
        scenes.found(vpc, ["asg:web"], to)


def test_one_interface_named_twice_is_one_source_with_both_ports(vpc):
    instance, eni = vpc.add_instance()
    group = vpc.add_target_group("api", port=8081)
    vpc.register(group, instance)
    (source,) = scenes.found(vpc, ["target-group:api", f"eni:{eni}"], vpc.to).desired.sources
    assert source.traffic.serves == ((80, 80), (8081, 8081))
    assert source.named == ("target-group:api", f"eni:{eni}")


def test_many_instances_are_asked_for_in_parts(vpc):
    scenes.servers(vpc, 450)
    assert len(sources(vpc, "asg:web")) == 450


def test_two_places_and_a_name_that_only_one_of_them_has():
    here, there = Vpc(), Vpc()
    for one in (here, there):
        one.to = scenes.collector(one)
        scenes.nlb(one)
    scenes.servers(here)
    apis = {"here": here.api(region="eu-central-1"), "there": there.api(region="us-east-1")}
    places = tuple(names.Place(profile=p) for p in apis)
    wish = scenes.wish(["asg:web"], "nlb:collectors", places=places)
    one, other = look(wish, lambda place: apis[place.profile])
    assert (len(one.desired.sources), len(other.desired.sources)) == (2, 0)
    wrong = scenes.wish(["asg:wep"], "nlb:collectors", places=places)
    with pytest.raises(UsageError, match="asg:web"):
        look(wrong, lambda place: apis[place.profile])


def test_a_permission_that_is_missing_for_a_nicety_is_only_told(vpc):
    scenes.servers(vpc)
    vpc.denied.add("DescribeSecurityGroups")
    said = scenes.warned(vpc, ["asg:web"], vpc.to)
    assert any("ec2:DescribeSecurityGroups" in w.text for w in said if w.kind == "unchecked")
