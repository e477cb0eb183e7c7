"""Interfaces by what is known of them: ids, instances, addresses, descriptions, tags.

DescribeNetworkInterfaces takes at most 200 values a filter (its API reference), so long lists are asked in parts.
"""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from ipaddress import ip_address, ip_network
from typing import Any

from shadowtap.aws.api import Api, pages
from shadowtap.aws.names import Selector
from shadowtap.aws.world import Interface, interface_of
from shadowtap.errors import UsageError

VALUES = 200
SHOWN = 12
"""Candidates in a message: what fits one screen."""


class UnknownError(UsageError):
    """Nothing is called that, or more than one thing is. `candidates` are what the user may have meant."""

    def __init__(self, selector: Selector, why: str, candidates: Iterable[str] = ()) -> None:
        self.selector, self.why = selector, why
        self.candidates = tuple(dict.fromkeys(candidates))
        super().__init__(f"{selector}: {why}{self._hint()}")

    def _hint(self) -> str:
        if not self.candidates:
            return "; there are none here (is it the right account and region?)"
        close = get_close_matches(str(self.selector), self.candidates, n=SHOWN, cutoff=0.6)
        shown = [*close, *(c for c in self.candidates if c not in close)][:SHOWN]
        more = len(self.candidates) - len(shown)
        return "; candidates: " + ", ".join(shown) + (f" and {more} more" if more else "")


def interfaces(api: Api, name: str, values: Iterable[str], **also: str) -> list[Interface]:
    """Interfaces whose filter `name` has one of the values, and each filter of `also` (with _ for -) its own."""
    asked = list(dict.fromkeys(values))
    extra = [{"Name": key.replace("_", "-"), "Values": [value]} for key, value in also.items()]
    found: dict[str, Interface] = {}
    for start in range(0, len(asked), VALUES):
        filters = [{"Name": name, "Values": asked[start : start + VALUES]}, *extra]
        for answer in pages(api, "ec2", "DescribeNetworkInterfaces", "NetworkInterfaces", Filters=filters):
            interface = interface_of(answer)
            found[interface.id] = interface
    return sorted(found.values(), key=lambda i: i.id)


def every_interface(api: Api, **also: str) -> Iterator[Interface]:
    filters = [{"Name": key.replace("_", "-"), "Values": [value]} for key, value in also.items()]
    given = {"Filters": filters} if filters else {}
    for answer in pages(api, "ec2", "DescribeNetworkInterfaces", "NetworkInterfaces", **given):
        yield interface_of(answer)


def by_instance(api: Api, instances: Iterable[str], *, primary: bool = False) -> list[Interface]:
    """Interfaces attached to the instances; `primary` only the first of each, which load balancers send to."""
    found = interfaces(api, "attachment.instance-id", instances)
    return [i for i in found if not primary or i.device in {0, None}]


def by_address(api: Api, addresses: Iterable[str], **also: str) -> list[Interface]:
    """Interfaces that hold an address, also as a secondary one or inside a prefix delegated to the interface."""
    wanted = [ip_address(a) for a in addresses]
    v4 = [str(a) for a in wanted if a.version == 4]
    v6 = [str(a) for a in wanted if a.version == 6]
    found = {i.id: i for i in interfaces(api, "addresses.private-ip-address", v4, **also)}
    found |= {i.id: i for i in interfaces(api, "ipv6-addresses.ipv6-address", v6, **also)}
    held = {a for i in found.values() for a in (*i.addresses, *i.ipv6)}
    missing = [a for a in wanted if str(a) not in held]
    if missing:
        for interface in every_interface(api, **also):
            blocks = [ip_network(p) for p in interface.prefixes]
            if any(a in block for a in missing for block in blocks):
                found[interface.id] = interface
    return sorted(found.values(), key=lambda i: i.id)


def instances(api: Api, **parameters: object) -> list[Any]:
    return [
        instance
        for reservation in pages(api, "ec2", "DescribeInstances", "Reservations", **parameters)
        for instance in reservation.get("Instances") or ()
    ]


def name_of(instance: Any) -> str:
    tags = {t["Key"]: t.get("Value", "") for t in instance.get("Tags") or ()}
    return str(tags.get("Name", ""))
