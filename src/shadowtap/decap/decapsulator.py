"""The loop of steps: which header is peeled by what, until only TCP is left.

Groups of rows that stand at the same kind of header wait on a list. A group is taken, its step applied, and the
rows go back as one group or, where they differ in what comes next, as several. Nearly always all rows of a batch
are alike, so a batch costs a fixed number of array operations. Rows whose kind has no step are dropped: a frame
with an ethertype that is not IP, or an IP protocol that is neither TCP nor a tunnel.

Headers may nest at will, so a hostile frame could ask for many rounds; MAX_LAYERS ends that.
"""

from collections.abc import Callable

import numpy as np

from shadowtap.decap import internet, links, tcp, tunnels, wireless
from shadowtap.decap.fragments import Fragments, Packet
from shadowtap.decap.rows import ETHERTYPE, IP_PROTOCOL, Drop, Kind, Rows, Step, View
from shadowtap.events import Bytes, Frames, Ints, Link, SegmentRow, SegmentRows, Segments
from shadowtap.ledger import PacketCounters

try:
    from shadowtap.decap.common import LINKS, Common
except ImportError:  # not compiled: everything takes the loop of steps
    LINKS = frozenset()

MAX_LAYERS = 24
"""Headers in one frame. AWS behind a Gateway Load Balancer needs 7; each round costs a pass over its rows."""

_LINKS: dict[int, Kind] = {
    Link.VXLAN: Kind.VXLAN,
    Link.GENEVE: Kind.GENEVE,
    Link.NULL: Kind.LOOPBACK,
    Link.LOOP: Kind.LOOPBACK,
    Link.ETHERNET: Kind.ETHERNET,
    Link.PPP: Kind.PPP,
    Link.RAW: Kind.IP_ANY,
    Link.RAW_BSD: Kind.IP_ANY,
    Link.RAW_OPENBSD: Kind.IP_ANY,
    Link.IPV4: Kind.IP_ANY,
    Link.IPV6: Kind.IP_ANY,
    Link.C_HDLC: Kind.C_HDLC,
    Link.WLAN: Kind.WLAN,
    Link.RADIOTAP: Kind.RADIOTAP,
    Link.NFLOG: Kind.NFLOG,
    Link.LINUX_SLL: Kind.LINUX_SLL,
    Link.LINUX_SLL2: Kind.LINUX_SLL2,
}

_STEPS: dict[int, Callable[[View, Rows], Step]] = {
    Kind.ETHERNET: links.ethernet,
    Kind.TRANSPARENT_ETHERNET: links.ethernet,
    ETHERTYPE + 0x8100: links.vlan,
    ETHERTYPE + 0x88A8: links.vlan,
    ETHERTYPE + 0x9100: links.vlan,
    ETHERTYPE + 0x8847: links.mpls,
    ETHERTYPE + 0x8848: links.mpls,
    ETHERTYPE + 0x8864: links.pppoe,
    ETHERTYPE + 0x880B: links.ppp,
    Kind.LLC: links.llc,
    Kind.LINUX_SLL: links.linux_sll,
    Kind.LINUX_SLL2: links.linux_sll2,
    Kind.LOOPBACK: links.loopback,
    Kind.PPP: links.ppp,
    Kind.C_HDLC: links.c_hdlc,
    Kind.WLAN: wireless.wlan,
    ETHERTYPE + 0x8200: wireless.wlan,
    Kind.RADIOTAP: wireless.radiotap,
    Kind.NFLOG: links.nflog,
    Kind.IP_ANY: internet.ip_any,
    Kind.IPV6: internet.ipv6,
    IP_PROTOCOL + 0: internet.ipv6_extension,
    IP_PROTOCOL + 43: internet.ipv6_extension,
    IP_PROTOCOL + 60: internet.ipv6_extension,
    IP_PROTOCOL + 51: internet.authentication,
    Kind.UDP: tunnels.udp,
    Kind.GENEVE: tunnels.geneve,
    Kind.GTP_U: tunnels.gtp_u,
    Kind.TEREDO: tunnels.teredo,
    IP_PROTOCOL + 47: tunnels.gre,
}
_ALIASES = {IP_PROTOCOL + 4: Kind.IPV4, IP_PROTOCOL + 41: Kind.IPV6}
_FRAGMENT = IP_PROTOCOL + 44


class Decapsulator:
    """Turns batches of frames into batches of TCP segments.

    `vnis` keeps only frames of those VXLAN networks; `ports` only segments with one of them at either end;
    empty means all. Counts in `counters`; never raises, whatever the bytes.
    """

    def __init__(
        self,
        *,
        vnis: frozenset[int] = frozenset(),
        ports: frozenset[int] = frozenset(),
        counters: PacketCounters | None = None,
        fragments: Fragments | None = None,
    ) -> None:
        self.counters = counters if counters is not None else PacketCounters()
        self._fragments = fragments if fragments is not None else Fragments()
        self._view: View | None = None
        self._common = Common(vnis, ports) if LINKS else None
        self._vnis = np.array(sorted(vnis), np.int64) if vnis else None
        self._ports = None
        if ports:
            self._ports = np.zeros(65536, np.bool_)
            self._ports[sorted(ports)] = True

    def feed(self, frames: Frames) -> list[Segments | SegmentRows]:
        """The segments of a batch, in order of arrival, and those of fragments that came together behind them.

        Their payload lies in the frames' buffer, so they are valid as long as the frames are.
        """
        count = len(frames)
        if not count:
            return []
        self.counters.frames += count
        kind = _LINKS.get(frames.link)
        if kind is None:
            self.counters.dropped[Drop.UNKNOWN_LINK] += count
            return []
        batches: list[Segments | SegmentRows] = []
        if self._common is not None and frames.link in LINKS:
            batches.append(self._feed_common(frames, kind, self._common))
        elif (found := self._peel_frames(frames, kind, np.arange(count))) is not None:
            batches.append(found[0])
        while self._fragments.ready:
            batches.extend(self._feed_reassembled())
        return batches

    def _feed_common(self, frames: Frames, kind: Kind, common: "Common") -> SegmentRows:
        rows, count, cut, odd = common.rows(frames, self.counters.dropped, acks=False)
        self.counters.segments += count
        self.counters.cut_segments += cut
        if not odd:
            return SegmentRows(count, rows, lambda: common.rows(frames, None, acks=True)[0])
        found = self._peel_frames(frames, kind, np.array(odd))
        if found is not None:
            count += len(found[0])
        return SegmentRows(
            count,
            _woven(rows, found, acks=False),
            lambda: _woven(common.rows(frames, None, acks=True)[0], found, acks=True),
        )

    def _peel_frames(self, frames: Frames, kind: Kind, which: Ints) -> tuple[Segments, Ints] | None:
        start = frames.start[which]
        return self._peel(
            frames.buffer, kind, Rows(which, start, start + frames.captured[which]), frames.time_ns
        )

    def _feed_reassembled(self) -> list[Segments]:
        alike: dict[tuple[Kind, bool], list[Packet]] = {}
        for packet in self._fragments.drain():
            alike.setdefault((packet.kind, packet.vni >= 0), []).append(packet)
        found = []
        for (kind, has_vni), packets in alike.items():
            self.counters.frames += len(packets)
            self.counters.reassembled += len(packets)
            buffer = np.frombuffer(b"".join(packet.octets for packet in packets), np.uint8)
            ends = np.cumsum([len(packet.octets) for packet in packets]).astype(np.int64)
            starts = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
            rows = Rows(np.arange(len(packets)), starts, ends)
            if has_vni:
                rows.vni = np.array([packet.vni for packet in packets], np.int64)
            rows.depth = max(packet.depth for packet in packets)
            times = np.array([packet.time_ns for packet in packets], np.int64)
            segments = self._peel(buffer, kind, rows, times)
            if segments is not None:
                found.append(segments[0])
        return found

    def _peel(self, buffer: Bytes, kind: int, rows: Rows, time_ns: Ints) -> tuple[Segments, Ints] | None:
        """The segments of some rows in order, and the frame of each."""
        view = self._view
        if view is None or view.u8 is not buffer:
            view = self._view = View(buffer, self.counters.dropped)
        waiting = [(kind, rows)]
        found: list[tuple[Segments, Ints]] = []
        while waiting:
            kind, rows = waiting.pop()
            if not len(rows):
                continue
            kind = _ALIASES.get(kind, kind)
            if kind == Kind.TCP:
                segments = tcp.segments(view, rows, self._ports, time_ns)
                if segments is not None:
                    found.append(segments)
                continue
            rows.depth += 1
            if rows.depth > MAX_LAYERS:
                self.counters.dropped[Drop.TOO_MANY_LAYERS] += len(rows)
                continue
            step = self._step(view, kind, rows, time_ns)
            if step is None:
                no_step = Drop.NOT_TCP if kind >= IP_PROTOCOL or kind == Kind.UDP_OTHER else Drop.NOT_IP
                self.counters.dropped[no_step] += len(rows)
                continue
            rows, following = step
            if not len(rows):
                continue
            if isinstance(following, int):
                waiting.append((following, rows))
            else:
                _split(rows, following, waiting)
        return self._merged(found)

    def _step(self, view: View, kind: int, rows: Rows, time_ns: Ints) -> Step | None:
        if kind == Kind.IPV4:
            return internet.ipv4(view, rows, self._fragments, time_ns)
        if kind == Kind.VXLAN:
            return tunnels.vxlan(view, rows, self._vnis)
        if kind == _FRAGMENT:
            return internet.ipv6_fragment(view, rows, self._fragments, time_ns)
        step = _STEPS.get(kind)
        return None if step is None else step(view, rows)

    def _merged(self, found: list[tuple[Segments, Ints]]) -> tuple[Segments, Ints] | None:
        if not found:
            return None
        segments, frames = found[0]
        if len(found) > 1:
            together = np.concatenate([frames for _, frames in found])
            order = np.argsort(together, kind="stable")
            segments, frames = _concatenated([segments for segments, _ in found], order), together[order]
        self.counters.segments += len(segments)
        self.counters.cut_segments += int(np.count_nonzero(segments.missing))
        return segments, frames


def _split(rows: Rows, kinds: Ints, waiting: list[tuple[int, Rows]]) -> None:
    first = kinds[0]
    if np.count_nonzero(kinds == first) == len(kinds):
        waiting.append((int(first), rows))
        return
    waiting.extend((int(kind), rows.take(kinds == kind)) for kind in np.unique(kinds))


def _concatenated(parts: list[Segments], order: Ints) -> Segments:
    columns = ("key", "reverse", "seq", "ack", "flags", "start", "length", "missing", "time_ns")
    merged = {name: np.concatenate([getattr(part, name) for part in parts])[order] for name in columns}
    return Segments(parts[0].buffer, **merged)


def _woven(
    rows: list[SegmentRow | int], found: tuple[Segments, Ints] | None, *, acks: bool
) -> list[SegmentRow]:
    """The rows, with those of the frames that were left open in their places."""
    odd: dict[int, SegmentRow] = {}
    if found is not None:
        segments, frames = found
        kept = frames if acks else frames[segments.eventful()]
        odd = dict(zip(kept.tolist(), segments.rows(acks=acks), strict=True))
    return [row for either in rows if (row := odd.get(either) if isinstance(either, int) else either)]
