"""How the mirror is, beside what AWS and the collector counted."""

from datetime import UTC, datetime

import pytest

from aws import scenes
from aws.vpc import Vpc
from shadowtap.aws import status as state
from shadowtap.aws.apply import Applier
from shadowtap.aws.plan import plan

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def vpc():
    one = Vpc()
    one.to = "eni:" + scenes.collector(one)
    scenes.servers(one)
    found = scenes.found(one, ["asg:web"], one.to)
    assert Applier(found.api, plan(found.desired, found.world), run="1").apply().ok
    return one


def status(vpc):
    return state.status(vpc.api(), "shadowtap", NOW)


def test_all_is_well(vpc):
    now = status(vpc)
    assert now.healthy
    assert now.warnings == ()
    assert len(now.sessions) == 2


def test_cloudwatch_beside_the_collector(vpc):
    instance = vpc.asgs["web"][0]
    vpc.metrics[instance, "NetworkPacketsMirrorIn"] = 900
    vpc.metrics[instance, "NetworkPacketsMirrorOut"] = 100
    vpc.metrics[instance, "NetworkPacketsSkipMirrorOut"] = 5
    now = status(vpc)
    assert {(s.mirrored, s.skipped) for s in now.sessions} == {(1000, 5), (None, None)}
    text = state.text(now, {"shadowtap_capture_packets_total": 990.0})
    assert "1000 packets mirrored, 5 skipped in the last 15 minutes" in text
    assert "shadowtap_capture_packets_total 990" in text
    assert "bandwidth was full" in text


def test_the_collectors_page_and_its_summary():
    page = (
        '# HELP x\nshadowtap_capture_packets_total{source="a"} 3\n'
        'shadowtap_capture_packets_total{source="b"} 4\nup 1\n'
    )
    assert state.received(page) == {"shadowtap_capture_packets_total": 7.0}
    summary = '{"capture": {"frames": 7, "by": {"kernel_drops": 1}}, "seen": 5}'
    assert state.received(summary) == {"capture.frames": 7.0, "capture.by.kernel_drops": 1.0}


def test_a_filter_that_lost_a_rule(vpc):
    vpc.mirrors.rules.pop(next(iter(vpc.mirrors.rules)))
    now = status(vpc)
    assert not now.healthy
    assert "half made" in now.sessions[0].problems[0]
    vpc.mirrors.rules.clear()
    assert "no rules: nothing is mirrored" in status(vpc).sessions[0].problems[0]


def test_what_keeps_packets_from_arriving_is_said_here_too(vpc):
    vpc.groups.clear()
    for entry in vpc.interfaces.values():
        entry["Groups"] = []
    now = status(vpc)
    assert [str(w.kind) for w in now.warnings] == ["security-group"]
    assert not now.healthy


def test_permissions_that_are_missing_are_named_and_the_rest_is_shown(vpc):
    vpc.denied |= {"GetMetricData", "DescribeSecurityGroups"}
    now = status(vpc)
    assert now.healthy
    assert {"cloudwatch:GetMetricData", "ec2:DescribeSecurityGroups"} <= set(now.missing)


def test_no_mirror_is_not_healthy():
    now = state.status(Vpc().api(), "shadowtap", NOW)
    assert not now.healthy
    assert "nothing is mirrored" in state.text(now, None)
