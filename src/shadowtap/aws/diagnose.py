"""What a handful of received copies says about the mirror. Pure: datagrams in, findings out.

A datagram is the payload of UDP 4789 with the address and port it came from. Its VXLAN header (RFC 7348) names the
session by VNI; the sender's address is the primary one of the source interface ("Traffic Mirroring packet format").
Only the inner headers up to TCP are read, and never more bytes than there are.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from shadowtap.aws.inner import ETHERNET_HEADER, Inner, parse

VXLAN_HEADER = 8
OWN_RATE = 50_000
"""Copies a second that the doctor reads without falling behind: it looks at each one by itself."""
CONNECTIONS = 50_000
"""Connections that are remembered: seconds of a busy collector, and about 20 MB."""


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


class Finding(Struct, frozen=True):
    """One answer: how it is, and what to do where it is not well."""

    level: Level
    about: str
    text: str
    do: str = ""

    def __str__(self) -> str:
        return f"{self.level:<8}{self.about}: {self.text}" + (f"\n          → {self.do}" if self.do else "")


class Datagram(NamedTuple):
    """What a socket gives: sender, its port, the bytes, and when (ns since the epoch)."""

    sender: str
    port: int
    payload: bytes
    time_ns: int = 0


class Stream(Struct):
    """Copies of one sender and VNI."""

    packets: int = 0
    bytes: int = 0
    cut: int = 0
    longest: int = 0
    tcp: int = 0


class Connection(Struct):
    """A TCP connection as one VNI shows it: outer ports by direction, and whether it looks like TLS."""

    ports: dict[bool, set[int]]
    tls: bool = False


class Observation:
    """What was seen so far; `add` datagrams, then ask for `findings`."""

    def __init__(self) -> None:
        self.streams: dict[tuple[str, int], Stream] = {}
        self.odd: Counter[str] = Counter()
        self.connections: dict[tuple[object, ...], Connection] = {}
        self.owners: dict[tuple[object, ...], set[tuple[str, int]]] = {}
        self.datagrams = 0

    def add(self, datagram: Datagram) -> None:
        self.datagrams += 1
        payload = datagram.payload
        if len(payload) < VXLAN_HEADER + ETHERNET_HEADER or not payload[0] & 0x08:
            self.odd["not VXLAN"] += 1
            return
        vni = int.from_bytes(payload[4:7])
        stream = self.streams.setdefault((datagram.sender, vni), Stream())
        frame = payload[VXLAN_HEADER:]
        stream.packets += 1
        stream.bytes += len(frame)
        stream.longest = max(stream.longest, len(frame))
        inner = parse(frame)
        if inner is None:
            self.odd["no IP inside"] += 1
            return
        stream.cut += inner.missing > 0
        if inner.tcp:
            stream.tcp += 1
            self._connection(datagram, vni, inner)

    def _connection(self, datagram: Datagram, vni: int, inner: Inner) -> None:
        forward = inner.source < inner.destination
        ends = tuple(sorted((inner.source, inner.destination)))
        key = (vni, datagram.sender, *ends)
        if key not in self.connections and len(self.connections) >= CONNECTIONS:
            self.odd["connections past the limit"] += 1
            return
        connection = self.connections.setdefault(key, Connection({}))
        connection.ports.setdefault(forward, set()).add(datagram.port)
        connection.tls |= inner.payload[:2] == b"\x16\x03"
        self.owners.setdefault(ends, set()).add((datagram.sender, vni))


class Machine(Struct, frozen=True, kw_only=True):
    """What the collector's machine says: packets its kernel dropped, its receive buffer, its clock.

    None where it cannot be known (a capture file has no machine).
    """

    seconds: float | None = None
    drops: int | None = None
    buffer: int | None = None
    clock_synchronised: bool | None = None
    clock_error_ms: float | None = None


def findings(
    seen: Observation, machine: Machine, sessions: Mapping[tuple[str, int], str] | None = None
) -> list[Finding]:
    """Every answer, in the order the questions come up. `sessions` names interfaces by (address, VNI)."""
    return [
        *_arrival(seen, machine),
        *_senders(seen, sessions),
        *_cutting(seen),
        *_directions(seen),
        *_ports(seen),
        *_twice(seen),
        *_tls(seen),
        *_drops(seen, machine),
        *_clock(machine),
    ]


def _arrival(seen: Observation, machine: Machine) -> Iterator[Finding]:
    time = f" in {machine.seconds:g} s" if machine.seconds else ""
    if seen.streams:
        packets = sum(s.packets for s in seen.streams.values())
        rate = f" ({packets / machine.seconds:.0f} a second)" if machine.seconds else ""
        yield Finding(Level.OK, "arrival", f"{packets} copies{time}{rate}")
    elif seen.datagrams:
        yield Finding(
            Level.PROBLEM,
            "arrival",
            f"{seen.datagrams} datagrams{time}, none of them VXLAN",
            "something else sends to UDP 4789; GENEVE (a Gateway Load Balancer) comes on 6081: --port 6081",
        )
    else:
        yield Finding(
            Level.PROBLEM,
            "arrival",
            f"nothing{time}",
            "check, in this order: `shadowtap aws status` (are there sessions, do their filters have rules);"
            " UDP 4789 in this machine's security group and firewall; a UDP 4789 listener and healthy targets"
            " if there is a load balancer; that the sources have traffic at all",
        )
    if seen.odd["not VXLAN"] and seen.streams:
        yield Finding(Level.NOTE, "arrival", f"{seen.odd['not VXLAN']} datagrams were not VXLAN")


def _senders(seen: Observation, sessions: Mapping[tuple[str, int], str] | None) -> Iterator[Finding]:
    for (sender, vni), stream in sorted(seen.streams.items(), key=lambda i: -i[1].packets):
        name = (sessions or {}).get((sender, vni))
        text = (
            f"{name or 'interface'} at {sender}, VNI {vni}: {stream.packets} copies, {stream.tcp} of TCP,"
            f" the longest {stream.longest} bytes"
        )
        if sessions is not None and name is None:
            yield Finding(
                Level.PROBLEM,
                "sender",
                text + ", and no session of this mirror has that address and VNI",
                "somebody else mirrors to here, or the session is new: allow only your VNIs with"
                " --from 'vxlan://0.0.0.0:4789?vni=…'",
            )
        else:
            yield Finding(Level.OK, "sender", text)
    for (address, vni), name in sorted((sessions or {}).items()):
        if (address, vni) not in seen.streams:
            yield Finding(
                Level.NOTE,
                "sender",
                f"{name} at {address}, VNI {vni}: nothing",
                "no traffic on it, another session takes its packets first, or another collector gets them",
            )


def _cutting(seen: Observation) -> Iterator[Finding]:
    cut = sum(s.cut for s in seen.streams.values())
    if not seen.streams:
        return
    if not cut:
        yield Finding(Level.OK, "length", "no copy is cut")
        return
    share = cut / sum(s.packets for s in seen.streams.values())
    longest = max(s.longest for s in seen.streams.values() if s.cut)
    yield Finding(
        Level.PROBLEM,
        "length",
        f"{cut} copies ({share:.1%}) are cut; {longest} bytes is the most that arrived",
        "lower the MTU of the sources (8947 for an interface as the target, 8486 for a Network Load Balancer),"
        " or raise the session's packet length",
    )


def _directions(seen: Observation) -> Iterator[Finding]:
    if not seen.connections:
        return
    both = sum(len(c.ports) == 2 for c in seen.connections.values())
    every = len(seen.connections)
    if both:
        yield Finding(Level.OK, "directions", f"{both} of {every} connections were seen in both directions")
    else:
        yield Finding(
            Level.PROBLEM,
            "directions",
            f"{every} connections, each in one direction only",
            "requests can be replayed but not compared: the filter lacks egress rules (leave out --no-responses),"
            " or another collector gets the other direction",
        )


def _ports(seen: Observation) -> Iterator[Finding]:
    pairs = [c.ports for c in seen.connections.values() if len(c.ports) == 2]
    if not pairs:
        return
    same = sum(p[True] == p[False] and len(p[True]) == 1 for p in pairs)
    text = f"{same} of {len(pairs)} connections have one outer port for both directions"
    if same == len(pairs):
        yield Finding(Level.OK, "outer ports", text)
    else:
        yield Finding(
            Level.NOTE,
            "outer ports",
            text,
            "a load balancer spreads by outer port, so the directions of a connection may reach different"
            " collectors: use one collector, or an interface as the target",
        )


def _twice(seen: Observation) -> Iterator[Finding]:
    twice = sum(len(owners) > 1 for owners in seen.owners.values())
    if twice:
        yield Finding(
            Level.PROBLEM,
            "twice",
            f"{twice} connections arrive from two interfaces: both ends are mirrored",
            "each request is replayed twice: mirror one end only",
        )


def _tls(seen: Observation) -> Iterator[Finding]:
    tls = sum(c.tls for c in seen.connections.values())
    if tls:
        yield Finding(
            Level.PROBLEM,
            "encrypted",
            f"{tls} connections are TLS and cannot be read",
            "mirror the leg behind the load balancer (--leg back), where it is plain HTTP",
        )


def _drops(seen: Observation, machine: Machine) -> Iterator[Finding]:
    if machine.drops is None:
        return
    if not machine.drops:
        yield Finding(Level.OK, "kernel", "it dropped nothing")
        return
    rate = seen.datagrams / machine.seconds if machine.seconds else 0
    own = (
        f"; above {OWN_RATE} a second it may be the doctor that is too slow, not the collector"
        if rate > OWN_RATE
        else ""
    )
    size = f" (receive buffer {machine.buffer} bytes)" if machine.buffer else ""
    yield Finding(
        Level.PROBLEM,
        "kernel",
        f"it dropped {machine.drops} datagrams before they could be read{size}",
        "sysctl -w net.core.rmem_max=268435456 net.core.netdev_max_backlog=10000, more workers, or more collectors"
        f"{own}",
    )


def _clock(machine: Machine) -> Iterator[Finding]:
    if machine.clock_synchronised is None:
        return
    error = f", error at most {machine.clock_error_ms:.0f} ms" if machine.clock_error_ms is not None else ""
    if machine.clock_synchronised:
        yield Finding(Level.OK, "clock", f"synchronised{error}")
    else:
        yield Finding(
            Level.PROBLEM,
            "clock",
            "not synchronised: times in recordings and comparisons drift",
            "start chrony: it uses the Amazon Time Sync Service at 169.254.169.123",
        )


def all_of(datagrams: Iterable[Datagram]) -> Observation:
    seen = Observation()
    for datagram in datagrams:
        seen.add(datagram)
    return seen
