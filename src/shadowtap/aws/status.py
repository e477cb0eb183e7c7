"""How the mirror is: each session, what may keep its packets from arriving, and what AWS counted.

CloudWatch counts mirrored and skipped packets for each instance (namespace AWS/EC2, one value a minute or every
five): "skipped" matched a filter and was not mirrored, because the instance's bandwidth went to production first.
The collector's own count comes from its /metrics page or its summary file.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from shadowtap.aws import find, read
from shadowtap.aws.api import Api, optional
from shadowtap.aws.desired import Desired, Destination, Source, Traffic
from shadowtap.aws.destination import destination
from shadowtap.aws.names import Selector
from shadowtap.aws.plan import Plan, Wanted, filter_key
from shadowtap.aws.steps import Link
from shadowtap.aws.warn import Kind, Warning, warnings
from shadowtap.aws.world import KEY_TAG, Filter, Interface, Session, Target, World, shown, tag

METRICS = (
    "NetworkMirrorIn",
    "NetworkMirrorOut",
    "NetworkPacketsMirrorIn",
    "NetworkPacketsMirrorOut",
    "NetworkSkipMirrorIn",
    "NetworkSkipMirrorOut",
    "NetworkPacketsSkipMirrorIn",
    "NetworkPacketsSkipMirrorOut",
)
GRAVE = frozenset({Kind.PREEMPTED, Kind.SECURITY_GROUP, Kind.LISTENER, Kind.HEALTH, Kind.TARGET})
"""Warnings that mean that packets do not arrive; with the others they do, only not all or not as they were."""
QUERIES = 500
"""The most GetMetricData takes at once."""


class Line(Struct, frozen=True, kw_only=True):
    """One session."""

    session: str
    interface: str
    address: str | None
    instance: str | None
    number: int
    vni: int | None
    target: str
    filter: str
    problems: tuple[str, ...] = ()
    mirrored: int | None = None
    skipped: int | None = None


class Status(Struct, frozen=True, kw_only=True):
    """The mirror in one account and region. Packet counts are of the last `minutes`."""

    name: str
    account: str
    region: str
    minutes: int
    sessions: tuple[Line, ...]
    warnings: tuple[Warning, ...] = ()
    filters: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether packets can be expected to arrive."""
        grave = any(w.kind in GRAVE for w in self.warnings)
        return bool(self.sessions) and not grave and not any(s.problems for s in self.sessions)


def status(api: Api, name: str, now: datetime, minutes: int = 15) -> Status:
    """Reads everything that is needed for it; changes nothing."""
    missing: list[str] = []
    world = read.world(api)
    mine = sorted(shown(world.sessions, name), key=lambda s: s.id)
    found = find.interfaces(api, "network-interface-id", (s.interface for s in mine))
    interfaces = {i.id: i for i in found}
    counts = _counted(api, [i.instance for i in found if i.instance], now, minutes, missing)
    said = _warnings(api, name, world, interfaces, missing)
    return Status(
        name=name,
        account=api.account,
        region=api.region,
        minutes=minutes,
        sessions=tuple(_line(s, world, interfaces.get(s.interface), counts) for s in mine),
        warnings=tuple(dict.fromkeys(said)),
        filters=tuple(f.id for f in shown(world.filters, name)),
        targets=tuple(t.id for t in shown(world.targets, name)),
        missing=tuple(sorted(set(missing))),
    )


def _line(
    session: Session,
    world: World,
    interface: Interface | None,
    counts: dict[tuple[str, str], float],
) -> Line:
    instance = interface.instance if interface else None
    return Line(
        session=session.id,
        interface=session.interface,
        address=interface.addresses[0] if interface and interface.addresses else None,
        instance=instance,
        number=session.number,
        vni=session.vni,
        target=session.target,
        filter=session.filter,
        problems=tuple(_problems(session, world, interface)),
        mirrored=_sum(counts, instance, "NetworkPacketsMirror"),
        skipped=_sum(counts, instance, "NetworkPacketsSkipMirror"),
    )


def _sum(counts: dict[tuple[str, str], float], instance: str | None, metric: str) -> int | None:
    values = [
        counts[instance, m] for m in (metric + "In", metric + "Out") if instance and (instance, m) in counts
    ]
    return int(sum(values)) if values else None


def _problems(session: Session, world: World, interface: Interface | None) -> Iterator[str]:
    if interface is None:
        yield "its interface is gone"
    used = next((f for f in world.filters if f.id == session.filter), None)
    if used is None:
        yield f"its filter {session.filter} is gone"
    elif not used.rules:
        yield f"its filter {session.filter} has no rules: nothing is mirrored"
    elif tag(used, KEY_TAG) != filter_key(tuple(r for _, r in used.rules)):
        yield f"its filter {session.filter} was changed or is half made: `up` sets it right"
    if session.target not in {t.id for t in world.targets}:
        yield f"its target {session.target} cannot be seen"


def _counted(
    api: Api, instances: list[str], now: datetime, minutes: int, missing: list[str]
) -> dict[tuple[str, str], float]:
    """Sums of the metrics by instance and name, where CloudWatch has any."""
    asked = [(i, m) for i in dict.fromkeys(instances) for m in METRICS]
    found: dict[tuple[str, str], float] = {}
    for start in range(0, len(asked), QUERIES):
        part = asked[start : start + QUERIES]
        answer = optional(lambda part=part: _metrics(api, part, now, minutes), missing)  # type: ignore[misc]
        for result in (answer or {}).get("MetricDataResults") or ():
            values = result.get("Values") or ()
            if values:
                found[part[int(result["Id"][1:])]] = float(sum(values))
    return found


def _metrics(api: Api, asked: list[tuple[str, str]], now: datetime, minutes: int) -> Any:
    queries = [
        {
            "Id": f"m{index}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/EC2",
                    "MetricName": metric,
                    "Dimensions": [{"Name": "InstanceId", "Value": instance}],
                },
                "Period": 300,
                "Stat": "Sum",
            },
        }
        for index, (instance, metric) in enumerate(asked)
    ]
    return api.call(
        "cloudwatch",
        "GetMetricData",
        MetricDataQueries=queries,
        StartTime=now - timedelta(minutes=minutes),
        EndTime=now,
    )


def _warnings(
    api: Api, name: str, world: World, interfaces: dict[str, Interface], missing: list[str]
) -> Iterator[Warning]:
    """The warnings of `plan`, for what is there: one look for each target in use."""
    mine = shown(world.sessions, name)
    for target in [t for t in world.targets if t.id in {s.target for s in mine}]:
        there = [s for s in mine if s.target == target.id and s.interface in interfaces]
        desired = Desired(name=name, destination=_destination(api, target, missing), source_mtu=0)
        for warning in warnings(desired, world, _as_plan(name, world, there, interfaces)):
            if warning.kind is not Kind.NOTHING:
                yield warning


def _destination(api: Api, target: Target, missing: list[str]) -> Destination:
    try:
        return destination(api, Selector(target.kind, target.resource), missing)
    except find.UnknownError as error:
        if target.owner != api.account:
            return Destination(kind="tmt", resource=target.id)
        return Destination(kind=target.kind, resource=target.resource, problem=error.why)


def _as_plan(name: str, world: World, sessions: list[Session], interfaces: dict[str, Interface]) -> Plan:
    filters = {f.id: f for f in world.filters}
    used = {s.filter: filters[s.filter] for s in sessions if s.filter in filters}
    return Plan(
        name=name,
        account=world.account,
        region=world.region,
        steps=(),
        sources=tuple(
            (
                Source(
                    interface=interfaces[s.interface],
                    traffic=Traffic(responses=_both(used[s.filter])),
                    named=(s.interface,),
                ),
                s.filter,
            )
            for s in sessions
            if s.filter in used
        ),
        filters=tuple(
            Wanted(key=f.id, rules=tuple(r for _, r in f.rules), traffic=Traffic()) for f in used.values()
        ),
        links=tuple(
            (
                s.interface,
                Link(
                    target=s.target,
                    filter=s.filter,
                    number=s.number,
                    vni=s.vni,
                    packet_length=s.packet_length,
                ),
            )
            for s in sessions
            if s.filter in used
        ),
    )


def _both(used: Filter) -> bool:
    return {r.direction for _, r in used.rules if r.action == "accept"} == {"ingress", "egress"}


def received(page: str) -> dict[str, float]:
    """The collector's capture counters: from its /metrics page (Prometheus text) or its summary (JSON)."""
    if page.lstrip().startswith("{"):
        return dict(_numbers(msgspec.json.decode(page.encode()), ()))
    found: dict[str, float] = {}
    for line in page.splitlines():
        match = re.match(r"(shadowtap_(?:capture_\w+|segments_cut)_total)(?:\{.*\})? (\S+)$", line)
        if match:
            found[match[1]] = found.get(match[1], 0.0) + float(match[2])
    return found


def _numbers(value: Any, path: tuple[str, ...]) -> Iterable[tuple[str, float]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, (*path, str(key)))
    elif isinstance(value, int | float) and not isinstance(value, bool) and "capture" in path:
        yield ".".join(path), float(value)


def text(one: Status, collector: dict[str, float] | None) -> str:
    """For people."""
    lines = [f"mirror {one.name} in {one.account} {one.region}: {len(one.sessions)} sessions"]
    for s in one.sessions:
        counted = "CloudWatch has no count for it"
        if s.mirrored is not None or s.skipped is not None:
            counted = f"{s.mirrored or 0} packets mirrored, {s.skipped or 0} skipped in {one.minutes} min"
        lines.append(
            f"  {s.session}  {s.interface}  {s.address or '?'}  number {s.number}  VNI {s.vni}  {counted}"
        )
        lines += [f"    problem: {p}" for p in s.problems]
    if not one.sessions:
        lines.append("  none: nothing is mirrored (`shadowtap aws up` makes it so)")
    mirrored = sum(s.mirrored or 0 for s in one.sessions)
    skipped = sum(s.skipped or 0 for s in one.sessions)
    lines.append(f"AWS: {mirrored} packets mirrored, {skipped} skipped in the last {one.minutes} minutes")
    if collector is not None:
        said = ", ".join(f"{k} {v:g}" for k, v in sorted(collector.items())) or "no capture counters"
        lines.append(f"collector, since it started: {said}")
    lines += [f"warning: {w}" for w in one.warnings]
    if skipped:
        lines.append(
            "warning: skipped packets matched and were not copied: the instance's bandwidth was full;"
            " mirror fewer ports, use --no-responses, or a larger instance"
        )
    if one.missing:
        lines.append(f"not checked, missing permissions: {', '.join(one.missing)}")
    return "\n".join(lines)
