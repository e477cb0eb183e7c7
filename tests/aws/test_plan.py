"""What is wanted against what is there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws import scenes
from aws.vpc import Vpc
from shadowtap.aws import limits, names, numbers, show
from shadowtap.aws.apply import Applier
from shadowtap.aws.plan import plan
from shadowtap.aws.steps import CreateSession, DeleteRule, ModifyRule, ModifySession, RemoveServices


@pytest.fixture
def vpc():
    one = Vpc()
    one.to = "eni:" + scenes.collector(one)
    scenes.servers(one)
    return one


def up(vpc, *named, **more):
    found = scenes.found(vpc, list(named) or ["asg:web"], vpc.to, **more)
    todo = plan(found.desired, found.world)
    result = Applier(found.api, todo, run=str(vpc.number()), tags=found.desired.tags).apply()
    assert result.ok, result.failed
    return todo


def again(vpc, **more):
    return scenes.planned(vpc, ["asg:web"], vpc.to, **more)


def test_a_plan_that_was_done_has_nothing_to_do(vpc):
    assert up(vpc).steps
    assert again(vpc).steps == ()
    assert len(again(vpc).kept) == 4


def test_everything_that_is_made_is_tagged(vpc):
    up(vpc, tags=(("team", "a"),))
    mirrors = vpc.mirrors
    for kind in ("targets", "filters", "rules", "sessions"):
        for item in getattr(mirrors, kind).values():
            tags = {t["Key"]: t["Value"] for t in item["Tags"]}
            assert tags["shadowtap:mirror"] == "shadowtap"
            assert tags["team"] == "a"
            assert tags["shadowtap:key"]


def test_other_ports_are_a_new_filter_and_the_sessions_move(vpc):
    up(vpc)
    before = {s["VirtualNetworkId"] for s in vpc.mirrors.sessions.values()}
    todo = up(vpc, ports=((8080, 8080),))
    assert sum(isinstance(s, ModifySession) for s in todo.steps) == 2
    assert not any(isinstance(s, CreateSession) for s in todo.steps)
    assert {s["VirtualNetworkId"] for s in vpc.mirrors.sessions.values()} == before, "sessions keep their VNI"
    assert len(vpc.mirrors.filters) == 1
    assert again(vpc, ports=((8080, 8080),)).steps == ()


def test_a_filter_that_somebody_changed_is_set_right(vpc):
    up(vpc)
    rules = vpc.mirrors.rules
    (filter_id,) = vpc.mirrors.filters
    first, second, *_ = sorted(rules)
    rules[first]["RuleAction"] = "reject"
    del rules[second]
    vpc.mirrors.filters[filter_id]["NetworkServices"] = ["amazon-dns"]
    vpc.api().call(
        "ec2",
        "CreateTrafficMirrorFilterRule",
        TrafficMirrorFilterId=filter_id,
        TrafficDirection="ingress",
        RuleNumber=99,
        RuleAction="accept",
        SourceCidrBlock="0.0.0.0/0",
        DestinationCidrBlock="0.0.0.0/0",
    )
    kinds = {type(s) for s in up(vpc).steps}
    assert {DeleteRule, ModifyRule, RemoveServices} <= kinds
    assert again(vpc).steps == ()


def test_a_session_somebody_else_has_is_left_alone_and_ours_goes_behind_it(vpc):
    eni = next(k for k, v in vpc.interfaces.items() if "Attachment" in v and k != vpc.to[4:])
    api = vpc.api()
    target = api.call("ec2", "CreateTrafficMirrorTarget", NetworkInterfaceId=vpc.add_interface())
    theirs = api.call("ec2", "CreateTrafficMirrorFilter")
    api.call(
        "ec2",
        "CreateTrafficMirrorSession",
        NetworkInterfaceId=eni,
        TrafficMirrorTargetId=target["TrafficMirrorTarget"]["TrafficMirrorTargetId"],
        TrafficMirrorFilterId=theirs["TrafficMirrorFilter"]["TrafficMirrorFilterId"],
        SessionNumber=500,
    )
    links = dict(up(vpc).links)
    assert links[eni].number == 501
    assert again(vpc).steps == ()


def test_a_target_somebody_has_for_the_same_interface_is_used_and_stays_theirs(vpc):
    vpc.api().call("ec2", "CreateTrafficMirrorTarget", NetworkInterfaceId=vpc.to[4:])
    todo = up(vpc)
    assert not [s for s in todo.steps if s.operation == "CreateTrafficMirrorTarget"]
    assert len(vpc.mirrors.targets) == 1


def test_a_fixed_number_and_vni(vpc):
    links = dict(up(vpc, number=7, vni=1000).links)
    assert {link.number for link in links.values()} == {7}
    assert {link.vni for link in links.values()} == {1000, 1001}


def test_towards_a_load_balancer_the_length_is_8500_or_less():
    vpc = Vpc()
    scenes.servers(vpc)
    scenes.nlb(vpc)
    for asked, given_length in ((None, 8500), (9000, 8500), (200, 200)):
        todo = scenes.planned(vpc, ["asg:web"], "nlb:collectors", packet_length=asked)
        assert {link.packet_length for _, link in todo.links} == {given_length}


def test_the_collector_and_its_targets_are_never_sources():
    vpc = Vpc()
    arn = scenes.nlb(vpc)
    instances = [i for i, v in vpc.instances.items() if v["Tags"][0]["Value"] == "collector"]
    vpc.asgs["web"] = [*instances, vpc.add_instance()[0]]
    todo = scenes.planned(vpc, ["asg:web"], f"nlb:{arn}")
    assert len(todo.sources) == 1
    assert "mirror the mirror" in todo.refused[0][1]


def test_cost_and_quotas(vpc):
    found = scenes.found(vpc, ["asg:web"], vpc.to)
    todo = plan(found.desired, found.world)
    cost = limits.cost(found.desired, todo)
    assert round(cost.sessions, 2) == round(2 * 0.015 * 730, 2) == 21.90
    assert cost.added == cost.sessions
    used = {q.what: (q.used, q.most) for q in limits.quotas(found.desired, found.world, todo)}
    assert used == {
        "sessions of the account": (2, 10_000),
        "filters of the account": (1, 10_000),
        "targets of the account": (1, 10_000),
        "sessions of the busiest source": (1, 3),
        "rules of the longest filter": (4, 10),
        "sources of the target": (2, 10),
    }


def test_a_plan_shows_everything_the_issue_asks_for(vpc):
    found = scenes.found(vpc, ["asg:web"], vpc.to)
    text = show.text(found.desired, found.world, plan(found.desired, found.world))
    for part in (
        "sources (2)",
        "there already (0)",
        "to do (8)",
        "cost: 21.90 USD a month",
        "quotas:",
        "warning:",
    ):
        assert part in text


def test_the_digest_is_of_the_steps(vpc):
    first = again(vpc).digest
    assert again(vpc).digest == first
    up(vpc)
    assert again(vpc).digest != first


def test_sharing_a_target_with_other_accounts(vpc):
    todo = up(vpc, share_with=("210987654321",))
    assert [s for s in todo.steps if s.operation == "CreateResourceShare"]
    assert again(vpc, share_with=("210987654321",)).steps == ()
    (target,) = vpc.mirrors.targets
    other = vpc.api("210987654321")
    seen = scenes.look(scenes.wish(["asg:web"], f"tmt:{target}"), lambda place: other)[0]
    made = plan(seen.desired, seen.world)
    assert {link.target for _, link in made.links} == {target}


@given(st.sets(st.integers(1, 40)), st.sets(st.integers(32_750, 32_766)))
def test_a_session_number_is_always_free(low, high):
    number = numbers.session_number(low | high)
    assert number is not None
    assert number not in low | high
    assert 1 <= number <= 32_766


@given(st.text(min_size=1), st.sets(st.integers(1, 50)))
def test_a_vni_is_free_and_stays_the_same(eni, taken):
    value = numbers.vni("m", eni, taken)
    assert value == numbers.vni("m", eni, taken)
    assert 1 <= value < 1 << 24
    assert numbers.vni("m", eni, {*taken, value}) not in {*taken, value}
    assert numbers.vni("m", eni, taken, 1) not in taken


def test_a_name_of_another_mirror_is_somebody_elses(vpc):
    up(vpc)
    todo = scenes.planned(vpc, ["asg:web"], vpc.to, name="other")
    assert len([s for s in todo.steps if isinstance(s, CreateSession)]) == 2
    assert {link.number for _, link in todo.links} == {101}
    assert names.source("asg:web")
