"""A plan for people, and as JSON."""

from collections.abc import Iterator
from typing import Any

import msgspec

from shadowtap.aws import limits
from shadowtap.aws.desired import Desired, Source
from shadowtap.aws.names import ports_text
from shadowtap.aws.plan import Plan
from shadowtap.aws.steps import describe, link_text, rule_text
from shadowtap.aws.warn import warnings
from shadowtap.aws.world import World


def text(desired: Desired, world: World, plan: Plan, price: float = limits.SESSION_HOUR) -> str:
    """Several lines: what is mirrored, what is there, what changes, what it costs, what to know."""
    return "\n".join(_lines(desired, world, plan, price))


def _lines(desired: Desired, world: World, plan: Plan, price: float) -> Iterator[str]:
    wish = desired.destination
    yield f"mirror {plan.name} in {plan.account} {plan.region}, to {wish.kind}:{wish.resource}"
    links = dict(plan.links)
    yield f"\nsources ({len(plan.sources)})"
    for source, _ in plan.sources:
        yield f"  {_source(source)}"
        yield f"    session: {link_text(links[source.interface.id])}"
    for wanted in plan.filters:
        yield f"\n{wanted.key} ({len(wanted.rules)} of {limits.RULES_PER_FILTER} rules)"
        for rule in wanted.rules:
            yield f"  {rule_text(rule)}"
    yield f"\nthere already ({len(plan.kept)})"
    yield from (f"  {item}" for item in plan.kept)
    yield f"\nto do ({len(plan.steps)})"
    yield from (f"  {describe(step)}" for step in plan.steps)
    if not plan.steps:
        yield "  nothing: everything is as it should be"
    money = limits.cost(desired, plan, price)
    yield f"\ncost: {money.sessions:.2f} USD a month for {len(plan.links)} sessions (this plan: {money.added:+.2f})"
    if money.balancer:
        yield f"      the load balancer {money.balancer:.2f} a month besides, and its data"
    yield "quotas: " + "; ".join(
        f"{q.what} {q.used}/{q.most} ({q.share:.0%})" for q in limits.quotas(desired, world, plan)
    )
    for note in desired.notes:
        yield f"note: {note}"
    for warning in warnings(desired, world, plan):
        yield f"warning: {warning}"
    yield f"plan {plan.digest}"


def _source(source: Source) -> str:
    one, traffic = source.interface, source.traffic
    address = (one.addresses or one.ipv6 or ("?",))[0]
    sides = []
    if traffic.serves:
        sides.append(f"connections to its port {ports_text(traffic.serves)}")
    if traffic.calls:
        sides.append(f"connections from it to port {ports_text(traffic.calls)}")
    what = " and ".join(sides) + (", both directions" if traffic.responses else ", requests only")
    return f"{one.id}  {address}  {', '.join(source.named)}: {what}"


def document(
    desired: Desired, world: World, plan: Plan, price: float = limits.SESSION_HOUR
) -> dict[str, Any]:
    """The same as plain values."""
    money = limits.cost(desired, plan, price)
    return {
        "mirror": plan.name,
        "account": plan.account,
        "region": plan.region,
        "target": f"{desired.destination.kind}:{desired.destination.resource}",
        "digest": plan.digest,
        "sources": [
            {
                "interface": s.interface.id,
                "address": (s.interface.addresses or s.interface.ipv6 or (None,))[0],
                "named": list(s.named),
                "filter": key,
            }
            for s, key in plan.sources
        ],
        "sessions": [{"interface": i, **msgspec.to_builtins(link)} for i, link in plan.links],
        "filters": [{"key": f.key, "rules": msgspec.to_builtins(f.rules)} for f in plan.filters],
        "kept": list(plan.kept),
        "left": list(plan.left),
        "steps": msgspec.to_builtins(plan.steps),
        "monthly_usd": {
            "sessions": round(money.sessions, 2),
            "added": round(money.added, 2),
            "load_balancer": round(money.balancer, 2),
        },
        "quotas": [
            {"what": q.what, "used": q.used, "most": q.most} for q in limits.quotas(desired, world, plan)
        ],
        "notes": list(desired.notes),
        "warnings": [{"kind": str(w.kind), "text": w.text} for w in warnings(desired, world, plan)],
    }
