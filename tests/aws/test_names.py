"""What the user types, as values, and what is said when it cannot be."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.aws import names
from shadowtap.aws.names import Place, Selector
from shadowtap.errors import UsageError


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("alb:web", "alb", "web"),
        ("target-group:arn:aws:elasticloadbalancing:x", "target-group", "arn:aws:elasticloadbalancing:x"),
        ("ecs:prod/api", "ecs", "prod/api"),
        ("tag:team=payments=eu", "tag", "team=payments=eu"),
        ("eks:10.0.3.17", "eks", "10.0.3.17"),
        ("eks:fd00::1@vpc-1", "eks", "fd00::1@vpc-1"),
    ],
)
def test_a_source_is_a_kind_and_a_name(text, kind, name):
    assert names.source(text) == Selector(kind, name)


@pytest.mark.parametrize("text", ["web", "alb:", "vm:web", "tag:team", "eks:pod-1", ":x", ""])
def test_what_is_not_a_source_is_answered_with_what_is(text):
    with pytest.raises(UsageError):
        names.source(text)


def test_the_message_lists_the_kinds():
    with pytest.raises(UsageError, match=r"alb:NAME.*tag:KEY=VALUE"):
        names.source("web")


def test_a_place_has_a_profile_a_region_and_a_role():
    assert names.place("profile=prod,region=eu-west-1") == Place("prod", "eu-west-1", None)
    for wrong in ("prod", "profile=", "profile=a,profile=b", "zone=x"):
        with pytest.raises(UsageError):
            names.place(wrong)


def test_ports_merge_where_that_is_exact():
    assert names.ports(["80,81", "8080-8090", "8085", "8092"]) == ((80, 81), (8080, 8090), (8092, 8092))


@pytest.mark.parametrize("text", ["http", "80-", "90-80", "65536", "-1", ""])
def test_what_is_no_port(text):
    with pytest.raises(UsageError):
        names.ports([text])


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20))))
def test_merging_keeps_exactly_the_same_ports(pairs):
    ranges = [(low, low + more) for low, more in pairs]
    merged = names.merge(ranges)
    assert {p for a, b in merged for p in range(a, b + 1)} == {p for a, b in ranges for p in range(a, b + 1)}
    assert all(b[0] > a[1] + 1 for a, b in pairwise(merged))


def test_networks_merge_and_keep_their_families():
    assert names.networks(["10.0.1.0/24", "10.0.0.0/24", "fd00::/64"]) == ("10.0.0.0/23", "fd00::/64")
    with pytest.raises(UsageError, match=r"10\.0\.0\.1/24"):
        names.networks(["10.0.0.1/24"])
