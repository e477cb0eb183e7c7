"""What is measured: shadowtap, or a peer by its command line."""

import shlex
import signal
from dataclasses import dataclass

from laboratory import Collector, Lab, Process, wait_until

VNI, VXLAN_PORT, PORT = 7, 4789, 8080
PLACEHOLDERS = "{collector_addr}, {vxlan_port}, {vni}, {port} (production's) and {target_url}"
_TABLES = ("udp", "udp6", "packet", "raw")


@dataclass(frozen=True, slots=True)
class Contender:
    """A program that replays mirrored traffic; an empty command is shadowtap's."""

    name: str
    command: str = ""
    options: tuple[str, ...] = ()

    def start(self, lab: Lab) -> Process:
        """Start it where the mirror ends; it is ready when it captures."""
        target = f"http://{lab.v4.target}:{PORT}"
        if not self.command:
            source = f"vxlan://{lab.v4.any}:{VXLAN_PORT}"
            return Collector(lab.collector, [source], [target], self.options)
        words = self.command.format(
            collector_addr=lab.v4.collector, vxlan_port=VXLAN_PORT, vni=VNI, port=PORT, target_url=target
        )
        before = _sockets(lab)
        process = Process(lab.collector, shlex.split(words))
        process.wait_for(lambda: _sockets(lab) > before, "a socket that captures")
        return process


def _sockets(lab: Lab) -> int:
    return sum(len(lab.collector.proc_net(table)) for table in _TABLES)


def stop(process: Process) -> None:
    """End it as a user would, and wait for its sockets to be gone."""
    process.stop(signal.SIGINT if not isinstance(process, Collector) else signal.SIGTERM, patience_s=30)
    wait_until(lambda: not process.namespace.proc_net("udp"), "the end of its sockets")


def parse_peer(text: str) -> Contender:
    """`NAME=COMMAND`, or a command named by its first word."""
    name, equals, command = text.partition("=")
    if equals and name.isidentifier():
        return Contender(name, command)
    return Contender(shlex.split(text)[0].rpartition("/")[2], text)
