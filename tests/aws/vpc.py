"""An account's network in memory, as an `Api`: interfaces, instances, load balancers, groups, and the mirrors.

It answers what `shadowtap aws` asks and nothing else, with the shapes of botocore's model. Failures can be put
before or after the effect of a call, because on a network both happen.
"""

import itertools
from collections.abc import Callable
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from aws.backend import ACCOUNT, REGION, Mirrors, Refused
from shadowtap.aws.api import ApiError

_SESSION = botocore.session.get_session()
_MODELS: dict[str, Any] = {}
Fault = Callable[[str, str], tuple[str, str] | None]
"""service and operation in; None, or `before` or `after` and an error code out."""


def _model(service: str) -> Any:
    if service not in _MODELS:
        _MODELS[service] = _SESSION.get_service_model(service)
    return _MODELS[service]


class Vpc:
    """One region. `api()` gives an Api for an account; everything else puts things there."""

    def __init__(self, **options: Any) -> None:
        self.interfaces: dict[str, dict[str, Any]] = {}
        self.instances: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.balancers: dict[str, dict[str, Any]] = {}
        self.classics: dict[str, dict[str, Any]] = {}
        self.listeners: dict[str, list[dict[str, Any]]] = {}
        self.attributes: dict[str, list[dict[str, str]]] = {}
        self.target_groups: dict[str, dict[str, Any]] = {}
        self.health: dict[str, list[dict[str, Any]]] = {}
        self.asgs: dict[str, list[str]] = {}
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.services: dict[tuple[str, str], dict[str, Any]] = {}
        self.tasks: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.shares: dict[str, dict[str, Any]] = {}
        self.metrics: dict[tuple[str, str], float] = {}
        self.queue: list[dict[str, Any]] = []
        self.denied: set[str] = set()
        self.fault: Fault = lambda service, operation: None
        self.calls: list[str] = []
        self._numbers = itertools.count(1)
        self.mirrors = Mirrors(
            lambda: {k: v["InterfaceType"] for k, v in self.interfaces.items()},
            lambda: {k: v["Type"] for k, v in self.balancers.items()},
            lambda: {k: v["VpcEndpointType"] for k, v in self.endpoints.items()},
            **options,
        )

    def api(self, account: str = ACCOUNT, region: str = REGION) -> "VpcApi":
        return VpcApi(self, account, region)

    def number(self) -> int:
        return next(self._numbers)

    # what there is

    def add_interface(
        self,
        *,
        kind: str = "interface",
        description: str = "",
        instance: str | None = None,
        address: str | None = None,
        more: tuple[str, ...] = (),
        ipv6: tuple[str, ...] = (),
        prefixes: tuple[str, ...] = (),
        groups: tuple[str, ...] = (),
        tags: dict[str, str] | None = None,
        vpc: str = "vpc-1",
        device: int = 0,
    ) -> str:
        number = self.number()
        eni = f"eni-{number:017x}"
        address = address or f"10.0.{number // 250}.{number % 250 + 1}"
        self.interfaces[eni] = {
            "NetworkInterfaceId": eni,
            "InterfaceType": kind,
            "Description": description,
            "VpcId": vpc,
            "SubnetId": "subnet-1",
            "AvailabilityZone": f"{REGION}a",
            "PrivateIpAddress": address,
            "PrivateIpAddresses": [
                {"Primary": i == 0, "PrivateIpAddress": a} for i, a in enumerate((address, *more))
            ],
            "Ipv6Addresses": [{"Ipv6Address": a} for a in ipv6],
            "Ipv4Prefixes": [{"Ipv4Prefix": p} for p in prefixes],
            "Groups": [{"GroupId": g, "GroupName": g} for g in groups],
            "Status": "in-use",
            "OwnerId": ACCOUNT,
            "TagSet": [{"Key": k, "Value": v} for k, v in (tags or {}).items()],
            **({"Attachment": {"InstanceId": instance, "DeviceIndex": device}} if instance else {}),
        }
        return eni

    def add_instance(
        self, name: str = "", *, tags: dict[str, str] | None = None, size: str = "m5.large", **interface: Any
    ) -> tuple[str, str]:
        instance = f"i-{self.number():017x}"
        every = {**(tags or {}), **({"Name": name} if name else {})}
        self.instances[instance] = {
            "InstanceId": instance,
            "InstanceType": size,
            "Tags": [{"Key": k, "Value": v} for k, v in every.items()],
        }
        return instance, self.add_interface(instance=instance, **interface)

    def remove_interface(self, eni: str) -> None:
        self.interfaces.pop(eni, None)
        self.mirrors.forget(eni)

    def add_group(self, *permissions: dict[str, Any]) -> str:
        group = f"sg-{self.number():017x}"
        self.groups[group] = {"GroupId": group, "GroupName": group, "IpPermissions": list(permissions)}
        return group

    def add_balancer(self, name: str, kind: str, *, groups: tuple[str, ...] = (), zones: int = 2) -> str:
        short = {"application": "app", "network": "net", "gateway": "gwy"}[kind]
        suffix = f"{short}/{name}/{self.number():016x}"
        arn = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/{suffix}"
        self.balancers[arn] = {
            "LoadBalancerArn": arn,
            "LoadBalancerName": name,
            "Type": kind,
            "VpcId": "vpc-1",
            "SecurityGroups": list(groups),
            "AvailabilityZones": [{"ZoneName": f"{REGION}{'abc'[i]}"} for i in range(zones)],
        }
        self.attributes[arn] = [{"Key": "load_balancing.cross_zone.enabled", "Value": "true"}]
        for _ in range(zones):
            eni_kind = "interface" if kind == "application" else "network_load_balancer"
            self.add_interface(kind=eni_kind, description=f"ELB {suffix}")
        return arn

    def add_target_group(
        self, name: str, balancer: str | None = None, *, kind: str = "instance", port: int = 8080, **more: Any
    ) -> str:
        arn = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/{name}/{self.number():016x}"
        self.target_groups[arn] = {
            "TargetGroupArn": arn,
            "TargetGroupName": name,
            "TargetType": kind,
            "Port": port,
            "VpcId": "vpc-1",
            "LoadBalancerArns": [balancer] if balancer else [],
            "HealthCheckProtocol": "TCP",
            "HealthCheckPort": "9090",
            "HealthCheckEnabled": True,
            **more,
        }
        self.health[arn] = []
        return arn

    def register(self, group: str, target: str, port: int | None = None, state: str = "healthy") -> None:
        entry = {"Id": target, **({"Port": port} if port else {})}
        self.health[group].append({"Target": entry, "TargetHealth": {"State": state}})

    def listen(self, balancer: str, port: int, protocol: str, group: str | None = None) -> None:
        action = {"Type": "forward", "TargetGroupArn": group} if group else {"Type": "redirect"}
        self.listeners.setdefault(balancer, []).append(
            {
                "ListenerArn": f"{balancer}/{port}",
                "LoadBalancerArn": balancer,
                "Port": port,
                "Protocol": protocol,
                "DefaultActions": [action],
            }
        )


class VpcApi:
    """One account's view of it."""

    def __init__(self, vpc: Vpc, account: str, region: str) -> None:
        self.vpc, self.account, self.region = vpc, account, region

    def call(self, service: str, operation: str, **parameters: Any) -> Any:
        self.vpc.calls.append(f"{service}:{operation}")
        fault = self.vpc.fault(service, operation)
        if fault and fault[0] == "before":
            raise ApiError(service, operation, fault[1], "put there by the test")
        if operation in self.vpc.denied:
            raise ApiError(service, operation, "UnauthorizedOperation", "You are not authorized")
        report = ParamValidator().validate(parameters, _model(service).operation_model(operation).input_shape)
        assert not report.has_errors(), report.generate_report()
        try:
            answer = self._answer(service, operation, parameters)
        except Refused as refused:
            raise ApiError(service, operation, refused.code, refused.message) from None
        if fault and fault[0] == "after":
            raise ApiError(service, operation, fault[1], "put there by the test")
        return answer

    def _answer(self, service: str, operation: str, parameters: dict[str, Any]) -> Any:
        if "TrafficMirror" in operation:
            return self.vpc.mirrors.call(self.account, operation, **parameters)
        return getattr(self, f"_{service}_{operation}")(**parameters)

    def _sts_GetCallerIdentity(self) -> Any:
        return {"Account": self.account}

    def _ec2_DescribeNetworkInterfaces(self, Filters: Any = (), NextToken: str = "0") -> Any:
        found = [i for i in self.vpc.interfaces.values() if all(_fits(i, f) for f in Filters)]
        start = int(NextToken)
        more = {"NextToken": str(start + 4)} if start + 4 < len(found) else {}
        return {"NetworkInterfaces": found[start : start + 4], **more}

    def _ec2_DescribeInstances(self, InstanceIds: Any = None, Filters: Any = ()) -> Any:
        found = [
            i
            for k, i in self.vpc.instances.items()
            if (InstanceIds is None or k in InstanceIds) and all(_tagged(i["Tags"], f) for f in Filters)
        ]
        return {"Reservations": [{"Instances": found}]}

    def _ec2_DescribeSecurityGroups(self, GroupIds: Any) -> Any:
        return {"SecurityGroups": [self.vpc.groups[g] for g in GroupIds]}

    def _ec2_DescribeVpcEndpoints(self) -> Any:
        return {"VpcEndpoints": list(self.vpc.endpoints.values())}

    def _elbv2_DescribeLoadBalancers(self, Marker: str = "0") -> Any:
        found = list(self.vpc.balancers.values())
        start = int(Marker)
        more = {"NextMarker": str(start + 2)} if start + 2 < len(found) else {}
        return {"LoadBalancers": found[start : start + 2], **more}

    def _elbv2_DescribeListeners(self, LoadBalancerArn: str) -> Any:
        return {"Listeners": self.vpc.listeners.get(LoadBalancerArn, [])}

    def _elbv2_DescribeLoadBalancerAttributes(self, LoadBalancerArn: str) -> Any:
        return {"Attributes": self.vpc.attributes[LoadBalancerArn]}

    def _elbv2_DescribeTargetGroups(self, LoadBalancerArn: str = "", TargetGroupArns: Any = None) -> Any:
        return {
            "TargetGroups": [
                g
                for k, g in self.vpc.target_groups.items()
                if (not LoadBalancerArn or LoadBalancerArn in g["LoadBalancerArns"])
                and (TargetGroupArns is None or k in TargetGroupArns)
            ]
        }

    def _elbv2_DescribeTargetHealth(self, TargetGroupArn: str) -> Any:
        return {"TargetHealthDescriptions": self.vpc.health[TargetGroupArn]}

    def _elb_DescribeLoadBalancers(self) -> Any:
        return {"LoadBalancerDescriptions": list(self.vpc.classics.values())}

    def _autoscaling_DescribeAutoScalingGroups(self) -> Any:
        return {
            "AutoScalingGroups": [
                {"AutoScalingGroupName": n, "Instances": [{"InstanceId": i} for i in members]}
                for n, members in self.vpc.asgs.items()
            ]
        }

    def _ecs_ListClusters(self) -> Any:
        return {"clusterArns": [f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{c}" for c in self._clusters()]}

    def _clusters(self) -> list[str]:
        return sorted({c for c, _ in self.vpc.services})

    def _ecs_ListServices(self, cluster: str) -> Any:
        return {"serviceArns": [f"arn:service/{cluster}/{s}" for c, s in self.vpc.services if c == cluster]}

    def _ecs_DescribeServices(self, cluster: str, services: Any) -> Any:
        found = [v for (c, s), v in self.vpc.services.items() if c == cluster and s in services]
        return {"services": found, "failures": []}

    def _ecs_ListTasks(self, cluster: str, serviceName: str) -> Any:
        return {"taskArns": [t["taskArn"] for t in self.vpc.tasks.get((cluster, serviceName), ())]}

    def _ecs_DescribeTasks(self, cluster: str, tasks: Any) -> Any:
        every = [t for (c, _), ts in self.vpc.tasks.items() if c == cluster for t in ts]
        return {"tasks": [t for t in every if t["taskArn"] in tasks]}

    def _ecs_DescribeContainerInstances(self, cluster: str, containerInstances: Any) -> Any:
        return {"containerInstances": [{"ec2InstanceId": c.rpartition("/")[2]} for c in containerInstances]}

    def _ram_GetResourceShares(self, resourceOwner: str) -> Any:
        mine = [s for s in self.vpc.shares.values() if s["owningAccountId"] == self.account]
        return {"resourceShares": mine}

    def _ram_CreateResourceShare(self, **share: Any) -> Any:
        arn = f"arn:aws:ram:{REGION}:{self.account}:resource-share/{self.vpc.number()}"
        self.vpc.shares[arn] = {
            "resourceShareArn": arn,
            "owningAccountId": self.account,
            "status": "ACTIVE",
            "tags": share["tags"],
        }
        for resource in share["resourceArns"]:
            self.vpc.mirrors.shared.setdefault(resource.rpartition("/")[2], set()).update(share["principals"])
        return {"resourceShare": self.vpc.shares[arn]}

    def _ram_DeleteResourceShare(self, resourceShareArn: str) -> Any:
        if self.vpc.shares.pop(resourceShareArn, None) is None:
            raise Refused("UnknownResourceException", resourceShareArn)
        return {"returnValue": True}

    def _cloudwatch_GetMetricData(self, MetricDataQueries: Any, **window: Any) -> Any:
        results = []
        for query in MetricDataQueries:
            metric = query["MetricStat"]["Metric"]
            instance = metric["Dimensions"][0]["Value"]
            value = self.vpc.metrics.get((instance, metric["MetricName"]))
            results.append({"Id": query["Id"], "Values": [] if value is None else [value]})
        return {"MetricDataResults": results}

    def _sqs_ReceiveMessage(self, **asked: Any) -> Any:
        return {"Messages": self.vpc.queue[:10]} if self.vpc.queue else {}

    def _sqs_DeleteMessageBatch(self, QueueUrl: str, Entries: Any) -> Any:
        handles = {e["ReceiptHandle"] for e in Entries}
        self.vpc.queue = [m for m in self.vpc.queue if m["ReceiptHandle"] not in handles]
        return {"Successful": [], "Failed": []}


def _fits(interface: dict[str, Any], condition: dict[str, Any]) -> bool:
    name, values = condition["Name"], condition["Values"]
    assert len(values) <= 200, "a filter takes at most 200 values"
    if name.startswith("tag:"):
        return _tagged(interface["TagSet"], condition)
    simple = {
        "network-interface-id": "NetworkInterfaceId",
        "description": "Description",
        "vpc-id": "VpcId",
        "interface-type": "InterfaceType",
    }
    if name in simple:
        return interface[simple[name]] in values
    if name == "attachment.instance-id":
        return interface.get("Attachment", {}).get("InstanceId") in values
    if name == "addresses.private-ip-address":
        return any(a["PrivateIpAddress"] in values for a in interface["PrivateIpAddresses"])
    if name == "ipv6-addresses.ipv6-address":
        return any(a["Ipv6Address"] in values for a in interface["Ipv6Addresses"])
    raise Refused("InvalidParameterValue", f"The filter '{name}' is invalid")


def _tagged(tags: list[dict[str, str]], condition: dict[str, Any]) -> bool:
    key = condition["Name"].removeprefix("tag:")
    return any(t["Key"] == key and t["Value"] in condition["Values"] for t in tags)
