"""The 15 traffic-mirror calls of EC2, in memory, as faithful as the documents allow.

Shapes, required fields and types are checked against botocore's own model of the API, both ways. Quotas and
refusals are those of "Traffic Mirroring quotas", "session concepts", "target concepts" and the EC2 error codes.
It is used in two ways: straight, as an `Api` for many quick runs, and mounted on moto, for the wire.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from ipaddress import ip_network
from typing import Any

import botocore.session
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

REGION, ACCOUNT = "eu-central-1", "123456789012"
ENI_ONLY = "interface"
SOURCES = {"interface", "load_balancer"}


class Refused(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


def _model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("ec2")


MODEL = _model()
CALLS = tuple(sorted(o for o in MODEL.operation_names if "TrafficMirror" in o))
SINGULAR = {
    "target": ("TrafficMirrorTarget", "tmt-"),
    "filter": ("TrafficMirrorFilter", "tmf-"),
    "session": ("TrafficMirrorSession", "tms-"),
    "rule": ("TrafficMirrorFilterRule", "tmfr-"),
}
IN_FILTER = {
    "target": {
        "description": "Description",
        "network-interface-id": "NetworkInterfaceId",
        "network-load-balancer-arn": "NetworkLoadBalancerArn",
        "owner-id": "OwnerId",
        "traffic-mirror-target-id": "TrafficMirrorTargetId",
    },
    "filter": {"description": "Description", "traffic-mirror-filter-id": "TrafficMirrorFilterId"},
    "session": {
        "description": "Description",
        "network-interface-id": "NetworkInterfaceId",
        "owner-id": "OwnerId",
        "packet-length": "PacketLength",
        "session-number": "SessionNumber",
        "traffic-mirror-filter-id": "TrafficMirrorFilterId",
        "traffic-mirror-session-id": "TrafficMirrorSessionId",
        "traffic-mirror-target-id": "TrafficMirrorTargetId",
        "virtual-network-id": "VirtualNetworkId",
    },
    "rule": {
        "traffic-mirror-filter-rule-id": "TrafficMirrorFilterRuleId",
        "traffic-mirror-filter-id": "TrafficMirrorFilterId",
        "rule-number": "RuleNumber",
        "rule-action": "RuleAction",
        "traffic-direction": "TrafficDirection",
        "protocol": "Protocol",
        "source-cidr-block": "SourceCidrBlock",
        "destination-cidr-block": "DestinationCidrBlock",
        "description": "Description",
    },
}


class Mirrors:
    """Mirror targets, filters and sessions of one region, of every account in it.

    `interfaces` and `balancers` say what exists to point at: an interface's type by id, and a load balancer's
    type by ARN. `large` are interfaces on instances that take 100 sources.
    """

    def __init__(
        self,
        interfaces: Callable[[], Mapping[str, str]],
        balancers: Callable[[], Mapping[str, str]] = dict,
        endpoints: Callable[[], Mapping[str, str]] = dict,
        *,
        page: int = 3,
        rules_in_filters: bool = True,
    ) -> None:
        self._interfaces, self._balancers, self._endpoints = interfaces, balancers, endpoints
        self.targets: dict[str, dict[str, Any]] = {}
        self.filters: dict[str, dict[str, Any]] = {}
        self.rules: dict[str, dict[str, Any]] = {}
        self.sessions: dict[str, dict[str, Any]] = {}
        self.shared: dict[str, set[str]] = {}
        self.denied: set[str] = set()
        self.large: set[str] = set()
        self.quota = 10_000
        self.page = page
        self.rules_in_filters = rules_in_filters
        self._tokens: dict[tuple[str, str, str], tuple[dict[str, Any], Any]] = {}
        self._numbers = itertools.count(1)

    def call(self, account: str, operation: str, **given: Any) -> dict[str, Any]:
        """One API call. Raises Refused; the answer and the request fit botocore's model."""
        shape = MODEL.operation_model(operation).input_shape
        report = ParamValidator().validate(given, shape)
        if report.has_errors():
            raise Refused("InvalidParameterValue", report.generate_report())
        if operation in self.denied:
            raise Refused(
                "UnauthorizedOperation",
                "You are not authorized to perform this operation. User:"
                f" arn:aws:iam::{account}:user/somebody is not authorized to perform: ec2:{operation}",
            )
        dry = given.pop("DryRun", False)
        token = given.pop("ClientToken", None)
        known = self._tokens.get((account, operation, token or ""))
        if token and known:
            if known[0] != given:
                raise Refused("IdempotentParameterMismatch", "the token was used with other parameters")
            return deepcopy(known[1])
        before = self._state() if dry else None
        answer = getattr(self, "_" + operation)(account, **deepcopy(given))
        if before is not None:
            self._restore(before)
            raise Refused("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
        if token:
            answer["ClientToken"] = token
            self._tokens[account, operation, token] = (given, answer)
        _fits(answer, MODEL.operation_model(operation).output_shape)
        return deepcopy(answer)

    def _state(self) -> Any:
        return deepcopy((self.targets, self.filters, self.rules, self.sessions))

    def _restore(self, state: Any) -> None:
        self.targets, self.filters, self.rules, self.sessions = state

    def forget(self, interface: str) -> None:
        """An interface is gone; its sessions go with it ("Traffic Mirroring considerations")."""
        for session in [s for s, v in self.sessions.items() if v["NetworkInterfaceId"] == interface]:
            del self.sessions[session]

    def _id(self, kind: str) -> str:
        return f"{SINGULAR[kind][1]}{next(self._numbers):017x}"

    def _get(self, kind: str, item: str, account: str) -> dict[str, Any]:
        found = getattr(self, kind + "s").get(item)
        if found is None or not self._sees(kind, found, account):
            raise Refused(f"Invalid{SINGULAR[kind][0]}Id.NotFound", f"The id '{item}' does not exist")
        return found

    def _sees(self, kind: str, item: dict[str, Any], account: str) -> bool:
        own = item.get("OwnerId", item.get("_owner"))
        return own == account or account in self.shared.get(
            item.get("TrafficMirrorTargetId", "") if kind == "target" else "", set()
        )

    def _own(self, kind: str, item: str, account: str) -> dict[str, Any]:
        found = self._get(kind, item, account)
        if found.get("OwnerId", found.get("_owner")) != account:
            raise Refused("UnauthorizedOperation", f"{item} belongs to another account")
        return found

    def _room(self, kind: str, account: str, code: str) -> None:
        items = getattr(self, kind + "s").values()
        if sum(i.get("OwnerId", i.get("_owner")) == account for i in items) >= self.quota:
            raise Refused(code, f"The maximum number of {kind}s has been exceeded.")

    def _tags(self, specifications: list[Any], kind: str) -> list[dict[str, str]]:
        expected = {
            "target": "traffic-mirror-target",
            "filter": "traffic-mirror-filter",
            "session": "traffic-mirror-session",
            "rule": "traffic-mirror-filter-rule",
        }[kind]
        tags: dict[str, str] = {}
        for specification in specifications:
            if specification["ResourceType"] != expected:
                raise Refused(
                    "InvalidParameterValue", f"'{specification['ResourceType']}' is not a valid taggable type"
                )
            for tag in specification["Tags"]:
                if len(tag["Key"]) > 128 or len(tag["Value"]) > 256 or tag["Key"].startswith("aws:"):
                    raise Refused("InvalidParameterValue", f"tag {tag['Key']}")
                tags[tag["Key"]] = tag["Value"]
        return [{"Key": k, "Value": v} for k, v in sorted(tags.items())]

    def _CreateTrafficMirrorTarget(
        self, account: str, TagSpecifications: list[Any] = (), Description: str = "", **what: str
    ) -> dict[str, Any]:
        if len(what) != 1:
            raise Refused("InvalidInput", "Only 1 of the three kinds of target")
        ((field, resource),) = what.items()
        if field == "NetworkInterfaceId":
            if resource not in self._interfaces():
                raise Refused("InvalidNetworkInterfaceID.NotFound", f"'{resource}' does not exist")
            if self._interfaces()[resource] != ENI_ONLY:
                raise Refused("InvalidParameterValue", "a target must be of type interface")
            if any(s["NetworkInterfaceId"] == resource for s in self.sessions.values()):
                raise Refused("InvalidParameterValue", f"{resource} is a source of a session")
            kind = "network-interface"
        elif field == "NetworkLoadBalancerArn":
            if self._balancers().get(resource) != "network":
                raise Refused("InvalidParameterValue", f"{resource} is no Network Load Balancer")
            kind = "network-load-balancer"
        else:
            if resource not in self._endpoints():
                raise Refused("InvalidVpcEndpointId.NotFound", f"'{resource}' does not exist")
            kind = "gateway-load-balancer-endpoint"
        self._room("target", account, "TrafficMirrorTargetLimitExceeded")
        item = {
            "TrafficMirrorTargetId": self._id("target"),
            field: resource,
            "Type": kind,
            "Description": Description,
            "OwnerId": account,
            "Tags": self._tags(TagSpecifications, "target"),
        }
        self.targets[item["TrafficMirrorTargetId"]] = item
        return {"TrafficMirrorTarget": item}

    def _CreateTrafficMirrorFilter(
        self, account: str, TagSpecifications: list[Any] = (), Description: str = ""
    ) -> dict[str, Any]:
        self._room("filter", account, "TrafficMirrorFilterLimitExceeded")
        item = {
            "TrafficMirrorFilterId": self._id("filter"),
            "NetworkServices": [],
            "Description": Description,
            "Tags": self._tags(TagSpecifications, "filter"),
            "_owner": account,
        }
        self.filters[item["TrafficMirrorFilterId"]] = item
        return {"TrafficMirrorFilter": self._shown(item)}

    def _shown(self, item: dict[str, Any]) -> dict[str, Any]:
        """A filter as it is answered: with its rules, unless this backend is told to leave them out."""
        shown = {k: v for k, v in item.items() if not k.startswith("_")}
        rules = [
            r for r in self.rules.values() if r["TrafficMirrorFilterId"] == item["TrafficMirrorFilterId"]
        ]
        for direction in ("ingress", "egress"):
            shown[f"{direction.capitalize()}FilterRules"] = [
                {k: v for k, v in r.items() if not k.startswith("_")}
                for r in sorted(rules, key=lambda r: r["RuleNumber"])
                if r["TrafficDirection"] == direction and self.rules_in_filters
            ]
        return shown

    def _CreateTrafficMirrorFilterRule(
        self, account: str, TagSpecifications: list[Any] = (), **rule: Any
    ) -> dict[str, Any]:
        owner = self._own("filter", rule["TrafficMirrorFilterId"], account)["TrafficMirrorFilterId"]
        siblings = [r for r in self.rules.values() if r["TrafficMirrorFilterId"] == owner]
        if len(siblings) >= 10:
            raise Refused("TrafficMirrorFilterRuleLimitExceeded", "10 rules a filter")
        self._check_rule(rule, siblings)
        item = {
            "TrafficMirrorFilterRuleId": self._id("rule"),
            **rule,
            "Tags": self._tags(TagSpecifications, "rule"),
            "_owner": account,
        }
        self.rules[item["TrafficMirrorFilterRuleId"]] = item
        return {"TrafficMirrorFilterRule": {k: v for k, v in item.items() if not k.startswith("_")}}

    def _check_rule(self, rule: dict[str, Any], siblings: list[dict[str, Any]]) -> None:
        place = (rule["TrafficDirection"], rule["RuleNumber"])
        if any((r["TrafficDirection"], r["RuleNumber"]) == place for r in siblings):
            raise Refused("TrafficMirrorFilterRuleAlreadyExists", f"rule {place} exists")
        if not 1 <= rule["RuleNumber"] <= 32766:
            raise Refused("InvalidParameterValue", "RuleNumber")
        try:
            source = ip_network(rule["SourceCidrBlock"])
            destination = ip_network(rule["DestinationCidrBlock"])
        except ValueError as error:
            raise Refused("InvalidParameterValue", str(error)) from None
        if source.version != destination.version:
            raise Refused("InvalidParameterValue", "both CIDR blocks must be of one family")
        for field in ("SourcePortRange", "DestinationPortRange"):
            ports = rule.get(field)
            if ports is None:
                continue
            if rule.get("Protocol") not in {6, 17}:
                raise Refused("InvalidParameterCombination", "ports need protocol 6 or 17")
            if not 0 <= ports["FromPort"] <= ports["ToPort"] <= 65535:
                raise Refused("InvalidParameterValue", field)

    def _CreateTrafficMirrorSession(
        self, account: str, TagSpecifications: list[Any] = (), **session: Any
    ) -> dict[str, Any]:
        self._room("session", account, "TrafficMirrorSessionLimitExceeded")
        session.setdefault("VirtualNetworkId", self._free_vni())
        self._check_session(account, session, None)
        item = {
            "TrafficMirrorSessionId": self._id("session"),
            **session,
            "OwnerId": account,
            "Tags": self._tags(TagSpecifications, "session"),
        }
        self._default_length(item)
        self.sessions[item["TrafficMirrorSessionId"]] = item
        return {"TrafficMirrorSession": item}

    def _free_vni(self) -> int:
        used = {s["VirtualNetworkId"] for s in self.sessions.values()}
        return next(v for v in itertools.count(7_000_000) if v not in used)

    def _default_length(self, item: dict[str, Any]) -> None:
        if self.targets[item["TrafficMirrorTargetId"]]["Type"] == "network-load-balancer":
            item.setdefault("PacketLength", 8500)

    def _check_session(self, account: str, session: dict[str, Any], own: str | None) -> None:
        eni = session["NetworkInterfaceId"]
        if eni not in self._interfaces():
            raise Refused("InvalidNetworkInterfaceID.NotFound", f"'{eni}' does not exist")
        if self._interfaces()[eni] not in SOURCES:
            raise Refused("InvalidParameterValue", f"{eni} cannot be a source")
        if any(t.get("NetworkInterfaceId") == eni for t in self.targets.values()):
            raise Refused("InvalidParameterValue", f"{eni} is a traffic mirror target")
        target = self._get("target", session["TrafficMirrorTargetId"], account)
        self._own("filter", session["TrafficMirrorFilterId"], account)
        others = {k: s for k, s in self.sessions.items() if k != own}
        here = [s for s in others.values() if s["NetworkInterfaceId"] == eni]
        if len(here) >= 3:
            raise Refused("TrafficMirrorSessionsPerInterfaceLimitExceeded", f"{eni} has 3 sessions")
        if any(s["SessionNumber"] == session["SessionNumber"] for s in here):
            raise Refused("InvalidParameterValue", "SessionNumber is in use on the interface")
        if not 1 <= session["SessionNumber"] <= 32766:
            raise Refused("InvalidParameterValue", "SessionNumber")
        if not 0 <= session["VirtualNetworkId"] <= (1 << 24) - 1:
            raise Refused("InvalidParameterValue", "VirtualNetworkId")
        length = session.get("PacketLength")
        if length is not None and length < 1:
            raise Refused("InvalidParameterValue", "PacketLength")
        if target["Type"] == "network-load-balancer" and (length or 0) > 8500:
            raise Refused("InvalidParameterValue", "PacketLength is at most 8500 for this target")
        if target["Type"] == "network-interface":
            tid = target["TrafficMirrorTargetId"]
            sources = {s["NetworkInterfaceId"] for s in others.values() if s["TrafficMirrorTargetId"] == tid}
            most = 100 if target["NetworkInterfaceId"] in self.large else 10
            if len(sources | {eni}) > most:
                raise Refused("TrafficMirrorSourcesPerTargetLimitExceeded", f"{most} sources a target")

    def _ModifyTrafficMirrorSession(
        self,
        account: str,
        TrafficMirrorSessionId: str,
        RemoveFields: list[str] = (),
        **changes: Any,
    ) -> dict[str, Any]:
        item = self._own("session", TrafficMirrorSessionId, account)
        changed = {**item, **changes}
        if "packet-length" in RemoveFields:
            changed.pop("PacketLength", None)
        if "virtual-network-id" in RemoveFields:
            changed["VirtualNetworkId"] = self._free_vni()
        if "description" in RemoveFields:
            changed["Description"] = ""
        self._check_session(account, changed, TrafficMirrorSessionId)
        self._default_length(changed)
        self.sessions[TrafficMirrorSessionId] = changed
        return {"TrafficMirrorSession": changed}

    def _ModifyTrafficMirrorFilterRule(
        self,
        account: str,
        TrafficMirrorFilterRuleId: str,
        RemoveFields: list[str] = (),
        **changes: Any,
    ) -> dict[str, Any]:
        item = self._own("rule", TrafficMirrorFilterRuleId, account)
        changed = {**item, **changes}
        names = {
            "destination-port-range": "DestinationPortRange",
            "source-port-range": "SourcePortRange",
            "protocol": "Protocol",
            "description": "Description",
        }
        for field in RemoveFields:
            changed.pop(names[field], None)
        siblings = [
            r
            for k, r in self.rules.items()
            if r["TrafficMirrorFilterId"] == item["TrafficMirrorFilterId"] and k != TrafficMirrorFilterRuleId
        ]
        self._check_rule(changed, siblings)
        self.rules[TrafficMirrorFilterRuleId] = changed
        return {"TrafficMirrorFilterRule": {k: v for k, v in changed.items() if not k.startswith("_")}}

    def _ModifyTrafficMirrorFilterNetworkServices(
        self,
        account: str,
        TrafficMirrorFilterId: str,
        AddNetworkServices: list[str] = (),
        RemoveNetworkServices: list[str] = (),
    ) -> dict[str, Any]:
        item = self._own("filter", TrafficMirrorFilterId, account)
        services = {*item["NetworkServices"], *AddNetworkServices} - {*RemoveNetworkServices}
        item["NetworkServices"] = sorted(services)
        return {"TrafficMirrorFilter": self._shown(item)}

    def _DeleteTrafficMirrorSession(self, account: str, TrafficMirrorSessionId: str) -> dict[str, Any]:
        self._own("session", TrafficMirrorSessionId, account)
        del self.sessions[TrafficMirrorSessionId]
        return {"TrafficMirrorSessionId": TrafficMirrorSessionId}

    def _DeleteTrafficMirrorFilterRule(self, account: str, TrafficMirrorFilterRuleId: str) -> dict[str, Any]:
        self._own("rule", TrafficMirrorFilterRuleId, account)
        del self.rules[TrafficMirrorFilterRuleId]
        return {"TrafficMirrorFilterRuleId": TrafficMirrorFilterRuleId}

    def _DeleteTrafficMirrorFilter(self, account: str, TrafficMirrorFilterId: str) -> dict[str, Any]:
        self._own("filter", TrafficMirrorFilterId, account)
        if any(s["TrafficMirrorFilterId"] == TrafficMirrorFilterId for s in self.sessions.values()):
            raise Refused("TrafficMirrorFilterInUse", "a session is using it")
        for rule in [k for k, r in self.rules.items() if r["TrafficMirrorFilterId"] == TrafficMirrorFilterId]:
            del self.rules[rule]
        del self.filters[TrafficMirrorFilterId]
        return {"TrafficMirrorFilterId": TrafficMirrorFilterId}

    def _DeleteTrafficMirrorTarget(self, account: str, TrafficMirrorTargetId: str) -> dict[str, Any]:
        self._own("target", TrafficMirrorTargetId, account)
        if any(s["TrafficMirrorTargetId"] == TrafficMirrorTargetId for s in self.sessions.values()):
            raise Refused("TrafficMirrorTargetInUseException", "a session is using it")
        del self.targets[TrafficMirrorTargetId]
        return {"TrafficMirrorTargetId": TrafficMirrorTargetId}

    def _DescribeTrafficMirrorTargets(self, account: str, **asked: Any) -> dict[str, Any]:
        return self._page("target", account, asked, lambda item: item)

    def _DescribeTrafficMirrorFilters(self, account: str, **asked: Any) -> dict[str, Any]:
        return self._page("filter", account, asked, self._shown)

    def _DescribeTrafficMirrorSessions(self, account: str, **asked: Any) -> dict[str, Any]:
        return self._page("session", account, asked, lambda item: item)

    def _DescribeTrafficMirrorFilterRules(
        self, account: str, TrafficMirrorFilterId: str | None = None, **asked: Any
    ) -> dict[str, Any]:
        if TrafficMirrorFilterId:
            self._get("filter", TrafficMirrorFilterId, account)
            asked["Filters"] = [
                *asked.get("Filters", ()),
                {"Name": "traffic-mirror-filter-id", "Values": [TrafficMirrorFilterId]},
            ]
        return self._page(
            "rule", account, asked, lambda r: {k: v for k, v in r.items() if not k.startswith("_")}
        )

    def _page(
        self,
        kind: str,
        account: str,
        asked: dict[str, Any],
        show: Callable[[dict[str, Any]], dict[str, Any]],
    ) -> dict[str, Any]:
        name = SINGULAR[kind][0]
        wanted = asked.get(f"{name}Ids")
        for item in wanted or ():
            self._get(kind, item, account)
        found = [
            item
            for key, item in sorted(getattr(self, kind + "s").items())
            if self._sees(kind, item, account)
            and (not wanted or key in wanted)
            and all(_passes(kind, item, f) for f in asked.get("Filters") or ())
        ]
        start = int(asked.get("NextToken") or 0)
        size = min(asked.get("MaxResults") or self.page, self.page)
        answer: dict[str, Any] = {f"{name}s": [show(i) for i in found[start : start + size]]}
        if start + size < len(found):
            answer["NextToken"] = str(start + size)
        return answer


def _passes(kind: str, item: dict[str, Any], condition: dict[str, Any]) -> bool:
    name, values = condition["Name"], condition.get("Values", [])
    if name.startswith("tag:"):
        return any(t["Key"] == name[4:] and t["Value"] in values for t in item.get("Tags", ()))
    if name not in IN_FILTER[kind]:
        raise Refused("InvalidParameterValue", f"The filter '{name}' is invalid")
    return str(item.get(IN_FILTER[kind][name], "")) in values


def _fits(answer: Mapping[str, Any], shape: Any) -> None:
    """An answer holds nothing that the model does not know."""
    for key, value in answer.items():
        assert key in shape.members, f"{key} is not in {shape.name}"
        member = shape.members[key]
        if member.type_name == "structure":
            _fits(value, member)
        elif member.type_name == "list" and member.member.type_name == "structure":
            for entry in value:
                _fits(entry, member.member)


@contextmanager
def mounted(mirrors: Mirrors) -> Iterator[None]:
    """moto answers the 15 calls from `mirrors` while this lasts."""
    from moto.core.responses import ActionResult
    from moto.ec2.exceptions import EC2ClientError
    from moto.ec2.responses import EC2Response

    def method(operation: str) -> Callable[[Any], Any]:
        def answer(self: Any) -> Any:
            try:
                return ActionResult(mirrors.call(self.current_account, operation, **dict(self.params)))
            except Refused as refused:
                raise EC2ClientError(refused.code, refused.message) from None

        return answer

    from botocore import xform_name

    names = {operation: xform_name(operation) for operation in CALLS}
    before = {name: EC2Response.__dict__.get(name) for name in names.values()}
    for operation, name in names.items():
        setattr(EC2Response, name, method(operation))
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                delattr(EC2Response, name)
            else:
                setattr(EC2Response, name, old)
