"""The steps a plan is made of: plain values, each one call of the API.

What does not exist yet is referred to by its key with `new:` before it; `apply` puts the id in its place.
"""

from typing import ClassVar

from msgspec import Struct

from shadowtap.aws.world import Rule

NEW = "new:"


class Step(Struct, frozen=True, kw_only=True, tag_field="step"):
    """One change. `operation` is the API call it makes; `why` is for people."""

    operation: ClassVar[str]
    why: str = ""


class CreateTarget(Step, frozen=True, kw_only=True, tag="create-target"):
    operation = "CreateTrafficMirrorTarget"
    key: str
    kind: str
    resource: str


class CreateFilter(Step, frozen=True, kw_only=True, tag="create-filter"):
    operation = "CreateTrafficMirrorFilter"
    key: str


class CreateRule(Step, frozen=True, kw_only=True, tag="create-rule"):
    operation = "CreateTrafficMirrorFilterRule"
    filter: str
    rule: Rule


class ModifyRule(Step, frozen=True, kw_only=True, tag="modify-rule"):
    operation = "ModifyTrafficMirrorFilterRule"
    id: str
    before: Rule
    after: Rule


class DeleteRule(Step, frozen=True, kw_only=True, tag="delete-rule"):
    operation = "DeleteTrafficMirrorFilterRule"
    id: str
    filter: str


class RemoveServices(Step, frozen=True, kw_only=True, tag="remove-services"):
    """Takes network services (amazon-dns) out of a filter: DNS is not what is replayed."""

    operation = "ModifyTrafficMirrorFilterNetworkServices"
    filter: str
    services: tuple[str, ...]


class Link(Struct, frozen=True, kw_only=True):
    """What of a session can be changed."""

    target: str
    filter: str
    number: int
    vni: int | None
    packet_length: int | None


class CreateSession(Step, frozen=True, kw_only=True, tag="create-session"):
    operation = "CreateTrafficMirrorSession"
    key: str
    interface: str
    link: Link


class ModifySession(Step, frozen=True, kw_only=True, tag="modify-session"):
    operation = "ModifyTrafficMirrorSession"
    id: str
    interface: str
    before: Link
    after: Link


class DeleteSession(Step, frozen=True, kw_only=True, tag="delete-session"):
    operation = "DeleteTrafficMirrorSession"
    id: str
    interface: str
    uses: tuple[str, ...] = ()
    """Its filter and target, which cannot go before it does."""


class DeleteFilter(Step, frozen=True, kw_only=True, tag="delete-filter"):
    operation = "DeleteTrafficMirrorFilter"
    id: str


class DeleteTarget(Step, frozen=True, kw_only=True, tag="delete-target"):
    operation = "DeleteTrafficMirrorTarget"
    id: str


class CreateShare(Step, frozen=True, kw_only=True, tag="create-share"):
    """Lets other accounts send their mirrors to the target (AWS Resource Access Manager)."""

    operation = "CreateResourceShare"
    key: str
    target: str
    principals: tuple[str, ...]


class DeleteShare(Step, frozen=True, kw_only=True, tag="delete-share"):
    operation = "DeleteResourceShare"
    id: str


Change = (
    CreateTarget
    | CreateFilter
    | CreateRule
    | ModifyRule
    | DeleteRule
    | RemoveServices
    | CreateSession
    | ModifySession
    | DeleteSession
    | DeleteFilter
    | DeleteTarget
    | CreateShare
    | DeleteShare
)
Creation = CreateTarget | CreateFilter | CreateRule | CreateSession | CreateShare
"""Steps that a failure takes back by deleting what they made."""


def describe(step: Change) -> str:
    """One line for people."""
    match step:
        case CreateTarget():
            text = f"create target        {step.kind} {step.resource}"
        case CreateFilter():
            text = f"create filter        {step.key}"
        case CreateRule():
            text = f"create rule          {rule_text(step.rule)}"
        case ModifyRule():
            text = f"change rule          {step.id}: {rule_text(step.after)}"
        case DeleteRule():
            text = f"delete rule          {step.id} of {step.filter}"
        case RemoveServices():
            text = f"remove services      {', '.join(step.services)} from {step.filter}"
        case CreateSession():
            text = f"create session       {step.interface}, {link_text(step.link)}"
        case ModifySession():
            text = f"change session       {step.id} of {step.interface}: {_changed(step)}"
        case DeleteSession():
            text = f"delete session       {step.id} of {step.interface}"
        case DeleteFilter():
            text = f"delete filter        {step.id}"
        case DeleteTarget():
            text = f"delete target        {step.id}"
        case CreateShare():
            text = f"share target         with {', '.join(step.principals)}"
        case DeleteShare():
            text = f"delete share         {step.id}"
    return f"{text}  ({step.why})" if step.why else text


def link_text(link: Link) -> str:
    length = "whole packets" if link.packet_length is None else f"{link.packet_length} bytes a packet"
    return f"number {link.number}, VNI {link.vni}, {length}, filter {link.filter}"


def _changed(step: ModifySession) -> str:
    return ", ".join(
        f"{name} {getattr(step.before, name)} to {getattr(step.after, name)}"
        for name in Link.__struct_fields__
        if getattr(step.before, name) != getattr(step.after, name)
    )


def rule_text(rule: Rule) -> str:
    def end(network: str, ports: tuple[int, int] | None) -> str:
        if ports is None:
            return network
        return f"{network} port {ports[0]}" + (f"-{ports[1]}" if ports[1] != ports[0] else "")

    protocol = "tcp" if rule.protocol == 6 else f"protocol {rule.protocol or 'any'}"
    return (
        f"{rule.direction} {rule.number} {rule.action} {protocol}"
        f" {end(rule.source, rule.source_ports)} to {end(rule.destination, rule.destination_ports)}"
    )
