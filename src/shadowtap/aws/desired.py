"""What is wanted, after everything the user named has been found: the input of `plan`."""

from enum import StrEnum

from msgspec import Struct

from shadowtap.aws.names import Ports
from shadowtap.aws.world import Interface

ANY = ("0.0.0.0/0", "::/0")


class Leg(StrEnum):
    """Which connections of an interface are meant: those it accepts, those it opens, or all.

    A load balancer has both: clients to it, and it to its backends. The same request goes over each.
    """

    AUTO = "auto"
    FRONT = "front"
    BACK = "back"
    BOTH = "both"


class Traffic(Struct, frozen=True, kw_only=True):
    """Which packets of an interface are wanted. Everything is TCP.

    `serves`: ports the interface accepts connections on; `calls`: ports it connects to. `peers`: networks of the
    other end; `local`: of this end (an interface may carry the addresses of many pods).
    """

    serves: Ports = ()
    calls: Ports = ()
    peers: tuple[str, ...] = ANY
    local: tuple[str, ...] = ANY
    responses: bool = True


class Source(Struct, frozen=True, kw_only=True):
    """An interface to mirror, why, and what of it.

    A load balancer has a `balancer` name and its `targets` (instance ids, addresses): who mirrors both sees each
    request twice.
    """

    interface: Interface
    traffic: Traffic
    named: tuple[str, ...]
    balancer: str | None = None
    targets: tuple[str, ...] = ()


class Rejected(Struct, frozen=True):
    """An interface that was found and cannot be a source, and why."""

    interface: Interface
    named: str
    why: str


class Permission(Struct, frozen=True):
    """One rule of a security group that lets packets in: `protocol` as the API says it, ports inclusive."""

    protocol: str
    first: int
    last: int
    networks: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()


class Check(Struct, frozen=True, kw_only=True):
    """A target group behind a listener for UDP 4789 and what its health check does."""

    group: str
    protocol: str
    port: str
    enabled: bool = True
    healthy: int = 0
    registered: int = 0


class Destination(Struct, frozen=True, kw_only=True):
    """Where the copies go. `kind` is eni, nlb, gwlbe or tmt; None where something could not be read.

    `permissions` are the inbound rules of the security groups in front of it; `interfaces` those the copies end
    at, which must not be sources themselves. Of a load balancer, `groups` are its own security groups and `behind`
    the inbound rules of each interface behind it.
    """

    kind: str
    resource: str
    vpc: str = ""
    region: str = ""
    interfaces: tuple[str, ...] = ()
    instance_type: str | None = None
    permissions: tuple[Permission, ...] | None = None
    listener: bool | None = None
    cross_zone: bool | None = None
    zones: int = 0
    checks: tuple[Check, ...] | None = None
    groups: tuple[str, ...] = ()
    behind: tuple[tuple[str, tuple[Permission, ...] | None], ...] = ()
    problem: str | None = None


class Desired(Struct, frozen=True, kw_only=True):
    """The whole wish of one mirror in one account and region."""

    name: str
    destination: Destination
    sources: tuple[Source, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    """IAM actions that were missing for a look at something that is only nice to know."""
    packet_length: int | None = None
    number: int | None = None
    vni: int | None = None
    compare: bool = False
    source_mtu: int = 9001
    target_mtu: int = 9001
    share_with: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
