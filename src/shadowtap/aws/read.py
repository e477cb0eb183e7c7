"""The describe calls that make a `World`. Reads everything once, page by page; changes nothing."""

from shadowtap.aws.api import Api, optional, pages
from shadowtap.aws.world import (
    Filter,
    Share,
    World,
    filter_of,
    rule_of,
    session_of,
    tags_of,
    target_of,
)

EC2_READS = (
    "DescribeTrafficMirrorTargets",
    "DescribeTrafficMirrorFilters",
    "DescribeTrafficMirrorFilterRules",
    "DescribeTrafficMirrorSessions",
)


def world(api: Api, *, shares: bool = False) -> World:
    """Targets, filters with their rules, and sessions of the account and region, also those of others.

    `shares` reads the RAM resource shares too, where the permission for it is there.
    """
    return World(
        account=api.account,
        region=api.region,
        targets=tuple(
            target_of(t) for t in pages(api, "ec2", "DescribeTrafficMirrorTargets", "TrafficMirrorTargets")
        ),
        filters=tuple(
            _with_rules(api, filter_of(f))
            for f in pages(api, "ec2", "DescribeTrafficMirrorFilters", "TrafficMirrorFilters")
        ),
        sessions=tuple(
            session_of(s) for s in pages(api, "ec2", "DescribeTrafficMirrorSessions", "TrafficMirrorSessions")
        ),
        shares=_shares(api) if shares else (),
    )


def _with_rules(api: Api, found: Filter) -> Filter:
    """A filter's own answer holds its rules; where it holds none they are asked for, because some answers of
    the API leave them out."""
    if found.rules:
        return found
    rules = pages(
        api,
        "ec2",
        "DescribeTrafficMirrorFilterRules",
        "TrafficMirrorFilterRules",
        TrafficMirrorFilterId=found.id,
    )
    return Filter(
        id=found.id,
        rules=tuple(rule_of(rule) for rule in rules),
        services=found.services,
        tags=found.tags,
    )


def _shares(api: Api) -> tuple[Share, ...]:
    found = optional(
        lambda: list(pages(api, "ram", "GetResourceShares", "resourceShares", resourceOwner="SELF")),
        [],
    )
    return tuple(
        Share(
            id=s["resourceShareArn"],
            tags=tags_of({"Tags": [{"Key": t["key"], "Value": t["value"]} for t in s.get("tags") or ()]}),
        )
        for s in found or ()
        if s.get("status") not in {"DELETED", "DELETING"}
    )
