"""The lab's network: four namespaces in a row, and a kernel that mirrors as a VPC does.

    client ──edge── production ──wire── collector ──out── target
                        │  tc mirred, both directions of `edge`
                        └─ vxlan device ──wire──► collector:4789

Client and production are a VPC's instances, the wire is what the mirror's copies travel on, and the collector
forwards between production and target, so that a collector on production's own host reaches the target too. It could
reach production as well: that it does not is for shadowtap to see to, not for the network.
The wire's MTU is 100 bytes larger than the edge's: a whole frame fits with VXLAN around it, over IPv6 as well.
"""

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from .netns import CommandFailed, Namespace, sweep

_numbers = itertools.count()
_OVERLAY_ROOM = 100
_LINKS = (("client", "edge", "production", "edge", 0),
          ("production", "wire", "collector", "wire", _OVERLAY_ROOM),
          ("collector", "out", "target", "edge", 0))  # fmt: skip


class Addresses:
    """Who is where in one address family."""

    def __init__(self, family: int) -> None:
        ipv4 = family == 4
        self.family = family
        self.prefix = 24 if ipv4 else 64
        net = "10.77.{}.{}" if ipv4 else "fd77:{}::{}"
        self.any = "0.0.0.0" if ipv4 else "::"
        self.production = net.format(1, 1)
        self.edge_net, self.wire_net, self.out_net = (
            net.format(n, "0" if ipv4 else "") + f"/{self.prefix}" for n in (1, 2, 3)
        )
        self.client = net.format(1, 2)
        self.wire = net.format(2, 1)
        self.collector = net.format(2, 2)
        self.out = net.format(3, 1)
        self.target = net.format(3, 2)
        self.vanishing = net.format(3, 99)

    def lines(self) -> dict[str, list[str]]:
        """The iproute2 lines that give every namespace its addresses and routes."""
        on = "{} dev {} noprefixroute" + ("" if self.family == 4 else " nodad")
        places = {
            "client": [(self.client, "edge")],
            "production": [(self.production, "edge"), (self.wire, "wire")],
            "collector": [(self.collector, "wire"), (self.out, "out")],
            "target": [(self.target, "edge")],
        }
        lines = {
            name: [f"addr add {on.format(f'{a}/{self.prefix}', dev)}" for a, dev in held]
            for name, held in places.items()
        }
        for name, device, net in (
            ("client", "edge", self.edge_net),
            ("production", "edge", self.edge_net),
            ("production", "wire", self.wire_net),
            ("collector", "wire", self.wire_net),
            ("collector", "out", self.out_net),
            ("target", "edge", self.out_net),
        ):
            # As between machines: what arrives is acknowledged in a packet of its own.
            lines[name].append(f"route add {net} dev {device} quickack 1")
        lines["client"].append(f"route add default via {self.production}")
        lines["production"].append(f"route add default via {self.collector}")
        lines["collector"].append(f"route add {self.edge_net} via {self.wire}")
        lines["target"].append(f"route add default via {self.out}")
        return lines


class Lab:
    """The four namespaces with their links; removed at exit, also after a failure.

    `mtu` is the edge's (a VPC's 9001, or 1500). `offloads` leaves segmentation to the interfaces, so that the
    mirror and packet sockets see super-frames of up to 64 KiB as on a real host.
    """

    def __init__(self, mtu: int = 1500, *, offloads: bool = False) -> None:
        self.mtu = mtu
        self.v4, self.v6 = Addresses(4), Addresses(6)
        self._spaces: dict[str, Namespace] = {}
        sweep()
        try:
            self._build(offloads)
        except BaseException:
            self.close()
            raise
        self.client, self.production = self._spaces["client"], self._spaces["production"]
        self.collector, self.target = self._spaces["collector"], self._spaces["target"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove every namespace, and with them their interfaces."""
        for space in self._spaces.values():
            with contextlib.suppress(CommandFailed):
                space.remove()
        self._spaces.clear()

    def addresses(self, family: int) -> Addresses:
        """Those of IPv4 (4) or IPv6 (6)."""
        return self.v4 if family == 4 else self.v6

    def _build(self, offloads: bool) -> None:
        # One by one, so that what was made is known when one fails.
        number = next(_numbers)
        for name in ("client", "production", "collector", "target"):
            self._spaces[name] = Namespace(f"{name}-{number}")
        for left, left_device, right, right_device, room in _LINKS:
            self._link(self._spaces[left], left_device, self._spaces[right], right_device, self.mtu + room)
        if not offloads:
            self._switch_offloads_off()
        for addresses in (self.v4, self.v6):
            for name, lines in addresses.lines().items():
                self._spaces[name].ip(*lines)
        for setting in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            self._spaces["collector"].sysctl(setting, "1")
        for space in self._spaces.values():
            space.sysctl("net.ipv4.ip_local_port_range", "10000 65000")
            space.sysctl("net.ipv4.tcp_tw_reuse", "1")

    def _link(self, left: Namespace, left_device: str, right: Namespace, right_device: str, mtu: int) -> None:
        left.ip(
            f"link add {left_device} mtu {mtu} type veth peer name {right_device} mtu {mtu} netns {right.name}",
            f"link set {left_device} up",
        )
        right.ip(f"link set {right_device} up")

    def _switch_offloads_off(self) -> None:
        for left, left_device, right, right_device, _ in _LINKS:
            for space, device in ((self._spaces[left], left_device), (self._spaces[right], right_device)):
                space.run("ethtool", "-K", device, "tso", "off", "gso", "off", "gro", "off")

    @contextlib.contextmanager
    def vanishing_target(self) -> Iterator[None]:
        """The target answers at another address too; afterwards nothing there says a word, not even no."""
        address = f"{self.v4.vanishing}/{self.v4.prefix} dev edge"
        self.target.ip(f"addr add {address}")
        try:
            yield
        finally:
            self.target.ip(f"addr del {address}")

    @contextlib.contextmanager
    def mirror(
        self,
        *,
        vni: int = 7,
        port: int = 4789,
        family: int = 4,
        directions: Sequence[str] = ("ingress", "egress"),
    ) -> Iterator[None]:
        """Copy production's `edge` in VXLAN to the collector's UDP `port`, for as long as this is entered.

        `family` is the outer packets'; `directions` are seen from production: ingress has the requests.
        """
        outer = self.addresses(family)
        checksum = "noudpcsum" if family == 4 else "udp6zerocsumtx"
        self.production.ip(
            f"link add mirror mtu {self.mtu + 14} type vxlan id {vni} local {outer.wire} remote {outer.collector} "
            f"dstport {port} dev wire {checksum}",
            "link set mirror addrgenmode none",
            "link set mirror up",
        )
        try:
            self.production.tc(
                "qdisc add dev edge clsact",
                *(
                    f"filter add dev edge {direction} protocol all u32 match u32 0 0 "
                    "action mirred egress mirror dev mirror"
                    for direction in directions
                ),
            )
            yield
        finally:
            with contextlib.suppress(CommandFailed):
                self.production.tc("qdisc del dev edge clsact")
            self.production.ip("link del mirror")
